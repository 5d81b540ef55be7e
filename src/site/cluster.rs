//! The Kubernetes cluster of a site.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

pub use crate::model::EtcdTopology;

use super::CertificatePlan;
use crate::assets::Version;

/// A cluster on the control planes and workers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// The version of Kubernetes.
    pub version: Version,
    /// Where its state is.
    pub etcd: EtcdTopology,
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

impl Cluster {
    /// Where clients find the API.
    #[must_use]
    pub fn server(&self) -> String {
        format!("https://{}:{API_PORT}", self.endpoint)
    }
}

/// The port of the Kubernetes API.
pub const API_PORT: u16 = 6443;
