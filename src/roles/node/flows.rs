//! Traffic of nodes between networks.

use crate::flow::{Endpoint, Flow, Reason, Service};
use crate::site::{AddOn, KUBELET_PORT, NetworkPlugin, Role, Site};

/// VXLAN as flannel has it: Linux' own port (flannel's `Documentation/backends.md`).
const FLANNEL_PORT: u16 = 8472;
/// VXLAN as Calico has it: that of RFC 7348.
const CALICO_PORT: u16 = 4789;
/// How the speakers of `MetalLB` agree on who answers for an address ("Requirements" of its manual).
const METALLB_PORT: u16 = 7946;
/// Ports of services on every node (`--service-node-port-range` of kube-apiserver).
const NODE_PORTS: Service = Service::TcpRange(30000, 32767);

/// What nodes need of each other, and people on the bastion of services.
///
/// Pods speak to each other inside of their plugin's VXLAN, so the gateway never sees their addresses. What a plugin of
/// the blueprint's own needs nobody here knows: the networks have to `reach` each other for it.
pub(in crate::roles) fn flows(site: &Site) -> Vec<Flow> {
    let Some(cluster) = &site.kubernetes else { return Vec::new() };
    let with_role = |role| site.with_role(role).map(Endpoint::from);
    let nodes: Vec<Endpoint> = with_role(Role::ControlPlane).chain(with_role(Role::Worker)).collect();
    let among = |reason: &str, service| Flow {
        reason: reason.into(),
        from: nodes.clone(),
        to: nodes.clone(),
        service,
    };
    let from_bastion =
        |reason: Reason, to, service| Flow { reason, from: with_role(Role::Bastion).collect(), to, service };
    // Metrics are collected by a pod, which runs on any node.
    let mut flows = vec![among("nodes: kubelets, for the API and for metrics", Service::Tcp(KUBELET_PORT))];
    flows.extend(match cluster.network_plugin {
        NetworkPlugin::Flannel => Some(among("nodes: flannel, traffic of pods", Service::Udp(FLANNEL_PORT))),
        NetworkPlugin::Calico => Some(among("nodes: Calico, traffic of pods", Service::Udp(CALICO_PORT))),
        NetworkPlugin::Manifest(_) => None,
    });
    let workers = with_role(Role::Worker).collect();
    flows.push(from_bastion("bastion: services on ports of nodes".into(), workers, NODE_PORTS));
    for addon in &cluster.addons {
        if let AddOn::MetalLb(pools) = addon {
            let speakers = "nodes: MetalLB, who answers for an address";
            flows.push(among(speakers, Service::Tcp(METALLB_PORT)));
            flows.push(among(speakers, Service::Udp(METALLB_PORT)));
            let addresses = pools.iter().flat_map(Vec::<Endpoint>::from).collect();
            let reason = "bastion: services with an address of MetalLB";
            flows.push(from_bastion(reason.into(), addresses, Service::TcpRange(1, u16::MAX)));
        }
    }
    flows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::tests;

    const MACHINES: [&str; 2] =
        ["jump: {role: bastion, networks: [jump]}", "node: {role: worker, count: 2, networks: [node]}"];

    fn flows_with(change: impl FnOnce(&mut crate::site::Cluster)) -> Vec<String> {
        let mut site = tests::site(&MACHINES, "");
        change(site.kubernetes.as_mut().unwrap());
        flows(&site).iter().map(Flow::to_string).collect()
    }

    const NODES: &str = "10.3.0.2 10.4.0.2 10.4.0.3 -> 10.3.0.2 10.4.0.2 10.4.0.3";

    #[test]
    fn nodes_reach_each_others_kubelets_and_pods() {
        assert_eq!(
            flows_with(|_| ()),
            [
                format!("nodes: kubelets, for the API and for metrics: {NODES}, tcp 10250"),
                format!("nodes: flannel, traffic of pods: {NODES}, udp 8472"),
                "bastion: services on ports of nodes: 10.1.0.2 -> 10.4.0.2 10.4.0.3, tcp 30000-32767"
                    .to_owned(),
            ]
        );
    }

    #[test]
    fn each_plugin_has_its_own_traffic() {
        let calico = flows_with(|cluster| cluster.network_plugin = NetworkPlugin::Calico);
        assert_eq!(calico[1], format!("nodes: Calico, traffic of pods: {NODES}, udp 4789"));
        let manifest = crate::site::Manifest { name: "cni".to_owned(), text: String::new() };
        let own = flows_with(|cluster| cluster.network_plugin = NetworkPlugin::Manifest(manifest));
        assert_eq!(own.len(), calico.len() - 1);
    }

    #[test]
    fn metallb_has_speakers_and_addresses() {
        let range = "10.4.0.10-10.4.0.12".parse().unwrap();
        let pool =
            crate::site::ServicePool { network: "node".to_owned(), interface: "node".to_owned(), range };
        let found = flows_with(|cluster| cluster.addons.push(AddOn::MetalLb(vec![pool])));
        assert_eq!(
            found[3..],
            [
                format!("nodes: MetalLB, who answers for an address: {NODES}, tcp 7946"),
                format!("nodes: MetalLB, who answers for an address: {NODES}, udp 7946"),
                "bastion: services with an address of MetalLB: \
                 10.1.0.2 -> 10.4.0.10/31 10.4.0.12, tcp 1-65535"
                    .to_owned(),
            ]
        );
    }

    #[test]
    fn without_a_cluster_there_is_nothing() {
        let mut site = tests::site(&MACHINES, "");
        site.kubernetes = None;
        assert_eq!(flows(&site), []);
    }
}
