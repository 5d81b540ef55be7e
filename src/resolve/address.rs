//! The allocator: which address belongs to whom.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::Resolver;
use super::machine::MachineDraft;
use super::network::NetworkDraft;
use crate::diag::{Code, Diagnostic, Path, Place};
use crate::site::{Attachment, Machine, Nic, Pool, Role};
use crate::value::AddressRange;

/// The addresses of one network while they are given out.
#[derive(Clone, Debug)]
pub(super) struct Space {
    pub(super) cidr: Ipv4Net,
    /// Where the blueprint gives the network's addresses.
    pub(super) path: Path,
    /// Ranges that no machine gets an address from, and where the blueprint says so.
    pub(super) pools: Vec<(Pool, Path)>,
    /// Who has which address already.
    taken: BTreeMap<Ipv4Addr, Owner>,
}

/// Who has an address, and the place in the blueprint that gave it.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    pub(super) name: String,
    pub(super) place: Place,
}

impl Space {
    pub(super) fn new(cidr: Ipv4Net, path: Path) -> Self {
        Self { cidr, path, pools: Vec::new(), taken: BTreeMap::new() }
    }

    /// Gives `address` to `owner`, or says why not.
    pub(super) fn claim(&mut self, network: &str, address: Ipv4Addr, owner: Owner) -> Result<(), Diagnostic> {
        let refuse = |code, message: String| Diagnostic::new(code, owner.place.clone(), message);
        let cidr_place = Place::Value(self.path.clone());
        let refusal = if !self.cidr.contains(&address) {
            let message = format!("{address} is not in network '{network}' ({})", self.cidr);
            refuse(Code::AddressOutsideNetwork, message).other(cidr_place, "the network")
        } else if address == self.cidr.network() {
            let message = format!("{address} is the address of network '{network}' itself");
            refuse(Code::NetworkOrBroadcastAddress, message).other(cidr_place, "the network")
        } else if address == self.cidr.broadcast() {
            let message = format!("{address} is the broadcast address of network '{network}'");
            refuse(Code::NetworkOrBroadcastAddress, message).other(cidr_place, "the network")
        } else if let Some((pool, path)) = self.pools.iter().find(|(pool, _)| pool.range.contains(address)) {
            let message = format!("{address} is in the pool '{}' of network '{network}'", pool.name);
            refuse(Code::AddressInPool, message).other(Place::Value(path.clone()), "the pool")
        } else if let Some(first) = self.taken.get(&address) {
            let message = format!("{address} cannot be {}: it is {}", owner.name, first.name);
            refuse(Code::AddressTaken, message)
                .other(first.place.clone(), format!("{} is from here", first.name))
        } else {
            self.taken.insert(address, owner);
            return Ok(());
        };
        Err(refusal.help(self.free_addresses()))
    }

    /// The first free host address.
    fn next_free(&self) -> Option<Ipv4Addr> {
        self.free().next()
    }

    /// All free host addresses, lowest first.
    fn free(&self) -> impl Iterator<Item = Ipv4Addr> {
        self.cidr.hosts().filter(|address| {
            !self.taken.contains_key(address)
                && !self.pools.iter().any(|(pool, _)| pool.range.contains(*address))
        })
    }

    /// Help that names the first few runs of free addresses.
    fn free_addresses(&self) -> String {
        let mut runs: Vec<AddressRange> = Vec::new();
        for address in self.free() {
            let known = runs.len();
            match runs.last_mut() {
                Some(run) if u32::from(run.last) + 1 == u32::from(address) => run.last = address,
                _ if known == 3 => break,
                _ => runs.push(AddressRange { first: address, last: address }),
            }
        }
        if runs.is_empty() {
            return "the network has no free address: make its range larger".to_owned();
        }
        let runs: Vec<String> = runs
            .iter()
            .map(|run| if run.first == run.last { run.first.to_string() } else { run.to_string() })
            .collect();
        format!("free addresses: {}", runs.join(", "))
    }
}

impl Resolver<'_> {
    /// Gives every machine its addresses, in the order of the blueprint.
    pub(super) fn addresses(
        &mut self,
        machines: Vec<MachineDraft>,
        networks: &mut [NetworkDraft],
    ) -> Vec<Machine> {
        machines.into_iter().map(|machine| self.machine_addresses(machine, networks)).collect()
    }

    fn machine_addresses(&mut self, mut draft: MachineDraft, networks: &mut [NetworkDraft]) -> Machine {
        let mut nics: Vec<Nic> = std::mem::take(&mut draft.machine.nics);
        for attachment in nics.iter_mut().flat_map(|nic| &mut nic.attachments) {
            if let Some(network) = networks.iter_mut().find(|network| network.name == attachment.network) {
                self.attachment_addresses(&draft, attachment, network);
            }
        }
        Machine { nics, ..draft.machine }
    }

    fn attachment_addresses(
        &mut self,
        draft: &MachineDraft,
        attachment: &mut Attachment,
        network: &mut NetworkDraft,
    ) {
        let gateway = network.gateway;
        let Some(space) = &mut network.space else { return };
        let prefix = space.cidr.prefix_len();
        let mut give = |address: Ipv4Addr| attachment.addresses.extend(Ipv4Net::new(address, prefix));
        if let (Role::Gateway, Some(gateway)) = (draft.machine.role, gateway) {
            give(gateway.resolver);
            if gateway.router != gateway.resolver {
                give(gateway.router);
            }
            return;
        }
        let name = format!("the address of {}", draft.machine.name);
        if let Some((text, path)) = draft.pin(&network.name) {
            let Some(address) = self.address(&text, &path) else { return };
            match space.claim(&network.name, address, Owner { name, place: Place::Value(path) }) {
                Ok(()) => give(address),
                Err(refusal) => self.report(refusal),
            }
            return;
        }
        let place = Place::Value(draft.network_path(&network.name));
        let Some(address) = space.next_free() else {
            let message =
                format!("network '{}' has no free address for {}", network.name, draft.machine.name);
            let cidr = Place::Value(space.path.clone());
            self.report(
                Diagnostic::new(Code::NetworkFull, place, message)
                    .other(cidr, format!("{} addresses, all taken or in pools", space.cidr.hosts().count()))
                    .help("make the network's range larger, or its pools smaller"),
            );
            return;
        };
        if space.claim(&network.name, address, Owner { name, place }).is_ok() {
            give(address);
        }
    }

    /// An address as written.
    pub(super) fn address(&mut self, text: &str, path: &Path) -> Option<Ipv4Addr> {
        let address = text.parse().ok();
        if address.is_none() {
            let message = format!("`{text}` is not an IPv4 address");
            self.report(
                Diagnostic::new(Code::AddressSyntax, Place::Value(path.clone()), message)
                    .help("four numbers from 0 to 255 with dots between them: `192.168.1.10`"),
            );
        }
        address
    }
}
