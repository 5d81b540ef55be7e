//! `machines:`

use std::collections::BTreeMap;

use super::Resolver;
use super::network::NetworkDraft;
use crate::diag::{Code, Diagnostic, Path, Place};
use crate::model::MachineGroup;
use crate::site::{Attachment, Machine, Nic, PublishedPort, Segment};
use crate::value::{Mac, Size};

/// Adapters that a machine can have on VirtualBox's default chipset, PIIX3.
const NIC_SLOTS: usize = 8;

/// A machine while addresses are given out.
#[derive(Clone, Debug)]
pub(super) struct MachineDraft {
    pub(super) machine: Machine,
    pub(super) path: Path,
    /// Its place in its group, from 0.
    index: usize,
    written: MachineGroup,
}

impl MachineDraft {
    /// The address that the blueprint gives it on a network, and where.
    pub(super) fn pin(&self, network: &str) -> Option<(String, Path)> {
        let text = self.written.addresses.get(network)?.get(self.index)?;
        Some((text.clone(), self.path.key("addresses").key(network).index(self.index)))
    }

    /// Where the blueprint puts it on a network.
    pub(super) fn network_path(&self, network: &str) -> Path {
        let index = self.written.networks.iter().position(|name| name == network).unwrap_or_default();
        self.path.key("networks").index(index)
    }
}

impl Resolver<'_> {
    pub(super) fn machines(&mut self, networks: &[NetworkDraft]) -> Vec<MachineDraft> {
        let blueprint = self.blueprint;
        let mut drafts: Vec<MachineDraft> = Vec::new();
        for (group, written) in &blueprint.machines {
            let path = Path::root().key("machines").key(group);
            let memory = match &written.memory {
                Some(text) => self.size(text, &path.key("memory"), Size::mib(128)..=Size::gib(256)),
                None => Some(Size::mib(512)),
            };
            self.group_networks(written, networks, &path);
            self.group_pins(group, written, &path);
            let published = self.published(written, &path);
            for (index, package) in written.packages.iter().enumerate() {
                self.package(package, &path.key("packages").index(index));
            }
            for (index, name) in names(group, written.count).into_iter().enumerate() {
                self.unique_name(&name, &path, &drafts);
                let machine = Machine {
                    nics: self.nics(&name, written, networks),
                    name,
                    role: written.role,
                    cpus: written.cpus.unwrap_or(1),
                    memory: memory.unwrap_or(Size::mib(512)),
                    primary: primary(written, networks),
                    packages: written.packages.clone(),
                    // One port of the host leads to one machine: the first of the group.
                    published: if index == 0 { published.clone() } else { Vec::new() },
                    origin: self.document.origin(&path),
                };
                drafts.push(MachineDraft { machine, path: path.clone(), index, written: written.clone() });
            }
        }
        self.mac_collisions(&drafts);
        drafts
    }

    fn unique_name(&mut self, name: &str, path: &Path, drafts: &[MachineDraft]) {
        if let Some(other) = drafts.iter().find(|draft| draft.machine.name == name) {
            let message = format!("two machines are called '{name}'");
            self.report(
                Diagnostic::new(Code::NameTaken, Place::Key(path.clone()), message)
                    .other(Place::Key(other.path.clone()), "the other one comes from here")
                    .help("a group with `count` numbers its machines: rename one of the groups"),
            );
        }
    }

    fn group_networks(&mut self, written: &MachineGroup, networks: &[NetworkDraft], path: &Path) {
        for (index, name) in written.networks.iter().enumerate() {
            let path = path.key("networks").index(index);
            self.known_network(name, networks, &path);
            if written.networks.iter().take(index).any(|earlier| earlier == name) {
                let message = format!("network '{name}' is listed twice");
                self.report(
                    Diagnostic::new(Code::NetworkTwice, Place::Value(path), message)
                        .help("a machine has one adapter on each network: remove one of the two"),
                );
            }
        }
        let nics = adapters(written, networks).len();
        if nics > NIC_SLOTS {
            let message = format!("{nics} network adapters, and VirtualBox has {NIC_SLOTS} slots");
            self.report(
                Diagnostic::new(Code::NicSlots, Place::Key(path.key("networks")), message)
                    .help("carry some of the networks as VLANs on one trunk: they share an adapter"),
            );
        }
    }

    fn group_pins(&mut self, group: &str, written: &MachineGroup, path: &Path) {
        let count = written.count.unwrap_or(1) as usize;
        for (network, addresses) in &written.addresses {
            let path = path.key("addresses").key(network);
            if written.role == crate::model::Role::Gateway {
                let message = "a gateway's addresses are those of its networks";
                self.report(
                    Diagnostic::new(Code::KeyDoesNotApply, Place::Key(path), message)
                        .help(format!("set `router` and `resolver` of network '{network}'")),
                );
            } else if !written.networks.contains(network) {
                let message = format!("'{group}' has an address on network '{network}' but is not on it");
                self.report(
                    Diagnostic::new(Code::UnknownNetwork, Place::Key(path), message)
                        .help(format!("add `{network}` to its `networks:`, or remove the address")),
                );
            } else if addresses.len() > count {
                let message = format!(
                    "{} addresses for {count} machine{}",
                    addresses.len(),
                    if count == 1 { "" } else { "s" }
                );
                self.report(
                    Diagnostic::new(Code::TooManyPins, Place::Key(path), message)
                        .help("one for each machine of the group, in order; the rest is chosen by bpc"),
                );
            }
        }
    }

    fn nics(&self, name: &str, written: &MachineGroup, networks: &[NetworkDraft]) -> Vec<Nic> {
        adapters(written, networks)
            .into_iter()
            .enumerate()
            .map(|(index, carried)| {
                let first = carried.first().copied();
                let interface = first.map_or("", |network| &network.nic);
                Nic {
                    slot: index + 1,
                    mac: Mac::derive(&self.blueprint.name, name, interface),
                    interface: interface.to_owned(),
                    segment: first.map_or(Segment::Nat, |network| network.segment.clone()),
                    attachments: carried.into_iter().filter_map(attachment).collect(),
                }
            })
            .collect()
    }

    fn mac_collisions(&mut self, drafts: &[MachineDraft]) {
        let mut seen: BTreeMap<Mac, &MachineDraft> = BTreeMap::new();
        for draft in drafts {
            for nic in &draft.machine.nics {
                let Some(other) = seen.insert(nic.mac, draft) else { continue };
                if other.machine.name == draft.machine.name {
                    continue;
                }
                let message = format!(
                    "{} and {} would both have an adapter with the address {}",
                    other.machine.name, draft.machine.name, nic.mac
                );
                self.report(
                    Diagnostic::new(Code::MacCollision, Place::Key(draft.path.clone()), message)
                        .other(Place::Key(other.path.clone()), "the other machine")
                        .note(
                            "adapter addresses are derived from the names of blueprint, machine and network",
                        )
                        .help("rename the machine that is newer; the other one keeps its address"),
                );
            }
        }
    }

    /// The name of a Debian package (Debian Policy, section 5.6.7).
    pub(super) fn package(&mut self, name: &str, path: &Path) {
        let fits = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
        let valid = name.len() >= 2
            && name.bytes().next().is_some_and(fits)
            && name.bytes().all(|c| fits(c) || b"+-.".contains(&c));
        if !valid {
            let message = format!("`{name}` is not the name of a package");
            self.report(
                Diagnostic::new(Code::PackageName, Place::Value(path.clone()), message)
                    .help("lower-case letters, digits, `+`, `-` and `.`: `bind9-dnsutils`"),
            );
        }
    }

    fn published(&mut self, written: &MachineGroup, path: &Path) -> Vec<PublishedPort> {
        let path = path.key("publish");
        let mut ports = Vec::new();
        for (index, text) in written.publish.iter().enumerate() {
            if let Some(port) = published_port(text) {
                ports.push(port);
                continue;
            }
            let message = format!("`{text}` does not say which port leads where");
            self.report(
                Diagnostic::new(Code::Publish, Place::Value(path.index(index)), message)
                    .help("the port of the host, a colon, the port of the machine: `2222:22`"),
            );
        }
        ports
    }
}

/// The machines of a group.
fn names(group: &str, count: Option<u32>) -> Vec<String> {
    match count {
        None => vec![group.to_owned()],
        Some(count) => (1..=count).map(|number| format!("{group}{number:02}")).collect(),
    }
}

/// The networks of each adapter, in the order of the list: those of one trunk share an adapter.
fn adapters<'a>(written: &MachineGroup, networks: &'a [NetworkDraft]) -> Vec<Vec<&'a NetworkDraft>> {
    let mut adapters: Vec<Vec<&NetworkDraft>> = Vec::new();
    for name in &written.networks {
        let Some(network) = networks.iter().find(|network| network.name == *name) else { continue };
        let shared = adapters.iter_mut().find(|carried| {
            network.vlan.is_some()
                && carried.iter().any(|other| other.vlan.is_some() && other.nic == network.nic)
        });
        match shared {
            Some(carried) => carried.push(network),
            None => adapters.push(vec![network]),
        }
    }
    adapters
}

fn attachment(network: &NetworkDraft) -> Option<Attachment> {
    network.space.as_ref()?;
    Some(Attachment {
        network: network.name.clone(),
        interface: network.interface.clone(),
        vlan: network.vlan,
        addresses: Vec::new(),
    })
}

/// The first network of a machine that is not NAT.
fn primary(written: &MachineGroup, networks: &[NetworkDraft]) -> String {
    let is_nat =
        |name: &str| networks.iter().any(|network| network.name == name && network.segment == Segment::Nat);
    written.networks.iter().find(|name| !is_nat(name)).cloned().unwrap_or_default()
}

fn published_port(text: &str) -> Option<PublishedPort> {
    let (host, machine) = text.split_once(':')?;
    let port = |text: &str| text.parse::<u16>().ok().filter(|port| *port != 0 && !text.starts_with('+'));
    Some(PublishedPort { host: port(host)?, machine: port(machine)? })
}
