//! `bpc vault`: vaults are made once, and recognised without being shown.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::support::project::Project;

/// The mode and the bytes of a file.
fn vault(project: &Project, path: &str) -> (u32, Vec<u8>) {
    let path = project.path(path);
    (fs::metadata(&path).unwrap().permissions().mode() & 0o7777, fs::read(path).unwrap())
}

#[test]
fn a_new_one_is_32_bytes_that_only_its_owner_reads_whatever_the_umask() {
    let project = Project::new();
    let mut shell = std::process::Command::new("/bin/sh");
    shell.args(["-c", "umask 0; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_bpc"), "vault", "new", "lab.key"]);
    let said = crate::support::project::said(shell.current_dir(project.path("")).env_clear());
    assert_eq!(said.status, 0, "{said:?}");
    let (mode, key) = vault(&project, "lab.key");
    assert_eq!((mode, key.len()), (0o600, 32));
    assert_eq!(project.tree("").len(), 2, "nothing else is left there");
    let fingerprint = said.out.strip_prefix("lab.key: ").unwrap().trim_end();
    insta::assert_snapshot!(said.err.replace(fingerprint, "0011223344556677"), @r"
    note: made a new vault: lab.key (fingerprint 0011223344556677)
      every secret of this data centre comes from it, and nothing can make it again
      keep a copy where you keep passwords (`base64 lab.key` prints it), and keep it out of git
    ");
    assert_eq!(project.bpc(&["vault", "show", "lab.key"]).out, said.out);
}

#[test]
fn a_build_takes_the_one_that_was_made() {
    let project = Project::with(&["alpha"]);
    assert_eq!(project.bpc(&["vault", "new", "lab.key"]).status, 0);
    let said = project.bpc(&["build", "--vault", "lab.key"]);
    assert_eq!((said.status, said.err.as_str()), (0, ""));
}

#[test]
fn nothing_is_ever_overwritten() {
    let project = Project::with(&["alpha"]);
    project.write("file", "precious");
    fs::create_dir(project.path("folder")).unwrap();
    symlink("nowhere", project.path("link")).unwrap();
    let before = project.tree("");
    for path in ["file", "folder", "link", "blueprints/alpha/blueprint.yaml"] {
        let said = project.bpc(&["vault", "new", path]);
        assert_eq!((said.status, said.out.as_str()), (2, ""), "{path}");
        assert!(said.err.contains("error[BPC0903]: "), "{path}: {said:?}");
    }
    assert!(project.tree("") == before, "something was written");
    insta::assert_snapshot!(project.bpc(&["vault", "new", "file"]).err, @r"
    error[BPC0903]: cannot make the vault file: something is there already
     |
     = help: nothing is ever overwritten: name another file, or move this one away (with another vault all secrets change)
    ");
}

#[test]
fn a_folder_that_is_not_there_is_not_made() {
    let project = Project::new();
    let said = project.bpc(&["vault", "new", "lost/lab.key"]);
    assert_eq!((said.status, project.tree("").len()), (2, 1));
    assert!(said.err.starts_with("error[BPC0903]: cannot make the vault lost/lab.key: "), "{said:?}");
}

#[test]
fn without_a_name_blueprints_get_those_that_they_lack() {
    let project = Project::with(&["alpha", "beta"]);
    assert_eq!(project.bpc(&["vault", "new", "blueprints/alpha/vault.key"]).status, 0);
    let alpha = vault(&project, "blueprints/alpha/vault.key");
    let said = project.bpc(&["vault", "new"]);
    assert_eq!((said.status, said.out.lines().count()), (0, 1), "{said:?}");
    assert!(said.out.starts_with("blueprints/beta/vault.key: "), "{said:?}");
    assert_eq!(vault(&project, "blueprints/alpha/vault.key"), alpha);
    assert_ne!(vault(&project, "blueprints/beta/vault.key"), alpha);
    assert_eq!(project.bpc(&["build"]).err, "", "the build makes no other");
    assert_eq!(project.bpc(&["vault", "new"]).status, 2, "none is missing");
}

#[test]
fn they_are_recognised_by_their_fingerprints() {
    let project = Project::with(&["alpha", "beta"]);
    project.write("blueprints/beta/vault.key", [7; 32]);
    fs::set_permissions(project.path("blueprints/beta/vault.key"), fs::Permissions::from_mode(0o600))
        .unwrap();
    let said = project.bpc(&["vault", "show"]);
    assert_eq!((said.status, said.err.as_str()), (0, ""));
    insta::assert_snapshot!(said.out, @"
    blueprints/alpha/vault.key: none yet, the first build makes it
    blueprints/beta/vault.key: 04cd3585c2a7be5c
    ");
    insta::assert_snapshot!(project.bpc(&["vault", "show", "--format", "json"]).out, @r#"
    {"vault":"blueprints/alpha/vault.key","fingerprint":null}
    {"vault":"blueprints/beta/vault.key","fingerprint":"04cd3585c2a7be5c"}
    "#);
    for lost in ["lost.key", "blueprints/alpha/vault.key"] {
        let said = project.bpc(&["vault", "show", lost]);
        assert_eq!((said.status, said.out.as_str()), (2, ""), "one that is named must be there");
    }
}
