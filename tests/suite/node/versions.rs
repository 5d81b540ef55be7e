//! The stage that installs Kubernetes: a node that has joined keeps its version.

use crate::bootstrap::scratch::{shells, succeed};
use crate::built::blueprint;
use crate::node::stage;

/// What the stage says and downloads on a machine with these files, whose kubelet says `version`.
fn calls(files: &[&str], version: &str) -> Vec<Vec<String>> {
    let built = blueprint("routed");
    let wanted = built.site.kubernetes.as_ref().unwrap().version.to_string();
    let mut all = Vec::new();
    for shell in shells() {
        let (machine, mut command) = stage(&shell, &built, "30-kubernetes");
        for file in files {
            machine.write(file, b"", 0o600);
        }
        let says = version.replace("WANTED", &wanted);
        machine.stub("kubelet", &says);
        succeed(&mut command);
        assert!(machine.host_path("etc/kubernetes/manifests").is_dir());
        let calls =
            machine.calls().into_iter().filter(|call| call.starts_with("log ") || call.starts_with("fetch "));
        all.push(calls.map(|call| call.replace(&wanted, "WANTED")).collect());
    }
    all
}

/// What tells that a node has joined, and what it runs.
const JOINED: [&str; 3] =
    ["etc/kubernetes/kubelet.conf", "var/lib/kubelet/config.yaml", "usr/local/bin/kubelet"];

fn downloads(calls: &[String]) -> Vec<&str> {
    calls.iter().filter_map(|call| call.rsplit_once("/usr/local/bin/").map(|(_, end)| end)).collect()
}

#[test]
fn a_machine_gets_all_programs() {
    // The second is what a seed brings where no machine signs certificates, the third what a kubeadm that failed has left,
    // the fourth a node that has lost its kubelet.
    for files in [&[][..], &JOINED[..1], &JOINED[1..], &JOINED[..2]] {
        for calls in calls(files, "echo Kubernetes v1.30.0") {
            assert_eq!(downloads(&calls), ["kubeadm 0755", "kubelet 0755", "kubectl 0755"]);
        }
    }
}

#[test]
fn a_node_keeps_its_version() {
    for calls in calls(&JOINED, "echo Kubernetes v1.34.1") {
        let said = "log this node has Kubernetes v1.34.1 and keeps it: day-2/upgrade.sh brings vWANTED";
        assert_eq!(calls, [said]);
    }
}

#[test]
fn a_node_of_the_right_version_is_repaired() {
    for calls in calls(&JOINED, "echo Kubernetes vWANTED") {
        assert_eq!(downloads(&calls).len(), 3, "{calls:?}");
    }
}
