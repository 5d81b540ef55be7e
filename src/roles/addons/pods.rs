//! JSON patches (RFC 6902) of the pods of a manifest, each of which has one container.

use std::collections::BTreeSet;

use crate::format::yaml::Yaml;
use crate::site::{Cluster, Machine, Resources, Workload};
use crate::value::Size;

/// A step of a JSON patch of a pod's specification.
pub(super) fn operation(path: &str, value: Yaml) -> Yaml {
    let path = format!("/spec/template/spec/{path}");
    Yaml::map([("op", "add".into()), ("path", path.into()), ("value", value)])
}

/// The step that says what a pod asks for, in the place of what the manifest has it ask for; and the texts that its object has then.
pub(super) fn resources(cluster: &Cluster, workload: Workload) -> (Yaml, Vec<String>) {
    let Resources { cpu, memory, memory_limit } =
        cluster.resources.get(&workload).copied().unwrap_or_default();
    let requests = [("cpu", cpu.to_string()), ("memory", quantity(memory))];
    let requests = requests.map(|(key, value)| (key, Yaml::from(value)));
    let mut entries = vec![("requests", Yaml::map(requests))];
    let mut expected = vec![format!("memory: {}", quantity(memory))];
    if let Some(limit) = memory_limit {
        entries.push(("limits", Yaml::map([("memory", Yaml::from(quantity(limit)))])));
        expected.push(format!("memory: {}", quantity(limit)));
    }
    (operation("containers/0/resources", Yaml::map(entries)), expected)
}

/// The patch that only says what a pod asks for, as a file.
pub(super) fn resources_file(cluster: &Cluster, workload: Workload) -> (String, Vec<String>) {
    let (step, expected) = resources(cluster, workload);
    (Yaml::seq([step]).document(&[" What a pod asks for."]), expected)
}

/// Tolerations of all taints of these machines: pods that are meant for a machine run there, whatever it keeps away.
pub(super) fn tolerations<'a>(machines: impl Iterator<Item = &'a Machine>) -> Vec<Yaml> {
    let taints = machines.flat_map(|machine| machine.taints.iter().flatten());
    let taints: BTreeSet<[&str; 3]> =
        taints.map(|taint| [&taint.key, &taint.value, &taint.effect].map(String::as_str)).collect();
    let toleration = |[key, value, effect]: [&str; 3]| {
        let mut entries = vec![("key", Yaml::from(key)), ("effect", effect.into())];
        if value.is_empty() {
            entries.push(("operator", "Exists".into()));
        } else {
            entries.extend([("operator", "Equal".into()), ("value", Yaml::from(value))]);
        }
        Yaml::map(entries)
    };
    taints.into_iter().map(toleration).collect()
}

/// An amount of memory as Kubernetes has it: `512Mi`.
fn quantity(size: Size) -> String {
    let text = size.to_string();
    text.strip_suffix('B').map_or_else(|| size.bytes().to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_written_as_kubernetes_reads_it() {
        let sizes = ["200MiB", "2GiB", "1536KiB"].map(|text| text.parse().unwrap());
        assert_eq!(sizes.map(quantity), ["200Mi", "2Gi", "1536Ki"]);
    }
}
