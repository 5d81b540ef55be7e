//! The floating address: who moves it, and what is balanced behind it.

use std::net::Ipv4Addr;

pub use crate::model::{Mode, TwoNode};

use super::Role;
use crate::value::Duration;

/// The frontend of the Kubernetes API.
pub const API_FRONTEND: &str = "kube-api";

/// The port of the loopback address on which HAProxy says that it is alive: `http://127.0.0.1:8405/alive`.
pub const ALIVE_PORT: u16 = 8405;

/// What HAProxy answers there.
pub const ALIVE_PATH: &str = "/alive";

/// What the machines that hold the floating address do with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadBalancing {
    /// What moves the address; `None` if one machine alone holds it, for good.
    pub failover: Option<Failover>,
    /// What HAProxy serves, in the order of its configuration; nothing if control planes hold the address.
    pub frontends: Vec<Frontend>,
    /// HAProxy's statistics page.
    pub stats: Stats,
    /// The line of the blueprint that asks for it: `blueprint.yaml:31`.
    pub origin: String,
}

/// What moves a floating address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failover {
    /// keepalived, by VRRP.
    Keepalived(Keepalived),
    /// Pacemaker on Corosync.
    Pacemaker(Pacemaker),
}

/// Settings of keepalived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keepalived {
    /// Whether the first machine takes the address back when it returns.
    pub preempt: bool,
    /// The virtual router id (RFC 5798), 1 to 255.
    pub virtual_router_id: u8,
}

/// Settings of Pacemaker and Corosync.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pacemaker {
    /// What one of two machines does that starts without the other; `None` if there are more than two.
    pub two_node: Option<TwoNode>,
    /// The networks of Corosync's links, one or two: every machine that holds the address is on each.
    pub links: Vec<String>,
    /// What stops machines that no longer answer; none if nothing does.
    pub agents: Vec<FenceAgent>,
}

/// What stops one machine from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FenceAgent {
    /// The machine that it can stop.
    pub machine: String,
    /// The agent's name: `fence_virsh`.
    pub agent: String,
    /// The package that brings it.
    pub package: String,
    /// Its parameters, in the order of the blueprint.
    pub options: Vec<(String, String)>,
}

/// A port of the floating address, and the servers behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frontend {
    /// Its name in HAProxy, a DNS label.
    pub name: String,
    /// The port.
    pub port: u16,
    /// What is balanced.
    pub mode: Mode,
    /// The servers, in the order of the machines.
    pub servers: Vec<Server>,
    /// How many connections at a time are let in.
    pub max_connections: u32,
    /// How long a connection may be silent.
    pub idle_timeout: Duration,
    /// How servers are checked.
    pub check: Check,
    /// Roles whose machines may use it.
    pub clients: Vec<Role>,
    /// Networks that may use it too.
    pub from: Vec<String>,
}

/// A machine that serves something that is balanced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// The machine's name.
    pub machine: String,
    /// Its network.
    pub network: String,
    /// Its address there.
    pub address: Ipv4Addr,
    /// The port on it.
    pub port: u16,
}

/// How HAProxy finds out whether a server is well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What is asked.
    pub kind: CheckKind,
    /// How often.
    pub interval: Duration,
    /// How many bad answers in a row take a server out.
    pub fall: u32,
    /// How many good answers in a row bring it back.
    pub rise: u32,
}

/// What a health check asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckKind {
    /// Whether the Kubernetes API is ready, over TLS.
    ApiReady,
    /// Whether a connection can be made.
    Connect,
    /// This path, by HTTP.
    Http(String),
}

/// HAProxy's statistics page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Its port.
    pub port: u16,
    /// The network that it is on; `None` stands for the one that carries the machine's name.
    pub network: Option<String>,
}
