//! What `up.sh` looks at before it changes anything.

use std::fs;

use super::lab::World;
use super::tiny;
use crate::built;

/// Asserts that nothing is changed, and that this is said.
fn assert_refused(world: &World, arguments: &[&str], expected: &str) {
    let before = world.state();
    world.calls();
    for (script, more) in [("up.sh", arguments), ("doctor.sh", &["--disk=../disk.raw"][..])] {
        let said = world.run("dash", script, more);
        assert_eq!(said.status, 1, "{script}: {said:?}");
        assert!(said.err.contains(expected), "{script}: {expected:?} in {}", said.err);
    }
    assert_eq!(world.changes(), Vec::<String>::new());
    assert_eq!(world.state(), before);
}

const DISK: [&str; 1] = ["--disk=../disk.raw"];

#[test]
fn every_problem_is_said_and_nothing_is_changed() {
    let problems: [(&str, &str, &str); 6] = [
        ("version", "6.1.50r161033", "VirtualBox 6.1.50r161033 is too old: install 7.0"),
        ("version", "Segmentation fault", "does not say its version"),
        ("memory", "4095", "need 4096 MiB of memory, 4095 MiB are free"),
        ("cpus", "1", "kube-mast has 2 processors, the host 1"),
        (
            "ports",
            "LISTEN 0 5 0.0.0.0:2223 0.0.0.0:*\n",
            "port 2223 of the host is busy, and kube-node publishes it",
        ),
        ("uname-m", "aarch64", "this host is arm64 and runs no amd64 machines"),
    ];
    let world = World::new(&tiny());
    for (file, text, expected) in problems {
        let well = world.read(file);
        world.write(file, text.as_bytes());
        assert_refused(&world, &DISK, expected);
        world.write(file, well.as_bytes());
    }
    world.succeed("dash", "doctor.sh", &DISK);
}

#[test]
fn all_problems_come_in_one_run() {
    let world = World::new(&tiny());
    world.write("memory", b"100");
    world.write("version", b"5.2.0r1");
    world.write("out/tiny/machines/kube-node/seed.iso", b"not what was built");
    let said = world.run("dash", "up.sh", &[]);
    for expected in
        ["too old", "machines/kube-node/seed.iso: FAILED", "no system disk", "4096 MiB", "the problems above"]
    {
        assert!(said.err.contains(expected), "{expected} in {}", said.err);
    }
    assert_eq!(world.changes(), Vec::<String>::new());
}

#[test]
fn what_the_host_lacks_can_be_overridden() {
    let world = World::new(&tiny());
    world.write("memory", b"100");
    world.write("cpus", b"1");
    let said = world.up(&["--force"]);
    // It may say more: of a host without `ss`, for one.
    let both = ["warning  the machines to start need ", "warning  kube-mast has 2 processors, the host 1"];
    assert!(both.iter().all(|warning| said.err.contains(warning)), "{}", said.err);
}

#[test]
fn a_busy_port_of_our_own_machine_is_no_problem() {
    let world = World::new(&tiny());
    world.up(&[]);
    world.write("ports", b"LISTEN 0 5 127.0.0.1:2222 0.0.0.0:*\nLISTEN 0 5 127.0.0.1:2223 0.0.0.0:*\n");
    world.up(&[]);
}

#[test]
fn host_only_networks_must_be_allowed() {
    let one = built::blueprint("routed");
    let world = World::new(&one);
    for (text, allowed) in [
        (None, true),
        (Some("# nothing\n"), false),
        (Some("* 10.0.0.0/8\n* 192.168.56.0/24\n"), true),
        (Some("* 10.0.0.0/8 192.168.0.0/16\n"), true),
        (Some("* 192.168.57.0/24\n"), false),
    ] {
        match text {
            Some(text) => world.write("networks.conf", text.as_bytes()),
            None => fs::remove_file(world.path("networks.conf")).unwrap(),
        }
        if allowed {
            world.succeed("dash", "doctor.sh", &DISK);
        } else {
            assert_refused(&world, &DISK, "add the line '* 192.168.56.0/24' to ");
        }
    }
}

#[test]
fn a_name_that_is_taken_is_not_touched() {
    let world = World::new(&tiny());
    let foreign = "11111111-1111-4111-8111-111111111111";
    let folder = world.path("elsewhere").display().to_string();
    for (path, text) in [("name", "tiny-kube-mast"), ("folder", folder.as_str()), ("state", "poweroff")] {
        world.write(&format!("vms/{foreign}/{path}"), format!("{text}\n").as_bytes());
    }
    world.write("elsewhere/tiny-kube-mast.vbox", b"");
    assert_refused(&world, &DISK, "VirtualBox has a machine 'tiny-kube-mast' that is not ours");
}

#[test]
fn machines_of_another_vault_are_not_ours() {
    let world = World::new(&tiny());
    world.up(&[]);
    let note = format!("vms/{}/extra", world.uuid("kube-node"));
    world.write(&note, world.read(&note).replace("bpc/owner tiny ", "bpc/owner tiny f").as_bytes());
    assert_refused(&world, &DISK, "the machine 'tiny-kube-node' belongs to another vault");
    let said = world.run("dash", "destroy.sh", &["--yes"]);
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.err.contains("belongs to another vault"), "{}", said.err);
}

#[test]
fn the_disk_file_must_be_the_one_that_the_blueprint_names() {
    let one = built::blueprint("lonely");
    let world = World::new(&one);
    let said = world.run("dash", "up.sh", &[]);
    assert!(said.err.contains("images/lonely.qcow2: put the system disk there"), "{}", said.err);
    world.write("images/lonely.qcow2", b"another one");
    let said = world.run("dash", "up.sh", &[]);
    assert!(said.err.contains("is not the disk that the blueprint names: its SHA-256 is"), "{}", said.err);
    assert_eq!(world.changes(), Vec::<String>::new());
}

#[test]
fn a_disk_that_is_larger_than_the_blueprint_says_is_refused() {
    let world = World::new(&tiny());
    world.write("disk.raw", b"capacity 20000\n");
    let said = world.run("dash", "up.sh", &DISK);
    assert_eq!(said.status, 1);
    assert!(said.err.contains("holds a disk of 20000 MiB, and machines get 16384 MiB"), "{}", said.err);
    assert!(said.err.contains("make image.disk larger"), "{}", said.err);
    world.write("disk.raw", b"capacity 2048\n");
    world.up(&[]);
}

#[test]
fn two_runs_at_a_time_are_one_too_many() {
    let world = World::new(&tiny());
    world.write("Virtual Machines/tiny/.lock/pid", std::process::id().to_string().as_bytes());
    let said = world.run("dash", "up.sh", &DISK);
    assert_eq!(said.status, 1);
    assert!(said.err.contains("another script changes these machines now"), "{}", said.err);
    assert_eq!(world.changes(), Vec::<String>::new());
    // No process has this number.
    world.write("Virtual Machines/tiny/.lock/pid", b"4194305");
    let said = world.up(&[]);
    assert!(said.out.contains("is gone: taking it over"), "{}", said.out);
    assert!(!world.path("Virtual Machines/tiny/.lock").exists());
}

#[test]
fn a_machine_whose_memory_is_saved_is_not_changed() {
    let world = World::new(&tiny());
    world.up(&[]);
    world.write(&format!("vms/{}/state", world.uuid("kube-node")), b"saved\n");
    world.succeed("dash", "doctor.sh", &[]);
    let changed = built::changed_in("blueprints", "tiny", |text| text.replace("2223:22", "2224:22"));
    world.build(&changed);
    assert_refused(&world, &DISK, "kube-node has changed, and its memory is saved");
}

#[test]
fn a_gateway_that_is_off_is_noticed() {
    let world = World::new(&built::blueprint("routed"));
    let said = world.succeed("dash", "up.sh", &["--disk=../disk.raw", "--no-start", "jump"]);
    assert!(said.err.contains("warning  gate is off: "), "{}", said.err);
    world.up(&["gate"]);
    let said = world.up(&["jump"]);
    assert_eq!(said.err, "");
}

#[test]
fn a_tree_of_another_vault_touches_nothing() {
    let world = World::new(&tiny());
    world.up(&[]);
    world.build(&built::with_another_vault("blueprints", "tiny"));
    assert_refused(&world, &DISK, "that is not ours");
    let before = world.state();
    let said = world.run("dash", "destroy.sh", &["--yes"]);
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.err.contains("holds a machine that is not ours, of another vault perhaps"), "{}", said.err);
    assert!(world.state() == before);
}

#[test]
fn only_virtualbox_own_range_is_allowed_without_a_file() {
    let one = built::changed("routed", |text| text.replace("192.168.56.0/24", "192.168.100.0/24"));
    let world = World::new(&one);
    fs::remove_file(world.path("networks.conf")).unwrap();
    assert_refused(&world, &DISK, "add the line '* 192.168.100.0/24' to ");
    world.write("networks.conf", b"* 192.168.100.0/22");
    world.succeed("dash", "doctor.sh", &DISK);
}

#[test]
fn what_is_made_anew_can_be_made() {
    let world = World::new(&built::blueprint("lonely"));
    world.write("images/lonely.qcow2", b"capacity 2048\n");
    world.succeed("dash", "up.sh", &[]);
    let recreate = ["--recreate", "control", "node01"];
    world.write("images/lonely.qcow2", b"capacity 2049\n");
    let before = world.state();
    let said = world.run("dash", "up.sh", &recreate);
    assert!(said.status == 1 && said.err.contains("is not the disk that the blueprint names"), "{said:?}");
    fs::remove_file(world.path("images/lonely.qcow2")).unwrap();
    let said = world.run("dash", "up.sh", &recreate);
    assert!(said.status == 1 && said.err.contains("put the system disk there"), "{said:?}");
    assert!(world.state() == before);
}
