//! dnsmasq: DNS for the domain, DHCP for every network (dnsmasq(8), 2.90 and later).

use serde::Serialize;

use crate::bug::Bug;
use crate::site::{Machine, Network, Site};
use crate::template::render;

#[derive(Serialize)]
struct Configuration<'a> {
    name: &'a str,
    domain: &'a str,
    wan: &'a str,
    forwarders: Vec<String>,
    records: Vec<Record>,
    networks: Vec<Subnet<'a>>,
}

/// A name and all that it may be called by.
#[derive(Serialize)]
struct Record {
    /// With commas between, the full name first.
    names: String,
    address: String,
}

#[derive(Serialize)]
struct Subnet<'a> {
    name: &'a str,
    interface: &'a str,
    cidr: String,
    /// What stands before the mask in `dhcp-range`.
    range: String,
    netmask: String,
    broadcast: String,
    router: String,
    resolver: String,
    hosts: Vec<Host>,
}

#[derive(Serialize)]
struct Host {
    mac: String,
    address: String,
    name: String,
}

/// The whole configuration, for /etc/dnsmasq.d.
pub(super) fn configuration(site: &Site, machine: &Machine) -> Result<String, Bug> {
    let configuration = Configuration {
        name: &site.name,
        domain: &site.domain,
        wan: machine.nat().map_or("", |nic| &nic.interface),
        forwarders: site.forwarders.iter().map(ToString::to_string).collect(),
        records: records(site),
        networks: site.networks.iter().filter_map(|network| subnet(site, network)).collect(),
    };
    render("dnsmasq.conf", include_str!("dnsmasq.conf.j2"), &configuration)
}

/// Each machine by its name, and by `<machine>.<network>` on every network beyond its first.
fn records(site: &Site) -> Vec<Record> {
    let mut records = Vec::new();
    let mut add = |name: &str, short: bool, address: std::net::Ipv4Addr| {
        let full = site.fqdn(name);
        let names = if short { format!("{full},{name}") } else { full };
        records.push(Record { names, address: address.to_string() });
    };
    for machine in &site.machines {
        add(&machine.name, true, machine.address());
        for attachment in machine.attachments().filter(|attachment| attachment.network != machine.primary) {
            add(&format!("{}.{}", machine.name, attachment.network), false, attachment.address());
        }
    }
    for floating in &site.floating {
        add(&floating.name, true, floating.address);
    }
    records
}

fn subnet<'a>(site: &'a Site, network: &'a Network) -> Option<Subnet<'a>> {
    let gateway = network.gateway?;
    // `static` serves known machines only; dhcp-host addresses may lie outside a range, in the same network.
    let range = match network.dhcp {
        Some(range) => format!("{},{}", range.first, range.last),
        None => format!("{},static", network.cidr.network()),
    };
    Some(Subnet {
        name: &network.name,
        interface: &network.interface,
        cidr: network.cidr.to_string(),
        range,
        netmask: network.cidr.netmask().to_string(),
        broadcast: network.cidr.broadcast().to_string(),
        router: gateway.router.to_string(),
        resolver: gateway.resolver.to_string(),
        hosts: hosts(site, network),
    })
}

/// The machines on a network but for the gateway, which serves it.
fn hosts(site: &Site, network: &Network) -> Vec<Host> {
    let mut hosts = Vec::new();
    for machine in &site.machines {
        for nic in &machine.nics {
            let on_network = nic.attachments.iter().filter(|attachment| attachment.network == network.name);
            for attachment in on_network.filter(|attachment| attachment.addresses.len() == 1) {
                hosts.push(Host {
                    mac: nic.mac.to_string(),
                    address: attachment.address().to_string(),
                    name: machine.name.clone(),
                });
            }
        }
    }
    hosts
}
