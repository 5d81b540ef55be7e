//! The way to the next version.

use bpc::Compiled;
use bpc::site::Site;
use rayon::prelude::*;

use super::lab::{World, blueprint};
use crate::built::changed_in;
use crate::support::shells::{Fault, shells};

/// A version of the minor before that of a blueprint.
fn before(built: &Compiled) -> String {
    let version = built.site.kubernetes.as_ref().unwrap().version;
    format!("v1.{}.3", version.minor - 1)
}

fn target(site: &Site) -> String {
    format!("v{}", site.kubernetes.as_ref().unwrap().version)
}

/// What is done to one node, from kubeadm to the return of its pods.
fn steps(node: &str, kubeadm: &[String], version: &str) -> Vec<String> {
    let kubeadm = kubeadm.iter().map(|command| format!("{node}: kubeadm {command}"));
    let rest = [
        format!("drain {node} --ignore-daemonsets --delete-emptydir-data --timeout=900s"),
        format!("{node}: systemctl restart containerd"),
        format!("{node}: kubelet {version}"),
        format!("uncordon {node}"),
    ];
    kubeadm.chain(rest).collect()
}

fn is_done(world: &World) -> bool {
    let target = target(&world.site);
    world.nodes().iter().all(|(_, version, closed)| *version == target && !closed)
}

#[test]
fn one_machine_after_the_other_in_the_order_of_kubeadm() {
    let built = blueprint("kube-full");
    let version = target(&built.site);
    let apply = [
        format!("upgrade plan {version}"),
        format!("upgrade apply {version} --yes --certificate-renewal=false"),
    ];
    let node = ["upgrade node --certificate-renewal=false".to_owned()];
    let mut expected = vec!["etcd-node01: snapshot".to_owned()];
    expected.extend(steps("kube-mast01", &apply, &version));
    for name in ["kube-mast02", "kube-mast03", "kube-node01", "kube-node02", "kube-node03"] {
        expected.extend(steps(name, &node, &version));
    }
    for shell in shells() {
        let world = World::new(&built, &before(&built));
        world.succeed(shell, "upgrade.sh", &[]);
        assert_eq!(world.events(), expected, "{shell}");
        assert!(is_done(&world));
        world.succeed(shell, "upgrade.sh", &[]);
        assert_eq!(world.events(), [""; 0], "{shell}: all is done");
        assert_eq!(std::fs::read_dir(world.path("home")).unwrap().count(), 1, "one snapshot");
    }
}

#[test]
fn patches_and_docker_are_upgraded_with_what_they_need() {
    let built = changed_in("blueprints", "tiny", |text| text + "  runtime: docker\n");
    let world = World::new(&built, &before(&built));
    std::fs::create_dir_all(world.path("machines/kube-mast/etc/bpc/kubeadm/patches")).unwrap();
    world.succeed("dash", "upgrade.sh", &["--timeout=30"]);
    let events = world.events();
    let patches = "/machines/kube-mast/etc/bpc/kubeadm/patches";
    let with_them = |it: &&String| it.contains(" --patches=") && it.ends_with(patches);
    assert_eq!(events.iter().filter(with_them).count(), 1, "{events:?}");
    assert!(events.contains(&"kube-node: systemctl restart docker cri-docker".to_owned()), "{events:?}");
    assert!(events.iter().any(|it| it.starts_with("drain kube-node ") && it.ends_with("=30s")), "{events:?}");
}

/// Runs it with a fault at every call, and then once more.
fn disturb_each(built: &Compiled, faults: &[fn(usize) -> Fault]) {
    let world = World::new(built, &before(built));
    world.succeed("dash", "upgrade.sh", &[]);
    let calls = world.calls().len();
    (1..=calls).into_par_iter().for_each(|call| {
        for fault in faults {
            let world = World::new(built, &before(built));
            let (fault, first) = (fault(call), world.disturbed("upgrade.sh", &[], fault(call)));
            let _ = std::fs::remove_file(world.path("count"));
            let left = world.events();
            let said = world.succeed("dash", "upgrade.sh", &[]);
            assert!(is_done(&world), "{fault:?}: {first:?} {said:?} {:?}", world.nodes());
            // What is done is not done again, but for what may have been cut short.
            let applied =
                left.iter().chain(&world.events()).filter(|it| it.contains("kubeadm upgrade apply")).count();
            assert_eq!(applied, 1, "{fault:?}");
        }
    });
}

#[test]
fn an_upgrade_that_broke_off_is_finished_by_the_next_run() {
    let small = changed_in("blueprints", "kube-full", |text| {
        let text = text.replace("control-plane, count: 3", "control-plane, count: 2");
        text.replace("worker, count: 3", "worker, count: 1")
    });
    assert_eq!(small.site.machines.len(), 10);
    disturb_each(&small, &[Fault::Before, Fault::After]);
}

#[test]
fn more_than_a_minor_and_the_way_back_are_refused() {
    let built = blueprint("kube-full");
    let minor = built.site.kubernetes.as_ref().unwrap().version.minor;
    for (version, complaint) in [
        (format!("v1.{}.9", minor - 2), "more than one minor"),
        (format!("v1.{}.0", minor + 1), "there is no way back"),
        (format!("v1.{minor}.99"), "there is no way back"),
        (format!("v1.{minor}.99-rc.1"), "there is no way back"),
        ("v2.0.0".to_owned(), "there is no way back"),
        ("gibberish".to_owned(), "cannot tell the version"),
    ] {
        for shell in shells() {
            // All of it, or one machine alone.
            let alone = World::new(&built, &before(&built));
            alone.node("kube-node02", "version", &version);
            for world in [World::new(&built, &version), alone] {
                let said = world.run(shell, "upgrade.sh", &[]);
                assert_eq!((said.status, world.events()), (1, vec![]), "{version}");
                assert!(said.err.contains(complaint), "{version}: {}", said.err);
            }
        }
    }
    let patch = World::new(&built, &format!("v1.{minor}.0"));
    patch.succeed("dash", "upgrade.sh", &[]);
    assert!(is_done(&patch));
}

#[test]
fn without_a_snapshot_nothing_is_upgraded() {
    let built = blueprint("tiny");
    let world = World::new(&built, &before(&built));
    world.write("machines/kube-mast/ill", b"");
    let said = world.run("dash", "upgrade.sh", &[]);
    assert_eq!((said.status, world.events()), (1, vec![]));
    assert!(said.err.contains("nothing is upgraded without a snapshot"), "{}", said.err);
}

#[test]
fn a_node_that_somebody_else_has_closed_stays_closed() {
    let built = blueprint("tiny");
    let world = World::new(&built, &before(&built));
    world.node("kube-node", "closed", "true");
    world.succeed("dash", "upgrade.sh", &[]);
    assert!(world.path("nodes/kube-node/closed").exists());
    assert_eq!(world.read("nodes/kube-node/version").trim(), target(&built.site));
    assert!(!world.path("nodes/kube-mast/closed").exists());
}

#[test]
fn pods_that_cannot_leave_stop_it_until_they_can() {
    let built = blueprint("tiny");
    let world = World::new(&built, &before(&built));
    world.node("kube-node", "stuck", "");
    let said = world.run("dash", "upgrade.sh", &[]);
    assert_eq!(said.status, 1);
    assert!(said.err.contains("not all pods could leave kube-node"), "{}", said.err);
    assert!(!world.events().contains(&"kube-node: systemctl restart containerd".to_owned()));
    std::fs::remove_file(world.path("nodes/kube-node/stuck")).unwrap();
    world.succeed("dash", "upgrade.sh", &[]);
    assert!(is_done(&world));
}

#[test]
fn a_control_plane_waits_while_another_one_is_missing() {
    let built = blueprint("kube-demo");
    let world = World::new(&built, &before(&built));
    world.node("kube-mast02", "ready", "Unknown");
    let said = world.run("dash", "upgrade.sh", &[]);
    assert_eq!(said.status, 1);
    assert!(said.err.contains("kube-mast02 is not ready, and kube-mast01 is not taken out"), "{}", said.err);
    assert_eq!(world.events(), ["kube-mast01: snapshot"]);
}

#[test]
fn a_machine_that_is_no_node_is_left_out() {
    let built = blueprint("kube-demo");
    let world = World::new(&built, &before(&built));
    std::fs::remove_dir_all(world.path("nodes/kube-mast01")).unwrap();
    world.node("elsewhere", "version", &before(&built));
    world.node("elsewhere", "ready", "True");
    let said = world.succeed("dash", "upgrade.sh", &[]);
    assert!(said.out.contains("kube-mast01 is no node of the cluster"), "{}", said.out);
    assert!(said.err.contains("elsewhere is not in this blueprint"), "{}", said.err);
    assert!(world.events().iter().any(|it| it.starts_with("kube-mast02: kubeadm upgrade apply")));
}
