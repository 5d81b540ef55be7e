//! `dns:` and `kubernetes:`

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::EtcdSettings;
use super::cluster::{AddOn, ContainerRuntime, Kubeadm};

/// How names outside the domain are found.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dns {
    /// Name servers that the gateway asks; those that its NAT network hands out if nothing is said.
    #[serde(default)]
    pub forwarders: Vec<String>,
}

/// The cluster.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Kubernetes {
    /// The version of Kubernetes: a minor one (the newest patch that bpc has) or an exact one, in quotes.
    #[schemars(extend("examples" = ["1.35", "1.35.8"]))]
    pub version: String,
    /// Where the cluster keeps its state.
    #[serde(default)]
    pub etcd: EtcdTopology,
    /// How it is kept there.
    #[serde(default)]
    pub etcd_settings: EtcdSettings,
    /// The addresses of services; 10.96.0.0/12 if nothing is said.
    #[serde(default)]
    #[schemars(extend("examples" = ["10.96.0.0/12"]))]
    pub service_cidr: Option<String>,
    /// The DNS domain of services; cluster.local if nothing is said.
    #[serde(default)]
    pub cluster_domain: Option<String>,
    /// More names and addresses that the API is reached by, for its certificates.
    #[serde(default)]
    pub api_names: Vec<String>,
    /// Whether the API answers whom it does not know on its health pages; `true` if nothing is said.
    #[serde(default)]
    pub anonymous_auth: Option<bool>,
    /// The addresses of pods; 10.244.0.0/16 if nothing is said.
    #[serde(default)]
    #[schemars(extend("examples" = ["10.244.0.0/16"]))]
    pub pod_cidr: Option<String>,
    /// The network plugin: flannel or calico, or the name of one whose manifest is given; flannel if nothing is said.
    #[serde(default)]
    #[schemars(extend("examples" = ["flannel", "calico"]))]
    pub cni: Option<String>,
    /// The manifest of another network plugin: a file beside the blueprint.
    #[serde(default)]
    pub cni_manifest: Option<String>,
    /// What runs containers.
    #[serde(default)]
    pub runtime: ContainerRuntime,
    /// The version of containerd: a minor one or an exact one, in quotes; the newest that the version of Kubernetes works
    /// with if nothing is said.
    #[serde(default)]
    #[schemars(extend("examples" = ["2.3", "1.7"]))]
    pub containerd: Option<String>,
    /// Mirrors of image registries, by the registry, those that are asked first first.
    #[serde(default)]
    #[schemars(extend("examples" = [{"docker.io": ["https://mirror.example"]}]))]
    pub registry_mirrors: IndexMap<String, Vec<String>>,
    /// Something more that the cluster has.
    #[serde(default)]
    pub addons: Vec<AddOn>,
    /// Manifests that are applied once the cluster is up: files beside the blueprint.
    #[serde(default)]
    pub manifests: Vec<String>,
    /// What kubeadm and what it starts are told beyond this.
    #[serde(default)]
    pub kubeadm: Kubeadm,
}

/// Where a cluster keeps its state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EtcdTopology {
    /// On the control planes, run by kubeadm.
    #[default]
    Stacked,
    /// On machines of their own, with the role etcd.
    External,
    /// On the control planes, as a service of systemd beside kubeadm.
    Colocated,
}
