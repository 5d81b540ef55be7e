//! What every address of a site is called: what the gateway's DNS answers, and what /etc/hosts lists where no DNS is.

use std::net::Ipv4Addr;

use crate::site::{Machine, Site};

/// An address and its names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) address: Ipv4Addr,
    /// The full name first: it is the one that the address stands for.
    pub(super) names: Vec<String>,
}

/// All planned names: machines in the order of the blueprint, then floating addresses.
pub(super) fn records(site: &Site) -> Vec<Record> {
    let machines = site.machines.iter().flat_map(|machine| of_machine(site, machine));
    let floating = site.floating.iter().map(|floating| known_as(site, &floating.name, floating.address));
    machines.chain(floating).collect()
}

/// A machine by its name, and by `<machine>.<network>` on every network beyond its first.
pub(super) fn of_machine(site: &Site, machine: &Machine) -> Vec<Record> {
    let mut records = vec![known_as(site, &machine.name, machine.address())];
    records.extend(
        machine.attachments().filter(|on| on.network != machine.primary).map(|on| Record {
            address: on.address(),
            names: vec![site.fqdn(&machine.name_on(&on.network))],
        }),
    );
    records
}

fn known_as(site: &Site, name: &str, address: Ipv4Addr) -> Record {
    Record { address, names: vec![site.fqdn(name), name.to_owned()] }
}
