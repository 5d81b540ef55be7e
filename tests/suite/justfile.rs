//! The recipes for blueprints: those of this repository, and those of a user's own that `bpc init` begins.
//!
//! Both are the same text. `just` runs them here with stand-ins for `cargo`, `bpc` and the scripts of a build.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use bpc::repository::{STARTS, files};

use crate::support::project::{Said, said};
use crate::support::tools::{On, Staged, Tool, tool};

/// Notes its name and arguments, each in brackets; a build leaves scripts that do the same. `fail` makes it fail.
const STAND_IN: &str = r#"#!/bin/sh
log=${LOG:?}
printf '%s' "${0##*/}" >>"$log"
for word; do printf ' [%s]' "$word" >>"$log"; done
echo >>"$log"
case "$*" in *fail*) exit 3 ;; esac
"#;

/// The scripts that the recipes call.
const SCRIPTS: [&str; 9] =
    ["up", "base-image", "down", "destroy", "status", "ssh", "console", "snapshot", "doctor"];

/// Files by their paths.
type Texts = BTreeMap<String, String>;

/// This repository's justfile and what it imports, or that of a user.
fn justfiles() -> [(&'static str, Texts); 2] {
    let read = |path: &str| {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
        (path.to_owned(), text)
    };
    let ours = ["justfile", "src/repository/blueprints.just"].map(read).into();
    let theirs = files(&STARTS[0], "tiny", None).into_iter().filter(|(path, _)| path == "justfile").collect();
    [("cargo [run] [--release] [--]", ours), ("bpc", theirs)]
}

/// A folder with a justfile and the stand-ins, in which `out/tiny` is built.
struct Bench {
    just: Tool,
    staged: Staged,
}

impl Bench {
    fn new(justfile: &Texts) -> Option<Self> {
        let just = tool(On::Trixie, "just")?;
        let scripts = SCRIPTS.map(|name| format!("out/tiny/virtualbox/{name}.sh"));
        let programs = scripts.into_iter().chain(["bin/cargo", "bin/bpc"].map(String::from));
        let programs: Vec<_> = programs.collect();
        let stand_ins = programs.iter().map(|path| (path.as_str(), STAND_IN.as_bytes()));
        let texts = justfile.iter().map(|(path, text)| (path.as_str(), text.as_bytes()));
        let staged = just.stage(&stand_ins.chain(texts).collect::<Vec<_>>());
        for path in &programs {
            staged.set_mode(path, 0o755);
        }
        Some(Self { just, staged })
    }

    /// What `just` says, and what it called.
    fn just(&self, arguments: &[&str]) -> (Said, Vec<String>) {
        let mut command = self.just.command();
        let programs = self.staged.path_for("bin");
        command.env("PATH", format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", programs.display()));
        command.env("LOG", self.staged.path_for("log"));
        command.arg("--justfile").arg(self.staged.path_for("justfile")).args(arguments);
        let said = said(&mut command);
        let log = self.staged.host_path().join("log");
        let calls = fs::read_to_string(&log).unwrap_or_default().lines().map(String::from).collect();
        let _ = fs::remove_file(log);
        (said, calls)
    }
}

#[test]
fn they_are_written_as_just_would_write_them() {
    for (_, justfile) in justfiles() {
        let Some(bench) = Bench::new(&justfile) else { return };
        let (said, _) = bench.just(&["--unstable", "--fmt", "--check"]);
        assert_eq!(said.status, 0, "{said:?}");
    }
}

#[test]
fn both_have_the_same_recipes_for_blueprints() {
    let [(_, ours), (_, theirs)] = justfiles();
    let recipes = &ours["src/repository/blueprints.just"];
    assert!(theirs["justfile"].ends_with(recipes.as_str()));
    assert!(ours["justfile"].contains("\nimport 'src/repository/blueprints.just'\n"));
    // All of it is listed in the order in which it is written, the import in its place.
    let Some(bench) = Bench::new(&ours) else { return };
    let (said, _) = bench.just(&[]);
    let listed = said.out.lines().filter_map(|line| line.trim_start().split([' ', '#']).next());
    let listed: Vec<_> = listed.filter(|name| SCRIPTS.contains(name) || *name == "logs").collect();
    assert_eq!(
        listed,
        ["up", "base-image", "down", "destroy", "status", "ssh", "logs", "snapshot", "doctor"]
    );
    assert!(!said.out.contains("virtualbox SCRIPT"), "{}", said.out);
}

#[test]
fn up_builds_and_starts() {
    for (bpc, justfile) in justfiles() {
        let Some(bench) = Bench::new(&justfile) else { return };
        let (said, calls) = bench.just(&["up", "tiny", "--disk=a b.qcow2", "--no-start", "kube-mast"]);
        assert_eq!(said.status, 0, "{said:?}");
        let build = format!("{bpc} [build] [blueprints/tiny]");
        assert_eq!(calls, [build.as_str(), "up.sh [--disk=a b.qcow2] [--no-start] [kube-mast]"]);
        let (said, calls) = bench.just(&["base-image", "tiny", "--sha256=ab", "an iso"]);
        assert_eq!(said.status, 0, "{said:?}");
        assert_eq!(calls, [build.as_str(), "base-image.sh [--sha256=ab] [an iso]"]);
    }
}

#[test]
fn a_build_that_fails_starts_nothing() {
    for (bpc, justfile) in justfiles() {
        let Some(bench) = Bench::new(&justfile) else { return };
        let (said, calls) = bench.just(&["up", "fail"]);
        assert_eq!((said.status, calls), (3, vec![format!("{bpc} [build] [blueprints/fail]")]), "{said:?}");
    }
}

#[test]
fn arguments_reach_the_scripts_unchanged() {
    let cases: [(&[&str], &str); 9] = [
        (&["down", "tiny"], "down.sh"),
        (&["down", "tiny", "--timeout=5", "kube-node"], "down.sh [--timeout=5] [kube-node]"),
        (&["destroy", "tiny", "--yes"], "destroy.sh [--yes]"),
        (&["status", "tiny", "kube-mast"], "status.sh [kube-mast]"),
        (
            &["ssh", "tiny", "kube-mast", "-v", "echo \"$HOME\" '{{x}}' *", "", "a=b"],
            "ssh.sh [kube-mast] [-v] [echo \"$HOME\" '{{x}}' *] [] [a=b]",
        ),
        (&["logs", "tiny", "--follow", "kube-mast"], "console.sh [--follow] [kube-mast]"),
        (&["snapshot", "tiny", "take", "before-upgrade"], "snapshot.sh [take] [before-upgrade]"),
        (&["doctor", "tiny", "--disk=x"], "doctor.sh [--disk=x]"),
        (&["doctor", "tiny", "--help"], "doctor.sh [--help]"),
    ];
    for (_, justfile) in justfiles() {
        let Some(bench) = Bench::new(&justfile) else { return };
        for (arguments, call) in cases {
            let (said, calls) = bench.just(arguments);
            assert_eq!((said.status, calls), (0, vec![call.to_owned()]), "{arguments:?}: {said:?}");
        }
    }
}

#[test]
fn a_script_that_fails_has_the_last_word() {
    for (_, justfile) in justfiles() {
        let Some(bench) = Bench::new(&justfile) else { return };
        let (said, _) = bench.just(&["status", "tiny", "fail"]);
        assert_eq!((said.status, said.err.as_str()), (3, ""));
        let (said, calls) = bench.just(&["down", "huge"]);
        assert_eq!((said.status, calls), (2, Vec::new()));
        let missing = "there is no out/huge/virtualbox/down.sh: 'just build blueprints/huge' makes it\n";
        assert_eq!(said.err, missing);
        let (said, _) = bench.just(&["base-image", "huge", "x.iso"]);
        assert!(said.status == 2 && said.err.contains("(only with 'image: {lvm: ...}'"), "{said:?}");
    }
}

#[test]
fn a_demo_is_applied_or_named() {
    for (_, justfile) in justfiles() {
        let Some(bench) = Bench::new(&justfile) else { return };
        let (said, calls) = bench.just(&["demo", "tiny"]);
        assert_eq!((said.status, calls), (2, Vec::new()));
        assert_eq!(said.err, "there is no demo blueprints/tiny/manifests/fan-out.yaml; there are:\n");
        let folder = bench.staged.host_path();
        for file in ["blueprints/tiny/manifests/shop.yaml", "out/tiny/day-2/kubectl.sh"] {
            let path = folder.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            if file.ends_with("shop.yaml") {
                let (said, _) = bench.just(&["demo", "tiny", "shop"]);
                assert!(said.status == 2 && said.err.starts_with("there is no demo "), "{said:?}");
                fs::write(&path, "kind: Shop\n").unwrap();
                let (said, _) = bench.just(&["demo", "tiny"]);
                assert!(said.err.ends_with("there are:\n  just demo tiny shop\n"), "{said:?}");
                let (said, _) = bench.just(&["demo", "tiny", "shop"]);
                let expected = "there is no out/tiny/day-2/kubectl.sh: 'just up tiny' builds it and brings the machines up\n";
                assert_eq!((said.status, said.err.as_str()), (2, expected));
            } else {
                fs::write(&path, STAND_IN).unwrap();
                bench.staged.set_mode(file, 0o755);
            }
        }
        let (said, calls) = bench.just(&["demo", "tiny", "shop"]);
        assert_eq!(said.status, 0, "{said:?}");
        assert_eq!(calls, ["kubectl.sh [apply] [--server-side] [--force-conflicts] [--filename] [-]"]);
    }
}
