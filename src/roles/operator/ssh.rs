//! The operator's key, its certificate, and an `ssh_config(5)` that knows the way to every machine.

use serde::Serialize;

use super::super::known_hosts;
use crate::bug::Bug;
use crate::credentials::Credentials;
use crate::setup::{File, SecretUse};
use crate::site::{Holder, Machine, Role, Site};
use crate::template::render;

/// The port on which sshd listens.
const PORT: u16 = 22;

/// The files, which name each other by paths from the folder above theirs.
pub(super) fn files(site: &Site, credentials: &Credentials) -> Result<Vec<File>, Bug> {
    let operator = credentials.ssh().of(&Holder::Operator)?;
    let secret = SecretUse { purpose: Holder::Operator.ssh_purpose(), why: "ssh of the operator" };
    Ok(vec![
        File::secret("ssh/id_ed25519", &operator.key.private_openssh()?, secret),
        File::text("ssh/id_ed25519.pub", operator.key.public_line()? + "\n"),
        File::text("ssh/id_ed25519-cert.pub", operator.certificate.line()? + "\n"),
        File::text("ssh/known_hosts", known_hosts::text(credentials)?),
        File::text("ssh/config", configuration(site)?),
    ])
}

#[derive(Serialize)]
struct Configuration<'a> {
    name: &'a str,
    user: &'a str,
    hosts: Vec<Host>,
}

#[derive(Serialize)]
struct Host {
    /// What it is asked for by.
    names: String,
    /// Its name in `known_hosts`.
    alias: String,
    /// How it is reached: keywords and their values.
    way: Vec<String>,
}

fn configuration(site: &Site) -> Result<String, Bug> {
    let jump = site.with_role(Role::Bastion).find(|bastion| host_port(bastion).is_some());
    let configuration = Configuration {
        name: &site.name,
        user: &site.user,
        hosts: site.machines.iter().map(|machine| host(site, machine, jump)).collect(),
    };
    render("ssh_config", include_str!("ssh_config.j2"), &configuration)
}

/// A machine with a port of the host is reached by that, others over the bastion that has one.
fn host(site: &Site, machine: &Machine, jump: Option<&Machine>) -> Host {
    let way = match (host_port(machine), jump) {
        (Some(port), _) => vec!["HostName 127.0.0.1".to_owned(), format!("Port {port}")],
        (None, Some(jump)) => {
            vec![format!("HostName {}", machine.address()), format!("ProxyJump {}", jump.name)]
        }
        (None, None) => vec![format!("HostName {}", machine.address())],
    };
    let alias = site.fqdn(&machine.name);
    Host { names: format!("{} {alias}", machine.name), alias, way }
}

/// The port of the host that leads to a machine's sshd.
fn host_port(machine: &Machine) -> Option<u16> {
    machine.published.iter().find(|port| port.machine == PORT).map(|port| port.host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::tests::site;

    fn ways(machines: &[&str]) -> Vec<String> {
        let site = site(machines, "");
        let jump = site.with_role(Role::Bastion).find(|bastion| host_port(bastion).is_some());
        let hosts = site.machines.iter().map(|machine| host(&site, machine, jump));
        hosts.map(|host| format!("{}: {}", host.names, host.way.join(", "))).collect()
    }

    #[test]
    fn the_way_leads_over_a_bastion_that_the_host_can_reach() {
        let machines = [
            "far: {role: bastion, networks: [node], publish: [\"8443:443\"]}",
            "jump: {role: bastion, networks: [jump], publish: [\"2222:22\"]}",
        ];
        assert_eq!(
            ways(&machines),
            [
                "gate gate.example.test: HostName 10.1.0.1, ProxyJump jump",
                "mast mast.example.test: HostName 10.3.0.2, ProxyJump jump",
                "far far.example.test: HostName 10.4.0.2, ProxyJump jump",
                "jump jump.example.test: HostName 127.0.0.1, Port 2222",
            ]
        );
    }

    #[test]
    fn without_one_every_machine_is_asked_directly() {
        assert_eq!(
            ways(&["jump: {role: bastion, networks: [jump]}"]),
            [
                "gate gate.example.test: HostName 10.1.0.1",
                "mast mast.example.test: HostName 10.3.0.2",
                "jump jump.example.test: HostName 10.1.0.2",
            ]
        );
    }
}
