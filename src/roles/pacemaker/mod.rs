//! Pacemaker on Corosync: one of the two ways in which the floating address moves.
//!
//! Corosync tells the machines of each other, and Pacemaker runs the address on one of them and HAProxy on all. Every
//! machine starts both at every boot. What the cluster is to run is said once, by its first machine, and kept by all.

mod cluster;
mod corosync;

use crate::bug::Bug;
use crate::credentials::Credentials;
use crate::flow::{Endpoint, Flow, Service};
use crate::format::shell;
use crate::setup::{File, SecretUse, Setup, Stage};
use crate::site::{Distribution, Failover, Machine, Pacemaker, Role, SharedSecret, Site, TwoNode};

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

/// Adds Corosync and Pacemaker, if the machine is one of several that they move the floating address between.
pub(super) fn add(
    site: &Site,
    credentials: &Credentials,
    machine: &Machine,
    setup: &mut Setup,
) -> Result<(), Bug> {
    let (Some(settings), Some(floating)) = (settings(site), site.floating_on(machine.role)) else {
        return Ok(());
    };
    let members: Vec<&Machine> = members(site).collect();
    let agents = match site.image.distribution {
        Distribution::Debian => "resource-agents",
        Distribution::Ubuntu => "resource-agents-base",
    };
    setup.install(["corosync", "crmsh", "pacemaker", agents]);
    setup.packages.extend(settings.agents.iter().map(|agent| agent.package.clone()));
    let haproxy = if machine.role == Role::LoadBalancer { "yes" } else { "no" };
    let variables = [("MACHINE", machine.name.as_str()), ("HAPROXY", haproxy)];
    setup.apply(
        Stage::new(
            45,
            "corosync",
            &variables,
            concat!(include_str!("members.sh"), "\n", include_str!("corosync.sh")),
        )
        .undone_by(&[("FLOATING", &floating.address.to_string())], include_str!("../release-address.sh")),
        vec![
            File::text("/etc/corosync/corosync.conf", corosync::configuration(site, settings, &members)?),
            authkey(credentials)?,
        ],
    );
    if members.first().is_some_and(|first| first.name == machine.name) {
        let names = shell::words(members.iter().map(|member| &member.name));
        let variables = [("MEMBERS", names.as_str()), ("ALONE", alone(settings))];
        setup.apply(
            Stage::new(
                50,
                "cluster",
                &variables,
                concat!(include_str!("members.sh"), "\n", include_str!("cluster.sh")),
            ),
            vec![File::text(
                "/etc/bpc/cluster.crm",
                cluster::configuration(site, settings, floating, &members)?,
            )],
        );
    }
    Ok(())
}

/// Whether the first machine says what the cluster runs although the other never came. With fencing it does not: the
/// cluster would stop a machine that is only being installed.
fn alone(settings: &Pacemaker) -> &'static str {
    if settings.two_node == Some(TwoNode::StartAlone) && settings.agents.is_empty() { "yes" } else { "no" }
}

/// The key of the members, for root alone as corosync-keygen(8) makes it.
fn authkey(credentials: &Credentials) -> Result<File, Bug> {
    let key = credentials.shared(SharedSecret::CorosyncAuthkey)?;
    let purpose = SharedSecret::CorosyncAuthkey.as_str().to_owned();
    let secret = SecretUse { purpose, why: "the members of the cluster know each other by it" };
    Ok(File { mode: 0o400, ..File::secret("/etc/corosync/authkey", key, secret) })
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
