//! Sets of addresses, which rules name: one machine more is one line more, and every rule stays as it is.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::Ipv4Net;
use serde::Serialize;

use crate::site::{Machine, Network, Site};

/// The sets of a ruleset by their addresses, which are in order, each once.
#[derive(Default)]
pub(super) struct AddressSets(BTreeMap<Vec<Ipv4Net>, AddressSet>);

/// Addresses of machines on a network, or of its services.
#[derive(Clone, Serialize)]
pub(super) struct AddressSet {
    name: String,
    /// Whether whole networks are among them, for which nft(8) wants a flag.
    interval: bool,
    elements: Vec<Element>,
}

#[derive(Clone, Serialize)]
struct Element {
    address: String,
    /// What has it: a machine, or one of several.
    name: Option<String>,
}

impl AddressSets {
    /// Names for these lists of addresses; a single one needs none.
    pub(super) fn of<'a>(site: &Site, lists: impl IntoIterator<Item = &'a Vec<Ipv4Net>>) -> Self {
        let on = |machine: &'_ Machine| {
            machine.attachments().flat_map(|on| on.addresses.clone()).collect::<Vec<_>>()
        };
        let machines: BTreeMap<Ipv4Net, &Machine> = site
            .machines
            .iter()
            .flat_map(|machine| on(machine).into_iter().map(move |it| (Ipv4Net::from(it.addr()), machine)))
            .collect();
        let mut sets = Self::default();
        let mut taken = BTreeSet::new();
        let lists: BTreeSet<&Vec<Ipv4Net>> = lists.into_iter().filter(|list| list.len() > 1).collect();
        for list in lists {
            let base = name(site, &machines, list);
            let others = (2..).map(|number| format!("{base}-{number}"));
            let mut names = std::iter::once(base.clone()).chain(others);
            let Some(name) = names.find(|name| taken.insert(name.clone())) else { continue };
            let elements = list.iter().map(|address| {
                let floating = site.floating.iter().find(|it| Ipv4Net::from(it.address) == *address);
                let name = machines.get(address).map(|it| &it.name).or(floating.map(|it| &it.name));
                Element { address: shown(*address), name: name.cloned() }
            });
            let interval = list.iter().any(|address| address.prefix_len() < 32);
            sets.0.insert(list.clone(), AddressSet { name, interval, elements: elements.collect() });
        }
        sets
    }

    /// As a rule says these addresses: `10.1.0.2`, or `@worker-on-node`.
    pub(super) fn named(&self, addresses: &Vec<Ipv4Net>) -> String {
        match (self.0.get(addresses), addresses.as_slice()) {
            (Some(set), _) => format!("@{}", set.name),
            (None, [one]) => shown(*one),
            (None, many) => {
                format!("{{ {} }}", many.iter().copied().map(shown).collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// All of them, by name.
    pub(super) fn into_sorted(self) -> Vec<AddressSet> {
        let mut sets: Vec<AddressSet> = self.0.into_values().collect();
        sets.sort_by(|one, other| one.name.cmp(&other.name));
        sets
    }
}

/// The roles of the machines and the network: `control-plane-on-mast`.
fn name(site: &Site, machines: &BTreeMap<Ipv4Net, &Machine>, list: &[Ipv4Net]) -> String {
    let roles: BTreeSet<&str> =
        list.iter().filter_map(|address| Some(machines.get(address)?.role.as_str())).collect();
    let who = roles.into_iter().collect::<Vec<_>>().join("-and-");
    let who = if who.is_empty() { "services" } else { &who };
    let is_there = |network: &&Network| list.iter().any(|address| network.cidr.contains(address));
    let network = site.networks.iter().find(is_there).map_or("networks", |network| &network.name);
    format!("{who}-on-{network}")
}

/// As nft(8) writes it: a single address without its length.
fn shown(address: Ipv4Net) -> String {
    if address.prefix_len() == 32 { address.addr().to_string() } else { address.to_string() }
}
