//! What is one machine's own: `InitConfiguration` on the control plane that starts the cluster, `JoinConfiguration` on all.

use super::cluster::{api, argument};
use super::merge::{get, merge};
use super::{DISCOVERY, PATCHES};
use crate::bug::Bug;
use crate::credentials::Credentials;
use crate::format::yaml::Yaml;
use crate::site::{API_PORT, Cluster, Machine, Role, SharedSecret, Taint};
use crate::value::Secret;

/// For how long the token is good once the cluster is there.
const TOKEN_LIFE: &str = "24h";

/// How the cluster is started here, with the token that others join with.
pub(super) fn init(
    cluster: &Cluster,
    credentials: &Credentials,
    machine: &Machine,
) -> Result<Secret<String>, Bug> {
    let token = credentials.shared_text(SharedSecret::BootstrapToken)?;
    let token = Yaml::map([
        ("token", Yaml::from(token.expose().as_str())),
        ("description", "machines join with it".into()),
        ("ttl", TOKEN_LIFE.into()),
        ("usages", Yaml::seq(["signing", "authentication"])),
        ("groups", Yaml::seq(["system:bootstrappers:kubeadm:default-node-token"])),
    ]);
    let mut entries = vec![
        ("apiVersion", Yaml::from(api(cluster))),
        ("kind", "InitConfiguration".into()),
        ("bootstrapTokens", Yaml::Seq(vec![token])),
        ("localAPIEndpoint", endpoint(machine)),
    ];
    entries.extend(common(cluster, machine));
    let document = merge(Yaml::map(entries), Yaml::from(&cluster.kubeadm.init));
    Ok(Secret::new(
        document.document(&[" How kubeadm starts the cluster here; cluster.yaml comes before it."]),
    ))
}

/// How this machine joins the cluster.
pub(super) fn join(cluster: &Cluster, machine: &Machine) -> Yaml {
    let file = Yaml::map([("kubeConfigPath", Yaml::from(DISCOVERY))]);
    let mut entries = vec![
        ("apiVersion", Yaml::from(api(cluster))),
        ("kind", "JoinConfiguration".into()),
        ("discovery", Yaml::map([("file", file)])),
    ];
    if machine.role == Role::ControlPlane {
        entries.push(("controlPlane", Yaml::map([("localAPIEndpoint", endpoint(machine))])));
    }
    entries.extend(common(cluster, machine));
    merge(Yaml::map(entries), Yaml::from(&cluster.kubeadm.join))
}

/// The phases that the blueprint leaves out, of a document of these.
pub(super) fn skipped(extras: &serde_yaml::Mapping) -> Vec<String> {
    match get(&Yaml::from(extras), "skipPhases") {
        Some(Yaml::Seq(phases)) => phases
            .iter()
            .filter_map(|phase| if let Yaml::Str(phase) = phase { Some(phase.clone()) } else { None })
            .collect(),
        _ => Vec::new(),
    }
}

fn endpoint(machine: &Machine) -> Yaml {
    Yaml::map([("advertiseAddress", machine.address().to_string().into()), ("bindPort", API_PORT.into())])
}

/// For how long kubeadm waits for an API server's first start: kubeadm's own minute, and five where a kubelet waits for it,
/// are short for a slow disk. Where that server does not come, an attempt takes as long until it says why.
const FIRST_START: &str = "10m";

/// What both documents have.
///
/// `kubernetesAPICall` is the limit for the first start of an API server. `kubeadm init` waits for kubelet and components in
/// its phase `wait-control-plane`, but before that it asks the server beside it for the rights of administrators, again and
/// again for as long as this says (`cmd/phases/init/waitcontrolplane.go`: `data.Client()`, which is
/// `EnsureAdminClusterRoleBinding` of `phases/kubeconfig/kubeconfig.go`). Requests to the endpoint of the cluster have this
/// limit too, where a holder of the floating address or a balancer may need some seconds until it has noticed a server.
///
/// On a control plane that joins, the kubelet bootstraps itself with the API server beside it, which is about to start:
/// there the limit is `tlsBootstrap` (`cmd/phases/join/kubelet.go`).
fn common(cluster: &Cluster, machine: &Machine) -> Vec<(&'static str, Yaml)> {
    let mut entries = vec![
        ("nodeRegistration", registration(cluster, machine)),
        (
            "timeouts",
            Yaml::map(["kubernetesAPICall", "tlsBootstrap"].map(|limit| (limit, Yaml::from(FIRST_START)))),
        ),
    ];
    if super::has_patches(cluster) {
        entries.push(("patches", Yaml::map([("directory", Yaml::from(PATCHES))])));
    }
    entries
}

fn registration(cluster: &Cluster, machine: &Machine) -> Yaml {
    let mut arguments = vec![argument("node-ip", &machine.address().to_string())];
    if !machine.labels.is_empty() {
        let labels: Vec<String> =
            machine.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        arguments.push(argument("node-labels", &labels.join(",")));
    }
    let mut entries = vec![
        ("name", Yaml::from(machine.name.as_str())),
        ("criSocket", cluster.runtime.cri_socket().into()),
        ("imagePullPolicy", "IfNotPresent".into()),
        ("kubeletExtraArgs", Yaml::Seq(arguments)),
    ];
    // Without the key a control plane gets kubeadm's own taint.
    if let Some(taints) = &machine.taints {
        entries.push(("taints", Yaml::Seq(taints.iter().map(taint).collect())));
    }
    Yaml::map(entries)
}

fn taint(taint: &Taint) -> Yaml {
    let mut entries = vec![("key", Yaml::from(taint.key.as_str()))];
    if !taint.value.is_empty() {
        entries.push(("value", taint.value.as_str().into()));
    }
    entries.push(("effect", taint.effect.as_str().into()));
    Yaml::map(entries)
}
