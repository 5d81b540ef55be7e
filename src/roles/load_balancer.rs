//! Load balancers: the floating address in front of the control planes.

use super::API_PORT;
use crate::flow::{Endpoint, Flow, Service};
use crate::site::{Role, Site};

/// The floating address serves the cluster's own machines and the bastion.
pub(super) fn flows(site: &Site) -> Vec<Flow> {
    let held = site.floating.iter().filter(|floating| floating.role == Role::LoadBalancer);
    let clients = [Role::ControlPlane, Role::Worker, Role::Bastion];
    vec![Flow {
        reason: "the cluster and the bastion: the Kubernetes API behind the floating address".into(),
        from: clients.into_iter().flat_map(|role| site.with_role(role)).map(Endpoint::from).collect(),
        to: held.map(Endpoint::from).collect(),
        service: Service::Tcp(API_PORT),
    }]
}

#[cfg(test)]
mod tests {
    use super::super::tests::site;
    use super::*;

    #[test]
    fn the_cluster_and_the_bastion_find_the_api_at_the_floating_address() {
        let machines = [
            "jump: {role: bastion, networks: [jump]}",
            "hapx: {role: load-balancer, count: 2, networks: [lb]}",
            "node: {role: worker, networks: [node]}",
        ];
        let [flow] = flows(&site(&machines, "load_balancer: {address: 10.2.0.9}")).try_into().unwrap();
        assert_eq!(
            flow.to_string(),
            "the cluster and the bastion: the Kubernetes API behind the floating address: \
             10.3.0.2 10.4.0.2 10.1.0.2 -> 10.2.0.9, tcp 6443"
        );
    }
}
