//! Ports of the host that lead to machines.

use std::collections::BTreeMap;

use super::Resolver;
use super::network::NetworkDraft;
use crate::diag::{Code, Diagnostic, Path, Place};
use crate::model::{HeldBy, MachineGroup};
use crate::site::{API_PORT, ETCD_CLIENT_PORT, ETCD_PEER_PORT, Machine, PublishedPort, Role, Segment, Site};

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

    /// Whether a port of the host leads to the Kubernetes API.
    pub(super) fn publishes_api(&self, machines: &[Machine]) -> bool {
        let serves = |machine: &&Machine| match machine.role {
            Role::ControlPlane => true,
            Role::LoadBalancer => self.floating_role() == Some(Role::LoadBalancer),
            _ => false,
        };
        machines.iter().filter(serves).any(|it| it.published.iter().any(|port| port.machine == API_PORT))
    }

    /// The role whose machines hold the floating address, if there is one.
    fn floating_role(&self) -> Option<Role> {
        self.blueprint.load_balancer.as_ref().map(|written| match written.held_by {
            HeldBy::LoadBalancer => Role::LoadBalancer,
            HeldBy::ControlPlane => Role::ControlPlane,
        })
    }

    /// Something answers at each published port that machines of bpc's own roles have, as far as that is known.
    pub(super) fn answered(&mut self, site: &Site) {
        let blueprint = self.blueprint;
        for (group, written) in &blueprint.machines {
            let path = Path::root().key("machines").key(group).key("publish");
            let Some(machine) = site.machines.iter().find(|it| it.role == written.role && is_of(it, group))
            else {
                continue;
            };
            // Whoever installs something may have it listen anywhere.
            let own = !written.packages.is_empty() || !blueprint.system.packages.is_empty();
            for (index, text) in written.publish.iter().enumerate() {
                let Some(port) = published_port(text) else { continue };
                if let Some((message, help)) = silence(site, machine, port.machine, own) {
                    let place = Place::Value(path.index(index));
                    self.report(Diagnostic::new(Code::NothingListens, place, message).help(help));
                }
            }
        }
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

/// Whether a machine is one of that group.
fn is_of(machine: &Machine, group: &str) -> bool {
    let number = machine.name.strip_prefix(group);
    number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The port of sshd, which listens on all addresses of a machine.
const SSH_PORT: u16 = 22;

/// Why nothing answers at a port of a machine that the host leads to, and the way out; `None` if something may.
///
/// Through NAT of its own a machine gets it at NAT's address; through the gateway at the address that it is led to.
fn silence(site: &Site, machine: &Machine, port: u16, own: bool) -> Option<(String, String)> {
    let name = &machine.name;
    if port == SSH_PORT {
        return None;
    }
    let served = served(site, machine);
    let known = served.iter().find(|(number, _)| *number == port).map(|(_, what)| what);
    let balances = machine.role == Role::LoadBalancer && site.load_balancing.is_some();
    match known {
        Some(what) if machine.nat().is_some() => Some((
            format!("{what} does not listen on NAT of {name}, where port {port} arrives"),
            format!("take NAT from its `networks:`: a gateway with NAT then leads the port to {what}"),
        )),
        Some(what) => {
            let target = site.published_target(machine, port);
            let gateway = site.gateway()?;
            gateway.on(&target.network).is_none().then(|| {
                let network = &target.network;
                let message = format!(
                    "{what} is at {}, and {} is not on its network '{network}'",
                    target.address, gateway.name
                );
                (message, format!("add `{network}` to the gateway's `networks:`"))
            })
        }
        None if balances && !own => {
            let ports: Vec<String> = served.iter().map(|(port, what)| format!("{port} ({what})")).collect();
            let message = format!("nothing listens on port {port} of {name}");
            let help = format!(
                "it has ssh on 22, and {}; `load_balancer: {{ingress: ...}}` and `services:` add others",
                ports.join(", ")
            );
            Some((message, help))
        }
        None => None,
    }
}

/// What a machine serves on particular addresses only: ports and what is there.
fn served(site: &Site, machine: &Machine) -> Vec<(u16, String)> {
    let mut served = Vec::new();
    if let (Role::LoadBalancer, Some(balancing)) = (machine.role, &site.load_balancing) {
        served.extend(balancing.frontends.iter().map(|it| (it.port, format!("`{}`", it.name))));
        served.push((balancing.stats.port, "the statistics page".to_owned()));
    }
    if site.etcd_members().any(|member| member == machine) {
        served.extend([ETCD_CLIENT_PORT, ETCD_PEER_PORT].map(|port| (port, "etcd".to_owned())));
    }
    if machine.role == Role::Gateway {
        served.push((53, "the name server".to_owned()));
    }
    served
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
