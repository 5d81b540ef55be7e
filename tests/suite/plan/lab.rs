//! Random blueprints: most are right, some have addresses that clash or networks that are full.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use bpc::Inputs;
use bpc::diag::Files;
use proptest::prelude::*;
use proptest::sample::Index;

const ROLES: [&str; 5] = ["bastion", "control-plane", "worker", "load-balancer", "gateway"];

/// A blueprint, before it becomes text.
#[derive(Clone, Debug)]
pub(super) struct Lab {
    networks: Vec<Network>,
    groups: Vec<Group>,
    floating: u8,
    /// Whether what comes now is an addition: the first load balancer is more, as it brings an address of its own.
    is_whole: bool,
}

#[derive(Clone, Debug)]
struct Network {
    name: String,
    /// Its number: what makes its addresses and its VLAN id its own.
    number: u8,
    /// Whether it has a DHCP range: where a gateway is from the start.
    dhcp: bool,
    raw: RawNetwork,
}

#[derive(Clone, Debug)]
struct Group {
    name: String,
    role: &'static str,
    count: Option<u32>,
    networks: Vec<String>,
    /// The address of the first machine on a network.
    pin: Option<(String, Ipv4Addr)>,
}

/// The kind of a network: what it is plugged into, its prefix length, a pool (first, length) and a DHCP range.
#[derive(Clone, Debug)]
pub(super) struct RawNetwork {
    attach: Attach,
    prefix: u8,
    pool: Option<(u8, u8)>,
    dhcp: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attach {
    Nat,
    HostOnly,
    Plain,
    Trunk(u8),
}

/// The kind of a group: networks and one pin by index, the latter with a host number.
#[derive(Clone, Debug)]
pub(super) struct RawGroup {
    role: Index,
    count: Option<u32>,
    networks: Vec<Index>,
    pin: Option<(Index, u8)>,
    long: bool,
}

pub(super) fn network() -> impl Strategy<Value = RawNetwork> {
    let attach = prop_oneof![
        1 => Just(Attach::Nat),
        1 => Just(Attach::HostOnly),
        3 => Just(Attach::Plain),
        3 => (0..2u8).prop_map(Attach::Trunk),
    ];
    let prefix = prop_oneof![8 => 24..=27u8, 1 => Just(29u8)];
    let pool = prop::option::weighted(0.3, (2..40u8, 0..20u8));
    (attach, prefix, pool, prop::bool::weighted(0.3)).prop_map(|(attach, prefix, pool, dhcp)| RawNetwork {
        attach,
        prefix,
        pool,
        dhcp,
    })
}

pub(super) fn group() -> impl Strategy<Value = RawGroup> {
    let networks = prop::collection::vec(any::<Index>(), 1..6);
    let pin = prop::option::weighted(0.3, (any::<Index>(), 2..60u8));
    let count = prop::option::of(1..4u32);
    (any::<Index>(), count, networks, pin, prop::bool::weighted(0.02))
        .prop_map(|(role, count, networks, pin, long)| RawGroup { role, count, networks, pin, long })
}

pub(super) fn lab() -> impl Strategy<Value = Lab> {
    let networks = prop::collection::vec(network(), 0..8);
    let groups = prop::collection::vec(group(), 1..6);
    (networks, groups, 2..60u8).prop_map(|(networks, groups, floating)| {
        let mut lab = Lab { networks: Vec::new(), groups: Vec::new(), floating, is_whole: false };
        // One network has addresses, whatever the others are.
        lab.add_network(&RawNetwork { attach: Attach::Plain, prefix: 24, pool: None, dhcp: false });
        for network in &networks {
            lab.add_network(network);
        }
        for group in &groups {
            lab.add_group(group);
        }
        lab.serve_dhcp();
        lab.is_whole = true;
        lab
    })
}

impl Network {
    /// `10.<number>.0.0/<prefix>`, or within what VirtualBox allows on the host.
    fn base(&self) -> Ipv4Addr {
        match self.raw.attach {
            Attach::HostOnly => Ipv4Addr::new(192, 168, 56 + self.number % 8, 0),
            _ => Ipv4Addr::new(10, 10 + self.number, 0, 0),
        }
    }

    /// The host of that number, or another one if the network is too small for it.
    fn host(&self, number: u8) -> Ipv4Addr {
        let hosts = (1u32 << (32 - self.raw.prefix)) - 2;
        Ipv4Addr::from(u32::from(self.base()) + 2 + (u32::from(number) - 2) % (hosts - 2))
    }

    fn yaml(&self) -> String {
        let mut keys = match self.raw.attach {
            Attach::Nat => return "attach: nat".to_owned(),
            Attach::HostOnly => "attach: host-only, ".to_owned(),
            Attach::Plain => String::new(),
            Attach::Trunk(trunk) => format!("trunk: trunk{trunk}, vlan: {}, ", 40 + u32::from(self.number)),
        };
        write!(keys, "cidr: {}/{}", self.base(), self.raw.prefix).unwrap();
        if let Some((first, length)) = self.raw.pool {
            let mut ends = [self.host(first), self.host(first.saturating_add(length))];
            ends.sort_unstable();
            write!(keys, ", pools: {{spare: {}-{}}}", ends[0], ends[1]).unwrap();
        }
        if self.dhcp {
            write!(keys, ", dhcp: {}-{}", self.host(50), self.host(50)).unwrap();
        }
        keys
    }
}

impl Lab {
    /// Adds a network at the end and says how it is called.
    pub(super) fn add_network(&mut self, raw: &RawNetwork) -> String {
        let number = u8::try_from(self.networks.len()).unwrap();
        let name = format!("net{number}");
        self.networks.push(Network { name: name.clone(), number, dhcp: false, raw: raw.clone() });
        name
    }

    /// Adds machines at the end and says how their group is called.
    pub(super) fn add_group(&mut self, raw: &RawGroup) -> String {
        let length = if raw.long { 62 } else { 1 };
        let name = format!("{}{}", "m".repeat(length), self.groups.len());
        let (wired, nat): (Vec<&Network>, Vec<&Network>) =
            self.networks.iter().partition(|network| network.raw.attach != Attach::Nat);
        // One gateway and one group of load balancers at most, no gateway without NAT, no worker without a control plane:
        // the rest are errors.
        let known = |role: &str| self.groups.iter().any(|group| group.role == role);
        let role = match *raw.role.get(&ROLES) {
            "gateway" if known("gateway") || nat.is_empty() => "bastion",
            "load-balancer" if known("load-balancer") || self.is_whole => "bastion",
            "worker" if !known("control-plane") => "control-plane",
            role => role,
        };
        let way_out = nat.first().filter(|_| role == "gateway");
        let listed = raw.networks.iter().map(|index| index.get(&self.networks));
        let mut networks: Vec<String> = Vec::new();
        for network in way_out.copied().into_iter().chain(listed).chain([wired[0]]) {
            if !networks.contains(&network.name) {
                networks.push(network.name.clone());
            }
        }
        let pinnable: Vec<&&Network> =
            wired.iter().filter(|network| role != "gateway" && networks.contains(&network.name)).collect();
        let pin = raw.pin.filter(|_| !pinnable.is_empty()).map(|(index, host)| {
            let network = index.get(&pinnable);
            (network.name.clone(), network.host(host))
        });
        let count = raw.count.filter(|_| role != "gateway");
        self.groups.push(Group { name: name.clone(), role, count, networks, pin });
        name
    }

    /// DHCP is a gateway's work.
    fn serve_dhcp(&mut self) {
        let gateway = self.groups.iter().find(|group| group.role == "gateway");
        let served = gateway.map(|gateway| gateway.networks.clone()).unwrap_or_default();
        for network in &mut self.networks {
            network.dhcp = network.raw.dhcp && served.contains(&network.name);
        }
    }

    /// Puts a group on a network, after those that it is on.
    pub(super) fn put_on(&mut self, group: &str, network: &str) {
        let group = self.groups.iter_mut().find(|known| known.name == group).unwrap();
        if !group.networks.iter().any(|known| known == network) {
            group.networks.push(network.to_owned());
        }
    }

    /// Makes the last group larger, if it is numbered, and says how it is called.
    pub(super) fn raise_last_count(&mut self, more: u32) -> Option<String> {
        let last = self.groups.last_mut()?;
        *last.count.as_mut()? += more;
        Some(last.name.clone())
    }

    /// The name of any group.
    pub(super) fn pick_group(&self, index: Index) -> String {
        index.get(&self.groups).name.clone()
    }

    /// Whether a machine is of a group.
    pub(super) fn makes(&self, group: &str, machine: &str) -> bool {
        let owner = self.groups.iter().filter(|known| machine.starts_with(&known.name));
        owner.max_by_key(|known| known.name.len()).is_some_and(|owner| owner.name == group)
    }

    /// The blueprint: machines first, so that a network more moves no line of theirs.
    pub(super) fn inputs(&self) -> Inputs {
        let mut text = String::from(
            "blueprint: 1\nname: lab\ndomain: lab.demo\nepoch: 2026-01-01T00:00:00Z\n\
             image: {distribution: debian, release: trixie}\naccess: {}\nmachines:\n",
        );
        for group in &self.groups {
            writeln!(text, "  {}: {{{}}}", group.name, Self::group(group)).unwrap();
        }
        text += "networks:\n";
        for network in &self.networks {
            writeln!(text, "  {}: {{{}}}", network.name, network.yaml()).unwrap();
        }
        if let Some(group) = self.groups.iter().find(|group| group.role == "load-balancer") {
            // Every group is on the first one.
            assert!(group.networks.contains(&self.networks[0].name));
            let address = self.networks[0].host(self.floating);
            writeln!(text, "load_balancer: {{address: {address}}}").unwrap();
        }
        if self.groups.iter().any(|group| group.role == "control-plane") {
            text += "kubernetes: {version: \"1.35\"}\n";
        }
        let mut files = Files::new("");
        files.add("blueprint.yaml", text);
        Inputs { files, ..Inputs::default() }
    }

    fn group(group: &Group) -> String {
        let mut keys =
            format!("role: {}, cpus: 2, memory: 2GiB, networks: [{}]", group.role, group.networks.join(", "));
        if let Some(count) = group.count {
            write!(keys, ", count: {count}").unwrap();
        }
        if let Some((network, address)) = &group.pin {
            write!(keys, ", addresses: {{{network}: [{address}]}}").unwrap();
        }
        keys
    }
}
