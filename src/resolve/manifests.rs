//! Manifests: files beside the blueprint that are applied to the cluster.

use super::Resolver;
use crate::diag::{Code, Diagnostic, Path, Place, normalize};
use crate::model::{Blueprint, Kubernetes};
use crate::site::Manifest;
use crate::source::{ALLOW, Reason};

/// The longest name of a manifest: it is a part of file names on the machine.
const LONGEST_NAME: usize = 50;

/// The files that a blueprint names beside its fragments, by their paths relative to it.
pub(crate) fn named_files(blueprint: &Blueprint) -> Vec<String> {
    let written = blueprint.kubernetes.iter();
    let paths = written.flat_map(|it| it.cni_manifest.iter().chain(&it.manifests));
    paths.filter(|path| refusal(path).is_none()).map(|path| normalize(path)).collect()
}

impl Resolver<'_> {
    /// The manifests that the blueprint adds, in order.
    pub(super) fn manifests(&mut self, written: &Kubernetes) -> Vec<Manifest> {
        let path = Path::root().key("kubernetes").key("manifests");
        let mut manifests: Vec<Manifest> = Vec::new();
        for (index, name) in written.manifests.iter().enumerate() {
            let path = path.index(index);
            let Some(manifest) = self.manifest(name, &path) else { continue };
            if manifests.iter().any(|other| other.name == manifest.name) {
                let message = format!("two manifests are called `{}`", manifest.name);
                self.refuse_manifest(&path, message, "give one of the files another name");
            }
            manifests.push(manifest);
        }
        manifests
    }

    /// The manifest in a file.
    pub(super) fn manifest(&mut self, name: &str, path: &Path) -> Option<Manifest> {
        if let Some((message, help)) = refusal(name) {
            self.refuse_manifest(path, message.to_owned(), help);
            return None;
        }
        let text = match self.named.get(&normalize(name)) {
            Some(Ok(text)) => text.clone(),
            Some(Err(Reason::Outside(what))) => {
                let message = format!("{name} is outside of {what}");
                let place = Place::Value(path.clone());
                self.report(Diagnostic::new(Code::OutsidePath, place, message).help(ALLOW));
                return None;
            }
            unread => {
                let reason = match unread {
                    Some(Err(Reason::System(reason))) => reason.as_str(),
                    _ => "nobody did",
                };
                self.refuse_manifest(
                    path,
                    format!("cannot read {name}: {reason}"),
                    "write a path from the folder of the blueprint",
                );
                return None;
            }
        };
        if let Some(reason) = not_a_manifest(&text) {
            let help = "each document of a manifest has `apiVersion` and `kind`";
            self.refuse_manifest(path, format!("{name} is no manifest: {reason}"), help);
            return None;
        }
        Some(Manifest { name: label(name), text })
    }

    fn refuse_manifest(&mut self, path: &Path, message: String, help: &str) {
        self.report(Diagnostic::new(Code::Manifest, Place::Value(path.clone()), message).help(help));
    }
}

/// Why a path cannot name a manifest, and what to write instead.
fn refusal(path: &str) -> Option<(&'static str, &'static str)> {
    let file = path.rsplit('/').next().unwrap_or(path);
    if !matches!(file.rsplit_once('.'), Some((_, "yaml" | "yml"))) {
        Some(("a manifest is a YAML file", "write the path of a file whose name ends in `.yaml`"))
    } else if path.starts_with('/') || path.contains('\\') {
        let help = "write the path from the folder of the blueprint, with `/` between folders";
        Some(("the path of a manifest is relative to the blueprint", help))
    } else {
        None
    }
}

/// What is wrong with a text that should be a manifest, in the words of its reader.
fn not_a_manifest(text: &str) -> Option<String> {
    let mut objects = 0;
    for document in serde_yaml::Deserializer::from_str(text) {
        let value: serde_yaml::Value = match serde::Deserialize::deserialize(document) {
            Ok(value) => value,
            Err(error) => return Some(error.to_string()),
        };
        if value.is_null() {
            continue;
        }
        for key in ["apiVersion", "kind"] {
            if value.get(key).and_then(serde_yaml::Value::as_str).is_none() {
                return Some(format!("a document has no `{key}`"));
            }
        }
        objects += 1;
    }
    (objects == 0).then(|| "it is empty".to_owned())
}

/// A DNS label from a file name.
fn label(path: &str) -> String {
    let file = path.rsplit('/').next().unwrap_or(path);
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem).to_ascii_lowercase();
    let kept: String = stem.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let kept: String = kept.trim_matches('-').chars().take(LONGEST_NAME).collect();
    if kept.is_empty() { "manifest".to_owned() } else { kept.trim_end_matches('-').to_owned() }
}
