//! What a user writes: one struct a section, as plain as the YAML is.
//!
//! The JSON Schema that editors use is made from these types, and `walk` goes over every document with
//! it, so that all unknown keys, missing keys and wrong types are reported in one run; serde then fills the structs.
//! Texts stay texts here: `resolve` reads them, because only there can a message say what the value means.

mod access;
mod cluster;
mod downloads;
mod etcd;
mod image;
mod load_balancer;
mod machine;
mod network;
mod pki;
mod read;
mod schema;
mod services;
mod storage;
mod virtualbox;
mod walk;
mod wording;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

pub use access::{Access, System};
pub use cluster::{AddOn, ContainerRuntime, Kubeadm, Resources, WorkloadResources};
pub use downloads::{Asset, Downloads};
pub use etcd::EtcdSettings;
pub use image::{Architecture, Distribution, Firmware, Image};
pub use load_balancer::{
    Balancing, FailoverChoice, FenceAgent, Fencing, HealthCheck, HeldBy, Ingress, Keepalived, LoadBalancer,
    Mode, Pacemaker, Service, Stats, TwoNode,
};
pub use machine::{MachineGroup, Role};
pub use network::{Attach, Network};
pub use pki::{Algorithm, AuthorityKeys, Pki};
pub use schema::schema;
pub use services::{Dns, EtcdTopology, Kubernetes};
pub use storage::{DataDisk, FileSystem, Lvm, MachineVolume, MountOption, Volume};
pub use virtualbox::{Adapter, Controller, SystemDisk, VirtualBox};

pub(crate) use read::read;

/// One small data centre.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("title" = "bpc blueprint"))]
pub struct Blueprint {
    /// The version of the blueprint language: 1.
    #[schemars(extend("const" = 1))]
    pub blueprint: i64,
    /// A DNS label that names the data centre: its folder below `out/` and the prefix of its virtual machines.
    #[schemars(extend("examples" = ["kube-demo"]))]
    pub name: String,
    /// A sentence for the people who read the blueprint.
    #[serde(default)]
    pub description: Option<String>,
    /// The DNS domain of all machines.
    #[schemars(extend("examples" = ["kube.demo"]))]
    pub domain: String,
    /// The only source of time: file dates and certificate validity start here (RFC 3339, UTC).
    #[schemars(extend("examples" = ["2026-01-01T00:00:00Z"]))]
    pub epoch: String,
    /// Fragments that this file builds on, by path relative to it; this file's own keys win.
    #[serde(default)]
    pub include: Vec<String>,
    /// Values that `${name}` stands for anywhere in the blueprint and its fragments.
    #[serde(default)]
    #[schemars(with = "IndexMap<String, Scalar>")]
    pub variables: IndexMap<String, serde_yaml::Value>,
    /// What the machines start from.
    pub image: Image,
    /// Who may log in.
    pub access: Access,
    /// Time, language and extras of every machine.
    #[serde(default)]
    pub system: System,
    /// Resolution of names outside the domain.
    #[serde(default)]
    pub dns: Dns,
    /// Networks by name; the name is also the interface's on every machine (a trunk's interface is named after it).
    pub networks: IndexMap<String, Network>,
    /// Machines by name, in the order in which they get addresses.
    pub machines: IndexMap<String, MachineGroup>,
    /// The address that the load balancers hold.
    #[serde(default)]
    pub load_balancer: Option<LoadBalancer>,
    /// The cluster on the control planes and workers.
    #[serde(default)]
    pub kubernetes: Option<Kubernetes>,
    /// Settings of VirtualBox.
    #[serde(default)]
    pub virtualbox: VirtualBox,
    /// Settings of certificates and authorities.
    #[serde(default)]
    pub pki: Pki,
    /// Where machines download software from that no package of the distribution brings.
    #[serde(default)]
    pub downloads: Downloads,
    /// New generations of secrets, by purpose: `kubernetes-ca: 1` replaces that one and no other.
    #[serde(default)]
    pub rotate: IndexMap<String, u32>,
}

/// A single value.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "stands for its schema only")]
enum Scalar {
    Text(String),
    Number(f64),
    Truth(bool),
}
