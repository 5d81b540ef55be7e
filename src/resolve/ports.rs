//! Ports of the host that lead to machines.

use std::collections::BTreeMap;

use super::Resolver;
use super::network::NetworkDraft;
use crate::diag::{Code, Diagnostic, Path, Place};
use crate::model::MachineGroup;
use crate::site::{Machine, PublishedPort, Role, Segment};

impl Resolver<'_> {
    /// The ports of a group as written.
    pub(super) fn published(&mut self, written: &MachineGroup, path: &Path) -> Vec<PublishedPort> {
        let path = path.key("publish");
        let mut ports = Vec::new();
        for (index, text) in written.publish.iter().enumerate() {
            let Some(port) = published_port(text) else {
                let help = match text.parse::<u16>() {
                    Ok(port) => format!("write the port of the host, a colon, the port of the machine: `\"{}:{port}\"`", host_port(port)),
                    Err(_) => "write the port of the host, a colon, the port of the machine, each from 1 to 65535: `\"2222:22\"`".to_owned(),
                };
                let message = format!("`{text}` does not say which port leads where");
                self.report(
                    Diagnostic::new(Code::Publish, Place::Value(path.index(index)), message).help(help),
                );
                continue;
            };
            ports.push(port);
        }
        ports
    }

    /// Each port leads one way, and through a gateway that can be reached from the host.
    pub(super) fn published_ways(&mut self, machines: &[Machine], networks: &[NetworkDraft]) {
        let blueprint = self.blueprint;
        let gateway =
            machines.iter().find(|machine| machine.role == Role::Gateway && machine.nat().is_some());
        let mut taken: BTreeMap<u16, Path> = BTreeMap::new();
        for (group, written) in &blueprint.machines {
            let path = Path::root().key("machines").key(group).key("publish");
            if let (Some(refusal), false) =
                (no_way(written, gateway, networks, &path), written.publish.is_empty())
            {
                self.report(refusal);
            }
            for (index, text) in written.publish.iter().enumerate() {
                let Some(port) = published_port(text) else { continue };
                let path = path.index(index);
                if let Some(first) = taken.get(&port.host) {
                    let message = format!("port {} of the host is published twice", port.host);
                    let free =
                        (port.host..=u16::MAX).find(|port| !taken.contains_key(port)).unwrap_or(port.host);
                    self.report(
                        Diagnostic::new(Code::HostPortTaken, Place::Value(path), message)
                            .other(Place::Value(first.clone()), "the first one")
                            .help(format!("choose another port of the host: `\"{free}:{}\"`", port.machine)),
                    );
                    continue;
                }
                taken.insert(port.host, path);
            }
        }
    }
}

/// Why nothing leads from the host to the machines of a group.
fn no_way(
    written: &MachineGroup,
    gateway: Option<&Machine>,
    networks: &[NetworkDraft],
    path: &Path,
) -> Option<Diagnostic> {
    let on_nat = |name: &String| networks.iter().any(|it| it.name == *name && it.segment == Segment::Nat);
    if written.role == Role::Gateway || written.networks.iter().any(on_nat) {
        return None;
    }
    let refuse = |message: String| Diagnostic::new(Code::GatewayMissing, Place::Key(path.clone()), message);
    let Some(gateway) = gateway else {
        return Some(
            refuse(
                "ports are published through NAT, and this machine has none, nor is there a gateway"
                    .to_owned(),
            )
            .help("add a network with `attach: nat` here, or a machine with `role: gateway` on one"),
        );
    };
    let primary = written
        .networks
        .iter()
        .find(|name| networks.iter().any(|network| network.name == **name && network.space.is_some()))?;
    gateway.on(primary).is_none().then(|| {
        refuse(format!(
            "ports are published through the gateway, and {} is not on network '{primary}'",
            gateway.name
        ))
        .note("the first network of a machine that is not NAT carries its name and its published ports")
        .help(format!(
            "add `{primary}` to the gateway's `networks:`, or put one of the gateway's networks first here"
        ))
    })
}

/// A port of the host that does not need root, with the port of the machine in it.
const fn host_port(machine: u16) -> u16 {
    if machine < 1024 { 2200 + machine % 100 } else { machine }
}

fn published_port(text: &str) -> Option<PublishedPort> {
    let (host, machine) = text.split_once(':')?;
    let port = |text: &str| text.parse::<u16>().ok().filter(|_| !text.starts_with(['+', '0']));
    Some(PublishedPort { host: port(host)?, machine: port(machine)? })
}
