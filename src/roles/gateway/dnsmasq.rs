//! dnsmasq: DNS for the domain, DHCP for every network (dnsmasq(8), 2.90 and later).

use serde::Serialize;

use super::super::names;
use crate::bug::Bug;
use crate::site::{Network, Role, Site};
use crate::template::render;

#[derive(Serialize)]
struct Configuration<'a> {
    name: &'a str,
    domain: &'a str,
    wan: &'a str,
    forwarders: Vec<String>,
    /// Names and their address, with commas between.
    records: Vec<String>,
    networks: Vec<Subnet<'a>>,
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
    hosts: Vec<Host<'a>>,
}

#[derive(Serialize)]
struct Host<'a> {
    mac: String,
    address: String,
    name: &'a str,
}

/// The whole configuration, for /etc/dnsmasq.d; `wan` is the interface that leads out.
pub(super) fn configuration(site: &Site, wan: &str) -> Result<String, Bug> {
    let record = |record: names::Record| format!("{},{}", record.names.join(","), record.address);
    let configuration = Configuration {
        name: &site.name,
        domain: &site.domain,
        wan,
        forwarders: site.forwarders.iter().map(ToString::to_string).collect(),
        records: names::records(site).into_iter().map(record).collect(),
        networks: site.networks.iter().filter_map(|network| subnet(site, network)).collect(),
    };
    render("dnsmasq.conf", include_str!("dnsmasq.conf.j2"), &configuration)
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
fn hosts<'a>(site: &'a Site, network: &Network) -> Vec<Host<'a>> {
    let mut hosts = Vec::new();
    for machine in site.machines.iter().filter(|machine| machine.role != Role::Gateway) {
        for nic in &machine.nics {
            let on = nic.attachments.iter().find(|attachment| attachment.network == network.name);
            hosts.extend(on.map(|attachment| Host {
                mac: nic.mac.to_string(),
                address: attachment.address().to_string(),
                name: &machine.name,
            }));
        }
    }
    hosts
}
