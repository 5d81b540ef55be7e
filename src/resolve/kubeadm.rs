//! `kubernetes.kubeadm`: what goes to kubeadm as it is written, and what may not, because bpc decides it.

use std::collections::BTreeMap;

use serde_yaml::{Mapping, Value};

use super::Resolver;
use crate::diag::{Code, Diagnostic, Path, Place};
use crate::model::{Kubeadm, Kubernetes};
use crate::site::KubeadmExtras;

/// A field that bpc decides, by its document and path, and how a blueprint says it instead.
const DECIDED: &[(&str, &str, &str)] = &[
    ("cluster", "kubernetesVersion", "`kubernetes: {version: ...}`"),
    ("cluster", "controlPlaneEndpoint", "`load_balancer: {address: ...}`"),
    ("cluster", "networking.podSubnet", "`kubernetes: {pod_cidr: ...}`"),
    ("cluster", "networking.serviceSubnet", "`kubernetes: {service_cidr: ...}`"),
    ("cluster", "networking.dnsDomain", "`kubernetes: {cluster_domain: ...}`"),
    ("cluster", "etcd.external", "`kubernetes: {etcd: ...}`"),
    ("cluster", "etcd.local.serverCertSANs", "`kubernetes: {etcd: ...}`"),
    ("cluster", "etcd.local.peerCertSANs", "`kubernetes: {etcd: ...}`"),
    ("cluster", "apiServer.certSANs", "`kubernetes: {api_names: [...]}`"),
    ("cluster", "certificatesDir", "nothing: certificates are where kubeadm looks for them"),
    ("cluster", "encryptionAlgorithm", "`pki: {algorithm: ...}`"),
    ("cluster", "certificateValidityPeriod", "`pki: {certificate_days: ...}`"),
    ("cluster", "caCertificateValidityPeriod", "`pki: {authority_days: ...}`"),
    ("cluster", "clusterName", "`name:` of the blueprint"),
    ("init", "bootstrapTokens", "nothing: the token comes from the vault"),
    ("init", "certificateKey", "nothing: every control plane has its certificates"),
    ("init", "localAPIEndpoint", "`machines:`, where the addresses are"),
    ("init", "patches", "`kubernetes: {kubeadm: {patches: ...}}`"),
    ("init", "nodeRegistration.name", "`machines:`, where the names are"),
    ("init", "nodeRegistration.criSocket", "`kubernetes: {runtime: ...}`"),
    ("init", "nodeRegistration.taints", "`machines: {NAME: {taints: [...]}}`"),
    ("join", "discovery", "nothing: the way to join comes from the vault"),
    ("join", "controlPlane", "nothing: every control plane has its certificates"),
    ("join", "caCertPath", "nothing: certificates are where kubeadm looks for them"),
    ("join", "patches", "`kubernetes: {kubeadm: {patches: ...}}`"),
    ("join", "nodeRegistration.name", "`machines:`, where the names are"),
    ("join", "nodeRegistration.criSocket", "`kubernetes: {runtime: ...}`"),
    ("join", "nodeRegistration.taints", "`machines: {NAME: {taints: [...]}}`"),
    ("kubelet", "cgroupDriver", "nothing: it is systemd's, as the runtime's is"),
    ("kubelet", "clusterDNS", "`kubernetes: {service_cidr: ...}`"),
    ("kubelet", "clusterDomain", "`kubernetes: {cluster_domain: ...}`"),
    ("kubelet", "staticPodPath", "nothing: it is where kubeadm puts the control plane"),
    ("kubelet", "containerRuntimeEndpoint", "`kubernetes: {runtime: ...}`"),
    ("kube_proxy", "clusterCIDR", "`kubernetes: {pod_cidr: ...}`"),
];

/// Arguments of the kubelet that bpc decides.
const KUBELET_ARGUMENTS: [(&str, &str); 3] = [
    ("node-ip", "`machines:`, where the addresses are"),
    ("node-labels", "`machines: {NAME: {labels: {...}}}`"),
    ("hostname-override", "`machines:`, where the names are"),
];

/// What a patch can be for ("Customizing components with the kubeadm API", `--patches`).
const PATCHED: [&str; 6] = [
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "etcd",
    "kubeletconfiguration",
    "corednsdeployment",
];

impl Resolver<'_> {
    pub(super) fn kubeadm(&mut self, written: &Kubernetes) -> KubeadmExtras {
        let Kubeadm { cluster, init, join, kubelet, kube_proxy, patches } = &written.kubeadm;
        let documents = [
            ("cluster", cluster),
            ("init", init),
            ("join", join),
            ("kubelet", kubelet),
            ("kube_proxy", kube_proxy),
        ];
        for (name, document) in documents {
            self.decided_fields(name, document);
        }
        for (name, patch) in patches {
            self.patch(name, patch);
        }
        let patches: BTreeMap<String, Mapping> =
            patches.iter().map(|(name, patch)| (name.clone(), patch.clone())).collect();
        KubeadmExtras {
            cluster: cluster.clone(),
            init: init.clone(),
            join: join.clone(),
            kubelet: kubelet.clone(),
            kube_proxy: kube_proxy.clone(),
            patches,
        }
    }

    fn decided_fields(&mut self, name: &str, document: &Mapping) {
        let path = Path::root().key("kubernetes").key("kubeadm").key(name);
        let both = [("apiVersion", "`kubernetes: {version: ...}`"), ("kind", "nothing: the section says it")];
        let own = DECIDED.iter().filter(|(of, ..)| *of == name).map(|(_, field, instead)| (*field, *instead));
        for (field, instead) in both.into_iter().chain(own) {
            let keys: Vec<&str> = field.split('.').collect();
            if find(document, &keys).is_some() {
                let place = keys.iter().fold(path.clone(), |path, key| path.key(*key));
                self.decided(field, instead, Place::Key(place));
            }
        }
        let arguments =
            find(document, &["nodeRegistration", "kubeletExtraArgs"]).and_then(Value::as_sequence);
        for (index, argument) in arguments.into_iter().flatten().enumerate() {
            let given = argument.get("name").and_then(Value::as_str);
            if let Some((argument, instead)) = KUBELET_ARGUMENTS.iter().find(|(name, _)| Some(*name) == given)
            {
                let place = path.key("nodeRegistration").key("kubeletExtraArgs").index(index);
                self.decided(argument, instead, Place::Value(place));
            }
        }
    }

    fn decided(&mut self, field: &str, instead: &str, place: Place) {
        let message = format!("bpc decides `{field}`");
        self.report(Diagnostic::new(Code::KubeadmField, place, message).help(format!("use {instead}")));
    }

    /// kubeadm passes over a file whose name it does not understand, with no more than a line in its log.
    fn patch(&mut self, name: &str, patch: &Mapping) {
        let place = Place::Key(Path::root().key("kubernetes").key("kubeadm").key("patches").key(name));
        if !is_patch_name(name) {
            let message = format!("kubeadm reads no patch from a file called `{name}`");
            self.report(
                Diagnostic::new(Code::KubeadmPatch, place, message)
                    .note(format!("a patch is for one of: {}", PATCHED.join(", ")))
                    .help("write `TARGET.yaml` or `TARGET1+merge.yaml`: `kube-apiserver+strategic.yaml`"),
            );
        } else if patch.is_empty() {
            let message = "this patch changes nothing";
            self.report(
                Diagnostic::new(Code::KubeadmPatch, place, message)
                    .help("write what it changes, or remove it"),
            );
        }
    }
}

/// `target[suffix][+patchtype].extension`: a JSON patch is a list, which a mapping cannot be.
fn is_patch_name(name: &str) -> bool {
    let Some(stem) = name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".json")) else { return false };
    let (target, kind) = stem.split_once('+').unwrap_or((stem, "strategic"));
    let known = |known: &&str| {
        target.strip_prefix(*known).is_some_and(|suffix| suffix.bytes().all(|c| c.is_ascii_alphanumeric()))
    };
    PATCHED.iter().any(known) && ["strategic", "merge"].contains(&kind)
}

/// The value at a path of keys.
fn find<'a>(mapping: &'a Mapping, keys: &[&str]) -> Option<&'a Value> {
    let (first, rest) = keys.split_first()?;
    let value = mapping.get(*first)?;
    if rest.is_empty() { Some(value) } else { find(value.as_mapping()?, rest) }
}
