//! Files that are no files, or have no end, and text that is not what it seems.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use crate::support::project::{Project, Said, small};
use crate::support::tools::{On, tool};

const BLUEPRINT: &str = "blueprints/alpha/blueprint.yaml";

#[test]
fn what_is_no_regular_file_is_refused_at_once() {
    let project = Project::with(&["alpha"]);
    assert!(Command::new("mkfifo").arg(project.path("pipe")).status().unwrap().success());
    for (path, what) in [("/dev/zero", "a device"), ("pipe", "a pipe")] {
        let said = project.bpc(&["check", path]);
        assert_eq!(said.status, 2, "{said:?}");
        assert!(said.err.contains(&format!("error[BPC0904]: cannot read {path}: it is {what}")), "{said:?}");
    }
    // As a fragment, as a vault, as the list of an earlier build, and as a disk.
    project.edit(BLUEPRINT, "blueprint: 1", "include: [zero.yaml]\nblueprint: 1");
    symlink("/dev/zero", project.path("blueprints/alpha/zero.yaml")).unwrap();
    let said = project.bpc(&["check", "--allow-path", "/dev"]);
    assert_eq!(said.status, 1);
    assert!(
        said.err.contains("error[BPC0116]: cannot read the included file `zero.yaml`: it is a device"),
        "{said:?}"
    );

    let project = Project::with(&["alpha"]);
    assert_eq!(project.bpc(&["build"]).status, 0);
    fs::remove_file(project.path("out/alpha/SHA256SUMS")).unwrap();
    symlink("/dev/zero", project.path("out/alpha/SHA256SUMS")).unwrap();
    let said = project.bpc(&["plan", "--changes"]);
    assert_eq!(
        (said.status, said.err.as_str()),
        (2, "error: cannot read out/alpha/SHA256SUMS: it is a device\n")
    );
    let said = project.bpc(&["bundle", "--ova", "--disk", "/dev/zero"]);
    assert_eq!(said.status, 2);
    assert!(said.err.contains("cannot read the disk image /dev/zero: it is a device"), "{said:?}");
    fs::remove_file(project.path("blueprints/alpha/vault.key")).unwrap();
    symlink("/dev/zero", project.path("blueprints/alpha/vault.key")).unwrap();
    let said = project.bpc(&["check"]);
    assert_eq!(said.status, 2);
    assert!(
        said.err.contains("error[BPC0903]: cannot read the vault blueprints/alpha/vault.key: it is a device"),
        "{said:?}"
    );
}

/// Address space of the process that refuses a file: a debug build's own pages are the largest part.
const MEMORY: &str = "--as=200000000";

#[test]
fn a_file_that_is_too_long_takes_no_memory_to_be_refused() {
    let Some(prlimit) = tool(On::Host, "prlimit") else { return };
    let project = Project::with(&["alpha"]);
    let long = "# a comment that is one line of many\n".repeat(10_000_000 / 37);
    for (text, name) in [(long.as_str(), "lines"), (&"#".repeat(10_000_000), "line")] {
        project.write(BLUEPRINT, text);
        for format in ["human", "short", "json"] {
            let mut command = prlimit.command();
            command.args([MEMORY, env!("CARGO_BIN_EXE_bpc"), "check", "--format", format]);
            command.current_dir(project.path("")).env_clear().env("RAYON_NUM_THREADS", "1");
            let said = crate::support::project::said(&mut command);
            assert_eq!(said.status, 1, "{name} {format}: {said:?}");
            assert!(
                said.err.contains("the file has more than 1048576 bytes") && said.err.len() < 2000,
                "{said:?}"
            );
        }
    }
}

/// Everything that a terminal or the reader of a log takes for more than text.
const TRICKS: [&str; 9] = [
    "\u{1b}[2J",
    "\u{9b}31m",
    "\u{7}\u{8}\u{7f}",
    "\u{202e}",
    "\u{2066}",
    "\u{200b}",
    "\u{2028}",
    "\n::error::forged",
    " ##[error]forged",
];

/// Whether a stream has what only plain text has.
fn is_harmless(text: &str) -> bool {
    let strange = |c: char| c != '\n' && c.is_control() || "\u{200b}\u{2028}\u{202e}\u{2066}".contains(c);
    !text.contains(strange)
        && !text.contains("##")
        && !text.lines().any(|line| line.trim_start().starts_with("::"))
}

fn assert_harmless(said: &Said) {
    assert!(is_harmless(&said.out) && is_harmless(&said.err), "{said:?}");
}

#[test]
fn what_a_blueprint_says_is_shown_and_not_obeyed() {
    for trick in TRICKS {
        let value = serde_json::to_string(&format!("a{trick}b")).unwrap();
        let replaced = |old: &str, new: &str| small("alpha").replace(old, &new.replace("TRICK", &value));
        let texts = [
            // In a message, in help, as a key, in the lines around an error, and as a name that is guessed.
            replaced("networks: [lan]", "networks: [TRICK]"),
            replaced("domain: lab.demo", "domain: TRICK"),
            replaced("name: alpha", "name: TRICK"),
            replaced("machines:\n  node:", "machines:\n  TRICK:"),
            replaced("blueprint: 1\n", "blueprint: 1\nTRICK: 1\n"),
            replaced("blueprint: 1\n", "blueprint: 1\nvariables: {a: \"${b}\", TRICK: 1}\n"),
            replaced("blueprint: 1\n", "include: [TRICK]\nblueprint: 1\n"),
            replaced("name: alpha\n", &format!("name: [1] # {}\n", trick.replace('\n', " "))),
            format!("{}\n  x{}: : y", small("alpha"), trick.trim_start()),
        ];
        for text in texts {
            let project = Project::with(&["alpha"]);
            project.write(BLUEPRINT, &text);
            for format in ["human", "short", "json"] {
                let said = project.bpc(&["check", "--format", format]);
                assert_ne!(said.status, 0, "{text}");
                assert_harmless(&said);
            }
        }
    }
}

#[test]
fn what_files_and_folders_are_called_is_shown_and_not_obeyed() {
    for trick in TRICKS {
        let project = Project::new();
        let folder = format!("::error::{}", trick.trim_start());
        let path = format!("{folder}/a{trick}.yaml");
        project.write(&path, small("alpha"));
        for format in ["human", "short", "json"] {
            for arguments in [
                &["check", &path][..],
                &["build", "--out", &folder, &path],
                &["plan", "--certificates", &path],
            ] {
                let said = project.bpc(&[arguments, &["--format", format]].concat());
                assert_eq!(said.status, 0, "{said:?}");
                assert_harmless(&said);
            }
        }
        // What is in the way is named.
        project.write(&format!("{folder}/alpha/notes"), "");
        fs::remove_file(project.path(format!("{folder}/alpha/manifest.json"))).unwrap();
        project.write(&format!("{folder}/alpha/SHA256SUMS"), "");
        let said = project.bpc(&["build", "--out", &folder, &path]);
        assert_eq!(said.status, 2, "{said:?}");
        assert_harmless(&said);
        let said = project.bpc(&["init", &format!("{folder}/new")]);
        assert_eq!(said.status, 0, "{said:?}");
        assert_harmless(&said);
    }
}
