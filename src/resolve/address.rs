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
    /// What the address is: `the address of node01`.
    pub(super) what: String,
    pub(super) place: Place,
    /// Why it is this one, for those who want it too.
    pub(super) why: String,
    /// How it could be another one, where nobody asked for this one.
    pub(super) way_out: Option<String>,
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
            let message = format!("{address}, {}, is in the pool '{}'", owner.what, pool.name);
            let label = owner.way_out.as_ref().map_or("", |_| owner.why.as_str());
            refuse(Code::AddressInPool, message)
                .other(Place::Value(path.clone()), "the pool")
                .label(label)
                .maybe_help(owner.way_out.clone())
        } else if let Some(first) = self.taken.get(&address) {
            let message = format!("{address} cannot be {}: it is {}", owner.what, first.what);
            refuse(Code::AddressTaken, message)
                .other(first.place.clone(), first.why.clone())
                .maybe_help(first.way_out.clone())
        } else {
            self.taken.insert(address, owner);
            return Ok(());
        };
        Err(refusal.help(self.free_addresses()))
    }

    /// The first free host address.
    fn next_free(&self) -> Option<Ipv4Addr> {
        self.free_runs().next().map(|run| run.first)
    }

    /// Runs of free host addresses, lowest first; found by their ends, because a network may have millions.
    fn free_runs(&self) -> impl Iterator<Item = AddressRange> {
        let last = u32::from(self.cidr.broadcast()) - 1;
        let mut next = u32::from(self.cidr.network()) + 1;
        std::iter::from_fn(move || {
            let first = self.first_free(next).filter(|first| *first <= last)?;
            let pools = self.pools.iter().map(|(pool, _)| u32::from(pool.range.first));
            let taken = self.taken.range(Ipv4Addr::from(first)..).next();
            let end = pools
                .chain(taken.map(|(address, _)| u32::from(*address)))
                .filter(|start| *start > first)
                .min()
                .map_or(last, |start| last.min(start - 1));
            next = end + 1;
            Some(AddressRange { first: first.into(), last: end.into() })
        })
    }

    /// The lowest address from `start` on that is neither taken nor in a pool, inside the network or beyond it.
    fn first_free(&self, start: u32) -> Option<u32> {
        let mut next = start;
        loop {
            let address = Ipv4Addr::from(next);
            let pool = self.pools.iter().find(|(pool, _)| pool.range.contains(address));
            let end = match pool {
                Some((pool, _)) => u32::from(pool.range.last),
                None if self.taken.contains_key(&address) => next,
                None => return Some(next),
            };
            next = end.checked_add(1)?;
        }
    }

    /// Help that names the first few runs of free addresses.
    fn free_addresses(&self) -> String {
        let runs: Vec<String> = self
            .free_runs()
            .take(3)
            .map(|run| if run.first == run.last { run.first.to_string() } else { run.to_string() })
            .collect();
        if runs.is_empty() {
            return "the network has no free address: make its range larger".to_owned();
        }
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
        let name = &draft.machine.name;
        let what = format!("the address of {name}");
        if let Some((text, path)) = draft.pin(&network.name) {
            let Some(address) = self.address(&text, &path) else { return };
            let owner = Owner {
                what,
                place: Place::Value(path),
                why: format!("{name} has it from here"),
                way_out: None,
            };
            match space.claim(&network.name, address, owner) {
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
            let hosts = u32::from(space.cidr.broadcast()) - u32::from(space.cidr.network()) - 1;
            if !std::mem::replace(&mut network.full, true) {
                self.report(
                    Diagnostic::new(Code::NetworkFull, place, message)
                        .other(cidr, format!("{hosts} addresses, all taken or in pools"))
                        .help("make the network's range larger, or its pools smaller"),
                );
            }
            return;
        };
        let owner = Owner {
            what,
            place,
            why: format!("{name} comes first, and got the first free address"),
            way_out: Some(format!("pin another one for {name} under its `addresses:`")),
        };
        if space.claim(&network.name, address, owner).is_ok() {
            give(address);
        }
    }

    /// An address as written.
    pub(super) fn address(&mut self, text: &str, path: &Path) -> Option<Ipv4Addr> {
        if let Ok(address) = text.parse() {
            return Some(address);
        }
        let bare = text.split_once('/').and_then(|(address, _)| address.parse::<Ipv4Addr>().ok());
        let help = match bare {
            Some(bare) => format!("write `{bare}`: the prefix length is its network's"),
            None => "four numbers from 0 to 255 with dots between them: `192.168.1.10`".to_owned(),
        };
        let message = format!("`{text}` is not an IPv4 address");
        self.report(Diagnostic::new(Code::AddressSyntax, Place::Value(path.clone()), message).help(help));
        None
    }
}
