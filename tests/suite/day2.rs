//! The scripts of `day-2/`, run by several shells against a cluster of files.

mod lab;
mod nodes;
mod snapshots;
mod upgrade;

use std::io::Write as _;
use std::process::Stdio;

use bpc::artifact::Kind;

use crate::built::{blueprints, changed_in};
use crate::support::project::small;
use crate::support::shells::shells;
use lab::{World, blueprint};

const SCRIPTS: [&str; 7] = [
    "add-node.sh",
    "etcd-restore.sh",
    "etcd-snapshot.sh",
    "kubectl.sh",
    "remove-node.sh",
    "renew-token.sh",
    "upgrade.sh",
];

#[test]
fn they_are_there_with_a_cluster_and_executable() {
    for one in blueprints() {
        let scripts = one.artifacts.files.iter().filter(|file| file.path.starts_with("day-2/"));
        let mut scripts: Vec<_> = scripts.map(|file| (&file.path[6..], file.kind, file.mode())).collect();
        scripts.sort_unstable();
        let mut expected: Vec<_> = SCRIPTS.iter().map(|name| (*name, Kind::Script, 0o755)).collect();
        expected.extend(["lib.sh", "upgrade-node.sh"].map(|name| (name, Kind::Script, 0o644)));
        expected.sort_unstable();
        if one.site.kubernetes.is_none() {
            expected.clear();
        }
        assert_eq!(scripts, expected, "{}", one.site.name);
    }
}

#[test]
fn each_tells_how_it_is_used() {
    let world = World::new(&blueprint("kube-demo"), "v1.35.8");
    for shell in shells() {
        for script in SCRIPTS {
            let said = world.succeed(shell, script, &["--help"]);
            assert_eq!(said.out, world.succeed(shell, script, &["-h"]).out, "{script}");
            let usage = format!("usage: {script} ");
            for part in [usage.as_str(), "--dry-run", "\nexample: ", "\nexit status: "] {
                assert!(said.out.contains(part), "{script}: {part:?} in {}", said.out);
            }
            let wrong = world.run(shell, script, &["--frobnicate"]);
            if script != "kubectl.sh" {
                assert_eq!((wrong.status, wrong.out.as_str()), (2, ""), "{script}: {}", wrong.err);
                assert!(wrong.err.contains("no option --frobnicate") && wrong.err.contains("--help"));
            }
        }
    }
}

#[test]
fn a_dry_run_prints_commands_and_calls_nothing() {
    for name in ["kube-full", "tiny"] {
        let world = World::new(&blueprint(name), "v1.34.1");
        let node = world.site.machines.last().unwrap().name.clone();
        world.write("home/it.db", b"snapshot\n");
        for shell in shells() {
            for (script, arguments) in [
                ("add-node.sh", vec![if name == "tiny" { "kube-node" } else { "kube-node02" }]),
                ("etcd-restore.sh", vec!["it.db"]),
                ("etcd-snapshot.sh", vec![]),
                ("kubectl.sh", vec!["get", "pods"]),
                ("remove-node.sh", vec![node.as_str()]),
                ("renew-token.sh", vec![]),
                ("upgrade.sh", vec![]),
            ] {
                let said = world.succeed(shell, script, &[&["--dry-run"][..], &arguments].concat());
                assert!(
                    said.out.lines().any(|line| line.starts_with("ssh kube-")
                        || line.starts_with("ssh etcd-")
                        || line.starts_with("ssh busybox: ")),
                    "{script}: {}",
                    said.out
                );
                assert_eq!(said.err, "", "{script}");
            }
        }
        assert_eq!((world.calls(), world.events()), (vec![], vec![]));
        assert_eq!(std::fs::read_dir(world.path("home")).unwrap().count(), 1);
    }
}

#[test]
fn kubectl_gets_its_arguments_and_its_input_as_they_are() {
    let hostile = ["a b", "it's", "\"$HOME\"", "", "*", "two\nlines", "\\", "`id`", "--dry-run", "é"];
    for (name, machine) in [("kube-demo", "busybox"), ("tiny", "kube-mast")] {
        let world = World::new(&blueprint(name), "v1.35.8");
        for shell in shells() {
            let mut command = world.command(shell, "kubectl.sh", &["echo"]);
            command.args(hostile).stdin(Stdio::piped()).stdout(Stdio::piped());
            let mut child = command.spawn().unwrap();
            child.stdin.take().unwrap().write_all(b"what is read\n").unwrap();
            let output = child.wait_with_output().unwrap();
            let expected = format!("<{}>", hostile.join("><"));
            let printed = String::from_utf8(output.stdout).unwrap();
            assert_eq!(printed, format!("<echo>{expected}what is read\n"), "{shell}");
        }
        assert!(world.calls()[0].starts_with(&format!("{machine}: ")), "{:?}", world.calls());
        let failed = world.run("dash", "kubectl.sh", &["frobnicate"]);
        assert_eq!(failed.status, 64, "kubectl's own exit status");
        world.write(&format!("machines/{machine}/down"), b"");
        let failed = world.run("dash", "kubectl.sh", &["get", "nodes"]);
        assert_eq!(failed.status, 255);
        assert!(failed.err.contains(&format!("no connection to {machine}")), "{}", failed.err);
        assert!(failed.err.contains(&format!("\n  Connection to {machine} timed out\n")), "{}", failed.err);
    }
}

#[test]
fn a_control_plane_that_answers_renews_the_token() {
    let world = World::new(&blueprint("kube-demo"), "v1.35.8");
    for shell in shells() {
        world.succeed(shell, "renew-token.sh", &[]);
        assert_eq!(world.events(), ["kube-mast01: renew-token 24"]);
    }
    world.write("machines/kube-mast01/down", b"");
    world.succeed("dash", "renew-token.sh", &["72"]);
    assert_eq!(world.events(), ["kube-mast02: renew-token 72"]);
    for wrong in ["0", "-1", "1h", "10000", "1; id"] {
        assert_eq!(world.run("dash", "renew-token.sh", &[wrong]).status, 2, "{wrong}");
    }
    assert_eq!(world.events(), [""; 0]);
}

#[test]
fn without_a_cluster_there_are_none() {
    let built = changed_in("blueprints", "tiny", |_| small("one"));
    assert!(built.artifacts.files.iter().all(|file| !file.path.starts_with("day-2/")));
}
