//! `networks:`

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

/// How a network is made in VirtualBox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Attach {
    /// A switch that only the machines of this blueprint are on.
    #[default]
    Internal,
    /// VirtualBox's NAT: the way out, with an address of its own for each machine.
    Nat,
    /// A switch that the host is on too.
    HostOnly,
}

/// One IPv4 network.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// How VirtualBox makes the network. Default: `internal`.
    #[serde(default)]
    pub attach: Attach,
    /// The network's addresses in CIDR form; a NAT network has none.
    #[serde(default)]
    #[schemars(extend("examples" = ["192.168.1.0/24"]))]
    pub cidr: Option<String>,
    /// The switch that carries the network as a tagged VLAN, together with the other networks of that trunk.
    #[serde(default)]
    #[schemars(extend("examples" = ["dmz"]))]
    pub trunk: Option<String>,
    /// The network's VLAN id on its trunk, 1 to 4094.
    #[serde(default)]
    // `resolve` reports other numbers with a code of their own, so these bounds are of the kind that only editors know.
    #[schemars(extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 4095))]
    pub vlan: Option<i64>,
    /// The gateway's address for routes. Default: its last host address.
    #[serde(default)]
    #[schemars(extend("examples" = ["192.168.1.254"]))]
    pub router: Option<String>,
    /// The gateway's address for names. Default: its first host address.
    #[serde(default)]
    #[schemars(extend("examples" = ["192.168.1.1"]))]
    pub resolver: Option<String>,
    /// Ranges that no machine gets an address from, by name: `metallb: 192.168.2.2-192.168.2.125`.
    #[serde(default)]
    pub pools: IndexMap<String, String>,
    /// A range that the gateway's DHCP leases to machines that are not in the blueprint.
    #[serde(default)]
    #[schemars(extend("examples" = ["192.168.1.200-192.168.1.250"]))]
    pub dhcp: Option<String>,
    /// Networks that the machines (and the host) on this one may reach through the gateway's firewall, any port.
    #[serde(default)]
    pub reach: Vec<String>,
}
