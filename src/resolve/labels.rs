//! Labels and taints of nodes.

use std::collections::BTreeMap;

use super::Resolver;
use crate::diag::{Code, Diagnostic, Path, Place, did_you_mean};
use crate::model::MachineGroup;
use crate::site::{Role, Taint};
use crate::value::is_dns_name;

/// Labels of Kubernetes' own domains that a kubelet may give itself (`--node-labels` of the kubelet's manual).
const OWN: [&str; 8] = [
    "beta.kubernetes.io/instance-type",
    "failure-domain.beta.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "kubernetes.io/arch",
    "kubernetes.io/os",
    "node.kubernetes.io/instance-type",
    "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone",
];
/// What a taint does to pods.
const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

impl Resolver<'_> {
    /// The labels of a group of nodes.
    pub(super) fn labels(&mut self, written: &MachineGroup, path: &Path) -> BTreeMap<String, String> {
        let path = path.key("labels");
        if !written.labels.is_empty() && !is_node(written) {
            self.no_node(Place::Key(path.clone()));
        }
        for (key, value) in &written.labels {
            let place = Place::Key(path.key(key));
            if !is_key(key) {
                let help = "write `name` or `example.com/name`: letters, digits, `-`, `_`, `.`, at most 63 in the name";
                self.node_label(place, format!("`{key}` is not the key of a label"), help);
            } else if is_reserved(key) {
                let help = "choose a domain of your own: `example.com/name`";
                self.node_label(place, format!("a kubelet may not give itself the label `{key}`"), help);
            } else if !is_value(value) {
                let help = "letters, digits, `-`, `_`, `.`, at most 63, or nothing";
                self.node_label(
                    Place::Value(path.key(key)),
                    format!("`{value}` is not the value of a label"),
                    help,
                );
            }
        }
        written.labels.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// The taints of a group of nodes.
    pub(super) fn taints(&mut self, written: &MachineGroup, path: &Path) -> Option<Vec<Taint>> {
        let path = path.key("taints");
        let texts = written.taints.as_ref()?;
        if !is_node(written) {
            self.no_node(Place::Key(path.clone()));
        }
        let mut taints: Vec<Taint> = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            match taint(text) {
                // The API refuses such a node (`ValidateNodeTaints`: unique by key and effect), whatever the values are.
                Ok(taint) if taints.iter().any(|it| (&it.key, &it.effect) == (&taint.key, &taint.effect)) => {
                    let message = format!("`{}` has the effect {} twice", taint.key, taint.effect);
                    self.node_label(Place::Value(path.index(index)), message, "leave one of them out");
                }
                Ok(taint) => taints.push(taint),
                Err(help) => {
                    let message = format!("`{text}` is not a taint");
                    self.node_label(Place::Value(path.index(index)), message, &help);
                }
            }
        }
        Some(taints)
    }

    fn no_node(&mut self, place: Place) {
        let message = "this machine is no node of the cluster";
        self.node_label(place, message.to_owned(), "only control planes and workers have labels and taints");
    }

    fn node_label(&mut self, place: Place, message: String, help: &str) {
        self.report(Diagnostic::new(Code::NodeLabel, place, message).help(help));
    }
}

const fn is_node(written: &MachineGroup) -> bool {
    matches!(written.role, Role::ControlPlane | Role::Worker)
}

/// `KEY=VALUE:EFFECT` or `KEY:EFFECT`; what to write instead if it is none.
fn taint(text: &str) -> Result<Taint, String> {
    let form = || "write `KEY=VALUE:EFFECT`: `dedicated=database:NoSchedule`".to_owned();
    let (what, effect) = text.rsplit_once(':').ok_or_else(form)?;
    if !EFFECTS.contains(&effect) {
        return Err(match did_you_mean(effect, EFFECTS) {
            Some(near) => format!("did you mean `{what}:{near}`?"),
            None => format!("the effect is one of: {}", EFFECTS.join(", ")),
        });
    }
    let (key, value) = what.split_once('=').unwrap_or((what, ""));
    if !is_key(key) || !is_value(value) {
        return Err(form());
    }
    Ok(Taint { key: key.to_owned(), value: value.to_owned(), effect: effect.to_owned() })
}

/// A qualified name of Kubernetes: a name, with a domain before it or without.
fn is_key(key: &str) -> bool {
    let (domain, name) = key.split_once('/').map_or((None, key), |(domain, name)| (Some(domain), name));
    domain.is_none_or(is_dns_name) && !name.is_empty() && is_value(name)
}

fn is_value(value: &str) -> bool {
    let edge = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
    value.len() <= 63
        && value.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        && edge(value.chars().next())
        && edge(value.chars().next_back())
}

/// Whether the kubelet refuses to start with it, or the API to let it through (plugin `NodeRestriction`).
fn is_reserved(key: &str) -> bool {
    let Some((domain, _)) = key.split_once('/') else { return false };
    let within =
        |parent: &str| domain.strip_suffix(parent).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    let free = within("kubelet.kubernetes.io")
        || (within("node.kubernetes.io") && !within("node-restriction.kubernetes.io"));
    (within("kubernetes.io") || within("k8s.io")) && !free && !OWN.contains(&key)
}
