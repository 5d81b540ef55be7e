//! Load balancers: HAProxy behind the floating address.
//!
//! HAProxy runs on all of them, whoever holds the address: it listens on the address although it is not there. So the
//! address alone moves when a machine fails, and what takes over is known to work.

mod haproxy;

use super::pki::Keyring;
use crate::bug::Bug;
use crate::credentials::Credentials;
use crate::flow::{Endpoint, Flow, Service};
use crate::setup::{File, SecretUse, Setup, Stage};
use crate::site::{
    API_FRONTEND, Attachment, AuthorityKind, CheckKind, Failover, FloatingAddress, Frontend, LoadBalancing,
    Machine, Role, SharedSecret, Site,
};
use crate::value::Secret;

/// Lets HAProxy listen on an address that another machine has.
const SYSCTL: &str = "\
# HAProxy listens on the floating address on every machine that may hold it.
net.ipv4.ip_nonlocal_bind = 1
";

/// What Debian's unit gives to HAProxy at its start and when it checks the configuration before a reload.
const OPTIONS: &str = "\
# The users stand apart from the rest, which holds no secret.
EXTRAOPTS=\"-S /run/haproxy-master.sock -f /etc/haproxy/users.cfg\"
";

/// What is served behind the floating address, the servers behind that, and the statistics page.
pub(super) fn flows(site: &Site) -> Vec<Flow> {
    let Some((floating, balancing)) = held(site) else { return Vec::new() };
    let balancers: Vec<&Machine> = site.with_role(Role::LoadBalancer).collect();
    let mut flows = Vec::new();
    for frontend in &balancing.frontends {
        flows.push(clients(site, frontend, floating));
        flows.extend(networks(site, frontend, floating));
        // The role of the control planes says who reaches these.
        if frontend.name != API_FRONTEND {
            flows.push(servers(frontend, &balancers));
        }
    }
    let stats = balancers.iter().filter_map(|machine| stats_attachment(machine, balancing).ok());
    flows.push(Flow {
        reason: "bastion: statistics of the load balancers".into(),
        from: site.with_role(Role::Bastion).map(Endpoint::from).collect(),
        to: stats.map(Endpoint::from).collect(),
        service: Service::Tcp(balancing.stats.port),
    });
    flows
}

/// The floating address and what is done with it, if load balancers hold it.
fn held(site: &Site) -> Option<(&FloatingAddress, &LoadBalancing)> {
    let floating = site.floating_on(Role::LoadBalancer)?;
    Some((floating, site.load_balancing.as_ref()?))
}

/// Machines that need a frontend by their role.
fn clients(site: &Site, frontend: &Frontend, floating: &FloatingAddress) -> Flow {
    let roles: Vec<&str> = frontend.clients.iter().map(|role| role.as_str()).collect();
    let machines = frontend.clients.iter().flat_map(|role| site.with_role(*role));
    Flow {
        reason: format!("{}: {} behind the floating address", roles.join(", "), frontend.name).into(),
        from: machines.map(Endpoint::from).collect(),
        to: vec![floating.into()],
        service: Service::Tcp(frontend.port),
    }
}

/// Networks that the blueprint lets use a frontend.
fn networks(site: &Site, frontend: &Frontend, floating: &FloatingAddress) -> Option<Flow> {
    let from: Vec<Endpoint> =
        frontend.from.iter().filter_map(|name| site.network(name)).map(Endpoint::from).collect();
    (!from.is_empty()).then(|| Flow {
        reason: format!("{}: {} behind the floating address", frontend.from.join(", "), frontend.name).into(),
        from,
        to: vec![floating.into()],
        service: Service::Tcp(frontend.port),
    })
}

/// The servers of a frontend, but for those that no gateway is needed for.
fn servers(frontend: &Frontend, balancers: &[&Machine]) -> Flow {
    let away = |network: &str| balancers.iter().any(|machine| machine.on(network).is_none());
    let servers = frontend.servers.iter().filter(|server| away(&server.network));
    Flow {
        reason: format!("load balancers: the servers of {}", frontend.name).into(),
        from: balancers.iter().map(|&machine| machine.into()).collect(),
        to: servers.map(Endpoint::from).collect(),
        service: Service::Tcp(frontend.servers.first().map_or(frontend.port, |server| server.port)),
    }
}

/// Where a machine has the statistics page.
fn stats_attachment<'a>(machine: &'a Machine, balancing: &LoadBalancing) -> Result<&'a Attachment, Bug> {
    let network = balancing.stats.network.as_ref().unwrap_or(&machine.primary);
    machine.on(network).ok_or_else(|| Bug(format!("{} is not on network {network}", machine.name)))
}

/// HAProxy with its configuration. Under Pacemaker it is a resource of the cluster, which starts it.
pub(super) fn add(
    site: &Site,
    credentials: &Credentials,
    machine: &Machine,
    setup: &mut Setup,
) -> Result<(), Bug> {
    let Some((floating, balancing)) = held(site) else { return Ok(()) };
    setup.install(["haproxy"]);
    setup.apply(
        Stage::new(8, "nonlocal-bind", &[], include_str!("nonlocal-bind.sh")),
        vec![File::text("/etc/sysctl.d/zz-bpc-nonlocal-bind.conf", SYSCTL)],
    );
    let mut files = vec![
        File::text("/etc/haproxy/haproxy.cfg", haproxy::configuration(site, machine, floating, balancing)?),
        File::text("/etc/default/haproxy", OPTIONS),
        users(credentials)?,
    ];
    if balancing.frontends.iter().any(|frontend| frontend.check.kind == CheckKind::ApiReady) {
        let keys = Keyring::new(credentials, machine);
        files.push(keys.trust_anchor(AuthorityKind::Kubernetes, haproxy::AUTHORITY)?);
    }
    let started_by = match balancing.failover {
        Some(Failover::Pacemaker(_)) => "pacemaker",
        Some(Failover::Keepalived(_)) | None => "systemd",
    };
    let variables = [("STARTED_BY", started_by)];
    setup.apply(Stage::new(40, "haproxy", &variables, include_str!("haproxy.sh")), files);
    Ok(())
}

/// Who may see the statistics page.
fn users(credentials: &Credentials) -> Result<File, Bug> {
    let password = credentials.shared_text(SharedSecret::StatsPassword)?;
    let list =
        Secret::new(format!("userlist operators\n  user operator insecure-password {}\n", password.expose()));
    let purpose = SharedSecret::StatsPassword.as_str().to_owned();
    Ok(File::secret(haproxy::USERS, &list, SecretUse { purpose, why: "opens the statistics page" }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::tests::site;

    const MACHINES: [&str; 3] = [
        "jump: {role: bastion, networks: [jump]}",
        "hapx: {role: load-balancer, count: 2, networks: [lb, back]}",
        "node: {role: worker, count: 2, networks: [node, back]}",
    ];

    fn flows_of(rest: &str) -> Vec<String> {
        flows(&site(&MACHINES, &format!("load_balancer: {{address: 10.2.0.9{rest}}}")))
            .iter()
            .map(Flow::to_string)
            .collect()
    }

    #[test]
    fn the_cluster_and_the_bastion_find_the_api_at_the_floating_address() {
        assert_eq!(
            flows_of(""),
            [
                "control-plane, worker, bastion: kube-api behind the floating address: \
                 10.3.0.2 10.4.0.2 10.4.0.3 10.1.0.2 -> 10.2.0.9, tcp 6443",
                "bastion: statistics of the load balancers: 10.1.0.2 -> 10.2.0.2 10.2.0.3, tcp 8404",
            ]
        );
    }

    #[test]
    fn a_service_has_its_clients_and_its_servers() {
        let rest = ", stats: {network: back, port: 9000}, \
                    services: {store: {port: 5432, target_port: 15432, to: [node], from: [jump, node]}}";
        assert_eq!(
            flows_of(rest)[1..],
            [
                "bastion: store behind the floating address: 10.1.0.2 -> 10.2.0.9, tcp 5432",
                "jump, node: store behind the floating address: 10.1.0.0/24 10.4.0.0/24 -> 10.2.0.9, tcp 5432",
                "load balancers: the servers of store: 10.2.0.2 10.2.0.3 -> 10.4.0.2 10.4.0.3, tcp 15432",
                "bastion: statistics of the load balancers: 10.1.0.2 -> 10.5.0.2 10.5.0.3, tcp 9000",
            ]
        );
    }

    #[test]
    fn servers_on_a_network_of_the_load_balancers_need_no_flow() {
        let site = site(
            &["hapx: {role: load-balancer, networks: [lb, node]}", "web: {role: bastion, networks: [node]}"],
            "load_balancer: {address: 10.2.0.9, services: {web: {port: 80, to: [web]}}}",
        );
        let found =
            flows(&site).into_iter().find(|flow| flow.reason == "load balancers: the servers of web".into());
        assert_eq!(found.unwrap().to, []);
    }

    #[test]
    fn control_planes_that_hold_the_address_balance_nothing() {
        assert_eq!(flows(&site(&[], "load_balancer: {address: 10.3.0.9, held_by: control-plane}")), []);
    }
}
