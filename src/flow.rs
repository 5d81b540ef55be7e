//! Traffic between networks that roles need; the gateway's firewall lets nothing else pass.

use std::fmt;

use ipnet::{Ipv4Net, Ipv4Subnets};

use crate::site::{Attachment, FloatingAddress, Machine, Network, Server, ServicePool};

/// Traffic that one role needs: from each of its sources to each of its destinations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flow {
    /// Who needs it, and what for.
    pub(crate) reason: Reason,
    /// Where it comes from.
    pub(crate) from: Vec<Endpoint>,
    /// Where it goes.
    pub(crate) to: Vec<Endpoint>,
    /// What it is.
    pub(crate) service: Service,
}

/// Who needs some traffic, and what for: the comment of its firewall rules.
///
/// Always a text that nftables takes in quotes: nft(8) has no escape for `"` there, and refuses comments of more than
/// 128 bytes. What does not fit is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reason(String);

/// An address on a network, or all of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Endpoint {
    /// The network's name.
    pub(crate) network: String,
    /// The address, or the whole network.
    pub(crate) address: Ipv4Net,
}

/// A protocol and its ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    /// TCP to this port.
    Tcp(u16),
    /// TCP to any port from the first to the last.
    TcpRange(u16, u16),
    /// UDP to this port.
    Udp(u16),
    /// ICMP echo requests.
    Ping,
}

impl Reason {
    /// The longest comment, in bytes.
    const LIMIT: usize = 128;

    fn new(text: &str) -> Self {
        let quotable = text.chars().filter(|c| !c.is_control() && *c != '"');
        let mut kept = String::new();
        for c in quotable {
            if kept.len() + c.len_utf8() > Self::LIMIT {
                break;
            }
            kept.push(c);
        }
        Self(kept)
    }
}

impl From<&str> for Reason {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Reason {
    fn from(text: String) -> Self {
        Self::new(&text)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&Machine> for Endpoint {
    fn from(machine: &Machine) -> Self {
        Self { network: machine.primary.clone(), address: machine.address().into() }
    }
}

impl From<&Attachment> for Endpoint {
    fn from(on: &Attachment) -> Self {
        Self { network: on.network.clone(), address: on.address().into() }
    }
}

impl From<&FloatingAddress> for Endpoint {
    fn from(floating: &FloatingAddress) -> Self {
        Self { network: floating.network.clone(), address: floating.address.into() }
    }
}

impl From<&Server> for Endpoint {
    fn from(server: &Server) -> Self {
        Self { network: server.network.clone(), address: server.address.into() }
    }
}

impl From<&ServicePool> for Vec<Endpoint> {
    fn from(pool: &ServicePool) -> Self {
        let networks = Ipv4Subnets::new(pool.range.first, pool.range.last, 0);
        networks.map(|address| Endpoint { network: pool.network.clone(), address }).collect()
    }
}

impl From<&Network> for Endpoint {
    fn from(network: &Network) -> Self {
        Self { network: network.name.clone(), address: network.cidr }
    }
}

/// As nft(8) writes it: a single address without its length.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.address.prefix_len() == self.address.max_prefix_len() {
            self.address.addr().fmt(f)
        } else {
            self.address.fmt(f)
        }
    }
}

/// As the examples in the roles' tests show it.
///
/// `bastion: ssh to every machine: 10.1.0.2 -> 10.3.0.2 10.4.0.2, tcp 22`
#[cfg(test)]
impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list =
            |endpoints: &[Endpoint]| endpoints.iter().map(Endpoint::to_string).collect::<Vec<_>>().join(" ");
        write!(f, "{}: {} -> {}, ", self.reason, list(&self.from), list(&self.to))?;
        match self.service {
            Service::Tcp(port) => write!(f, "tcp {port}"),
            Service::TcpRange(low, high) => write!(f, "tcp {low}-{high}"),
            Service::Udp(port) => write!(f, "udp {port}"),
            Service::Ping => f.write_str("ping"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_fits_into_a_quoted_comment() {
        assert_eq!(Reason::from("say \"ssh\"\nagain").to_string(), "say sshagain");
        assert_eq!(Reason::from("x".repeat(200)).to_string().len(), 128);
        assert_eq!(Reason::from("é".repeat(100)).to_string(), "é".repeat(64));
    }
}
