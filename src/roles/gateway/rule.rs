//! One firewall rule: nobody can write one without saying who needs it.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::sets::AddressSets;
use crate::flow::{Reason, Service};

/// A rule of nft(8), in one line.
#[derive(Clone)]
pub(super) struct Rule {
    matches: Vec<Match>,
    verdict: String,
    reason: Reason,
}

/// What a packet must be.
#[derive(Clone)]
enum Match {
    /// What this expression says.
    Expression(String),
    /// From (`saddr`) or to (`daddr`) one of these, which are in order, each once.
    Address(&'static str, Vec<Ipv4Net>),
}

/// One address, one network, or several of them.
pub(super) struct Addresses(Vec<Ipv4Net>);

impl From<Ipv4Addr> for Addresses {
    fn from(one: Ipv4Addr) -> Self {
        Self(vec![one.into()])
    }
}

impl From<Ipv4Net> for Addresses {
    fn from(one: Ipv4Net) -> Self {
        Self(vec![one])
    }
}

impl From<BTreeSet<Ipv4Net>> for Addresses {
    fn from(several: BTreeSet<Ipv4Net>) -> Self {
        Self(several.into_iter().collect())
    }
}

impl Rule {
    /// A rule that accepts what the matches added to it leave over.
    pub(super) fn accept(reason: impl Into<Reason>) -> Self {
        Self { matches: Vec::new(), verdict: "accept".to_owned(), reason: reason.into() }
    }

    /// The same with another verdict.
    pub(super) fn verdict(self, verdict: impl Into<String>) -> Self {
        Self { verdict: verdict.into(), ..self }
    }

    /// Only what comes in by this interface.
    pub(super) fn from(self, interface: &str) -> Self {
        self.only(format!("iifname \"{interface}\""))
    }

    /// Only what goes out by this interface.
    pub(super) fn to(self, interface: &str) -> Self {
        self.only(format!("oifname \"{interface}\""))
    }

    /// Only these source addresses.
    pub(super) fn source(self, addresses: impl Into<Addresses>) -> Self {
        self.address("saddr", addresses)
    }

    /// Only these destination addresses.
    pub(super) fn destination(self, addresses: impl Into<Addresses>) -> Self {
        self.address("daddr", addresses)
    }

    fn address(mut self, end: &'static str, addresses: impl Into<Addresses>) -> Self {
        self.matches.push(Match::Address(end, addresses.into().0));
        self
    }

    /// Only this service.
    pub(super) fn service(self, service: Service) -> Self {
        match service {
            Service::Tcp(port) => self.only(format!("tcp dport {port}")),
            Service::TcpRange(first, last) => self.only(format!("tcp dport {first}-{last}")),
            Service::Udp(port) => self.only(format!("udp dport {port}")),
            Service::Ping => self.only("icmp type echo-request"),
        }
    }

    /// Only what this expression of nft(8) matches.
    pub(super) fn only(mut self, expression: impl Into<String>) -> Self {
        self.matches.push(Match::Expression(expression.into()));
        self
    }
}

impl Rule {
    /// Its lists of addresses.
    pub(super) fn addresses(&self) -> impl Iterator<Item = &Vec<Ipv4Net>> {
        self.matches.iter().filter_map(|it| match it {
            Match::Address(_, addresses) => Some(addresses),
            Match::Expression(_) => None,
        })
    }

    /// Its line, with the names of these sets.
    pub(super) fn line(&self, sets: &AddressSets) -> String {
        let matches = self.matches.iter().map(|it| match it {
            Match::Expression(text) => text.clone(),
            Match::Address(end, addresses) => format!("ip {end} {}", sets.named(addresses)),
        });
        let matches = matches.collect::<Vec<_>>().join(" ");
        format!("{matches} {} comment \"{}\"", self.verdict, self.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_one_line_that_says_who_needs_it() {
        let rule = Rule::accept("bastion: ssh to every machine")
            .from("dmz.42")
            .to("mast")
            .destination(Ipv4Addr::new(10, 1, 0, 2))
            .service(Service::Tcp(22));
        assert_eq!(
            rule.line(&AddressSets::default()),
            "iifname \"dmz.42\" oifname \"mast\" ip daddr 10.1.0.2 tcp dport 22 accept \
             comment \"bastion: ssh to every machine\""
        );
    }
}
