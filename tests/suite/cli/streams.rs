//! Results on one stream, complaints on the other, and what the exit status says.

use std::fs::{self, File};
use std::process::Stdio;

use crate::support::project::{Project, said};
use crate::support::tools::{On, tool};

#[test]
fn a_first_build_says_what_it_wrote_and_a_second_that_nothing_changed() {
    let project = Project::with(&["alpha"]);
    let first = project.bpc(&["build"]);
    let files = project.tree("out/alpha").values().filter(|(_, bytes)| bytes.is_some()).count();
    assert_eq!(
        (first.status, first.out),
        (0, format!("alpha: 1 machine in out/alpha: {files} files written\n"))
    );
    let second = project.bpc(&["build"]);
    let nothing = format!("alpha: 1 machine in out/alpha: nothing changed, {files} files as before\n");
    assert_eq!((second.status, second.out, second.err.as_str()), (0, nothing, ""));
}

#[test]
fn a_later_build_says_what_became_of_each_file() {
    let project = Project::with(&["alpha"]);
    project.bpc(&["build"]);
    let before = project.tree("out/alpha").values().filter(|(_, bytes)| bytes.is_some()).count();
    project.edit("blueprints/alpha/blueprint.yaml", "node:", "other:");
    let said = project.bpc(&["build"]);
    // What git reads, the operator's key, its two public files, known_hosts, the eight scripts for VirtualBox, what they share, the
    // system disk and the settings name no machine; all of the site's name theirs: two more of ssh, what the scripts know of
    // the blueprint, what machines are bound to, the report, and the two lists of all files.
    let (kept, renewed) = (16, 8);
    let (written, removed) = (before - kept, before - kept - renewed);
    let line = format!(
        "alpha: 1 machine in out/alpha: {written} files written, {removed} removed, {kept} unchanged\n"
    );
    assert_eq!((said.status, said.out), (0, line));
    fs::remove_file(project.path("out/alpha/machines/other/user-data")).unwrap();
    let said = project.bpc(&["build"]);
    let line = format!("alpha: 1 machine in out/alpha: 1 file written, {} unchanged\n", before - 1);
    assert_eq!((said.status, said.out), (0, line));
}

#[test]
fn errors_are_no_results() {
    let project = Project::with(&["alpha"]);
    project.edit("blueprints/alpha/blueprint.yaml", "networks: [lan]", "networks: [wan, man]");
    for command in ["build", "check", "plan"] {
        let said = project.bpc(&[command]);
        assert_eq!((said.status, said.out.as_str()), (1, ""), "{command}");
        insta::allow_duplicates!(insta::assert_snapshot!(said.err, @r"
        error[BPC0223]: there is no network 'wan'
          --> blueprints/alpha/blueprint.yaml:11:36
           |
        11 |   node: {role: bastion, networks: [wan, man]}
           |                                    ^^^
           |
           = help: did you mean `lan`?

        error[BPC0223]: there is no network 'man'
          --> blueprints/alpha/blueprint.yaml:11:41
           |
        11 |   node: {role: bastion, networks: [wan, man]}
           |                                         ^^^
           |
           = help: did you mean `lan`?

        blueprints/alpha/blueprint.yaml: 2 errors; `bpc explain BPC0223` says more
        "));
    }
}

#[test]
fn warnings_are_no_errors() {
    let project = Project::with(&["alpha"]);
    project.edit(
        "blueprints/alpha/blueprint.yaml",
        "networks:\n",
        "networks:\n  spare: {cidr: 192.168.8.0/24}\n",
    );
    let said = project.bpc(&["check"]);
    assert_eq!(
        (said.status, said.out.as_str()),
        (0, "blueprints/alpha/blueprint.yaml: no errors, 1 warning, 1 machine\n")
    );
    assert!(said.err.starts_with("warning[BPC0220]: "), "{said:?}");
    assert_eq!(project.bpc(&["build"]).status, 0);
}

#[test]
fn wrong_usage_has_its_own_status() {
    let project = Project::new();
    for arguments in [
        &["frobnicate"][..],
        &["build", "--frob"],
        &["plan", "--format", "xml"],
        &[],
        &["explain", "BPC9999"],
    ] {
        let said = project.bpc(arguments);
        assert_eq!((said.status, said.out.as_str()), (2, ""), "{arguments:?}");
        assert!(!said.err.is_empty(), "{arguments:?}");
    }
    assert_eq!(
        project.bpc(&["explain", "BPC9999"]).err,
        "error: there is no code `BPC9999`; `bpc explain` lists them all\n"
    );
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let project = Project::of_this_repository();
    for arguments in [&["plan", "blueprints/kube-compact"][..], &["schema"], &["explain"]] {
        let mut command = project.command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // The pipe is broken before a byte is read, as with `head -c 0`.
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]), "{arguments:?}");
    }
}

#[test]
fn results_that_get_lost_are_a_failure() {
    let project = Project::with(&["alpha"]);
    let full = || File::options().write(true).open("/dev/full").unwrap();
    for arguments in [["plan"], ["build"], ["explain"]] {
        let said = said(project.command(&arguments).stdout(full()));
        assert_eq!(said.status, 2, "{arguments:?}: {said:?}");
        assert!(said.err.contains("error: cannot write the results: No space left on device"), "{said:?}");
    }
}

#[test]
fn colours_are_where_they_are_wanted() {
    let project = Project::new();
    let colored = |arguments: &[&str]| project.bpc(arguments).err.contains('\u{1b}');
    assert!(!colored(&["check"]), "this is no terminal");
    assert!(colored(&["check", "--color", "always"]));
    assert!(colored(&["--color", "always", "check"]));
    assert!(!colored(&["check", "--color", "never"]));
    assert!(!colored(&["check", "--color", "always", "--format", "short"]));
    assert!(!colored(&["check", "--color", "always", "--format", "json"]));
}

#[test]
fn a_terminal_gets_colours_unless_the_user_wants_none() {
    // script(1) runs a command on a terminal of its own.
    let Some(script) = tool(On::Host, "script") else { return };
    let project = Project::new();
    let colored = |setting: Option<&str>, arguments: &str| {
        let mut command = script.command();
        let line = format!("{} {arguments}", env!("CARGO_BIN_EXE_bpc"));
        command.args(["-qec", &line, "/dev/null"]).env_clear().current_dir(project.path(""));
        said(command.env("PATH", "/usr/bin:/bin").envs(setting.map(|value| ("NO_COLOR", value))))
            .out
            .contains('\u{1b}')
    };
    assert!(colored(None, "check"));
    assert!(!colored(Some("1"), "check"));
    assert!(colored(Some(""), "check"), "an empty NO_COLOR is none");
    assert!(!colored(None, "check --color never"));
    assert!(colored(Some("1"), "check --color always"));
}

#[test]
fn strict_lets_no_warning_pass() {
    let project = Project::with(&["alpha"]);
    project.edit("blueprints/alpha/blueprint.yaml", "domain: lab.demo", "domain: lab.local");
    for command in ["build", "check", "plan"] {
        assert_eq!(project.bpc(&[command]).status, 0, "{command}");
        let said = project.bpc(&[command, "--strict"]);
        assert_eq!((said.status, said.out.as_str()), (1, ""), "{command}");
        let last = "error: blueprints/alpha/blueprint.yaml: 1 warning, and --strict lets none pass\n";
        assert!(said.err.ends_with(last), "{}", said.err);
    }
}
