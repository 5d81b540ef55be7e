//! `machines:`

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{DataDisk, MachineVolume};

/// The role of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Routes, names, addresses and the firewall between the networks.
    Gateway,
    /// The machine that people log in to.
    Bastion,
    /// Holds the floating address in front of the control planes.
    LoadBalancer,
    /// Runs the Kubernetes API.
    ControlPlane,
    /// Runs workloads.
    Worker,
    /// Holds the state of the cluster.
    Etcd,
}

impl Role {
    /// The word in the blueprint.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Bastion => "bastion",
            Self::LoadBalancer => "load-balancer",
            Self::ControlPlane => "control-plane",
            Self::Worker => "worker",
            Self::Etcd => "etcd",
        }
    }
}

/// A group of identical machines.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MachineGroup {
    /// The role of the machines.
    pub role: Role,
    /// How many machines: they are named `NAME01`, `NAME02`, ...; without it there is one, named as the group.
    #[serde(default)]
    #[schemars(range(min = 1, max = 99))]
    pub count: Option<u32>,
    /// Virtual processors of each machine. Default: 1.
    #[serde(default)]
    #[schemars(range(min = 1, max = 64))]
    pub cpus: Option<u32>,
    /// Memory of each machine. Default: 512MiB.
    #[serde(default)]
    #[schemars(extend("examples" = ["512MiB", "2GiB"]))]
    pub memory: Option<String>,
    /// The networks that each machine is on, in the order of its adapters; the first one that is not NAT carries its name and its way out.
    pub networks: Vec<String>,
    /// Static addresses, by network: one per machine of the group, in order.
    #[serde(default)]
    pub addresses: IndexMap<String, Vec<String>>,
    /// Ports of the host (on 127.0.0.1) that lead to a port of the first machine of the group: `2222:22`.
    #[serde(default)]
    #[schemars(extend("examples" = [["2222:22"]]))]
    pub publish: Vec<String>,
    /// Disks besides the system disk, by name; the name is the disk's serial number on the machine.
    #[serde(default)]
    #[schemars(extend("examples" = [{"brick": {"size": "10GiB"}}]))]
    pub disks: IndexMap<String, DataDisk>,
    /// Logical volumes that each machine has besides those of its image, or larger.
    #[serde(default)]
    pub volumes: Vec<MachineVolume>,
    /// Packages beyond those of the role.
    #[serde(default)]
    pub packages: Vec<String>,
    /// Labels of the machine as a node of the cluster.
    #[serde(default)]
    #[schemars(extend("examples" = [{"example.com/disk": "ssd"}]))]
    pub labels: IndexMap<String, String>,
    /// Taints of the machine as a node: `KEY=VALUE:EFFECT` or `KEY:EFFECT`; without the key those that kubeadm gives.
    #[serde(default)]
    #[schemars(extend("examples" = [["dedicated=database:NoSchedule"]]))]
    pub taints: Option<Vec<String>>,
}
