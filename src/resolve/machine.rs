//! `machines:`

use std::collections::BTreeMap;

use super::Resolver;
use super::network::NetworkDraft;
use crate::diag::{Code, Diagnostic, Path, Place};
use crate::model::{MachineGroup, MachineVolume};
use crate::site::{Attachment, Machine, Nic, Segment};
use crate::value::{Mac, Size};

/// Adapters that a machine can have on VirtualBox's default chipset, PIIX3.
const NIC_SLOTS: usize = 8;
/// Machines that a blueprint can have: more than any one host runs.
const MAX_MACHINES: usize = 1000;

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
    /// Whether it is the first of its group.
    pub(super) const fn is_first(&self) -> bool {
        self.index == 0
    }

    /// The volumes that the blueprint gives it.
    pub(super) fn written_volumes(&self) -> &[MachineVolume] {
        &self.written.volumes
    }

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
        let mut names: BTreeMap<String, Path> = BTreeMap::new();
        for (group, written) in &blueprint.machines {
            let path = Path::root().key("machines").key(group);
            if drafts.len() + written.count.unwrap_or(1) as usize > MAX_MACHINES {
                self.too_many_machines(path);
                break;
            }
            for draft in self.group(group, written, networks) {
                self.machine_name(group, &draft);
                match names.get(&draft.machine.name) {
                    Some(other) => self.name_taken(&draft, other),
                    None => drop(names.insert(draft.machine.name.clone(), draft.path.clone())),
                }
                drafts.push(draft);
            }
        }
        if blueprint.machines.is_empty() {
            let message = "there is no machine in this blueprint";
            self.report(
                Diagnostic::new(Code::MachinesMissing, Place::Key(Path::root().key("machines")), message)
                    .help("add one: `node: {role: bastion, networks: [lan]}`"),
            );
        }
        self.mac_collisions(&drafts);
        drafts
    }

    /// The machines of a group, which differ only in their names and addresses.
    fn group(&mut self, group: &str, written: &MachineGroup, networks: &[NetworkDraft]) -> Vec<MachineDraft> {
        let path = Path::root().key("machines").key(group);
        let memory = match &written.memory {
            Some(text) => self.size(text, &path.key("memory"), Size::mib(128)..=Size::gib(256)),
            None => None,
        };
        self.group_networks(written, networks, &path);
        self.group_pins(group, written, &path);
        let published = self.published(written, &path);
        let (packages, time_daemon) = self.group_packages(written, &path);
        let disks = self.data_disks(written, &path.key("disks"));
        let (labels, taints) = (self.labels(written, &path), self.taints(written, &path));
        let machine = |(index, name): (usize, String)| {
            let machine = Machine {
                nics: self.nics(&name, written, networks),
                name,
                role: written.role,
                cpus: written.cpus.unwrap_or(1),
                memory: memory.unwrap_or(Size::mib(512)),
                primary: primary(written, networks),
                disks: disks.clone(),
                // What these are depends on the image, too.
                volumes: Vec::new(),
                packages: packages.clone(),
                time_daemon,
                // One port of the host leads to one machine: the first of the group.
                published: if index == 0 { published.clone() } else { Vec::new() },
                labels: labels.clone(),
                taints: taints.clone(),
                origin: self.document.origin(&path),
            };
            MachineDraft { machine, path: path.clone(), index, written: written.clone() }
        };
        names(group, written.count).into_iter().enumerate().map(machine).collect()
    }

    fn too_many_machines(&mut self, path: Path) {
        let message = format!("with this there are more than {MAX_MACHINES} machines");
        self.report(
            Diagnostic::new(Code::TooManyMachines, Place::Key(path), message)
                .help("all of them run on one host: make smaller groups, or several blueprints"),
        );
    }

    fn name_taken(&mut self, draft: &MachineDraft, other: &Path) {
        let message = format!("two machines are called '{}'", draft.machine.name);
        self.report(
            Diagnostic::new(Code::NameTaken, Place::Key(draft.path.clone()), message)
                .other(Place::Key(other.clone()), "the other one comes from here")
                .help("a group with `count` numbers its machines: rename one of the groups"),
        );
    }

    fn group_networks(&mut self, written: &MachineGroup, networks: &[NetworkDraft], path: &Path) {
        for (index, name) in written.networks.iter().enumerate() {
            let path = path.key("networks").index(index);
            self.known_network(name, networks, &path);
            let mut earlier = written.networks.iter().take(index);
            let message = if earlier.any(|earlier| earlier == name) {
                format!("network '{name}' is listed twice")
            } else if let Some(other) = earlier_nat(written, index, networks) {
                format!("network '{name}' is VirtualBox's NAT, and so is '{other}': both give one address")
            } else {
                continue;
            };
            self.report(
                Diagnostic::new(Code::NetworkTwice, Place::Value(path), message)
                    .help("a machine has one adapter on each network: remove one of the two"),
            );
        }
        let nics = adapters(written, networks).len();
        if nics > NIC_SLOTS {
            let message = format!("{nics} network adapters, and VirtualBox has {NIC_SLOTS} slots");
            self.report(Diagnostic::new(Code::NicSlots, Place::Key(path.key("networks")), message).help(
                "let some of the networks share an adapter, as VLANs of one trunk: `trunk: core, vlan: 10`",
            ));
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
                let place = Place::Value(path.index(count));
                self.report(
                    Diagnostic::new(Code::TooManyPins, place, message).label("the first one too many").help(
                        "write one for each machine of the group, in order, or fewer: bpc chooses the others",
                    ),
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
        let mut seen: BTreeMap<Mac, (&MachineDraft, &str)> = BTreeMap::new();
        let nics = drafts.iter().flat_map(|draft| draft.machine.nics.iter().map(move |nic| (draft, nic)));
        for (draft, nic) in nics {
            let (name, interface) = (draft.machine.name.as_str(), nic.interface.as_str());
            let Some((other, theirs)) = seen.insert(nic.mac, (draft, interface)) else { continue };
            if other.machine.name == name && theirs == interface {
                continue; // A name or a network that is there twice has been reported.
            }
            let message = format!(
                "{} on '{theirs}' and {name} on '{interface}' would have the same MAC address, {}",
                other.machine.name, nic.mac
            );
            self.report(
                Diagnostic::new(Code::MacCollision, Place::Key(draft.path.clone()), message)
                    .other(Place::Key(other.path.clone()), "the other machine")
                    .note("MAC addresses are derived from the names of blueprint, machine and network, so that they stay")
                    .help("rename the machine that is newer: any other name will do"),
            );
        }
    }
}

/// The machines of a group.
pub(super) fn names(group: &str, count: Option<u32>) -> Vec<String> {
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
            network.tagged && carried.iter().any(|other| other.tagged && other.nic == network.nic)
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
    written.networks.iter().find(|name| !is_nat(name, networks)).cloned().unwrap_or_default()
}

fn is_nat(name: &str, networks: &[NetworkDraft]) -> bool {
    networks.iter().any(|network| network.name == name && network.segment == Segment::Nat)
}

/// If the network at `index` of a machine's list is NAT: the NAT network before it.
fn earlier_nat<'a>(written: &'a MachineGroup, index: usize, networks: &[NetworkDraft]) -> Option<&'a str> {
    written.networks.get(index).filter(|name| is_nat(name, networks))?;
    written.networks.iter().take(index).find(|name| is_nat(name, networks)).map(String::as_str)
}
