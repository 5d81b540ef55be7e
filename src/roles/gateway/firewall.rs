//! nftables: the flows of all roles as rules, and nothing else (nft(8), 1.0.6 and later).

use std::collections::BTreeSet;

use ipnet::Ipv4Net;
use serde::Serialize;

use super::rule::Rule;
use super::sets::{AddressSet, AddressSets};
use crate::bug::Bug;
use crate::flow::{Endpoint, Flow, Service};
use crate::site::{Machine, Network, PublishedPort, Site};
use crate::template::render;

/// The sets that rules name, and the rules of each chain.
#[derive(Serialize)]
struct Ruleset<'a> {
    name: &'a str,
    sets: Vec<AddressSet>,
    input: Vec<String>,
    forward: Vec<String>,
    prerouting: Vec<String>,
    postrouting: Vec<String>,
}

/// The whole ruleset, for /etc/nftables.conf; `wan` is the interface that leads out.
pub(super) fn rules(site: &Site, machine: &Machine, wan: &str, flows: &[Flow]) -> Result<String, Bug> {
    let firewall = Firewall { site, machine, wan };
    let chains = [
        [firewall.services(), firewall.flows_here(flows), firewall.published_here()].concat(),
        [firewall.flows_through(flows), firewall.reach(), firewall.published_elsewhere(), firewall.way_out()]
            .concat(),
        firewall.translate_published(),
        firewall.masquerade(),
    ];
    let sets = AddressSets::of(site, chains.iter().flatten().flat_map(Rule::addresses));
    let [input, forward, prerouting, postrouting] =
        chains.map(|rules| rules.iter().map(|rule| rule.line(&sets)).collect());
    let name = &site.name;
    let ruleset = Ruleset { name, sets: sets.into_sorted(), input, forward, prerouting, postrouting };
    render("nftables.conf", include_str!("nftables.conf.j2"), &ruleset)
}

struct Firewall<'a> {
    site: &'a Site,
    machine: &'a Machine,
    wan: &'a str,
}

impl Firewall<'_> {
    /// Networks that the gateway is on.
    fn networks(&self) -> impl Iterator<Item = &Network> {
        self.site.networks.iter().filter(|network| network.gateway.is_some())
    }

    fn network(&self, name: &str) -> Option<&Network> {
        self.networks().find(|network| network.name == name)
    }

    /// What the gateway offers to every network.
    fn services(&self) -> Vec<Rule> {
        self.networks().flat_map(Self::services_on).collect()
    }

    fn services_on(network: &Network) -> Vec<Rule> {
        let name = &network.name;
        let rule = |what: &str| Rule::accept(format!("{name}: {what}")).from(&network.interface);
        let mut rules = vec![
            // A client has no address yet.
            rule("DHCP").only("udp dport 67"),
            rule("DNS").source(network.cidr).only("meta l4proto { tcp, udp } th dport 53"),
            rule("ping the gateway").source(network.cidr).service(Service::Ping),
        ];
        rules.extend(network.host.map(|host| {
            Rule::accept("the host: ssh to the gateway")
                .from(&network.interface)
                .source(host)
                .service(Service::Tcp(22))
        }));
        rules
    }

    /// Flows that end at the gateway: a rule for each network that they come from.
    fn flows_here(&self, flows: &[Flow]) -> Vec<Rule> {
        let here = |flow: &Flow, from: &Network| {
            let sources = set(&flow.from, |endpoint| endpoint.network == from.name)?;
            let destinations = set(&flow.to, |endpoint| self.is_own(endpoint))?;
            let rule = Rule::accept(flow.reason.clone()).from(&from.interface);
            Some(rule.source(sources).destination(destinations).service(flow.service))
        };
        flows.iter().flat_map(|flow| self.networks().filter_map(move |from| here(flow, from))).collect()
    }

    /// Flows that lead through the gateway: a rule for each pair of networks that they connect.
    fn flows_through(&self, flows: &[Flow]) -> Vec<Rule> {
        let mut rules = Vec::new();
        for flow in flows {
            for from in self.networks() {
                let others = self.networks().filter(|to| to.name != from.name);
                rules.extend(others.filter_map(|to| self.flow_through(flow, from, to)));
            }
        }
        rules
    }

    fn flow_through(&self, flow: &Flow, from: &Network, to: &Network) -> Option<Rule> {
        let sources = set(&flow.from, |endpoint| endpoint.network == from.name)?;
        let elsewhere = |endpoint: &Endpoint| endpoint.network == to.name && !self.is_own(endpoint);
        let destinations = set(&flow.to, elsewhere)?;
        let rule = Rule::accept(flow.reason.clone()).from(&from.interface).to(&to.interface);
        Some(rule.source(sources).destination(destinations).service(flow.service))
    }

    /// Whether an address is the gateway's.
    fn is_own(&self, endpoint: &Endpoint) -> bool {
        let mut own = self.machine.attachments().flat_map(|on| &on.addresses);
        own.any(|address| endpoint.address == address.addr().into())
    }

    /// Networks that the blueprint opens to others.
    fn reach(&self) -> Vec<Rule> {
        let mut rules = Vec::new();
        for from in self.networks() {
            rules.extend(from.reach.iter().filter_map(|name| self.network(name)).map(|to| {
                Rule::accept(format!("{} may reach {}", from.name, to.name))
                    .from(&from.interface)
                    .to(&to.interface)
                    .source(from.cidr)
                    .destination(to.cidr)
            }));
        }
        rules
    }

    fn way_out(&self) -> Vec<Rule> {
        let out = |network: &Network| {
            Rule::accept(format!("{}: packages, images and time", network.name))
                .from(&network.interface)
                .to(self.wan)
                .source(network.cidr)
        };
        self.networks().map(out).collect()
    }

    fn masquerade(&self) -> Vec<Rule> {
        let out = |network: &Network| {
            let rule = Rule::accept(format!("{}: the way out", network.name)).verdict("masquerade");
            rule.to(self.wan).source(network.cidr)
        };
        self.networks().map(out).collect()
    }

    /// Ports of the host and the machines that they lead to, those of the gateway itself or all others.
    fn published(&self, here: bool) -> impl Iterator<Item = (&Machine, PublishedPort)> {
        let machines =
            self.site.machines.iter().filter(move |machine| (machine.name == self.machine.name) == here);
        // A machine with an adapter of its own on NAT needs no gateway for it.
        let machines = machines.filter(move |machine| here || machine.nat().is_none());
        machines.flat_map(|machine| machine.published.iter().map(move |port| (machine, *port)))
    }

    /// What was redirected here, and nothing that came to the machine's port directly.
    fn published_here(&self) -> Vec<Rule> {
        let allow = |(machine, port): (&Machine, PublishedPort)| {
            let asked = format!("ct original proto-dst {}", port.host);
            for_the_host(machine, port).from(self.wan).service(Service::Tcp(port.machine)).only(asked)
        };
        self.published(true).map(allow).collect()
    }

    fn published_elsewhere(&self) -> Vec<Rule> {
        let allow = |(machine, port): (&Machine, PublishedPort)| {
            let target = self.site.published_target(machine, port.machine);
            let rule = for_the_host(machine, port)
                .from(self.wan)
                .to(&self.network(&target.network)?.interface)
                .destination(target.address)
                .service(Service::Tcp(port.machine));
            Some(rule.only("ct status dnat"))
        };
        self.published(false).filter_map(allow).collect()
    }

    /// VirtualBox hands a published port over on the port of the same number.
    fn translate_published(&self) -> Vec<Rule> {
        let translate = |(machine, port): (&Machine, PublishedPort), verdict: String| {
            let rule = for_the_host(machine, port).verdict(verdict);
            rule.from(self.wan).service(Service::Tcp(port.host))
        };
        let here = self.published(true).map(|to| translate(to, format!("redirect to :{}", to.1.machine)));
        let elsewhere = self.published(false).map(|to| {
            let (machine, port) = to;
            let address = self.site.published_target(machine, port.machine).address;
            let target = format!("dnat ip to {address}:{}", port.machine);
            translate(to, target)
        });
        here.chain(elsewhere).collect()
    }
}

/// A rule for a port of the host that leads to a machine.
fn for_the_host(machine: &Machine, port: PublishedPort) -> Rule {
    Rule::accept(format!("the host: {} port {}", machine.name, port.machine))
}

/// The addresses that are meant; `None` if there are none.
fn set(endpoints: &[Endpoint], meant: impl Fn(&Endpoint) -> bool) -> Option<BTreeSet<Ipv4Net>> {
    let meant = endpoints.iter().filter(|endpoint| meant(endpoint));
    let addresses: BTreeSet<Ipv4Net> = meant.map(|endpoint| endpoint.address).collect();
    (!addresses.is_empty()).then_some(addresses)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::tests::{machine, site};

    fn lines(rules: &[Rule]) -> Vec<String> {
        rules.iter().map(|rule| rule.line(&AddressSets::default())).collect()
    }

    /// The rules of one flow, those of the input chain first.
    fn rules(from: &str, to: &[&str]) -> Vec<String> {
        let machines =
            ["a: {role: worker, count: 2, networks: [mast, back]}", "b: {role: worker, networks: [node]}"];
        let site = site(&machines, "");
        let end = |name: &str| Endpoint::from(machine(&site, name));
        let flows = [Flow {
            reason: "test".into(),
            from: vec![end(from)],
            to: to.iter().map(|name| end(name)).collect(),
            service: Service::Tcp(22),
        }];
        let firewall = Firewall { site: &site, machine: machine(&site, "gate"), wan: "wan" };
        let rules = [firewall.flows_here(&flows), firewall.flows_through(&flows)].concat();
        lines(&rules)
    }

    #[test]
    fn a_flow_is_one_rule_for_each_network_that_it_leads_to() {
        assert_eq!(
            rules("b", &["a02", "a01"]),
            [
                "iifname \"node\" oifname \"mast\" ip saddr 10.4.0.2 ip daddr { 10.3.0.3, 10.3.0.4 } tcp dport 22 accept comment \"test\""
            ]
        );
    }

    #[test]
    fn a_flow_to_the_gateway_is_a_rule_of_the_input_chain() {
        assert_eq!(
            rules("b", &["gate"]),
            ["iifname \"node\" ip saddr 10.4.0.2 ip daddr 10.1.0.1 tcp dport 22 accept comment \"test\""]
        );
    }

    #[test]
    fn a_flow_within_a_network_needs_no_rule() {
        assert_eq!(rules("a01", &["a02"]), [""; 0]);
    }

    #[test]
    fn a_published_port_leads_to_the_address_that_has_it() {
        let balancer = "hapx: {role: load-balancer, count: 2, networks: [lb, jump], \
                        publish: [\"7443:6443\", \"8080:8080\", \"9000:8404\", \"2222:22\"]}";
        let rest = "load_balancer: {address: 10.2.0.9, failover: keepalived, stats: {network: jump}, \
                    services: {web: {port: 8080, to: [mast]}}}";
        let site = site(&[balancer], rest);
        let firewall = Firewall { site: &site, machine: machine(&site, "gate"), wan: "wan" };
        let targets = lines(&firewall.translate_published());
        let own = machine(&site, "hapx01");
        for (host, target) in [
            (7443, "10.2.0.9:6443".to_owned()),
            (8080, "10.2.0.9:8080".to_owned()),
            (9000, format!("{}:8404", own.on("jump").unwrap().address())),
            (2222, format!("{}:22", own.address())),
        ] {
            let found = targets.iter().find(|rule| rule.contains(&format!("dport {host} "))).unwrap();
            assert!(found.contains(&format!("dnat ip to {target} ")), "{found}");
        }
        let through = lines(&firewall.published_elsewhere());
        assert!(
            through[0].contains("oifname \"lb\"") && through[0].contains("ip daddr 10.2.0.9"),
            "{through:?}"
        );
        assert!(through[2].contains("oifname \"jump\""), "{through:?}");
    }
}
