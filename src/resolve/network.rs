//! `networks:`

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::Resolver;
use super::address::{Owner, Space};
use crate::diag::{Code, Diagnostic, Path, Place, did_you_mean};
use crate::model::{Attach, Network as Written};
use crate::site::{GatewayAddresses, Segment};
use crate::value::AddressRange;

/// A network while its addresses are given out.
#[derive(Clone, Debug)]
pub(super) struct NetworkDraft {
    pub(super) name: String,
    pub(super) path: Path,
    pub(super) segment: Segment,
    /// The adapter's interface: named after the trunk, if there is one, else after the network.
    pub(super) nic: String,
    /// The interface that carries the addresses.
    pub(super) interface: String,
    /// Whether a trunk carries it.
    pub(super) tagged: bool,
    /// Its VLAN id on the trunk; none where that could not be understood.
    pub(super) vlan: Option<u16>,
    /// Its addresses: none on NAT, and none where they could not be understood.
    pub(super) space: Option<Space>,
    /// The gateway's addresses: kept free even if there is no gateway, so that adding one moves nobody.
    pub(super) gateway: Option<GatewayAddresses>,
    /// The address of the machine that runs VirtualBox, on a host-only network.
    pub(super) host: Option<Ipv4Addr>,
    pub(super) dhcp: Option<AddressRange>,
    /// Whether it has been reported that there is no address left.
    pub(super) full: bool,
}

impl Resolver<'_> {
    pub(super) fn networks(&mut self) -> Vec<NetworkDraft> {
        let blueprint = self.blueprint;
        let mut drafts: Vec<NetworkDraft> = Vec::new();
        for (name, written) in &blueprint.networks {
            let path = Path::root().key("networks").key(name);
            self.keys_that_do_not_apply(name, written, &path);
            let draft = self.network(name, written, path);
            self.overlap(&draft, &drafts);
            self.same_vlan(&draft, &drafts);
            drafts.push(draft);
        }
        self.interfaces(&drafts);
        self.reach(&drafts);
        drafts
    }

    fn network(&mut self, name: &str, written: &Written, path: Path) -> NetworkDraft {
        let vlan = self.vlan(written, &path);
        let trunk = written.trunk.as_deref().filter(|_| written.attach == Attach::Internal);
        let nic = trunk.unwrap_or(name).to_owned();
        let mut draft = NetworkDraft {
            name: name.to_owned(),
            interface: vlan.map_or_else(|| nic.clone(), |id| format!("{nic}.{id}")),
            segment: match written.attach {
                Attach::Nat => Segment::Nat,
                Attach::Internal | Attach::HostOnly => {
                    Segment::Internal(format!("{}-{nic}", self.blueprint.name))
                }
            },
            nic,
            tagged: trunk.is_some(),
            vlan,
            space: None,
            gateway: None,
            host: None,
            dhcp: None,
            full: false,
            path,
        };
        if written.attach == Attach::Nat {
            return draft;
        }
        let Some(cidr) = self.cidr(name, written, &draft.path) else { return draft };
        let mut space = Space::new(cidr, draft.path.key("cidr"));
        self.pools(name, written, &mut space);
        let dhcp = draft.path.key("dhcp");
        draft.dhcp = space.pools.iter().find(|(_, path)| *path == dhcp).map(|(pool, _)| pool.range);
        if written.attach == Attach::HostOnly {
            let host = self.host_address(name, &mut space, &draft.path);
            draft.host = Some(host);
            draft.segment = Segment::HostOnly(Ipv4Net::new(host, cidr.prefix_len()).unwrap_or(cidr));
        }
        draft.gateway = self.gateway_addresses(name, written, &mut space, draft.host.is_some());
        draft.space = Some(space);
        draft
    }

    /// The host has the first address of a host-only network.
    fn host_address(&mut self, name: &str, space: &mut Space, path: &Path) -> Ipv4Addr {
        self.host_only(space.cidr, path);
        let first = Ipv4Addr::from(u32::from(space.cidr.network()) + 1);
        let owner = Owner {
            what: format!("the host's address on network '{name}'"),
            place: Place::Value(space.path.clone()),
            why: "the first address of a host-only network is the host's".to_owned(),
            way_out: None,
        };
        self.claim(space, name, first, owner);
        first
    }

    pub(super) fn claim(&mut self, space: &mut Space, network: &str, address: Ipv4Addr, owner: Owner) {
        if let Err(refusal) = space.claim(network, address, owner) {
            self.report(refusal);
        }
    }

    fn keys_that_do_not_apply(&mut self, name: &str, written: &Written, path: &Path) {
        let (given, why): (&[(&str, bool)], &str) = match written.attach {
            Attach::Nat => (
                &[
                    ("cidr", written.cidr.is_some()),
                    ("trunk", written.trunk.is_some()),
                    ("vlan", written.vlan.is_some()),
                    ("router", written.router.is_some()),
                    ("resolver", written.resolver.is_some()),
                    ("pools", !written.pools.is_empty()),
                    ("dhcp", written.dhcp.is_some()),
                    ("reach", !written.reach.is_empty()),
                ],
                "VirtualBox's NAT gives each machine an address and a way out of its own",
            ),
            Attach::HostOnly => (
                &[("trunk", written.trunk.is_some()), ("vlan", written.vlan.is_some())],
                "a trunk is a switch between machines, which the host is not on",
            ),
            Attach::Internal => return,
        };
        let keys: Vec<&str> = given.iter().filter(|(_, given)| *given).map(|(key, _)| *key).collect();
        let Some((first, others)) = keys.split_first() else { return };
        let all = keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(" and ");
        let verb = if others.is_empty() { "means" } else { "mean" };
        let message = format!("{all} {verb} nothing on the {} network '{name}'", attach(written.attach));
        let mut diagnostic =
            Diagnostic::new(Code::KeyDoesNotApply, Place::Key(path.key(*first)), message).note(why);
        for key in others {
            diagnostic = diagnostic.other(Place::Key(path.key(*key)), "");
        }
        self.report(diagnostic.help(format!("remove {all}, or `attach: {}`", attach(written.attach))));
    }

    /// One overlap for each network: more would say the same.
    fn overlap(&mut self, draft: &NetworkDraft, earlier: &[NetworkDraft]) {
        let Some(space) = &draft.space else { return };
        let overlapping = earlier.iter().find_map(|other| {
            let cidr = other.space.as_ref()?.cidr;
            (space.cidr.contains(&cidr) || cidr.contains(&space.cidr)).then_some((other, cidr))
        });
        let Some((other, cidr)) = overlapping else { return };
        let message =
            format!("network '{}' ({}) overlaps network '{}' ({cidr})", draft.name, space.cidr, other.name);
        let next = next_network(space.cidr, earlier);
        let help = next.map_or_else(
            || "give one of them a range of its own".to_owned(),
            |next| format!("give one of them a range of its own: {next} is free"),
        );
        self.report(
            Diagnostic::new(Code::NetworksOverlap, Place::Value(space.path.clone()), message)
                .other(Place::Value(other.path.key("cidr")), format!("network '{}'", other.name))
                .help(help),
        );
    }

    /// Networks that may be reached: others with addresses, each once.
    fn reach(&mut self, drafts: &[NetworkDraft]) {
        let blueprint = self.blueprint;
        for (name, network) in &blueprint.networks {
            for (index, target) in network.reach.iter().enumerate() {
                let path = Path::root().key("networks").key(name).key("reach").index(index);
                if !self.known_network(target, drafts, &path) {
                    continue;
                }
                let nat = drafts.iter().any(|draft| draft.name == *target && draft.segment == Segment::Nat);
                let (message, help) = if target == name {
                    let message = format!("the machines of network '{name}' reach each other without a rule");
                    (message, "remove it: nothing stands between machines on one network")
                } else if nat {
                    let message =
                        format!("network '{target}' is VirtualBox's NAT, where nobody can be reached");
                    (message, "remove it: every network that the gateway is on has its way out already")
                } else if network.reach.iter().take(index).any(|earlier| earlier == target) {
                    (format!("network '{target}' is listed twice"), "remove one of the two")
                } else {
                    continue;
                };
                self.report(Diagnostic::new(Code::Reach, Place::Value(path), message).help(help));
            }
        }
    }

    /// Whether there is a network of that name; reports it if not.
    pub(super) fn known_network(&mut self, name: &str, drafts: &[NetworkDraft], path: &Path) -> bool {
        if drafts.iter().any(|draft| draft.name == name) {
            return true;
        }
        let names = || drafts.iter().map(|draft| draft.name.as_str());
        let help = match did_you_mean(name, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if drafts.is_empty() => "add it under `networks:`".to_owned(),
            None => format!("networks here: {}", names().collect::<Vec<_>>().join(", ")),
        };
        let message = format!("there is no network '{name}'");
        self.report(Diagnostic::new(Code::UnknownNetwork, Place::Value(path.clone()), message).help(help));
        false
    }
}

/// The word in the blueprint.
const fn attach(attach: Attach) -> &'static str {
    match attach {
        Attach::Internal => "internal",
        Attach::Nat => "nat",
        Attach::HostOnly => "host-only",
    }
}

/// The first network of the same size above this one that overlaps none of the others, within the same private range.
fn next_network(cidr: Ipv4Net, others: &[NetworkDraft]) -> Option<Ipv4Net> {
    let size = 1_u64 << (32 - u32::from(cidr.prefix_len()));
    let start = u64::from(u32::from(cidr.network()));
    let free = |candidate: &Ipv4Net| {
        others
            .iter()
            .filter_map(|other| other.space.as_ref())
            .all(|space| !space.cidr.contains(candidate) && !candidate.contains(&space.cidr))
    };
    (1..256)
        .map_while(|step| u32::try_from(start + step * size).ok())
        .map_while(|address| Ipv4Net::new(address.into(), cidr.prefix_len()).ok())
        .take_while(|candidate| candidate.addr().is_private())
        .find(free)
}
