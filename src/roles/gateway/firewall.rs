//! nftables: the flows of all roles as rules, and nothing else (nft(8), 1.0.6 and later).

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde::Serialize;

use crate::bug::Bug;
use crate::flow::{Endpoint, Flow, Service};
use crate::site::{Machine, Network, Site};
use crate::template::render;

/// The rules of each chain, each a line.
#[derive(Serialize)]
struct Ruleset<'a> {
    name: &'a str,
    input: Vec<String>,
    forward: Vec<String>,
    prerouting: Vec<String>,
    postrouting: Vec<String>,
}

/// The whole ruleset, for /etc/nftables.conf.
pub(super) fn rules(site: &Site, machine: &Machine, flows: &[Flow]) -> Result<String, Bug> {
    let firewall = Firewall { site, machine };
    let ruleset = Ruleset {
        name: &site.name,
        input: [firewall.services(), firewall.flows(flows, Hook::Input), firewall.published_here()].concat(),
        forward: [
            firewall.flows(flows, Hook::Forward),
            firewall.reach(),
            firewall.published_elsewhere(),
            firewall.way_out(),
        ]
        .concat(),
        prerouting: firewall.translate_published(),
        postrouting: firewall.masquerade(),
    };
    render("nftables.conf", include_str!("nftables.conf.j2"), &ruleset)
}

/// Where a packet goes: to the gateway itself, or through it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hook {
    Input,
    Forward,
}

struct Firewall<'a> {
    site: &'a Site,
    machine: &'a Machine,
}

impl Firewall<'_> {
    /// Networks that the gateway is on.
    fn networks(&self) -> impl Iterator<Item = &Network> {
        self.site.networks.iter().filter(|network| network.gateway.is_some())
    }

    fn network(&self, name: &str) -> Option<&Network> {
        self.networks().find(|network| network.name == name)
    }

    fn wan(&self) -> &str {
        self.machine.nat().map_or("", |nic| &nic.interface)
    }

    /// What the gateway offers to every network.
    fn services(&self) -> Vec<String> {
        let mut rules = Vec::new();
        for network in self.networks() {
            let from = format!("iifname \"{}\"", network.interface);
            let source = format!("{from} ip saddr {}", network.cidr);
            rules.push(format!("{from} udp dport 67 accept comment \"{}: DHCP\"", network.name));
            rules.push(format!(
                "{source} meta l4proto {{ tcp, udp }} th dport 53 accept comment \"{}: DNS\"",
                network.name
            ));
            rules.push(format!(
                "{source} icmp type echo-request accept comment \"{}: ping the gateway\"",
                network.name
            ));
            if let Some(host) = network.host {
                rules.push(format!(
                    "{from} ip saddr {host} tcp dport 22 accept comment \"the host: ssh to the gateway\""
                ));
            }
        }
        rules
    }

    /// One rule for each pair of networks that a flow connects.
    fn flows(&self, flows: &[Flow], hook: Hook) -> Vec<String> {
        flows.iter().flat_map(|flow| self.flow(flow, hook)).collect()
    }

    fn flow(&self, flow: &Flow, hook: Hook) -> Vec<String> {
        let mut pairs: BTreeMap<(usize, usize), (Vec<Ipv4Addr>, Vec<Ipv4Addr>)> = BTreeMap::new();
        for from in &flow.from {
            for to in &flow.to {
                let Some(pair) = self.pair(from, to, hook) else { continue };
                let (sources, destinations) = pairs.entry(pair).or_default();
                sources.push(from.address);
                destinations.push(to.address);
            }
        }
        let service = match &flow.service {
            Service::Tcp(ports) => format!("tcp dport {}", set(ports)),
            Service::Ping => "icmp type echo-request".to_owned(),
        };
        let mut rules = Vec::new();
        for ((from, to), (sources, destinations)) in pairs {
            let (Some(from), Some(to)) = (self.site.networks.get(from), self.site.networks.get(to)) else {
                continue;
            };
            let way = match hook {
                Hook::Input => format!("iifname \"{}\"", from.interface),
                Hook::Forward => format!("iifname \"{}\" oifname \"{}\"", from.interface, to.interface),
            };
            rules.push(format!(
                "{way} ip saddr {} ip daddr {} {service} accept comment \"{}\"",
                set(&sources),
                set(&destinations),
                flow.reason
            ));
        }
        rules
    }

    /// The two networks, by their place in the site, if the way between two endpoints leads through this hook.
    fn pair(&self, from: &Endpoint, to: &Endpoint, hook: Hook) -> Option<(usize, usize)> {
        let place = |name: &str| self.site.networks.iter().position(|network| network.name == name);
        self.network(&from.network)?;
        let target = self.network(&to.network)?;
        let here =
            target.gateway.is_some_and(|gateway| [gateway.router, gateway.resolver].contains(&to.address));
        let through = !here && from.network != to.network;
        let fits = match hook {
            Hook::Input => here,
            Hook::Forward => through,
        };
        if fits { Some((place(&from.network)?, place(&to.network)?)) } else { None }
    }

    /// Networks that the blueprint opens to others.
    fn reach(&self) -> Vec<String> {
        let mut rules = Vec::new();
        for from in self.networks() {
            for to in from.reach.iter().filter_map(|name| self.network(name)) {
                rules.push(format!(
                    "iifname \"{}\" oifname \"{}\" ip saddr {} ip daddr {} accept comment \"{} may reach {}\"",
                    from.interface, to.interface, from.cidr, to.cidr, from.name, to.name
                ));
            }
        }
        rules
    }

    fn way_out(&self) -> Vec<String> {
        let wan = self.wan();
        self.networks()
            .map(|network| {
                format!(
                    "iifname \"{}\" oifname \"{wan}\" ip saddr {} accept comment \"{}: packages, images and time\"",
                    network.interface, network.cidr, network.name
                )
            })
            .collect()
    }

    /// Machines with ports that the host leads to them.
    fn published(&self) -> impl Iterator<Item = (&Machine, u16, u16)> {
        let ports = |machine: &Machine| machine.published.clone();
        self.site.machines.iter().flat_map(move |machine| {
            ports(machine).into_iter().map(move |port| (machine, port.host, port.machine))
        })
    }

    fn published_here(&self) -> Vec<String> {
        let wan = self.wan();
        self.published()
            .filter(|(machine, ..)| machine.name == self.machine.name)
            .map(|(machine, _, port)| {
                format!(
                    "iifname \"{wan}\" tcp dport {port} accept comment \"the host: {} port {port}\"",
                    machine.name
                )
            })
            .collect()
    }

    fn published_elsewhere(&self) -> Vec<String> {
        let wan = self.wan();
        self.published()
            .filter(|(machine, ..)| machine.name != self.machine.name)
            .filter_map(|(machine, _, port)| {
                let network = self.network(&machine.primary)?;
                Some(format!(
                    "iifname \"{wan}\" oifname \"{}\" ip daddr {} tcp dport {port} ct status dnat accept comment \"the host: {} port {port}\"",
                    network.interface, machine.address(), machine.name
                ))
            })
            .collect()
    }

    /// VirtualBox hands a published port over on the port of the same number.
    fn translate_published(&self) -> Vec<String> {
        let wan = self.wan();
        self.published()
            .map(|(machine, host, port)| {
                let target = if machine.name == self.machine.name {
                    format!("redirect to :{port}")
                } else {
                    format!("dnat ip to {}:{port}", machine.address())
                };
                format!(
                    "iifname \"{wan}\" tcp dport {host} {target} comment \"the host: {} port {port}\"",
                    machine.name
                )
            })
            .collect()
    }

    fn masquerade(&self) -> Vec<String> {
        let wan = self.wan();
        self.networks()
            .map(|network| {
                format!(
                    "oifname \"{wan}\" ip saddr {} masquerade comment \"{}: the way out\"",
                    network.cidr, network.name
                )
            })
            .collect()
    }
}

/// One value, or a set of them without duplicates, in order.
fn set<T: Copy + Ord + ToString>(values: &[T]) -> String {
    let mut values = values.to_vec();
    values.sort_unstable();
    values.dedup();
    let words: Vec<String> = values.iter().map(ToString::to_string).collect();
    match words.as_slice() {
        [one] => one.clone(),
        many => format!("{{ {} }}", many.join(", ")),
    }
}
