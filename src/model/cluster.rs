//! What nodes of a cluster run, below `kubernetes:`.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

/// What runs containers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ContainerRuntime {
    /// containerd.
    #[default]
    Containerd,
    /// Docker, behind cri-dockerd.
    Docker,
}

/// An add-on of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AddOn {
    /// MetalLB: gives services of type `LoadBalancer` an address from the pools named `metallb`.
    Metallb,
    /// HAProxy's ingress controller, on ports 80 and 443 of the workers.
    Ingress,
    /// metrics-server: what `kubectl top` and autoscalers ask.
    MetricsServer,
    /// local-path-provisioner: volumes on the disk of the node that a pod runs on.
    LocalPath,
}

/// What a pod asks for.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Resources {
    /// How much of a processor is kept for it, in thousandths (`250m`), or whole processors in quotes.
    #[serde(default)]
    #[schemars(extend("examples" = ["250m"]))]
    pub cpu: Option<String>,
    /// How much memory is kept for it.
    #[serde(default)]
    #[schemars(extend("examples" = ["256MiB"]))]
    pub memory: Option<String>,
    /// How much memory it may have: with more it is stopped and started again.
    #[serde(default)]
    #[schemars(extend("examples" = ["1GiB"]))]
    pub memory_limit: Option<String>,
}

/// What each pod of the network plugin and of add-ons asks for.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WorkloadResources {
    /// flannel, on every node.
    #[serde(default)]
    pub flannel: Option<Resources>,
    /// Calico, on every node.
    #[serde(default)]
    pub calico_node: Option<Resources>,
    /// Calico's controllers, once.
    #[serde(default)]
    pub calico_controllers: Option<Resources>,
    /// MetalLB's controller, once.
    #[serde(default)]
    pub metallb_controller: Option<Resources>,
    /// MetalLB's speaker, on every node.
    #[serde(default)]
    pub metallb_speaker: Option<Resources>,
    /// HAProxy's ingress controller, on each of its machines: two thirds of its memory limit are HAProxy's.
    #[serde(default)]
    pub ingress: Option<Resources>,
    /// metrics-server, once.
    #[serde(default)]
    pub metrics_server: Option<Resources>,
    /// local-path-provisioner, once.
    #[serde(default)]
    pub local_path: Option<Resources>,
}

/// What kubeadm, kubelets and kube-proxy are told beyond what bpc decides, in their own words.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Kubeadm {
    /// Additional fields of `ClusterConfiguration`.
    #[serde(default)]
    #[schemars(with = "IndexMap<String, serde_json::Value>")]
    pub cluster: serde_yaml::Mapping,
    /// Additional fields of `InitConfiguration`, for the first control plane.
    #[serde(default)]
    #[schemars(with = "IndexMap<String, serde_json::Value>")]
    pub init: serde_yaml::Mapping,
    /// Additional fields of `JoinConfiguration`, for all other nodes.
    #[serde(default)]
    #[schemars(with = "IndexMap<String, serde_json::Value>")]
    pub join: serde_yaml::Mapping,
    /// Additional fields of `KubeletConfiguration`.
    #[serde(default)]
    #[schemars(with = "IndexMap<String, serde_json::Value>")]
    pub kubelet: serde_yaml::Mapping,
    /// Additional fields of `KubeProxyConfiguration`.
    #[serde(default)]
    #[schemars(with = "IndexMap<String, serde_json::Value>")]
    pub kube_proxy: serde_yaml::Mapping,
    /// Patches of what kubeadm writes, by the file names that it wants: `kube-apiserver+merge.yaml`.
    #[serde(default)]
    #[schemars(with = "IndexMap<String, IndexMap<String, serde_json::Value>>")]
    pub patches: IndexMap<String, serde_yaml::Mapping>,
}
