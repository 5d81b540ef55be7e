//! The system disk that an installer makes: `base-image.sh`, and what the other scripts make of it.

use std::collections::BTreeMap;
use std::fs;

use bpc::Compiled;
use sha2::{Digest as _, Sha256};

use super::fault::assert_repaired;
use super::lab::World;
use super::{printed_and_done, tiny};
use crate::built::changed;
use crate::support::project::Said;
use crate::support::shells::shells;
use crate::support::tools::{On, tool};

pub(super) const SCRIPT: &str = "base-image.sh";

pub(super) fn volumes() -> Compiled {
    changed("volumes", |text| text)
}

/// `tests/blueprints/volumes` with a larger volume, so that other answers make its disk.
fn divided_otherwise() -> Compiled {
    changed("volumes", |text| text.replace("size: 125MiB", "size: 65MiB"))
}

pub(super) fn sha256(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(&Sha256::digest(bytes))
}

/// A host with an installer's ISO, and the option that says what it is to be.
pub(super) fn world(built: &Compiled) -> (World, String) {
    let world = World::new(built);
    let iso = b"an installer";
    world.write("it's an=installer.iso", iso);
    (world, format!("--sha256={}", sha256(iso)))
}

pub(super) const ISO: &str = "../it's an=installer.iso";

pub(super) fn lock(world: &World) -> BTreeMap<String, String> {
    let text = world.read(&format!("Virtual Machines/{}/base/installed.lock", world.site.name));
    let lines = text.lines().map(|line| line.split_once(' ').unwrap());
    lines.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// The disk that the lock names.
fn installed(world: &World) -> String {
    let name = &world.site.name;
    format!("Virtual Machines/{name}/base/installed-{}.vdi", &lock(world)["disk"][..16])
}

/// The machines that VirtualBox has, by their names.
pub(super) fn machines(world: &World) -> Vec<String> {
    let entries = fs::read_dir(world.path("vms")).unwrap().map(|entry| entry.unwrap().path().join("name"));
    let mut names: Vec<_> = entries.map(|path| fs::read_to_string(path).unwrap().trim().to_owned()).collect();
    names.sort();
    names
}

pub(super) fn refused(world: &World, script: &str, arguments: &[&str], expected: &str) -> Said {
    let said = world.run("dash", script, arguments);
    assert_eq!(said.status, 1, "{script} {arguments:?}: {said:?}");
    assert!(said.err.contains(expected), "{script} {arguments:?}: {expected:?} in {}", said.err);
    said
}

#[test]
fn an_installer_makes_the_disk_that_machines_start_from() {
    for shell in shells() {
        let (world, digest) = world(&volumes());
        refused(
            &world,
            "up.sh",
            &[],
            "base-image.sh ISO, which has the installer of Debian bookworm make one",
        );
        let said = world.succeed(shell, SCRIPT, &[&digest, ISO]);
        assert!(said.out.contains("Retrieving packages ... 10%"), "{}", said.out);
        assert_eq!((said.err.as_str(), machines(&world)), ("", vec![]));
        let answers = world.read("out/volumes/installer/preseed.cfg");
        let expected = [
            ("disk", sha256(world.read(&installed(&world)).as_bytes())),
            ("iso", sha256(b"an installer")),
            ("answers", sha256(answers.as_bytes())),
            ("size", "4096".to_owned()),
        ];
        assert_eq!(lock(&world), expected.map(|(key, value)| (key.to_owned(), value)).into());
        let left = fs::read_dir(world.path("Virtual Machines/volumes")).unwrap();
        let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["base"], "the installer's machine left something");
        // A second time there is nothing to do.
        world.calls();
        let said = world.succeed(shell, SCRIPT, &[&digest, ISO]);
        assert!(said.out.contains("the disk is as it should be"), "{}", said.out);
        assert_eq!(world.changes(), Vec::<String>::new());
        world.succeed(shell, "up.sh", &[]);
        let system = format!("{}/system.vdi", world.folder("node"));
        let medium = world.read(&format!("media/{}", medium_name(&world, &system)));
        let parent = medium.lines().find_map(|line| line.strip_prefix("parent ")).unwrap();
        assert_eq!(fs::read(parent).unwrap(), fs::read(world.path(installed(&world))).unwrap());
        world.calls();
        world.succeed(shell, "up.sh", &[]);
        assert_eq!(world.changes(), Vec::<String>::new());
        let status = world.succeed(shell, "status.sh", &[]);
        assert!(status.out.contains("(base image)         made         current"), "{}", status.out);
        world.succeed(shell, "destroy.sh", &["--yes"]);
        assert!(!world.path("Virtual Machines/volumes").exists());
    }
}

/// What the stand-in calls a disk.
fn medium_name(world: &World, path: &str) -> String {
    world.path(path).display().to_string().replace('/', "_").replace(' ', "+")
}

#[test]
fn it_outlives_the_base_disk() {
    let (world, digest) = world(&volumes());
    world.succeed("dash", SCRIPT, &[&digest, ISO]);
    world.succeed("dash", "up.sh", &[]);
    let before = world.read(&installed(&world));
    // VirtualBox deletes a base disk with the last disk that is linked to it.
    world.succeed("dash", "up.sh", &["--recreate", "node"]);
    world.succeed("dash", "destroy.sh", &["--yes", "node"]);
    assert_eq!(world.read(&installed(&world)), before);
    world.succeed("dash", "up.sh", &[]);
}

#[test]
fn an_installer_that_did_not_finish_leaves_no_disk() {
    for (outcome, expected) in [
        ("poweroff", "was switched off before the installer had finished (state poweroff)"),
        ("button", "was switched off before the installer had finished (state poweroff)"),
        ("outage", "was switched off before the installer had finished (state poweroff)"),
        ("aborted", "was switched off before the installer had finished (state aborted)"),
        ("gurumeditation", "has crashed (gurumeditation)"),
        ("paused", "is paused. If the disk of the host is full, make room"),
        ("saved", "has been saved: call this again, it goes on"),
        ("hangs", "has not finished in 4 seconds. It goes on: call this again to wait, or with --recreate"),
    ] {
        let (world, digest) = world(&volumes());
        world.write("installer", outcome.as_bytes());
        let timeout = if outcome == "hangs" { "--timeout=4" } else { "--timeout=600" };
        let arguments = [timeout, &digest, ISO];
        let said = refused(&world, SCRIPT, &arguments, expected);
        let words = match outcome {
            "hangs" => "    Prompt:",
            "button" => "    [  500.0] reboot: Power down",
            "outage" => "    Finishing the installation ... 50%bpc: base-image ready",
            _ => "    Retrieving packages ... 10%",
        };
        assert!(said.err.contains(words), "{outcome}: {}", said.err);
        assert!(!world.path("Virtual Machines/volumes/base").exists(), "{outcome}");
        refused(&world, "up.sh", &[], "there is no system disk");
        let status = world.run("dash", "status.sh", &[]).out;
        assert!(status.contains("(base image)  ") && status.contains("base-image.sh\n"), "{status}");
        fs::remove_file(world.path("installer")).unwrap();
        world.calls();
        if outcome == "hangs" {
            refused(&world, SCRIPT, &arguments, expected);
            assert_eq!(world.changes(), Vec::<String>::new());
            world.succeed("dash", SCRIPT, &["--recreate", &digest, ISO]);
        } else {
            world.succeed("dash", SCRIPT, &[&digest, ISO]);
            let made = world.changes().iter().any(|call| call.starts_with("createvm"));
            // One that waits goes on; any other is made anew.
            assert_eq!(made, !["paused", "saved"].contains(&outcome), "{outcome}");
        }
        assert_eq!(machines(&world), Vec::<String>::new(), "{outcome}");
        world.succeed("dash", "up.sh", &[]);
    }
}

#[test]
fn a_terminal_shows_how_far_it_is() {
    if tool(On::Host, "script").is_none() {
        return;
    }
    let (world, digest) = world(&volumes());
    let said = world.on_a_terminal(SCRIPT, &[&digest, &ISO.replace('\'', "'\\''")]);
    assert_eq!(said.status, 0, "{said:?}");
    // How many seconds it takes depends on the machine.
    let line = said.out.rsplit("\r\u{1b}[K").next().unwrap();
    let (seconds, words) = line.split_once(" s  ").unwrap();
    assert!(
        seconds.trim().parse::<u32>().is_ok() && words.starts_with("Retrieving packages ... 10%\r\n"),
        "{said:?}"
    );
}

#[test]
fn destroy_takes_away_what_is_unfinished() {
    let (world, digest) = world(&volumes());
    world.write("installer", b"hangs");
    refused(&world, SCRIPT, &["--timeout=1", &digest, ISO], "has not finished");
    refused(&world, "destroy.sh", &[], "this deletes and the base image with their disks: say --yes");
    world.succeed("dash", "destroy.sh", &["--yes"]);
    assert_eq!(machines(&world), Vec::<String>::new());
    assert!(!world.path("Virtual Machines/volumes").exists());
}

#[test]
fn other_answers_make_another_disk() {
    let (world, digest) = world(&volumes());
    world.succeed("dash", SCRIPT, &[&digest, ISO]);
    world.succeed("dash", "up.sh", &[]);
    let first = installed(&world);
    let parents = || {
        let medium =
            format!("media/{}", medium_name(&world, &format!("{}/system.vdi", world.folder("node"))));
        world.read(&medium).lines().find_map(|line| line.strip_prefix("parent ").map(str::to_owned)).unwrap()
    };
    let (linked, before) = (parents(), fs::read(parents()).unwrap());
    world.build(&divided_otherwise());
    // A machine that is there keeps its disk, and no new one gets an old disk.
    let said = world.succeed("dash", "up.sh", &[]);
    assert!(said.err.contains("warning  base-image.sh made the system disk by what the blueprint said"));
    refused(&world, "up.sh", &["--recreate", "node"], "base-image.sh ISO, which makes\n         another");
    let status = world.succeed("dash", "status.sh", &[]);
    assert!(status.out.contains("(base image)         made         changed"), "{}", status.out);
    let said = world.succeed("dash", SCRIPT, &[&digest, ISO]);
    assert!(said.out.contains("the blueprint has changed since the disk was made"), "{}", said.out);
    assert!(installed(&world) != first && !world.path(first).exists());
    // The old one is there for as long as a machine needs it.
    assert_eq!((parents(), fs::read(&linked).unwrap()), (linked.clone(), before));
    let said = world.succeed("dash", "up.sh", &[]);
    assert!(said.err.contains("node keeps its system disk"), "{}", said.err);
    world.succeed("dash", "up.sh", &["--recreate", "node"]);
    assert!(parents() != linked);
    assert_eq!(world.succeed("dash", "up.sh", &[]).err, "");
}

#[test]
fn a_disk_that_was_written_to_is_not_taken() {
    let (world, digest) = world(&volumes());
    let arguments = [digest.as_str(), ISO];
    world.succeed("dash", SCRIPT, &arguments);
    let disk = installed(&world);
    world.write(&disk, format!("{}written\n", world.read(&disk)).as_bytes());
    world.calls();
    let said = refused(&world, "up.sh", &[], "is not the disk that base-image.sh made: its SHA-256 is");
    assert!(said.err.contains("call base-image.sh ISO, which makes another"), "{}", said.err);
    assert_eq!(world.changes(), Vec::<String>::new());
    let said = world.succeed("dash", SCRIPT, &arguments);
    assert!(said.out.contains("is not as it was made: another is made"), "{}", said.out);
    world.succeed("dash", "doctor.sh", &[]);
    fs::remove_file(world.path(&disk)).unwrap();
    refused(&world, "up.sh", &[], "the system disk that base-image.sh made is gone");
    let said = world.succeed("dash", SCRIPT, &arguments);
    assert!(said.out.contains("is gone: another is made"), "{}", said.out);
    world.succeed("dash", "up.sh", &[]);
}

#[test]
fn who_was_told_last_is_right() {
    let (world, digest) = world(&volumes());
    world.succeed("dash", "up.sh", &["--disk=../disk.raw", "--no-start"]);
    world.succeed("dash", SCRIPT, &[&digest, ISO]);
    let said = world.succeed("dash", "up.sh", &["--no-start"]);
    assert!(said.err.contains("node keeps its system disk"), "{}", said.err);
    world.succeed("dash", "up.sh", &["--recreate", "--no-start", "node"]);
    assert_eq!(world.succeed("dash", "up.sh", &[]).err, "");
}

#[test]
fn machines_of_others_are_left_alone() {
    let (world, digest) = world(&volumes());
    let folder = world.path("elsewhere").display().to_string();
    let foreign = "vms/11111111-1111-4111-8111-111111111111";
    for (path, text) in [("name", "volumes.base-image"), ("folder", folder.as_str()), ("state", "poweroff")] {
        world.write(&format!("{foreign}/{path}"), format!("{text}\n").as_bytes());
    }
    world.write("elsewhere/volumes.base-image.vbox", b"");
    let before = world.state();
    refused(
        &world,
        SCRIPT,
        &[&digest, ISO],
        "VirtualBox has a machine 'volumes.base-image' that is not ours",
    );
    world.succeed("dash", "destroy.sh", &["--yes"]);
    assert_eq!(world.state(), before);
}

#[test]
fn a_machine_of_the_blueprint_may_be_called_alike() {
    let one = changed("volumes", |text| text.replace("  node:", "  base-image:"));
    let (world, digest) = world(&one);
    world.succeed("dash", SCRIPT, &[&digest, ISO]);
    world.succeed("dash", "up.sh", &[]);
    world.succeed("dash", SCRIPT, &["--recreate", &digest, ISO]);
    assert_eq!(machines(&world), ["volumes-base-image"]);
}

#[test]
fn without_an_installer_there_is_nothing_to_make() {
    let named = changed("volumes", |text| {
        let file = format!("  disk_file: {{path: x, sha256: {}}}\n  mirror:", "ab".repeat(32));
        text.replace("  mirror:", &file)
    });
    let (world, digest) = world(&named);
    refused(&world, SCRIPT, &[&digest, ISO], "the blueprint names its system disk, image.disk_file");
    let said = World::new(&tiny()).run("dash", "up.sh", &[]);
    assert!(said.status == 1 && !said.err.contains("base-image"), "{}", said.err);
}

#[test]
fn it_tells_how_it_is_used() {
    let (world, _) = world(&volumes());
    for shell in shells() {
        let said = world.succeed(shell, SCRIPT, &["--help"]);
        for part in ["usage: base-image.sh ", "\nexample: ", "\nexit status: "] {
            assert!(said.out.contains(part), "{part:?} in {}", said.out);
        }
    }
    let said = world.run("dash", SCRIPT, &[]);
    assert!(said.status == 2 && said.err.contains("say which ISO"), "{said:?}");
}

#[test]
fn a_dry_run_prints_what_a_run_does() {
    let (world, digest) = world(&volumes());
    let before = world.state();
    let printed = world.succeed("dash", SCRIPT, &["--dry-run", &digest, ISO]);
    assert_eq!((world.changes(), world.state() == before), (vec![], true));
    world.succeed("dash", SCRIPT, &[&digest, ISO]);
    let (printed, done) = printed_and_done(&printed, world.changes());
    assert_eq!(printed, done);
}

#[test]
fn it_goes_on_where_it_stopped() {
    let (world, digest) = world(&volumes());
    assert_repaired(&world, |_| (), SCRIPT, &[&digest, ISO]);
}
