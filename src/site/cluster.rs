//! The Kubernetes cluster of a site.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

pub use crate::model::EtcdTopology;

use super::CertificatePlan;
use crate::assets::Version;
use crate::value::{Duration, Size};

/// A cluster on the control planes and workers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// The version of Kubernetes.
    pub version: Version,
    /// Where its state is.
    pub etcd: EtcdTopology,
    /// How it is kept there.
    pub etcd_settings: EtcdSettings,
    /// The addresses of services; the API has the first one.
    pub service_cidr: Ipv4Net,
    /// The DNS domain of services.
    pub cluster_domain: String,
    /// The address that the API is reached by: the floating one, or that of the first control plane.
    pub endpoint: Ipv4Addr,
    /// The line of the blueprint that asks for it: `blueprint.yaml:31`.
    pub origin: String,
    /// Its certificates.
    pub certificates: CertificatePlan,
}

/// How etcd keeps the state of a cluster, wherever it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EtcdSettings {
    /// The size at which the database takes no more writes (`--quota-backend-bytes`).
    pub quota: Size,
    /// The time between two snapshots of a member.
    pub snapshot_every: Duration,
    /// How many of them a member keeps.
    pub snapshots_kept: u16,
}

impl Cluster {
    /// Where clients find the API.
    #[must_use]
    pub fn server(&self) -> String {
        format!("https://{}:{API_PORT}", self.endpoint)
    }
}

/// The port on which members of etcd serve their clients (etcd's configuration flags, `--listen-client-urls`).
pub const ETCD_CLIENT_PORT: u16 = 2379;
/// The port on which members of etcd serve each other (`--listen-peer-urls`).
pub const ETCD_PEER_PORT: u16 = 2380;
/// The port of the Kubernetes API.
pub const API_PORT: u16 = 6443;
