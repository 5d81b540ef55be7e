//! `dns:` and `kubernetes:`

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::EtcdSettings;
use super::cluster::{AddOn, ContainerRuntime, Kubeadm, WorkloadResources};

/// Resolution of names outside the domain.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dns {
    /// Name servers that the gateway asks. Default: those that its NAT network hands out.
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
    /// Settings of etcd.
    #[serde(default)]
    pub etcd_settings: EtcdSettings,
    /// The addresses of services. Default: 10.96.0.0/12.
    #[serde(default)]
    #[schemars(extend("examples" = ["10.96.0.0/12"]))]
    pub service_cidr: Option<String>,
    /// The DNS domain of services. Default: cluster.local.
    #[serde(default)]
    pub cluster_domain: Option<String>,
    /// Additional subject alternative names of the API server certificate.
    #[serde(default)]
    pub api_names: Vec<String>,
    /// Whether the API server answers anonymous requests to its health endpoints. Default: `true`.
    #[serde(default)]
    pub anonymous_auth: Option<bool>,
    /// The addresses of pods. Default: 10.244.0.0/16.
    #[serde(default)]
    #[schemars(extend("examples" = ["10.244.0.0/16"]))]
    pub pod_cidr: Option<String>,
    /// The network plugin: flannel or calico, or the name of one whose manifest is given. Default: flannel.
    #[serde(default)]
    #[schemars(extend("examples" = ["flannel", "calico"]))]
    pub cni: Option<String>,
    /// The manifest of another network plugin: a file beside the blueprint.
    #[serde(default)]
    pub cni_manifest: Option<String>,
    /// What runs containers.
    #[serde(default)]
    pub runtime: ContainerRuntime,
    /// The version of containerd, minor or exact, in quotes. Default: the newest that works with the version of
    /// Kubernetes.
    #[serde(default)]
    #[schemars(extend("examples" = ["2.3", "1.7"]))]
    pub containerd: Option<String>,
    /// Registry mirrors, keyed by registry, in order of preference.
    #[serde(default)]
    #[schemars(extend("examples" = [{"docker.io": ["https://mirror.example"]}]))]
    pub registry_mirrors: IndexMap<String, Vec<String>>,
    /// Add-ons of the cluster.
    #[serde(default)]
    pub addons: Vec<AddOn>,
    /// What the pods of the network plugin and of add-ons ask for, where it is not what bpc gives them.
    #[serde(default)]
    #[schemars(extend("examples" = [{"ingress": {"memory": "256MiB", "memory_limit": "1GiB"}}]))]
    pub resources: WorkloadResources,
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
