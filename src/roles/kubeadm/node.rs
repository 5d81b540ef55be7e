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

/// What both documents have.
///
/// Until the first API server is ready nobody holds a floating address or is balanced to, and it takes some seconds more
/// until the holder or the balancer has noticed. kubeadm waits for that server at its own address, but its first request
/// after it (the rights of administrators) goes to the endpoint of the cluster and is repeated for as long as this says,
/// every 500 ms; a minute is kubeadm's own.
fn common(cluster: &Cluster, machine: &Machine) -> Vec<(&'static str, Yaml)> {
    let mut entries = vec![
        ("nodeRegistration", registration(cluster, machine)),
        ("timeouts", Yaml::map([("kubernetesAPICall", Yaml::from("3m"))])),
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
