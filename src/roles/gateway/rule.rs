//! One firewall rule: nobody can write one without saying who needs it.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::flow::{Reason, Service};

/// A rule of nft(8), in one line.
#[derive(Clone)]
pub(super) struct Rule {
    matches: Vec<String>,
    verdict: String,
    reason: Reason,
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

    /// Only these source addresses: one, a network or a set.
    pub(super) fn source(self, addresses: impl fmt::Display) -> Self {
        self.only(format!("ip saddr {addresses}"))
    }

    /// Only these destination addresses.
    pub(super) fn destination(self, addresses: impl fmt::Display) -> Self {
        self.only(format!("ip daddr {addresses}"))
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
        self.matches.push(expression.into());
        self
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} comment \"{}\"", self.matches.join(" "), self.verdict, self.reason)
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
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
            .destination("192.168.1.2")
            .service(Service::Tcp(22));
        assert_eq!(
            rule.to_string(),
            "iifname \"dmz.42\" oifname \"mast\" ip daddr 192.168.1.2 tcp dport 22 accept \
             comment \"bastion: ssh to every machine\""
        );
    }
}
