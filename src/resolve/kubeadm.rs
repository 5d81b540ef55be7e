//! `kubernetes.kubeadm`: what goes to kubeadm as it is written, and what may not, because bpc decides it.

use serde_yaml::{Mapping, Value};

mod check;
mod conflict;
mod decided;
mod types;

use super::Resolver;
use crate::assets::Release;
use crate::diag::{Code, Diagnostic, Path, Place};
use crate::model::Kubernetes;
use crate::site::KubeadmExtras;
use check::{Check, DOCUMENTS};

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
    pub(super) fn kubeadm(&mut self, written: &Kubernetes, release: Option<&Release>) -> KubeadmExtras {
        let minor = release.map(|release| release.minor.as_str());
        let [cluster, init, join, kubelet, kube_proxy] = self.kubeadm_documents(written, minor);
        for (name, patch) in &written.kubeadm.patches {
            self.patch(name, patch, minor);
        }
        let patches = written.kubeadm.patches.iter().map(|(name, patch)| (name.clone(), patch.clone()));
        let extras = KubeadmExtras { cluster, init, join, kubelet, kube_proxy, patches: patches.collect() };
        for found in conflict::conflicts(written, &extras) {
            self.report(found);
        }
        extras
    }

    fn kubeadm_documents(&mut self, written: &Kubernetes, minor: Option<&str>) -> [Mapping; 5] {
        let it = &written.kubeadm;
        let documents = [&it.cluster, &it.init, &it.join, &it.kubelet, &it.kube_proxy];
        let mut named = DOCUMENTS.into_iter().zip(documents);
        documents.map(|document| {
            let Some(((name, of), _)) = named.next() else { return Mapping::new() };
            let path = Path::root().key("kubernetes").key("kubeadm").key(name);
            self.kubeadm_document(document, (name, of), &path, minor)
        })
    }

    /// The document as it is merged, once it has nothing that bpc decides.
    fn kubeadm_document(
        &mut self,
        document: &Mapping,
        (name, of): (&str, &str),
        path: &Path,
        minor: Option<&str>,
    ) -> Mapping {
        let decided = self.decided_fields(name, document, path);
        let mut check = Check { minor, patch: false, found: Vec::new() };
        let as_merged = check.document(document, of, path);
        // One thing is said of what bpc decides.
        let is_told = |found: &Diagnostic| match &found.place {
            Place::Key(place) | Place::Value(place) => decided.iter().any(|path| place.is_within(path)),
            _ => false,
        };
        for found in check.found.into_iter().filter(|found| !is_told(found)) {
            self.report(found);
        }
        as_merged
    }

    /// Reports what bpc decides, and returns where it stands.
    fn decided_fields(&mut self, name: &str, document: &Mapping, path: &Path) -> Vec<Path> {
        let both = [("apiVersion", "`kubernetes: {version: ...}`"), ("kind", "nothing: the section says it")];
        let own = decided::FIELDS
            .iter()
            .filter(|(of, ..)| *of == name)
            .map(|(_, field, instead)| (*field, *instead));
        let mut told = Vec::new();
        for (field, instead) in both.into_iter().chain(own) {
            let keys: Vec<&str> = field.split('.').collect();
            if find(document, &keys).is_some() {
                let place = keys.iter().fold(path.clone(), |path, key| path.key(*key));
                self.decided(field, instead, Place::Key(place.clone()));
                told.push(place);
            }
        }
        for (list, arguments) in decided::ARGUMENTS {
            let keys: Vec<&str> = list.split('.').collect();
            let place = keys.iter().fold(path.clone(), |path, key| path.key(*key));
            let given = find(document, &keys).and_then(Value::as_sequence);
            for (index, argument) in given.into_iter().flatten().enumerate() {
                let given = argument.get("name").and_then(Value::as_str);
                let known = arguments.iter().find(|(name, _)| Some(*name) == given);
                if let Some((argument, instead)) = known {
                    self.decided(argument, instead, Place::Value(place.index(index)));
                    told.push(place.index(index));
                }
            }
        }
        told
    }

    fn decided(&mut self, field: &str, instead: &str, place: Place) {
        let message = format!("bpc decides `{field}`");
        self.report(Diagnostic::new(Code::KubeadmField, place, message).help(way_out(instead)));
    }

    /// kubeadm passes over a file whose name it does not understand, with no more than a line in its log.
    fn patch(&mut self, name: &str, patch: &Mapping, minor: Option<&str>) {
        let top = Path::root().key("kubernetes").key("kubeadm").key("patches").key(name);
        let place = Place::Key(top.clone());
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
        } else if name.starts_with("kubeletconfiguration") {
            self.decided_fields("kubelet", patch, &top);
            let mut check = Check { minor, patch: true, found: Vec::new() };
            check.document(patch, "KubeletConfiguration", &top);
            check.found.into_iter().for_each(|found| self.report(found));
        }
    }
}

/// What to do about a field that has another place, or none: `nothing: REASON`.
fn way_out(instead: &str) -> String {
    match instead.strip_prefix("nothing: ") {
        Some(reason) => format!("remove it: {reason}"),
        None => format!("use {instead}"),
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
