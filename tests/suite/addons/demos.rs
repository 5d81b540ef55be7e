//! What `just demo` applies.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::{assert_sound, documents};
use crate::support::tools::{On, tool};

/// The demos by their names, and their objects.
fn demos() -> Vec<(String, Vec<Value>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("blueprints/kube-demo/manifests");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let name = |path: &PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    paths.iter().map(|path| (name(path), documents(&fs::read(path).unwrap()))).collect()
}

#[test]
fn demos_are_sound_and_keep_to_their_namespace() {
    let demos = demos();
    assert_eq!(demos.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["fan-out", "guestbook"]);
    for (name, objects) in demos {
        assert_sound(&objects);
        let (namespace, rest) = objects.split_first().unwrap();
        assert_eq!(
            (&namespace["kind"], &namespace["metadata"]["name"]),
            (&"Namespace".into(), &name.as_str().into())
        );
        for object in rest {
            assert_eq!(object["metadata"]["namespace"], name.as_str(), "{object:#}");
        }
    }
}

#[test]
fn services_find_their_pods_and_ingresses_their_services() {
    for (name, objects) in demos() {
        let pods: Vec<&Value> =
            objects.iter().filter_map(|object| object.pointer("/spec/template")).collect();
        let services: Vec<&Value> = objects.iter().filter(|object| object["kind"] == "Service").collect();
        for service in &services {
            let selector = service["spec"]["selector"].as_object().unwrap();
            let chosen =
                |pod: &&&Value| selector.iter().all(|(key, value)| pod["metadata"]["labels"][key] == *value);
            let chosen: Vec<&&Value> = pods.iter().filter(chosen).collect();
            assert_eq!(chosen.len(), 1, "{name}: {service:#}");
            let ports = chosen[0].pointer("/spec/containers/0/ports").unwrap().as_array().unwrap();
            let target = &service["spec"]["ports"][0]["targetPort"];
            assert!(ports.iter().any(|port| port["name"] == *target), "{name}: {service:#}");
        }
        let paths = objects.iter().filter_map(|object| object.pointer("/spec/rules/0/http/paths"));
        for path in paths.flat_map(|paths| paths.as_array().unwrap()) {
            let backend = &path["backend"]["service"];
            let service =
                services.iter().find(|service| service["metadata"]["name"] == backend["name"]).unwrap();
            assert_eq!(service["spec"]["ports"][0]["port"], backend["port"]["number"], "{path:#}");
        }
    }
}

#[test]
fn kubectl_reads_them() {
    let Some(kubectl) = tool(On::Trixie, "kubectl") else { return };
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("blueprints/kube-demo/manifests");
    for (name, objects) in demos() {
        let text = fs::read(folder.join(format!("{name}.yaml"))).unwrap();
        let kustomization = format!("resources: [{name}.yaml]\n");
        let demo = format!("{name}.yaml");
        let staged = kubectl.stage(&[("kustomization.yaml", kustomization.as_bytes()), (&demo, &text)]);
        let output = kubectl.command().arg("kustomize").arg(staged.path_for("")).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(documents(&output.stdout).len(), objects.len());
    }
}
