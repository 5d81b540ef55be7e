//! What people do to machines by hand, in the real VirtualBox, and what the scripts make of it.

use std::fs;

use super::lab::World;
use super::real::{UP, assert_as_planned, attach, disk, info};
use super::tiny;
use crate::built;

/// `blueprints/tiny` with a disk of 1 GiB on the worker, or what is said instead of its ports.
fn with(what: &str) -> bpc::Compiled {
    built::changed_in("blueprints", "tiny", |text| {
        assert!(text.contains("publish: [\"2223:22\"]"));
        text.replace("publish: [\"2223:22\"]", what)
    })
}

const DISK: &str = "publish: [\"2223:22\"], disks: {data: {size: 1GiB}}";

#[test]
fn a_machine_may_be_renamed() {
    let Some(world) = World::real(&with(DISK)) else { return };
    disk(&world, 64);
    world.succeed("dash", "up.sh", &UP);
    world.ask(&["modifyvm", &world.uuid("kube-node"), "--name", "mine"]);
    world.build(&with(
        &DISK.replace("disks", "memory: 1GiB, disks").replace("memory: 1GiB, ", "packages: [htop], "),
    ));
    world.succeed("dash", "up.sh", &UP);
    let found = info(&world, &world.uuid("kube-node"));
    for (key, file) in [("disks-0-0", "system.vdi"), ("disks-2-0", "disk-data.vdi")] {
        assert!(found[key].ends_with(&format!("/mine/{file}")), "{}", found[key]);
    }
    world.succeed("dash", "destroy.sh", &["--yes"]);
    assert_eq!(world.ask(&["list", "hdds"]), "");
    assert!(!world.path("home/VirtualBox VMs/tiny").exists());
}

#[test]
fn a_snapshot_keeps_disks_where_they_are_and_lets_the_rest_change() {
    let Some(world) = World::real(&with(DISK)) else { return };
    disk(&world, 64);
    world.succeed("dash", "up.sh", &UP);
    world.succeed("dash", "snapshot.sh", &["take", "one"]);
    for disks in
        ["disks: {}", "disks: {other: {size: 1GiB}, data: {size: 1GiB}}", "disks: {data: {size: 2GiB}}"]
    {
        world.build(&with(&DISK.replace("disks: {data: {size: 1GiB}}", disks)));
        let before = info(&world, &world.uuid("kube-node"));
        let said = world.run("dash", "up.sh", &UP);
        assert_eq!(said.status, 1, "{disks}: {said:?}");
        assert!(said.err.contains("kube-node: has snapshots, and its disks are to change"), "{}", said.err);
        assert!(info(&world, &world.uuid("kube-node"))["disks-2-0"] == before["disks-2-0"], "{disks}");
    }
    // Memory and seed may change, and after a way back they do so again.
    let changed = with(&format!("{DISK}, packages: [htop]"));
    world.build(&changed);
    world.succeed("dash", "up.sh", &UP);
    let now = info(&world, &world.uuid("kube-node"));
    world.succeed("dash", "snapshot.sh", &["restore", "one"]);
    let back = info(&world, &world.uuid("kube-node"));
    assert!(back["disks-1-0"] != now["disks-1-0"] && fs::exists(&back["disks-1-0"]).unwrap(), "{back:?}");
    world.succeed("dash", "up.sh", &UP);
    assert_eq!(info(&world, &world.uuid("kube-node"))["disks-1-0"], now["disks-1-0"]);
    // A clone needs the disks that it was made of.
    let clone =
        ["clonevm", "tiny-kube-mast", "--snapshot", "one", "--options", "link", "--name", "tiny-kube-mast-x"];
    world.ask(&[&clone[..], &["--register"]].concat());
    for _ in 0..2 {
        let said = world.run("dash", "destroy.sh", &["--yes", "kube-mast"]);
        assert_eq!(said.status, 1, "{said:?}");
        assert!(world.path("home/VirtualBox VMs/tiny/tiny-kube-mast/system.vdi").exists());
    }
    world.ask(&["unregistervm", "tiny-kube-mast-x", "--delete"]);
    world.succeed("dash", "destroy.sh", &["--yes"]);
    assert_eq!(world.ask(&["list", "hdds"]), "");
}

#[test]
fn ports_and_rules_of_others_are_seen_through() {
    let Some(world) = World::real(&tiny()) else { return };
    disk(&world, 64);
    world.succeed("dash", "up.sh", &UP);
    // A rule as the window of VirtualBox makes it, and a disk whose path begins as the machine's folder does.
    let uuid = world.uuid("kube-node");
    world.ask(&["modifyvm", &uuid, "--natpf2", "Rule 1,tcp,,8080,,80"]);
    let mine = world.path("home/VirtualBox VMs/tiny/tiny-kube-node2.vdi").display().to_string();
    world.ask(&["createmedium", "disk", "--filename", &mine, "--size", "8"]);
    attach(&world, &uuid, &mine);
    let moved = built::changed_in("blueprints", "tiny", |text| {
        text.replace(
            "networks: [lan, wan], publish: [\"2223:22\"]",
            "networks: [wan, lan], publish: [\"2223:22\"]",
        )
    });
    world.build(&moved);
    world.succeed("dash", "up.sh", &UP);
    assert_as_planned(&world, &moved);
    let said = world.succeed("dash", "destroy.sh", &["--yes"]);
    assert!(fs::exists(&mine).unwrap(), "{}", said.out);
}
