//! The Kubernetes cluster of a site.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde_yaml::Mapping;

pub use crate::model::EtcdTopology;

use super::{CertificatePlan, Resources, Workload};
use crate::assets::{Release, Version};
use crate::value::{AddressRange, Duration, Size};

/// A cluster on the control planes and workers.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    /// The version of Kubernetes.
    pub version: Version,
    /// What goes with it.
    pub release: &'static Release,
    /// Where its state is.
    pub etcd: EtcdTopology,
    /// How it is kept there.
    pub etcd_settings: EtcdSettings,
    /// The addresses of services; the API has the first one.
    pub service_cidr: Ipv4Net,
    /// The addresses of pods.
    pub pod_cidr: Ipv4Net,
    /// The DNS domain of services.
    pub cluster_domain: String,
    /// The address that the API is reached by: the floating one, or that of the first control plane.
    pub endpoint: Ipv4Addr,
    /// The line of the blueprint that asks for it: `blueprint.yaml:31`.
    pub origin: String,
    /// Its certificates.
    pub certificates: CertificatePlan,
    /// Whether the API answers whom it does not know on its health pages.
    pub anonymous_auth: bool,
    /// What runs containers.
    pub runtime: Runtime,
    /// Mirrors of image registries, by the registry, those that are asked first first.
    pub registry_mirrors: BTreeMap<String, Vec<String>>,
    /// What connects pods.
    pub network_plugin: NetworkPlugin,
    /// What else it has, each once, in the order in which it is set up.
    pub addons: Vec<AddOn>,
    /// What the pods of its network plugin and of its add-ons ask for, each that it has.
    pub resources: BTreeMap<Workload, Resources>,
    /// What the blueprint applies once it is up, in order.
    pub manifests: Vec<Manifest>,
    /// What kubeadm and what it starts are told beyond what is decided here.
    pub kubeadm: KubeadmExtras,
}

/// What runs containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runtime {
    /// containerd of this version.
    Containerd(Version),
    /// Docker, behind cri-dockerd.
    Docker,
}

impl Runtime {
    /// Where the kubelet and kubeadm find it (CRI).
    #[must_use]
    pub const fn cri_socket(self) -> &'static str {
        match self {
            Self::Containerd(_) => "unix:///run/containerd/containerd.sock",
            Self::Docker => "unix:///run/cri-dockerd.sock",
        }
    }
}

/// Returns whether the path of a mirror's address holds the root of the registry's API, and where more follows it.
///
/// The API is below `/v2/` (OCI distribution specification, "API"); a runtime adds that to an address. Harbor and others
/// have their proxies below it: `https://harbor.example/v2/proxy`.
#[must_use]
pub fn api_in_path(mirror: &str) -> Option<ApiInPath> {
    let (_, rest) = mirror.split_once("://")?;
    let segments: Vec<&str> = rest.split('/').skip(1).filter(|segment| !segment.is_empty()).collect();
    let place = segments.iter().position(|segment| *segment == "v2")?;
    Some(if place + 1 == segments.len() { ApiInPath::AtTheEnd } else { ApiInPath::Within })
}

/// Where the root of a registry's API is in the path of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiInPath {
    /// It is the path's last part.
    AtTheEnd,
    /// More follows it.
    Within,
}

/// What connects pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetworkPlugin {
    /// flannel, by VXLAN.
    Flannel,
    /// Calico, by VXLAN.
    Calico,
    /// One that the blueprint brings.
    Manifest(Manifest),
}

/// What is applied to the cluster, from a file beside the blueprint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// What it is called, a DNS label that no other manifest has.
    pub name: String,
    /// Its YAML.
    pub text: String,
}

/// Something more that a cluster has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddOn {
    /// MetalLB with these ranges.
    MetalLb(Vec<ServicePool>),
    /// metrics-server.
    MetricsServer,
    /// local-path-provisioner.
    LocalPath,
    /// HAProxy's ingress controller.
    Ingress {
        /// The machines that it runs on.
        machines: Vec<String>,
        /// Their port for HTTP.
        http: u16,
        /// Their port for HTTPS.
        https: u16,
    },
}

/// Addresses that MetalLB gives to services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicePool {
    /// The network that they belong to.
    pub network: String,
    /// The interface of that network, the same on every machine.
    pub interface: String,
    /// The addresses.
    pub range: AddressRange,
}

/// What kubeadm and what it starts are told beyond what bpc decides: each merged into the document of that name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KubeadmExtras {
    /// `ClusterConfiguration`.
    pub cluster: Mapping,
    /// `InitConfiguration`.
    pub init: Mapping,
    /// `JoinConfiguration`.
    pub join: Mapping,
    /// `KubeletConfiguration`.
    pub kubelet: Mapping,
    /// `KubeProxyConfiguration`.
    pub kube_proxy: Mapping,
    /// Patches, by their file names.
    pub patches: BTreeMap<String, Mapping>,
}

impl KubeadmExtras {
    /// Returns where the images of Kubernetes come from, if not from registry.k8s.io.
    #[must_use]
    pub fn image_repository(&self) -> Option<&str> {
        self.cluster.get("imageRepository")?.as_str().filter(|it| !it.is_empty())
    }

    /// Returns how kube-proxy leads traffic to services, if not by iptables.
    #[must_use]
    pub fn proxy_mode(&self) -> Option<&str> {
        self.kube_proxy.get("mode")?.as_str()
    }

    /// Returns the scheduler of kube-proxy's mode ipvs; round robin by default.
    #[must_use]
    pub fn ipvs_scheduler(&self) -> &str {
        let said = self.kube_proxy.get("ipvs").and_then(|ipvs| ipvs.get("scheduler")?.as_str());
        said.filter(|it| !it.is_empty()).unwrap_or("rr")
    }
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
/// The port on which a kubelet serves the API and what measures nodes.
pub const KUBELET_PORT: u16 = 10250;
