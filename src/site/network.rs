//! Networks with addresses.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::value::AddressRange;

/// A network whose addresses the plan hands out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// Its name.
    pub name: String,
    /// The interface on it, the same on every machine: `mast`, or `dmz.41` for a VLAN.
    pub interface: String,
    /// Its addresses.
    pub cidr: Ipv4Net,
    /// The gateway's addresses on it, if a gateway is on it.
    pub gateway: Option<GatewayAddresses>,
    /// The address of the machine that runs VirtualBox, on a host-only network.
    pub host: Option<Ipv4Addr>,
    /// Ranges that no machine gets an address from.
    pub pools: Vec<Pool>,
    /// The range for machines that are not in the blueprint.
    pub dhcp: Option<AddressRange>,
    /// Networks that machines on this one may reach through the firewall.
    pub reach: Vec<String>,
}

/// Where the machines of a network find its gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GatewayAddresses {
    /// For routes.
    pub router: Ipv4Addr,
    /// For names; may be the same.
    pub resolver: Ipv4Addr,
}

/// A range that is kept free for something else than machines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// What it is for.
    pub name: String,
    /// Its addresses.
    pub range: AddressRange,
}
