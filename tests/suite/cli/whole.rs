//! Single files are put in place whole or not at all: the vault and what `init` makes, killed at each step.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;

use crate::support::project::Project;
use crate::support::tools::{On, tool};

/// `bpc` under strace(1), with these faults injected, is killed before the `number`th `call` of a thread; whether it was.
fn killed_before(
    project: &Project,
    arguments: &[&str],
    faults: &[&str],
    call: &str,
    number: u32,
) -> Option<bool> {
    let mut strace = tool(On::Host, "strace")?.command();
    strace.args(["-f", "-qq", "-o", "/dev/null"]);
    for fault in faults {
        strace.args(["-e", &format!("inject={fault}")]);
    }
    strace.args(["-e", &format!("inject=?{call}:signal=KILL:when={number}")]);
    strace.arg(env!("CARGO_BIN_EXE_bpc")).args(arguments).current_dir(project.path("")).env_clear();
    let output = strace.output().unwrap();
    assert!(output.status.success() || output.status.signal() == Some(9), "{output:?}");
    Some(output.status.signal() == Some(9))
}

/// The ways by which a file gets its place, as faults that exclude those before.
const WAYS: [&[&str]; 3] = [&[], &["linkat:error=EPERM"], &["linkat:error=EPERM", "renameat2:error=EINVAL"]];

/// Kills a command before each of the calls that put a file in place, and has it run again.
fn kill_at_each_step(arguments: &[&str], made: &str, check: fn(&Project, bool)) {
    if tool(On::Host, "strace").is_none() {
        return;
    }
    for faults in WAYS {
        let mut kills = 0;
        for call in [
            "openat",
            "fchmod",
            "write",
            "fsync",
            "linkat",
            "mkdir",
            "renameat2",
            "rename",
            "unlink",
            "rmdir",
        ] {
            // The first opens of a process are those of its libraries.
            for number in 1..=60 {
                let project = Project::new();
                if killed_before(&project, arguments, faults, call, number) != Some(true) {
                    break;
                }
                kills += 1;
                check(&project, false);
                // What the kill left keeps the next run from nothing, on whichever way.
                if !project.path(made).exists() {
                    assert_eq!(killed_before(&project, arguments, faults, "none", 1), Some(false));
                    check(&project, true);
                }
            }
        }
        assert!(kills > 12, "{faults:?}: {kills}");
    }
}

#[test]
fn a_vault_is_whole_or_not_there_after_a_kill_and_has_one_name() {
    kill_at_each_step(&["vault", "new", "lab.key"], "lab.key", |project, again| {
        let names: Vec<String> = project
            .tree("")
            .into_keys()
            .map(|path| path.display().to_string())
            .filter(|path| !path.is_empty())
            .collect();
        let unfinished =
            |name: &String| [".lab.key.unfinished", ".lab.key.unfinished/lab.key"].contains(&name.as_str());
        assert!(names.iter().all(|name| name == "lab.key" || !again && unfinished(name)), "{names:?}");
        if project.path("lab.key").exists() {
            assert_eq!(fs::read(project.path("lab.key")).unwrap().len(), 32);
            assert!(!project.path(".lab.key.unfinished/lab.key").exists(), "a second name");
        }
        assert!(project.path("lab.key").exists() || !again);
    });
}

#[test]
fn where_files_have_neither_links_nor_exchange_there_are_vaults_and_repositories() {
    if tool(On::Host, "strace").is_none() {
        return;
    }
    let faults = ["linkat:error=EPERM", "link:error=EPERM", "renameat2:error=EINVAL"];
    let project = Project::new();
    assert_eq!(killed_before(&project, &["init", "lab"], &faults, "none", 1), Some(false));
    let plain = Project::new();
    assert_eq!(plain.bpc(&["init", "lab"]).status, 0);
    assert!(project.tree("") == plain.tree(""));
    let blueprint = "lab/blueprints/tiny";
    assert_eq!(killed_before(&project, &["build", blueprint], &faults, "none", 1), Some(false));
    assert_eq!(fs::read(project.path("lab/blueprints/tiny/vault.key")).unwrap().len(), 32);
    assert!(project.path("out/tiny/manifest.json").exists());
}

#[test]
fn a_stale_file_of_another_process_blocks_nothing() {
    let project = Project::with(&["alpha"]);
    for number in [1, std::process::id()] {
        project.write(&format!("blueprints/alpha/.vault.key.{number}"), [1; 32]);
    }
    project.write("blueprints/alpha/.vault.key.unfinished/vault.key", "half");
    assert_eq!(project.bpc(&["build"]).status, 0);
    assert_eq!(fs::read(project.path("blueprints/alpha/vault.key")).unwrap().len(), 32);
}
