//! Pacemaker on Corosync: one of the two ways in which the floating address moves.

use crate::flow::{Endpoint, Flow, Service};
use crate::site::{Failover, Machine, Pacemaker, Site};

/// The port of Corosync's first link; each further link has the next one (`mcastport` in corosync.conf(5)).
const CLUSTER_PORT: u16 = 5405;

/// What the members tell each other.
pub(super) fn flows(site: &Site) -> Vec<Flow> {
    let Some(pacemaker) = settings(site) else { return Vec::new() };
    // Members share the networks of their links, so that the gateway is between them on none of these.
    let link = |(network, port): (&String, u16)| {
        let members: Vec<Endpoint> =
            members(site).filter_map(|member| member.on(network)).map(Endpoint::from).collect();
        Flow {
            reason: "corosync: its members among themselves".into(),
            from: members.clone(),
            to: members,
            service: Service::Udp(port),
        }
    };
    pacemaker.links.iter().zip(CLUSTER_PORT..).map(link).collect()
}

fn settings(site: &Site) -> Option<&Pacemaker> {
    match site.load_balancing.as_ref()?.failover.as_ref()? {
        Failover::Pacemaker(pacemaker) => Some(pacemaker),
        Failover::Keepalived(_) => None,
    }
}

/// The machines that hold the floating address.
fn members(site: &Site) -> impl Iterator<Item = &Machine> {
    site.floating.iter().flat_map(|floating| site.with_role(floating.role))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::tests::site;

    const PAIR: [&str; 1] = ["hapx: {role: load-balancer, count: 2, networks: [lb, node]}"];

    #[test]
    fn members_speak_on_a_port_for_each_link() {
        let rest = "load_balancer: {address: 10.4.0.9, failover: pacemaker, pacemaker: {second_link: node}}";
        let flows: Vec<String> = flows(&site(&PAIR, rest)).iter().map(Flow::to_string).collect();
        assert_eq!(
            flows,
            [
                "corosync: its members among themselves: 10.2.0.2 10.2.0.3 -> 10.2.0.2 10.2.0.3, udp 5405",
                "corosync: its members among themselves: 10.4.0.2 10.4.0.3 -> 10.4.0.2 10.4.0.3, udp 5406",
            ]
        );
    }

    #[test]
    fn keepalived_needs_none_of_it() {
        assert_eq!(flows(&site(&PAIR, "load_balancer: {address: 10.4.0.9}")), []);
    }
}
