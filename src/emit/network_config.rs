//! cloud-init's network-config, version 2: the format of netplan, which Debian and Ubuntu images read it with.

use crate::format::yaml::Yaml;
use crate::site::{Attachment, GatewayAddresses, Machine, Network, Nic, Role, Segment, Site};

/// The routing tables of a machine's networks start here; those up to 255 are the kernel's (ip-route(8)).
const FIRST_TABLE: i64 = 1001;

/// The destination of a default route.
const EVERYWHERE: &str = "0.0.0.0/0";

/// The entries of one route.
type Route = Vec<(&'static str, Yaml)>;

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
    match nic.attachments.iter().find(|attachment| attachment.vlan.is_none()) {
        Some(attachment) => entries.extend(addresses(site, machine, attachment)),
        None if nic.segment == Segment::Nat => entries.extend(nat(site, machine)),
        // A trunk's adapter carries VLANs and nothing else, and no boot waits until it has an address.
        None => entries.extend([("link-local", Yaml::Seq(Vec::new())), ("optional", true.into())]),
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
    if way_out(site, machine).is_some() {
        let overrides = [("route-metric", 1000.into()), ("use-dns", false.into())];
        entries.push(("dhcp4-overrides", Yaml::map(overrides)));
    }
    entries
}

/// The network of that name and the gateway on it, if that is another machine.
fn routed<'a>(site: &'a Site, machine: &Machine, name: &str) -> Option<(&'a Network, GatewayAddresses)> {
    let network = site.network(name).filter(|_| machine.role != Role::Gateway)?;
    Some((network, network.gateway?))
}

/// The network by which a machine reaches all others: its first one with a gateway.
fn way_out<'a>(site: &Site, machine: &'a Machine) -> Option<&'a str> {
    let mut networks = machine.attachments().map(|on| on.network.as_str());
    networks.find(|name| routed(site, machine, name).is_some())
}

fn addresses(site: &Site, machine: &Machine, attachment: &Attachment) -> Vec<(&'static str, Yaml)> {
    let own = attachment.addresses.iter().map(ToString::to_string);
    let mut entries = vec![("addresses", Yaml::seq(own))];
    // A floating address is put there by others, and stays when systemd-networkd is restarted.
    let floating = site.floating_on(machine.role);
    if floating.is_some_and(|floating| floating.network == attachment.network) {
        entries.push(("critical", true.into()));
    }
    let Some((network, gateway)) = routed(site, machine, &attachment.network) else { return entries };
    let leads_out = way_out(site, machine) == Some(&attachment.network);
    let answers = answers(site, machine, network, leads_out);
    let mut routes = Vec::new();
    if leads_out {
        routes.push(route(EVERYWHERE, gateway));
    }
    if let Some(table) = table(machine, attachment).filter(|_| !answers.is_empty()) {
        routes.extend(answers.into_iter().map(|route| within(route, table)));
        let policy = [("from", Yaml::from(network.cidr.to_string())), ("table", table.into())];
        entries.push(("routing-policy", Yaml::seq([Yaml::map(policy)])));
    }
    entries.push(("routes", Yaml::seq(routes.into_iter().map(Yaml::map))));
    if leads_out {
        let nameservers = [
            ("search", Yaml::seq([site.domain.as_str()])),
            ("addresses", Yaml::seq([gateway.resolver.to_string()])),
        ];
        entries.push(("nameservers", Yaml::map(nameservers)));
    }
    entries
}

/// The routes of the table by which a machine on several networks answers on one of them.
///
/// What comes in on a network is answered on it, by its floating addresses too. An answer to another network that the
/// machine is on would go there directly otherwise, past the gateway, whose firewall then takes the rest of the
/// connection for invalid. What is not in a table is looked up in the main one: so the table of the network that leads
/// out has no default route, and answers find their way to networks within the machine, such as those of containers.
fn answers(site: &Site, machine: &Machine, network: &Network, leads_out: bool) -> Vec<Route> {
    let Some(gateway) = network.gateway else { return Vec::new() };
    if !leads_out {
        let link = vec![("to", network.cidr.to_string().into()), ("scope", "link".into())];
        return vec![link, route(EVERYWHERE, gateway)];
    }
    let others = machine.attachments().filter(|on| on.network != network.name);
    let others = others.filter_map(|on| routed(site, machine, &on.network));
    others.map(|(other, _)| route(&other.cidr.to_string(), gateway)).collect()
}

fn route(to: &str, gateway: GatewayAddresses) -> Route {
    vec![("to", to.into()), ("via", gateway.router.to_string().into())]
}

fn within(mut route: Route, table: i64) -> Route {
    route.push(("table", table.into()));
    route
}

/// The routing table of one network of a machine that is on several.
fn table(machine: &Machine, attachment: &Attachment) -> Option<i64> {
    machine.attachments().nth(1)?;
    let place = machine.attachments().position(|on| on.network == attachment.network)?;
    Some(FIRST_TABLE + i64::try_from(place).ok()?)
}
