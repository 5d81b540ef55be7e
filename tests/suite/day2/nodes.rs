//! Machines that join and leave.

use super::lab::{World, blueprint};
use crate::support::shells::{Fault, shells};

#[test]
fn a_machine_is_let_in_and_waited_for() {
    for shell in shells() {
        let world = World::new(&blueprint("kube-demo"), "v1.35.8");
        std::fs::remove_dir_all(world.path("nodes/kube-node03")).unwrap();
        world.write("joins", b"kube-node03\n");
        let said = world.succeed(shell, "add-node.sh", &["kube-node03"]);
        assert_eq!(world.events(), ["kube-mast01: renew-token 24"]);
        assert!(said.out.trim_end().ends_with("True"), "{}", said.out);
        world.succeed(shell, "add-node.sh", &["kube-node03"]);
        assert_eq!(world.events(), [""; 0], "it is ready");
    }
}

#[test]
fn a_machine_that_does_not_come_is_not_waited_for_for_ever() {
    let world = World::new(&blueprint("kube-demo"), "v1.35.8");
    std::fs::remove_dir_all(world.path("nodes/kube-node03")).unwrap();
    let said = world.run("dash", "add-node.sh", &["--timeout=60", "kube-node03"]);
    assert_eq!(said.status, 1);
    assert!(said.err.contains("ssh -F ssh/config kube-node03 bpc-status"), "{}", said.err);
    let said = world.run("dash", "add-node.sh", &["kube-node04"]);
    assert_eq!(said.status, 1);
    assert!(said.err.contains("Write it into the blueprint"), "{}", said.err);
}

#[test]
fn a_worker_leaves() {
    for shell in shells() {
        let world = World::new(&blueprint("kube-demo"), "v1.35.8");
        world.succeed(shell, "remove-node.sh", &["kube-node02"]);
        assert_eq!(
            world.events(),
            [
                "drain kube-node02 --ignore-daemonsets --delete-emptydir-data --timeout=600s",
                "kube-node02: systemctl disable --now kubelet",
                "delete node kube-node02 --ignore-not-found",
            ]
        );
        world.succeed(shell, "remove-node.sh", &["kube-node02"]);
        assert_eq!(world.events(), [""; 0]);
    }
}

#[test]
fn a_control_plane_leaves_etcd_too() {
    for shell in shells() {
        let world = World::new(&blueprint("kube-demo"), "v1.35.8");
        // It lost its disk: nothing of it answers.
        world.node("kube-mast01", "ready", "Unknown");
        world.write("machines/kube-mast01/down", b"");
        let health = world.read("health");
        world.write("health", health.split_once('\n').unwrap().1.as_bytes());
        let said = world.succeed(shell, "remove-node.sh", &["kube-mast01", "--force"]);
        assert_eq!(
            world.events(),
            [
                "drain kube-mast01 --ignore-daemonsets --delete-emptydir-data --timeout=600s \
                 --skip-wait-for-delete-timeout=60 --force",
                "kube-mast02: etcdctl member remove idkube-mast01",
                "delete node kube-mast01 --ignore-not-found",
            ]
        );
        assert!(said.out.contains("see to it that it is off"), "{}", said.out);
    }
}

#[test]
fn where_etcd_has_machines_of_its_own_it_stays_as_it_is() {
    let world = World::new(&blueprint("kube-full"), "v1.35.8");
    world.succeed("dash", "remove-node.sh", &["kube-mast03"]);
    assert!(world.events().iter().all(|event| !event.contains("etcdctl")));
}

#[test]
fn the_last_control_plane_stays() {
    let tiny = World::new(&blueprint("tiny"), "v1.36.4");
    let said = tiny.run("dash", "remove-node.sh", &["kube-mast"]);
    assert_eq!((said.status, tiny.events()), (1, vec![]), "{said:?}");
    let world = World::new(&blueprint("kube-demo"), "v1.35.8");
    for other in ["kube-mast02", "kube-mast03"] {
        world.node(other, "ready", "False");
    }
    let said = world.run("dash", "remove-node.sh", &["kube-mast01"]);
    assert_eq!((said.status, world.events()), (1, vec![]));
    assert!(said.err.contains("no control plane but kube-mast01 is ready"), "{}", said.err);
}

#[test]
fn a_member_that_etcd_cannot_do_without_stays() {
    let world = World::new(&blueprint("kube-demo"), "v1.35.8");
    let health = world.read("health").lines().next_back().unwrap().to_owned();
    world.write("health", format!("{health}\nhttps://192.168.1.1:2379 is unhealthy: down\n").as_bytes());
    let said = world.run("dash", "remove-node.sh", &["kube-mast01"]);
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.err.contains("without kube-mast01 it would be 1 of 2: too few"), "{}", said.err);
    assert_eq!(world.events(), [""; 0]);
}

#[test]
fn what_broke_off_is_finished_by_the_next_run() {
    for node in ["kube-mast02", "kube-node01"] {
        let expected = World::new(&blueprint("kube-demo"), "v1.35.8");
        expected.succeed("dash", "remove-node.sh", &[node]);
        for call in 1..=expected.calls().len() {
            for fault in [Fault::Before(call), Fault::After(call)] {
                let world = World::new(&blueprint("kube-demo"), "v1.35.8");
                world.disturbed("remove-node.sh", &[node], fault);
                world.succeed("dash", "remove-node.sh", &[node]);
                assert_eq!(world.nodes(), expected.nodes(), "{fault:?}");
                assert_eq!(world.read("members"), expected.read("members"), "{fault:?}");
            }
        }
    }
}
