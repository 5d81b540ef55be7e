//! `load_balancer:`

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

/// The floating address in front of the cluster, and what is balanced behind it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoadBalancer {
    /// The floating address, on a network that all machines that hold it are on.
    #[schemars(extend("examples" = ["192.168.4.20"]))]
    pub address: String,
    /// The DNS name of the floating address within the domain. Default: `api`.
    #[serde(default)]
    pub name: Option<String>,
    /// Which machines hold the address.
    #[serde(default)]
    pub held_by: HeldBy,
    /// What moves the address when the machine that holds it fails.
    #[serde(default)]
    pub failover: FailoverChoice,
    /// Settings of keepalived.
    #[serde(default)]
    pub keepalived: Option<Keepalived>,
    /// Settings of Pacemaker.
    #[serde(default)]
    pub pacemaker: Option<Pacemaker>,
    /// The statistics page.
    #[serde(default)]
    pub stats: Option<Stats>,
    /// How the Kubernetes API is balanced, port 6443.
    #[serde(default)]
    pub api: Option<Balancing>,
    /// Ports 80 and 443, balanced over the machines that have an ingress controller.
    #[serde(default)]
    pub ingress: Option<Ingress>,
    /// Additional balanced services, by name.
    #[serde(default)]
    pub services: IndexMap<String, Service>,
}

/// Which machines hold a floating address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HeldBy {
    /// Machines of their own, with HAProxy.
    #[default]
    LoadBalancer,
    /// The control planes themselves: who holds the address serves the API.
    ControlPlane,
}

/// What moves a floating address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FailoverChoice {
    /// keepalived, by VRRP.
    #[default]
    Keepalived,
    /// Pacemaker on Corosync.
    Pacemaker,
}

/// Settings of keepalived.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Keepalived {
    /// Whether the first machine takes the address back when it returns; otherwise it stays where it is.
    #[serde(default)]
    pub preempt: bool,
    /// The virtual router id, unique on the network of the address. Default: made from the blueprint's name.
    #[serde(default)]
    #[schemars(range(min = 1, max = 255))]
    pub virtual_router_id: Option<u8>,
}

/// Settings of Pacemaker and Corosync.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pacemaker {
    /// What one of two machines does that starts without the other.
    #[serde(default)]
    pub two_node: Option<TwoNode>,
    /// The network of a second link between the machines, used when the first one fails.
    #[serde(default)]
    pub second_link: Option<String>,
    /// How a machine that no longer answers is stopped.
    #[serde(default)]
    pub fencing: Fencing,
    /// Fence agents, by the machine that each can stop.
    #[serde(default)]
    pub agents: IndexMap<String, FenceAgent>,
}

/// What one of two machines does that starts without the other (`two_node` and `wait_for_all` in votequorum(5)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TwoNode {
    /// It serves alone.
    #[default]
    StartAlone,
    /// It waits until it has seen the other.
    WaitForAll,
}

/// How a machine that no longer answers is stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fencing {
    /// Not at all.
    #[default]
    None,
    /// By the fence agents of the blueprint.
    Agents,
}

/// What stops a machine from outside.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FenceAgent {
    /// The agent's name.
    #[schemars(extend("examples" = ["fence_virsh"]))]
    pub agent: String,
    /// The package that brings it. Default: the one with all agents of the distribution.
    #[serde(default)]
    pub package: Option<String>,
    /// Its parameters. They are public, so a password belongs into a file on the machine.
    #[serde(default)]
    pub options: IndexMap<String, String>,
}

/// The statistics page of HAProxy, on the network that carries the machine's name.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stats {
    /// Its port. Default: 8404.
    #[serde(default)]
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<u16>,
    /// Another network that it is on.
    #[serde(default)]
    pub network: Option<String>,
}

/// Limits and checks of something that is balanced.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Balancing {
    /// Maximum number of concurrent connections; further ones wait. Default: 2000.
    #[serde(default)]
    #[schemars(range(min = 1, max = 100_000))]
    pub max_connections: Option<u32>,
    /// How long a connection may be idle. Default: 24h, or 1m where the mode is http.
    #[serde(default)]
    #[schemars(extend("examples" = ["24h"]))]
    pub idle_timeout: Option<String>,
    /// How servers are checked.
    #[serde(default)]
    pub check: HealthCheck,
}

/// How HAProxy finds out whether a server is well.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HealthCheck {
    /// Interval between checks. Default: 2s.
    #[serde(default)]
    #[schemars(extend("examples" = ["2s"]))]
    pub interval: Option<String>,
    /// Consecutive failed checks after which a server gets no more traffic. Default: 3.
    #[serde(default)]
    #[schemars(range(min = 1, max = 100))]
    pub fall: Option<u32>,
    /// Consecutive successful checks after which it gets traffic again. Default: 2.
    #[serde(default)]
    #[schemars(range(min = 1, max = 100))]
    pub rise: Option<u32>,
    /// A path that is asked for by HTTP; without it a connection is enough. Not for the API, which has its own check,
    /// nor for port 443, which speaks TLS.
    #[serde(default)]
    #[schemars(extend("examples" = ["/healthz"]))]
    pub path: Option<String>,
}

/// Ports 80 and 443 for an ingress controller, whose nodes see the connections as they are.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ingress {
    /// Groups or machines that have an ingress controller.
    #[schemars(extend("examples" = [["kube-node"]]))]
    pub to: Vec<String>,
    /// The port on them for HTTP. Default: 80.
    #[serde(default)]
    #[schemars(range(min = 1, max = 65535))]
    pub http_port: Option<u16>,
    /// The port on them for HTTPS. Default: 443.
    #[serde(default)]
    #[schemars(range(min = 1, max = 65535))]
    pub https_port: Option<u16>,
    /// Networks that may use it, besides workers and the bastion.
    #[serde(default)]
    pub from: Vec<String>,
    /// How port 80 is balanced.
    #[serde(default)]
    pub http: Balancing,
    /// How port 443 is balanced.
    #[serde(default)]
    pub https: Balancing,
}

/// An additional balanced service.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Its port on the floating address.
    #[schemars(range(min = 1, max = 65535))]
    pub port: u16,
    /// Groups or machines that serve it.
    pub to: Vec<String>,
    /// The port on them. Default: the same.
    #[serde(default)]
    #[schemars(range(min = 1, max = 65535))]
    pub target_port: Option<u16>,
    /// Whether connections or requests are balanced.
    #[serde(default)]
    pub mode: Mode,
    /// Networks that may use it, besides the bastion.
    #[serde(default)]
    pub from: Vec<String>,
    /// Limits and checks.
    #[serde(default)]
    pub balancing: Balancing,
}

/// What is balanced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Connections.
    #[default]
    Tcp,
    /// HTTP requests.
    Http,
}
