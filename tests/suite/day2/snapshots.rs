//! The state of the cluster, taken and brought back.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::lab::{World, blueprint};
use crate::support::shells::{Fault, shells};

#[test]
fn a_snapshot_comes_from_the_first_member_that_is_well() {
    for shell in shells() {
        let world = World::new(&blueprint("kube-full"), "v1.35.8");
        world.write("machines/etcd-node01/ill", b"");
        let said = world.succeed(shell, "etcd-snapshot.sh", &["my state.db"]);
        assert_eq!(
            (said.out.as_str(), world.events()),
            ("my state.db\n", vec!["etcd-node02: snapshot".to_owned()])
        );
        assert_eq!(world.read("home/my state.db"), "snapshot of etcd-node02\n");
        let mode = fs::metadata(world.path("home/my state.db")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = world.run(shell, "etcd-snapshot.sh", &["my state.db"]);
        assert_eq!((again.status, world.events()), (1, vec![]));
        assert!(again.err.contains("my state.db is there already"), "{}", again.err);
    }
}

#[test]
fn a_snapshot_that_does_not_arrive_whole_is_none() {
    let world = World::new(&blueprint("tiny"), "v1.36.4");
    for call in 1..=3 {
        for fault in [Fault::Before(call), Fault::After(call)] {
            let said = world.disturbed("etcd-snapshot.sh", &["it.db"], fault);
            assert_eq!(said.status, 1, "{fault:?}: {said:?}");
            assert_eq!(fs::read_dir(world.path("home")).unwrap().count(), 0, "{fault:?}");
        }
    }
    let said = world.succeed("dash", "etcd-snapshot.sh", &[]);
    assert!(said.out.starts_with("tiny-2") && said.out.ends_with("Z.db\n"), "{}", said.out);
}

/// A cluster with a snapshot, and the members of its etcd.
fn with_snapshot(name: &str) -> (World, Vec<&'static str>) {
    let world = World::new(&blueprint(name), "v1.35.8");
    world.write("home/it's.db", b"snapshot of then\n");
    let members = match name {
        "kube-full" => vec!["etcd-node01", "etcd-node02", "etcd-node03"],
        _ => vec!["kube-mast01", "kube-mast02", "kube-mast03"],
    };
    (world, members)
}

/// Asserts that every member has the state of the snapshot, and no copy of it.
fn assert_restored(world: &World, members: &[&str], what: &str) {
    for member in members {
        assert_eq!(
            world.read(&format!("machines/{member}/restored")),
            "snapshot of then\n",
            "{member}: {what}"
        );
        assert!(!world.path(&format!("machines/{member}/stopped")).exists(), "{member}: {what}");
        assert!(
            !world.path(&format!("machines/{member}/var/lib/bpc/restore.db")).exists(),
            "{member}: {what}"
        );
    }
}

#[test]
fn a_restore_reaches_every_member() {
    for name in ["kube-full", "kube-demo"] {
        for shell in shells() {
            let (world, members) = with_snapshot(name);
            let asked = world.run(shell, "etcd-restore.sh", &["it's.db"]);
            assert_eq!((asked.status, world.calls()), (1, vec![]));
            assert!(asked.err.contains("add --yes"), "{}", asked.err);
            let said = world.succeed(shell, "etcd-restore.sh", &["--yes", "it's.db"]);
            let steps = ["stop", "restore"].map(|step| members.iter().map(move |it| format!("{it}: {step}")));
            assert_eq!(world.events(), steps.into_iter().flatten().collect::<Vec<_>>());
            assert_eq!(
                said.out.matches("what was there is in /var/lib/etcd.before-").count(),
                3,
                "{}",
                said.out
            );
            assert_restored(&world, &members, shell);
        }
    }
}

#[test]
fn nothing_is_stopped_before_every_member_has_the_snapshot() {
    let (world, _) = with_snapshot("kube-full");
    world.write("machines/etcd-node03/down", b"");
    let said = world.run("dash", "etcd-restore.sh", &["--yes", "it's.db"]);
    assert_eq!((said.status, world.events()), (1, vec![]));
    assert!(said.err.contains("etcd-node03 did not get the snapshot"), "{}", said.err);
    world.write("home/it's.db", b"");
    let empty = world.run("dash", "etcd-restore.sh", &["--yes", "it's.db"]);
    assert!(empty.err.contains("there is nothing in it"), "{}", empty.err);
}

#[test]
fn a_restore_that_broke_off_is_finished_by_the_next_run() {
    let (world, members) = with_snapshot("kube-full");
    world.succeed("dash", "etcd-restore.sh", &["--yes", "it's.db"]);
    for call in 1..=world.calls().len() {
        for fault in [Fault::Before(call), Fault::After(call)] {
            let (world, _) = with_snapshot("kube-full");
            world.disturbed("etcd-restore.sh", &["--yes", "it's.db"], fault);
            world.succeed("dash", "etcd-restore.sh", &["--yes", "it's.db"]);
            assert_restored(&world, &members, &format!("{fault:?}"));
        }
    }
}
