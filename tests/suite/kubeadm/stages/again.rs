//! Machines that were in the cluster before: made anew, or stopped in the middle of a join.

use std::fs;

use bpc::Compiled;

use super::{CLUSTER, MEMBERS, answer_after, built, calls, fail, machine, run};
use crate::bootstrap::scratch::{Machine, Shell, shells};

#[test]
fn a_first_control_plane_that_was_made_anew_joins_the_others() {
    let built = built("");
    for shell in shells() {
        let machine = machine(&shell, &built, "kube-mast01", CLUSTER);
        answer_after(&machine, 0);
        let said = run(&machine);
        assert_eq!(calls(&machine, "kubeadm"), ["kubeadm join --config /etc/bpc/kubeadm/join.yaml"]);
        assert!(said.contains("etcd forgets the member"), "{said}");
        let asked = calls(&machine, "curl");
        let removed = asked.iter().find(|call| call.contains("member/remove")).unwrap();
        assert!(
            removed.contains("--data {\"ID\": \"11529215046068469761\"} https://10.86.1.3:2379"),
            "{removed}"
        );
    }
}

#[test]
fn a_member_that_etcd_does_not_have_is_not_removed() {
    let built = built("");
    for shell in shells() {
        let machine = machine(&shell, &built, "kube-mast03", CLUSTER);
        answer_after(&machine, 0);
        run(&machine);
        assert!(!calls(&machine, "curl").iter().any(|call| call.contains("member/remove")));
        assert_eq!(calls(&machine, "kubeadm"), ["kubeadm join --config /etc/bpc/kubeadm/join.yaml"]);
    }
}

/// A join that was killed: the kubelet knows who it is, and etcd runs.
fn joining<'a>(shell: &'a Shell, built: &Compiled) -> Machine<'a> {
    let machine = machine(shell, built, "kube-mast02", CLUSTER);
    answer_after(&machine, 0);
    for file in [
        "var/lib/bpc/kubeadm/attempt",
        "etc/kubernetes/kubelet.conf",
        "etc/kubernetes/manifests/etcd.yaml",
        "var/lib/kubelet/kubeadm-flags.env",
        "var/lib/kubelet/pki/kubelet-client-current.pem",
        "var/lib/etcd/member/snap/db",
    ] {
        machine.write(file, b"join\n", 0o600);
    }
    machine
}

/// What etcd 3.6 says of a member that was added and has not started, and of one that has and does not vote yet.
const LEARNERS: [&str; 2] = [
    r#"{"ID":"22","peerURLs":["https://10.86.1.3:2380"],"isLearner":true}"#,
    r#"{"ID":"22","name":"kube-mast02","peerURLs":["https://10.86.1.3:2380"],"clientURLs":["https://10.86.1.3:2379"],"isLearner":true}"#,
];

/// Up to the fix of kubernetes/kubernetes#138390 kubeadm would have etcd promote it again, in vain and for ever.
#[test]
fn a_member_that_votes_is_not_joined_to_etcd_again() {
    let built = built("");
    for shell in shells() {
        // Go's protojson writes a blank after commas or not, by build: etcd 3.5.30 of Debian does.
        for members in [MEMBERS.to_owned(), MEMBERS.replace(',', ", ")] {
            let machine = joining(&shell, &built);
            machine.write("members", members.as_bytes(), 0o600);
            run(&machine);
            let [call] = calls(&machine, "kubeadm").try_into().unwrap();
            let skipped = " --skip-phases=kubelet-start,etcd-join --ignore-preflight-errors=";
            assert!(call.contains(skipped), "{call}");
            let asked = calls(&machine, "curl").into_iter().filter(|it| it.contains("member/"));
            let [list] = asked.collect::<Vec<_>>().try_into().unwrap();
            assert!(list.ends_with("https://10.86.1.2:2379/v3/cluster/member/list"), "{list}");
        }
    }
}

#[test]
fn a_member_that_does_not_vote_or_run_is_joined_to_etcd() {
    let built = built("");
    let only = |member: &str| format!(r#"{{"header":{{"cluster_id":"1"}},"members":[{member}]}}"#);
    for shell in shells() {
        let joins = |machine: &Machine<'_>| {
            run(machine);
            let [call] = calls(machine, "kubeadm").try_into().unwrap();
            assert!(call.contains(" --skip-phases=kubelet-start --ignore-preflight-errors="), "{call}");
        };
        for members in [
            only(LEARNERS[0]),
            only(LEARNERS[1]),
            only(&LEARNERS[1].replace(',', ", ")),
            only(""),
            String::new(),
        ] {
            let machine = joining(&shell, &built);
            machine.write("members", members.as_bytes(), 0o600);
            joins(&machine);
        }
        for file in ["etc/kubernetes/manifests/etcd.yaml", "var/lib/etcd/member/snap/db"] {
            let machine = joining(&shell, &built);
            let path = machine.host_path(file);
            fs::remove_file(&path).unwrap();
            if file.ends_with("db") {
                fs::remove_dir_all(machine.host_path("var/lib/etcd/member")).unwrap();
            }
            joins(&machine);
        }
    }
}

/// With an etcd elsewhere it is no member, whatever there is.
#[test]
fn a_control_plane_without_etcd_asks_it_nothing() {
    let built = built("");
    for shell in shells() {
        let machine = machine(&shell, &built, "kube-node01", CLUSTER);
        answer_after(&machine, 0);
        fail(&machine, 1);
        run(&machine);
        assert!(!calls(&machine, "curl").iter().any(|call| call.contains("member")));
        assert!(!calls(&machine, "kubeadm").iter().any(|call| call.contains("etcd-join")));
    }
}

/// The cluster notices after 40 or 50 seconds that a node is gone; kubeadm refuses its name until then.
#[test]
fn a_machine_that_was_made_anew_waits_until_its_former_self_is_gone() {
    let built = built("");
    for shell in shells() {
        for name in ["kube-mast01", "kube-node02"] {
            let machine = machine(&shell, &built, name, CLUSTER);
            answer_after(&machine, 0);
            machine.write("ready", "still\n".repeat(10).as_bytes(), 0o600);
            machine.stub(
                "kubectl",
                "[ -s \"$BPC_ROOT/ready\" ] || { printf Unknown; exit; }\nsed 1d \"$BPC_ROOT/ready\" >\"$BPC_ROOT/less\"\n\
                 mv \"$BPC_ROOT/less\" \"$BPC_ROOT/ready\"\nprintf True",
            );
            let said = run(&machine);
            assert_eq!(said.matches(&format!("a node {name} is ready; waiting")).count(), 1, "{said}");
            assert_eq!(calls(&machine, "kubeadm"), ["kubeadm join --config /etc/bpc/kubeadm/join.yaml"]);
            let asked = calls(&machine, "kubectl");
            assert_eq!(asked.len(), 11);
            let expected = format!(
                "kubectl --kubeconfig /etc/bpc/kubeadm/discovery.conf --request-timeout 10s get node {name} \
                 --ignore-not-found --output jsonpath={{.status.conditions[?(@.type==\"Ready\")].status}}"
            );
            assert_eq!(asked[0], expected);
            assert_eq!(machine.read("run/bpc/60-kubeadm.failed"), "");
        }
    }
}

#[test]
fn two_machines_of_one_name_are_named() {
    let built = built("");
    for shell in shells() {
        let machine = machine(&shell, &built, "kube-node02", CLUSTER);
        answer_after(&machine, 0);
        machine.stub("kubectl", "printf True");
        machine.stub(
            "sleep",
            "case $1 in 0.*) exec /bin/sleep \"$1\" ;; 2) ln -sf /bin/true \"$BPC_ROOT/bin/kubectl\" ;; esac",
        );
        run(&machine);
        assert!(machine.console().contains("the node kube-node02 is still ready: is there another machine"));
        assert_eq!(calls(&machine, "kubeadm"), ["kubeadm join --config /etc/bpc/kubeadm/join.yaml"]);
    }
}
