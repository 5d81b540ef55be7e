//! What `doctor.sh` and `up.sh` find on the host: no VirtualBox, another time, networks of its own.

use super::lab::{World, disk};
use super::{SCRIPTS, tiny};
use crate::built;
use crate::support::project::{Said, said};
use crate::support::shells::shells;

const DISK: [&str; 1] = ["--disk=../disk.raw"];

/// Runs a script at another time.
fn at(world: &World, now: &str, script: &str, arguments: &[&str]) -> Said {
    said(world.command("dash", script, arguments).env("BPC_NOW", now))
}

/// `blueprints/tiny` with certificates of 365 days, and of 100 for the operator from April on.
fn short() -> bpc::Compiled {
    built::changed_in("blueprints", "tiny", |text| {
        text + "pki: {operator_from: 2026-04-01T00:00:00Z, operator_days: 100}\n"
    })
}

#[test]
fn certificates_that_are_not_good_are_refused_and_those_that_end_soon_named() {
    let world = World::new(&short());
    for (now, status, expected) in [
        (
            "2025-12-31T23:59:59Z",
            1,
            "problem  certificates (kubernetes) are good from 2026-01-01T00:00:00Z on only",
        ),
        (
            "2026-03-31T00:00:00Z",
            1,
            "problem  the operator's SSH certificate is good from 2026-04-01T00:00:00Z",
        ),
        ("2026-05-01T00:00:00Z", 0, ""),
        (
            "2026-06-20T00:00:00Z",
            0,
            "warning  the operator's SSH certificate will expire at 2026-07-10T00:00:00Z",
        ),
        (
            "2026-07-11T00:00:00Z",
            1,
            "problem  the operator's SSH certificate has expired at 2026-07-10T00:00:00Z",
        ),
        ("2026-12-02T00:00:00Z", 1, "warning  certificates (kubernetes) will expire at 2027-01-01T00:00:00Z"),
        (
            "2027-01-01T00:00:01Z",
            1,
            "problem  certificates (kubernetes) have expired at 2027-01-01T00:00:00Z",
        ),
        ("2036-01-01T00:00:00Z", 1, "problem  certificates (ssh-host) have expired at"),
    ] {
        for script in ["doctor.sh", "up.sh"] {
            let said = at(
                &world,
                now,
                script,
                &[&DISK[..], if script == "up.sh" { &["--no-start"] } else { &[] }].concat(),
            );
            assert_eq!(said.status, status, "{script} at {now}: {said:?}");
            assert!(said.err.contains(expected), "{script} at {now}: {expected} in {}", said.err);
            assert!(!expected.is_empty() || !said.err.contains("certificate"), "{}", said.err);
        }
        let said = at(&world, now, "status.sh", &[]);
        assert!(said.err.contains(expected), "status.sh at {now}: {}", said.err);
    }
    // Somebody may have to look all the same, and the way to renew is said.
    let said = at(&world, "2027-02-03T04:05:06Z", "up.sh", &["--disk=../disk.raw", "--no-start", "--force"]);
    assert_eq!(said.status, 0, "{said:?}");
    assert!(
        said.err.contains("write 'epoch: 2027-02-03T00:00:00Z' into the blueprint, build it"),
        "{}",
        said.err
    );
    assert!(said.err.contains("write 'pki: {operator_from: 2027-02-03T04:05:06Z}'"), "{}", said.err);
}

#[test]
fn the_demos_of_this_repository_are_good_for_years() {
    for one in built::blueprints().iter().filter(|one| one.site.domain.split('.').nth(1) == Some("demo")) {
        let world = World::new(one);
        let said = at(&world, "2035-01-01T00:00:00Z", "status.sh", &[]);
        assert!(!said.err.contains("certificate"), "{}: {}", one.site.name, said.err);
    }
}

#[test]
fn the_clock_is_that_of_the_host() {
    let built = built::blueprints();
    let world = World::new(built.iter().find(|one| one.site.name == "tiny").unwrap());
    for shell in shells() {
        let mut command = world.command(shell, "doctor.sh", &DISK);
        let said = said(command.env_remove("BPC_NOW"));
        assert!(
            said.out.contains("ok       certificates (kubernetes) are good until 2035-12-30T"),
            "{said:?}"
        );
    }
}

#[test]
fn networks_of_the_host_that_machines_have_too_are_named() {
    let one = built::changed_in("blueprints", "tiny", |text| {
        text.replace("\nmachines:\n", "\n  home: {cidr: 192.168.57.0/24, attach: host-only}\nmachines:\n")
    });
    let lan = one.site.networks.iter().find(|network| network.name == "lan").unwrap().cidr.to_string();
    let world = World::new(&one);
    let router = lan.replace(".0/24", ".1");
    assert!(router != lan);
    world.write(
        "resolv.conf",
        format!("search home\nnameserver {router}\nnameserver 127.0.0.53\n").as_bytes(),
    );
    let own = format!("default via {router} dev eth0\n{lan} dev eth0 proto kernel scope link\n");
    let vpn = "0.0.0.0/1 dev tun0\n128.0.0.0/1 dev tun0\n192.168.57.0/24 dev vboxnet0 scope link\n172.17.0.0/16 dev docker0\n";
    world.write("routes", format!("{own}{vpn}").as_bytes());
    let said = world.run("dash", "doctor.sh", &DISK);
    assert_eq!(said.status, 0, "{said:?}");
    // How much room there is for disks is a matter of where the test runs.
    let about_networks = |line: &&str| line.starts_with("warning") && !line.contains(" can grow to ");
    let warnings: Vec<&str> = said.err.lines().filter(about_networks).collect();
    let expected = [
        format!(
            "warning  network lan ({lan}) overlaps {lan}, which the host has on eth0: machines reach nothing there,"
        ),
        format!(
            "warning  the host's name server {router} has an address of network lan: VirtualBox asks it for the machines,"
        ),
    ];
    assert!(warnings.iter().copied().eq(expected.iter().map(String::as_str)), "{warnings:?}");
    // The host's own way to a host-only network would be lost.
    world.write("routes", b"192.168.0.0/16 dev wg0 scope link\n");
    for shell in shells() {
        let said = world.run(shell, "doctor.sh", &DISK);
        assert_eq!(said.status, 1, "{said:?}");
        let problem = "problem  the host-only network home (192.168.57.0/24) overlaps 192.168.0.0/16, which the host has on wg0";
        assert!(said.err.contains(problem), "{}", said.err);
    }
    world.write("routes", b"10.99.0.0/24 dev eth0\n10.99.0.1 dev eth0\n");
    world.write("resolv.conf", b"nameserver 10.99.0.1\n");
    let said = world.succeed("dash", "doctor.sh", &DISK);
    assert!(said.out.contains("ok       the host has no network of the blueprint's\n"), "{}", said.out);
}

#[test]
fn without_virtualbox_the_doctor_looks_at_all_the_rest() {
    let world = World::new(&tiny());
    std::fs::remove_file(world.path("bin/VBoxManage")).unwrap();
    world.write("ports", b"LISTEN 0 5 0.0.0.0:2223 0.0.0.0:*\n");
    world.write("meminfo", b"MemAvailable:    2048000 kB\n");
    for shell in shells() {
        let said = world.run(shell, "doctor.sh", &[]);
        assert_eq!(said.status, 1, "{said:?}");
        for expected in [
            "problem  there is no VBoxManage: install VirtualBox 7.0 or later",
            "problem  the machines to start need 4096 MiB of memory, 2000 MiB are free",
            "problem  port 2223 of the host is busy",
            "problem  there is no system disk for the machines: download the cloud image of Debian trixie for amd64,\n         https://cloud.debian.org/images/cloud/trixie/latest/debian-13-generic-amd64.qcow2\n",
        ] {
            assert!(said.err.contains(expected), "{shell}: {expected} in {}", said.err);
        }
        assert!(said.out.contains("are as they were built"), "{}", said.out);
    }
    // A program that is there and does not work is the same.
    world.write("bin/broken", b"#!/bin/sh\necho 'no server' >&2\nexit 1\n");
    let broken = world.path("bin/broken");
    std::fs::set_permissions(&broken, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let said = said(world.command("dash", "doctor.sh", &[]).env("BPC_VBOXMANAGE", &broken));
    assert!(
        said.err.contains("list systemproperties' fails: no server") && said.err.contains("port 2223"),
        "{said:?}"
    );
}

#[test]
fn a_wrong_name_of_the_program_is_called_wrong() {
    let world = World::new(&tiny());
    for script in ["up.sh", "down.sh", "destroy.sh", "status.sh", "doctor.sh", "snapshot.sh"] {
        let arguments: &[&str] = if script == "snapshot.sh" { &["list"] } else { &[] };
        let said = said(world.command("dash", script, arguments).env("BPC_VBOXMANAGE", "/nonexistent"));
        assert_eq!(said.status, 1, "{script}: {said:?}");
        let expected = "BPC_VBOXMANAGE names '/nonexistent', and that is no program";
        assert!(
            said.err.contains(expected) && !said.err.contains("say where it is"),
            "{script}: {}",
            said.err
        );
    }
}

#[test]
fn a_dry_run_needs_neither_virtualbox_nor_its_driver() {
    let world = World::new(&tiny());
    std::fs::remove_file(world.path("bin/VBoxManage")).unwrap();
    world.write("memory", b"100");
    for shell in shells() {
        let mut command = world.command(shell, "up.sh", &["--dry-run", "--disk=../disk.raw"]);
        let said = said(command.env("BPC_VBOXDRV", "/nonexistent").env("HOME", world.path("home")));
        assert_eq!(said.status, 0, "{said:?}");
        assert!(
            said.err.contains("warning  there is no VBoxManage") && said.err.contains("kernel driver"),
            "{}",
            said.err
        );
        for expected in ["VBoxManage createvm --name tiny-kube-mast ", "VBoxManage startvm "] {
            assert!(said.out.contains(expected), "{expected} in {}", said.out);
        }
        for (script, arguments) in [
            ("down.sh", &["--dry-run"][..]),
            ("destroy.sh", &["--dry-run"]),
            ("snapshot.sh", &["--dry-run", "delete", "one"]),
        ] {
            world.succeed(shell, script, arguments);
        }
    }
    assert!(!world.path("home/VirtualBox VMs").exists());
}

#[test]
fn the_short_question_for_help_is_answered_too() {
    let world = World::new(&tiny());
    for script in SCRIPTS {
        let said = world.succeed("dash", script, &["-h"]);
        assert_eq!(said.out, world.succeed("dash", script, &["--help"]).out, "{script}");
    }
}

#[test]
fn a_plain_cloud_image_is_not_taken_for_a_divided_disk() {
    let one = built::changed_in("blueprints", "kube-demo", |text| text);
    let world = World::new(&one);
    world.write("disk.raw", b"capacity 2048\n");
    let plain = "is not divided as the blueprint says: it has no volume group vg0";
    for script in ["doctor.sh", "up.sh"] {
        let said = world.run("dash", script, &DISK);
        assert!(said.status == 1 && said.err.contains(plain), "{script}: {said:?}");
    }
    assert_eq!(world.changes(), Vec::<String>::new());
    // What is compressed shows it once it is converted.
    world.write("disk.raw", b"KDMV\ncapacity 2048\n");
    let said = world.run("dash", "up.sh", &DISK);
    assert!(said.status == 1 && said.err.contains(plain), "{said:?}");
    assert!(
        !world.path("Virtual Machines/kube-demo/base").read_dir().is_ok_and(|mut all| all.next().is_some())
    );
    world.write("disk.raw", disk(&one.site).as_bytes());
    let said = world.succeed("dash", "doctor.sh", &DISK);
    assert!(said.out.contains("is the disk that --disk names\n"), "{}", said.out);
    world.up(&["--no-start"]);
}
