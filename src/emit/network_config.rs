//! cloud-init's network-config, version 2: the format of netplan, which Debian and Ubuntu images read it with.

use crate::format::yaml::Yaml;
use crate::site::{Attachment, Machine, Network, Nic, Segment, Site};

/// Routing tables of networks beyond the first start here; 253 to 255 are the kernel's.
const FIRST_TABLE: usize = 101;

/// Adapters found by their address and named after their network, with the addresses of the plan.
///
/// Addresses are static, so that a machine comes up whether or not the gateway has; DHCP hands out the same ones.
pub(super) fn network_config(site: &Site, machine: &Machine) -> String {
    let ethernets = machine.nics.iter().map(|nic| (nic.interface.clone(), ethernet(site, machine, nic)));
    let mut entries = vec![("version", 2.into()), ("ethernets", Yaml::map(ethernets))];
    let vlans: Vec<(String, Yaml)> = machine
        .nics
        .iter()
        .flat_map(|nic| nic.attachments.iter().filter_map(|on| vlan(site, machine, nic, on)))
        .collect();
    if !vlans.is_empty() {
        entries.push(("vlans", Yaml::Map(vlans)));
    }
    let title = format!(" {} of {}, made by bpc", site.fqdn(&machine.name), site.name);
    Yaml::map([("network", Yaml::map(entries))]).document(&[&title])
}

fn ethernet(site: &Site, machine: &Machine, nic: &Nic) -> Yaml {
    let mut entries = vec![
        ("match", Yaml::map([("macaddress", nic.mac.to_string().into())])),
        ("set-name", nic.interface.as_str().into()),
    ];
    if nic.segment == Segment::Nat {
        entries.extend(nat(site, machine));
    }
    if let Some(attachment) = nic.attachments.iter().find(|attachment| attachment.vlan.is_none()) {
        entries.extend(addresses(site, machine, attachment));
    }
    Yaml::map(entries)
}

fn vlan(site: &Site, machine: &Machine, nic: &Nic, attachment: &Attachment) -> Option<(String, Yaml)> {
    let mut entries = vec![("id", attachment.vlan?.into()), ("link", nic.interface.as_str().into())];
    entries.extend(addresses(site, machine, attachment));
    Some((attachment.interface.clone(), Yaml::map(entries)))
}

/// VirtualBox's NAT hands out an address. Where the plan has a router and a resolver, these come first.
fn nat(site: &Site, machine: &Machine) -> Vec<(&'static str, Yaml)> {
    let mut entries = vec![
        ("dhcp4", true.into()),
        // The default is made from the machine-id, which cloned disks share.
        ("dhcp-identifier", "mac".into()),
    ];
    if routed(site, machine, &machine.primary).is_some() {
        let overrides = [("route-metric", 1000.into()), ("use-dns", false.into())];
        entries.push(("dhcp4-overrides", Yaml::map(overrides)));
    }
    entries
}

/// The network of that name, if this machine reaches others through its gateway.
fn routed<'a>(site: &'a Site, machine: &Machine, name: &str) -> Option<&'a Network> {
    let gateway = site.gateway()?;
    site.network(name).filter(|network| network.gateway.is_some() && gateway.name != machine.name)
}

fn addresses(site: &Site, machine: &Machine, attachment: &Attachment) -> Vec<(&'static str, Yaml)> {
    let own = attachment.addresses.iter().map(ToString::to_string);
    let mut entries = vec![("addresses", Yaml::seq(own))];
    let Some(network) = routed(site, machine, &attachment.network) else { return entries };
    let Some(gateway) = network.gateway else { return entries };
    let default = |extra: &[(&'static str, Yaml)]| {
        let route = [("to", "0.0.0.0/0".into()), ("via", gateway.router.to_string().into())];
        Yaml::map(route.into_iter().chain(extra.iter().cloned()))
    };
    if attachment.network == machine.primary {
        entries.push(("routes", Yaml::seq([default(&[])])));
        let nameservers = [
            ("search", Yaml::seq([site.domain.as_str()])),
            ("addresses", Yaml::seq([gateway.resolver.to_string()])),
        ];
        entries.push(("nameservers", Yaml::map(nameservers)));
        return entries;
    }
    // What comes in on a second network is answered on it: each has a routing table of its own, which what is sent
    // from its addresses (floating ones too) uses.
    let table = FIRST_TABLE
        + machine.attachments().position(|on| on.network == attachment.network).unwrap_or_default();
    let table = i64::try_from(table).unwrap_or_default();
    let cidr = network.cidr.to_string();
    let link = Yaml::map([("to", cidr.as_str().into()), ("scope", "link".into()), ("table", table.into())]);
    entries.push(("routes", Yaml::seq([link, default(&[("table", table.into())])])));
    let policy = Yaml::map([("from", cidr.as_str().into()), ("table", table.into())]);
    entries.push(("routing-policy", Yaml::seq([policy])));
    entries
}
