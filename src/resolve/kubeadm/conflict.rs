//! What a blueprint says in the words of kubeadm, and contradicts elsewhere.

use serde_yaml::{Mapping, Value};

use super::find;
use crate::diag::{Code, Diagnostic, Path, Place};
use crate::model::{AddOn, EtcdTopology, Kubernetes};
use crate::site::KubeadmExtras;

/// Pods that can have an address on a node: a /24 without its network, its broadcast address and that of the bridge.
const FLANNEL_PODS: i64 = 253;

/// Returns what contradicts the rest of `kubernetes:`.
pub(super) fn conflicts(written: &Kubernetes, extras: &KubeadmExtras) -> Vec<Diagnostic> {
    [
        local_etcd(written, extras),
        authentication(written, extras),
        strict_arp(written, extras),
        pods(written, extras),
        without_proxy(written, extras),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn path(keys: &[&str]) -> Path {
    let top = Path::root().key("kubernetes").key("kubeadm");
    keys.iter().fold(top, |path, key| path.key(*key))
}

fn at(document: &Mapping, section: &str, keys: &[&str]) -> Option<(Value, Place)> {
    let place = Place::Key(path(&[&[section], keys].concat()));
    Some((find(document, keys)?.clone(), place))
}

fn conflict(place: Place, message: &str, help: &str) -> Diagnostic {
    Diagnostic::new(Code::KubeadmConflict, place, message).help(help)
}

/// The API server of kubeadm has one etcd or another.
fn local_etcd(written: &Kubernetes, extras: &KubeadmExtras) -> Option<Diagnostic> {
    let (_, place) = at(&extras.cluster, "cluster", &["etcd", "local"])?;
    (written.etcd != EtcdTopology::Stacked).then(|| {
        let message = "kubeadm runs no etcd here, so it has no settings";
        conflict(place, message, "remove it, or write `etcd: stacked` under `kubernetes:`")
    })
}

/// What says where strangers are answered is a file of bpc's.
fn authentication(written: &Kubernetes, extras: &KubeadmExtras) -> Option<Diagnostic> {
    if written.anonymous_auth != Some(false) {
        return None;
    }
    let arguments = find(&extras.cluster, &["apiServer", "extraArgs"])?.as_sequence()?;
    let named = |it: &Value| it.get("name").and_then(Value::as_str) == Some("authentication-config");
    let index = arguments.iter().position(named)?;
    let place = Place::Value(path(&["cluster", "apiServer", "extraArgs"]).index(index));
    let message = "`anonymous_auth: false` has an authentication configuration of its own";
    Some(conflict(
        place,
        message,
        "remove `anonymous_auth`, and say in your file who is answered without a name",
    ))
}

/// "If you're using kube-proxy in IPVS mode, since Kubernetes v1.14.2 you have to enable strict ARP mode" (`MetalLB`).
fn strict_arp(written: &Kubernetes, extras: &KubeadmExtras) -> Option<Diagnostic> {
    let (strict, place) = at(&extras.kube_proxy, "kube_proxy", &["ipvs", "strictARP"])?;
    let ipvs = extras.proxy_mode() == Some("ipvs") && written.addons.contains(&AddOn::Metallb);
    (ipvs && strict == Value::Bool(false)).then(|| {
        let message = "with MetalLB, kube-proxy's mode ipvs needs `strictARP`: else every node answers for its addresses";
        conflict(place, message, "remove it: bpc writes `strictARP: true`")
    })
}

/// flannel gives each node a /24.
fn pods(written: &Kubernetes, extras: &KubeadmExtras) -> Option<Diagnostic> {
    let (most, place) = at(&extras.kubelet, "kubelet", &["maxPods"])?;
    let flannel = written.cni_manifest.is_none() && written.cni.as_deref().is_none_or(|cni| cni == "flannel");
    (flannel && most.as_i64().is_some_and(|most| most > FLANNEL_PODS)).then(|| {
        let message = format!("flannel has addresses for {FLANNEL_PODS} pods on a node");
        conflict(place, &message, "write less, or take another network plugin: `cni: calico`")
    })
}

/// Network plugins ask the API at the address of its service.
fn without_proxy(written: &Kubernetes, extras: &KubeadmExtras) -> Option<Diagnostic> {
    if written.cni_manifest.is_some() {
        return None;
    }
    let disabled =
        at(&extras.cluster, "cluster", &["proxy", "disabled"]).filter(|(it, _)| *it == Value::Bool(true));
    let place = disabled.map(|(_, place)| place).or_else(|| {
        let phases = find(&extras.init, &["skipPhases"])?.as_sequence()?;
        let index =
            phases.iter().position(|phase| ["addon", "addon/kube-proxy"].map(Value::from).contains(phase))?;
        Some(Place::Value(path(&["init", "skipPhases"]).index(index)))
    })?;
    let message = "without kube-proxy the network plugin does not reach the API by its service";
    Some(conflict(
        place,
        message,
        "keep kube-proxy, or bring a network plugin that replaces it: `cni_manifest: ...`",
    ))
}
