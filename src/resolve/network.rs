//! `networks:`

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::Resolver;
use super::address::{Owner, Space};
use crate::diag::{Code, Diagnostic, Path, Place, did_you_mean};
use crate::model::{Attach, Network as Written};
use crate::site::{GatewayAddresses, Machine, Network, Pool, Role, Segment};
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
    pub(super) vlan: Option<u16>,
    /// Its addresses: none on NAT, and none where they could not be understood.
    pub(super) space: Option<Space>,
    /// The gateway's addresses: kept free even if there is no gateway, so that adding one moves nobody.
    pub(super) gateway: Option<GatewayAddresses>,
    host: Option<Ipv4Addr>,
    dhcp: Option<AddressRange>,
}

/// The host-only addresses that VirtualBox allows without a networks.conf (manual, section 6.7).
const HOST_ONLY_DEFAULT: ([u8; 4], u8) = ([192, 168, 56, 0], 21);
/// The network behind which VirtualBox's NAT puts a machine (manual, section 6.3).
const NAT_DEFAULT: ([u8; 4], u8) = ([10, 0, 2, 0], 24);
/// Ranges that no machine can have an address in (RFC 6890).
const SPECIAL_USE: [([u8; 4], u8, &str); 4] = [
    ([0, 0, 0, 0], 8, "stands for this network itself"),
    ([127, 0, 0, 0], 8, "is for loopback"),
    ([169, 254, 0, 0], 16, "is for link-local addresses"),
    ([224, 0, 0, 0], 3, "is for multicast and future use"),
];

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
        let nic = written.trunk.as_deref().unwrap_or(name).to_owned();
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
            vlan,
            space: None,
            gateway: None,
            host: None,
            dhcp: None,
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
        let first = Ipv4Addr::from(u32::from(cidr.network()) + 1);
        if written.attach == Attach::HostOnly {
            self.host_only(cidr, &draft.path);
            let owner = Owner {
                name: format!("the host's address on '{name}'"),
                place: Place::Key(draft.path.clone()),
            };
            self.claim(&mut space, name, first, owner);
            draft.host = Some(first);
            draft.segment = Segment::HostOnly(Ipv4Net::new(first, cidr.prefix_len()).unwrap_or(cidr));
        }
        draft.gateway = self.gateway_addresses(name, written, &mut space, draft.host.is_some());
        draft.space = Some(space);
        draft
    }

    /// The gateway's addresses: the last host address for routes, the first one for names (on a host-only network
    /// that is the host's, so there the last one serves both).
    fn gateway_addresses(
        &mut self,
        name: &str,
        written: &Written,
        space: &mut Space,
        host_only: bool,
    ) -> Option<GatewayAddresses> {
        let cidr = space.cidr;
        let path = Path::root().key("networks").key(name);
        let mut one = |key: &str, text: &Option<String>, default: Ipv4Addr| match text {
            Some(text) => Some((self.address(text, &path.key(key))?, Place::Value(path.key(key)))),
            None => Some((default, Place::Value(path.key("cidr")))),
        };
        let last = Ipv4Addr::from(u32::from(cidr.broadcast()) - 1);
        let first = Ipv4Addr::from(u32::from(cidr.network()) + 1);
        let (router, place) = one("router", &written.router, last)?;
        let (resolver, resolver_place) =
            one("resolver", &written.resolver, if host_only { router } else { first })?;
        let owner = Owner { name: format!("the router of network '{name}'"), place };
        self.claim(space, name, router, owner);
        if resolver != router {
            let owner = Owner { name: format!("the resolver of network '{name}'"), place: resolver_place };
            self.claim(space, name, resolver, owner);
        }
        Some(GatewayAddresses { router, resolver })
    }

    fn claim(&mut self, space: &mut Space, network: &str, address: Ipv4Addr, owner: Owner) {
        if let Err(refusal) = space.claim(network, address, owner) {
            self.report(refusal);
        }
    }

    fn keys_that_do_not_apply(&mut self, name: &str, written: &Written, path: &Path) {
        let without_addresses = [
            ("cidr", written.cidr.is_some()),
            ("trunk", written.trunk.is_some()),
            ("vlan", written.vlan.is_some()),
            ("router", written.router.is_some()),
            ("resolver", written.resolver.is_some()),
            ("pools", !written.pools.is_empty()),
            ("dhcp", written.dhcp.is_some()),
            ("reach", !written.reach.is_empty()),
        ];
        let (keys, why) = match written.attach {
            Attach::Nat => {
                (&without_addresses[..], "VirtualBox's NAT gives each machine an address of its own")
            }
            Attach::HostOnly => {
                (without_addresses.get(1..3).unwrap_or_default(), "a trunk is always internal")
            }
            Attach::Internal => return,
        };
        for (key, _) in keys.iter().filter(|(_, given)| *given) {
            let message = format!("`{key}` means nothing on network '{name}'");
            let place = Place::Key(path.key(*key));
            let help = format!("remove `{key}`, or make the network internal");
            self.report(Diagnostic::new(Code::KeyDoesNotApply, place, message).note(why).help(help));
        }
    }

    fn cidr(&mut self, name: &str, written: &Written, path: &Path) -> Option<Ipv4Net> {
        let Some(text) = &written.cidr else {
            let message = format!("network '{name}' has no address range");
            self.report(
                Diagnostic::new(Code::CidrMissing, Place::Key(path.clone()), message)
                    .help("add `cidr:`, for instance `cidr: 192.168.1.0/24`, or `attach: nat`"),
            );
            return None;
        };
        let place = Place::Value(path.key("cidr"));
        let Ok(cidr) = text.parse::<Ipv4Net>() else {
            let message = format!("`{text}` is not a network in CIDR form");
            self.report(
                Diagnostic::new(Code::CidrSyntax, place, message)
                    .help("an IPv4 address and a prefix length: `192.168.1.0/24`"),
            );
            return None;
        };
        if cidr.addr() != cidr.network() {
            let message = format!("`{text}` is an address in a network, not a network");
            self.report(
                Diagnostic::new(Code::HostBits, place, message).help(format!("write `{}`", cidr.trunc())),
            );
            return None;
        }
        if !(8..=29).contains(&cidr.prefix_len()) {
            let message = format!(
                "a /{} network is too {}",
                cidr.prefix_len(),
                if cidr.prefix_len() > 29 { "small" } else { "large" }
            );
            self.report(Diagnostic::new(Code::NetworkSize, place, message).help("from /8 to /29"));
            return None;
        }
        let special = SPECIAL_USE.iter().find(|(address, prefix, _)| overlaps(cidr, *address, *prefix));
        if let Some((address, prefix, what)) = special {
            let message = format!("{cidr} lies in {}/{prefix}, which {what}", Ipv4Addr::from(*address));
            self.report(
                Diagnostic::new(Code::SpecialUse, place, message)
                    .help("use a private range: 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16 (RFC 1918)"),
            );
            return None;
        }
        if overlaps(cidr, NAT_DEFAULT.0, NAT_DEFAULT.1) {
            let message = format!(
                "{cidr} overlaps 10.0.2.0/24, which VirtualBox's NAT uses on every machine that has it"
            );
            self.report(Diagnostic::new(Code::SpecialUse, place, message).help("choose another range"));
            return None;
        }
        Some(cidr)
    }

    fn host_only(&mut self, cidr: Ipv4Net, path: &Path) {
        let (address, prefix) = HOST_ONLY_DEFAULT;
        if Ipv4Net::new(address.into(), prefix).is_ok_and(|allowed| allowed.contains(&cidr)) {
            return;
        }
        let message = format!("VirtualBox refuses {cidr} on a host-only network unless the host allows it");
        self.report(
            Diagnostic::new(Code::HostOnlyRange, Place::Value(path.key("cidr")), message)
                .note("on Linux, macOS and Solaris it allows 192.168.56.0/21 only")
                .help(format!("choose a range inside that, or add this line to /etc/vbox/networks.conf on the host:\n* {cidr}")),
        );
    }

    fn pools(&mut self, name: &str, written: &Written, space: &mut Space) {
        let path = Path::root().key("networks").key(name);
        let pools =
            written.pools.iter().map(|(pool, text)| (pool.as_str(), text, path.key("pools").key(pool)));
        let dhcp = written.dhcp.iter().map(|text| ("dhcp", text, path.key("dhcp")));
        for (pool, text, path) in pools.chain(dhcp) {
            let place = Place::Value(path.clone());
            let Ok(range) = text.parse::<AddressRange>() else {
                let message = format!("`{text}` is not a range of addresses");
                self.report(
                    Diagnostic::new(Code::RangeSyntax, place, message)
                        .help("the first and the last one: `192.168.2.2-192.168.2.125`"),
                );
                continue;
            };
            let hosts = (u32::from(space.cidr.network()) + 1)..u32::from(space.cidr.broadcast());
            if !hosts.contains(&range.first.into()) || !hosts.contains(&range.last.into()) {
                let message = format!("{range} is not within the host addresses of network '{name}'");
                let fits = format!("{}-{}", Ipv4Addr::from(hosts.start), Ipv4Addr::from(hosts.end - 1));
                self.report(
                    Diagnostic::new(Code::PoolOutsideNetwork, place, message)
                        .other(Place::Value(space.path.clone()), "the network")
                        .help(format!("within {fits}")),
                );
                continue;
            }
            if let Some((other, other_path)) =
                space.pools.iter().find(|(other, _)| other.range.overlaps(&range))
            {
                let message = format!("{range} overlaps the pool '{}'", other.name);
                self.report(
                    Diagnostic::new(Code::PoolsOverlap, place, message)
                        .other(Place::Value(other_path.clone()), other.range.to_string())
                        .help("make one of them end before the other starts"),
                );
                continue;
            }
            space.pools.push((Pool { name: pool.to_owned(), range }, path));
        }
    }

    fn vlan(&mut self, written: &Written, path: &Path) -> Option<u16> {
        if written.attach != Attach::Internal {
            return None;
        }
        let (key, missing) = match (written.vlan, &written.trunk) {
            (None, None) => return None,
            (Some(id), Some(_)) => return self.vlan_id(id, path),
            (Some(_), None) => ("vlan", "trunk"),
            (None, Some(_)) => ("trunk", "vlan"),
        };
        let message = format!("`{key}` needs `{missing}` beside it");
        let help = "both say which tag the network has on which switch: `trunk: dmz, vlan: 41`";
        self.report(Diagnostic::new(Code::TrunkWithoutVlan, Place::Key(path.key(key)), message).help(help));
        None
    }

    fn vlan_id(&mut self, id: u64, path: &Path) -> Option<u16> {
        let fits = u16::try_from(id).ok().filter(|id| (1..=4094).contains(id));
        if fits.is_none() {
            let message = format!("{id} is not a VLAN id");
            let place = Place::Value(path.key("vlan"));
            self.report(
                Diagnostic::new(Code::VlanRange, place, message).help("from 1 to 4094 (IEEE 802.1Q)"),
            );
        }
        fits
    }

    fn overlap(&mut self, draft: &NetworkDraft, earlier: &[NetworkDraft]) {
        let Some(space) = &draft.space else { return };
        for other in earlier {
            let Some(other_space) = &other.space else { continue };
            if space.cidr.contains(&other_space.cidr) || other_space.cidr.contains(&space.cidr) {
                let message = format!(
                    "network '{}' ({}) overlaps network '{}' ({})",
                    draft.name, space.cidr, other.name, other_space.cidr
                );
                self.report(
                    Diagnostic::new(Code::NetworksOverlap, Place::Value(space.path.clone()), message)
                        .other(Place::Value(other_space.path.clone()), "the other one")
                        .help("give one of them a range of its own"),
                );
            }
        }
    }

    fn same_vlan(&mut self, draft: &NetworkDraft, earlier: &[NetworkDraft]) {
        let Some(id) = draft.vlan else { return };
        if let Some(other) = earlier.iter().find(|other| other.vlan == Some(id) && other.nic == draft.nic) {
            let message = format!("trunk '{}' carries VLAN {id} twice", draft.nic);
            self.report(
                Diagnostic::new(Code::VlanTaken, Place::Value(draft.path.key("vlan")), message)
                    .other(Place::Value(other.path.key("vlan")), format!("network '{}' has it", other.name))
                    .help("give each network of a trunk its own id"),
            );
        }
    }

    /// Interface names: those of networks and trunks, which Linux must take and which must differ.
    fn interfaces(&mut self, drafts: &[NetworkDraft]) {
        for (index, draft) in drafts.iter().enumerate() {
            let place = if draft.vlan.is_some() {
                Place::Value(draft.path.key("trunk"))
            } else {
                Place::Key(draft.path.clone())
            };
            let kernel = matches!(draft.interface.as_str(), "lo" | "all" | "default")
                || draft
                    .interface
                    .strip_prefix("eth")
                    .is_some_and(|rest| rest.bytes().all(|c| c.is_ascii_digit()));
            if draft.interface.len() > 15 {
                let message =
                    format!("the interface name '{}' has {} bytes", draft.interface, draft.interface.len());
                self.report(
                    Diagnostic::new(Code::InterfaceNameLength, place, message)
                        .help("Linux takes 15 (IFNAMSIZ): shorten the name"),
                );
            } else if kernel {
                let message = format!("the interface name '{}' belongs to the kernel", draft.interface);
                self.report(
                    Diagnostic::new(Code::InterfaceNameLength, place, message)
                        .help("call it after what it is for: `lan`"),
                );
            } else if let Some(other) = drafts.iter().take(index).find(|other| {
                (other.nic == draft.interface || draft.nic == other.interface)
                    && other.name != draft.name
                    && (other.vlan.is_none() || draft.vlan.is_none())
            }) {
                let message = format!("a network and a trunk are both called '{}'", draft.nic);
                self.report(
                    Diagnostic::new(Code::InterfaceNameTaken, place, message)
                        .other(Place::Key(other.path.clone()), "the other one")
                        .help("each gives its name to an interface: rename one of them"),
                );
            }
        }
    }

    fn reach(&mut self, drafts: &[NetworkDraft]) {
        let blueprint = self.blueprint;
        for (name, network) in &blueprint.networks {
            for (index, target) in network.reach.iter().enumerate() {
                let path = Path::root().key("networks").key(name).key("reach").index(index);
                self.known_network(target, drafts, &path);
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
            None => format!("networks here: {}", names().collect::<Vec<_>>().join(", ")),
        };
        let message = format!("there is no network '{name}'");
        self.report(Diagnostic::new(Code::UnknownNetwork, Place::Value(path.clone()), message).help(help));
        false
    }

    /// What the rest of the compiler sees of the networks.
    pub(super) fn finish_networks(
        &mut self,
        drafts: Vec<NetworkDraft>,
        machines: &[Machine],
    ) -> Vec<Network> {
        for draft in &drafts {
            let named = |nic: &crate::site::Nic| nic.interface == draft.nic;
            let used = machines.iter().any(|machine| {
                machine.on(&draft.name).is_some()
                    || (draft.segment == Segment::Nat && machine.nics.iter().any(named))
            });
            if !used {
                let message = format!("no machine is on network '{}'", draft.name);
                self.report(
                    Diagnostic::new(Code::NetworkUnused, Place::Key(draft.path.clone()), message)
                        .help("list it under a machine's `networks:`, or remove it"),
                );
            }
        }
        let gateway = machines.iter().find(|machine| machine.role == Role::Gateway);
        let blueprint = self.blueprint;
        let mut networks = Vec::new();
        for draft in drafts {
            let Some(space) = draft.space else { continue };
            let served = gateway.is_some_and(|gateway| gateway.on(&draft.name).is_some());
            let written = blueprint.networks.get(&draft.name);
            self.needs_gateway(&draft.path, written, served);
            let dhcp = draft.path.key("dhcp");
            networks.push(Network {
                interface: draft.interface,
                cidr: space.cidr,
                gateway: draft.gateway.filter(|_| served),
                host: draft.host,
                pools: space
                    .pools
                    .into_iter()
                    .filter(|(_, path)| *path != dhcp)
                    .map(|(pool, _)| pool)
                    .collect(),
                dhcp: draft.dhcp,
                reach: written.map(|written| written.reach.clone()).unwrap_or_default(),
                name: draft.name,
            });
        }
        networks
    }

    /// DHCP and routes to other networks are the gateway's work.
    fn needs_gateway(&mut self, path: &Path, written: Option<&Written>, served: bool) {
        let Some(written) = written.filter(|_| !served) else { return };
        let keys = [("dhcp", written.dhcp.is_some()), ("reach", !written.reach.is_empty())];
        for (key, _) in keys.into_iter().filter(|(_, given)| *given) {
            let message = format!("`{key}` is a gateway's work, and no gateway is on this network");
            self.report(
                Diagnostic::new(Code::GatewayMissing, Place::Key(path.key(key)), message)
                    .help("add the network to the gateway's `networks:`, or remove the key"),
            );
        }
    }
}

fn overlaps(cidr: Ipv4Net, address: [u8; 4], prefix: u8) -> bool {
    Ipv4Net::new(address.into(), prefix).is_ok_and(|range| range.contains(&cidr) || cidr.contains(&range))
}
