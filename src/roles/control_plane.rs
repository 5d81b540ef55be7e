//! Control planes: the Kubernetes API.

use super::API_PORT;
use crate::flow::{Endpoint, Flow, Service};
use crate::site::{Role, Site};

/// The API is reached from the load balancers, or directly where there are none.
pub(super) fn flows(site: &Site) -> Vec<Flow> {
    let balanced = site.floating.iter().any(|floating| floating.role == Role::LoadBalancer);
    let (reason, clients): (_, &[Role]) = if balanced {
        ("load balancers: the Kubernetes API of every control plane", &[Role::LoadBalancer])
    } else {
        ("workers and the bastion: the Kubernetes API", &[Role::Worker, Role::Bastion])
    };
    vec![Flow {
        reason: reason.into(),
        from: clients.iter().flat_map(|role| site.with_role(*role)).map(Endpoint::from).collect(),
        to: site.with_role(Role::ControlPlane).map(Endpoint::from).collect(),
        service: Service::Tcp(API_PORT),
    }]
}

#[cfg(test)]
mod tests {
    use super::super::tests::site;
    use super::*;

    const CLUSTER: [&str; 2] =
        ["jump: {role: bastion, networks: [jump]}", "node: {role: worker, networks: [node]}"];

    #[test]
    fn alone_they_serve_workers_and_the_bastion() {
        let [flow] = flows(&site(&CLUSTER, "")).try_into().unwrap();
        assert_eq!(
            flow.to_string(),
            "workers and the bastion: the Kubernetes API: 10.4.0.2 10.1.0.2 -> 10.3.0.2, tcp 6443"
        );
    }

    #[test]
    fn behind_load_balancers_they_serve_those_only() {
        let balanced = [&CLUSTER[..], &["hapx: {role: load-balancer, networks: [lb]}"]].concat();
        let [flow] = flows(&site(&balanced, "load_balancer: {address: 10.2.0.9}")).try_into().unwrap();
        assert_eq!(
            flow.to_string(),
            "load balancers: the Kubernetes API of every control plane: 10.2.0.2 -> 10.3.0.2, tcp 6443"
        );
    }
}
