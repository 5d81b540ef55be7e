//! Traffic between networks that roles need; the gateway's firewall lets nothing else pass.

use std::net::Ipv4Addr;

use crate::site::{FloatingAddress, Machine};

/// Traffic that one role needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flow {
    /// Who needs it, and what for: the comment of its firewall rules.
    pub(crate) reason: String,
    /// Where it comes from.
    pub(crate) from: Vec<Endpoint>,
    /// Where it goes.
    pub(crate) to: Vec<Endpoint>,
    /// What it is.
    pub(crate) service: Service,
}

/// An address on a network.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Endpoint {
    /// The network's name.
    pub(crate) network: String,
    /// The address.
    pub(crate) address: Ipv4Addr,
}

/// A protocol and its ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    /// TCP to these ports.
    Tcp(Vec<u16>),
    /// ICMP echo requests.
    Ping,
}

impl From<&Machine> for Endpoint {
    fn from(machine: &Machine) -> Self {
        Self { network: machine.primary.clone(), address: machine.address() }
    }
}

impl From<&FloatingAddress> for Endpoint {
    fn from(floating: &FloatingAddress) -> Self {
        Self { network: floating.network.clone(), address: floating.address }
    }
}
