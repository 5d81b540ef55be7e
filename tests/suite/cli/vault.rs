//! The vault: made once, beside the blueprint, and then only read.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Output, Stdio};

use base64ct::{Base64, Encoding as _};

use crate::support::project::{Project, Said};

const KEY: &str = "blueprints/alpha/vault.key";

fn mode(project: &Project, path: &str) -> u32 {
    fs::metadata(project.path(path)).unwrap().permissions().mode() & 0o7777
}

fn put(project: &Project, path: &str, bytes: &[u8], mode: u32) {
    project.write(path, bytes);
    fs::set_permissions(project.path(path), fs::Permissions::from_mode(mode)).unwrap();
}

/// Asserts that a build is refused with this code, and that nothing is written for any blueprint.
fn assert_refused(project: &Project, arguments: &[&str], code: &str) -> Said {
    let before = project.tree("");
    let said = project.bpc(arguments);
    assert_eq!((said.status, said.out.as_str()), (2, ""), "{said:?}");
    assert!(said.err.contains(&format!("error[{code}]: ")), "{said:?}");
    assert!(project.tree("") == before, "something was written");
    said
}

#[test]
fn the_first_build_makes_it_and_says_how_to_keep_it() {
    let project = Project::with(&["alpha"]);
    let said = project.bpc(&["build"]);
    assert_eq!(
        (said.status, fs::read(project.path(KEY)).unwrap().len(), mode(&project, KEY)),
        (0, 32, 0o600)
    );
    let fingerprint = said.err.split_once("fingerprint ").unwrap().1.split_once(')').unwrap().0;
    insta::assert_snapshot!(said.err.replace(fingerprint, "0011223344556677"), @r"
    note: made a new vault: blueprints/alpha/vault.key (fingerprint 0011223344556677)
      every secret of this data centre comes from it, and nothing can make it again
      keep a copy where you keep passwords (`base64 blueprints/alpha/vault.key` prints it), and keep it out of git
    ");
    let files: Vec<_> = project.tree("blueprints/alpha").into_keys().collect();
    assert_eq!(files.len(), 3, "{files:?}");
}

#[test]
fn later_builds_leave_it_and_say_nothing() {
    let project = Project::with(&["alpha"]);
    project.bpc(&["build"]);
    let key = fs::read(project.path(KEY)).unwrap();
    let said = project.bpc(&["build"]);
    assert_eq!((said.status, said.err.as_str()), (0, ""));
    assert_eq!(fs::read(project.path(KEY)).unwrap(), key);
}

#[test]
fn each_is_another() {
    let project = Project::with(&["alpha", "beta"]);
    project.bpc(&["build"]);
    let keys = [KEY, "blueprints/beta/vault.key"].map(|path| fs::read(project.path(path)).unwrap());
    assert_ne!(keys[0], keys[1]);
    assert!(keys.iter().all(|key| key.iter().any(|byte| *byte != 0)));
}

#[test]
fn builds_at_the_same_time_agree_on_one() {
    let project = Project::with(&["alpha"]);
    let spawn = |_| {
        let mut command = project.command(&["build"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let children: Vec<Child> = (0..8).map(spawn).collect();
    let outputs: Vec<Output> = children.into_iter().map(|child| child.wait_with_output().unwrap()).collect();
    assert!(outputs.iter().all(|output| output.status.success()), "{outputs:?}");
    let made = outputs.iter().filter(|output| !output.stderr.is_empty()).count();
    assert_eq!((made, fs::read(project.path(KEY)).unwrap().len()), (1, 32), "{outputs:?}");
    assert_eq!(project.tree("blueprints/alpha").len(), 3, "nothing else is left there");
}

#[test]
fn one_that_others_can_read_is_refused_before_anything_is_written() {
    // The one of alpha would be made, and its tree written, if the one of beta were looked at later.
    let project = Project::with(&["alpha", "beta"]);
    put(&project, "blueprints/beta/vault.key", &[7; 32], 0o644);
    let said = assert_refused(&project, &["build"], "BPC0901");
    insta::assert_snapshot!(said.err, @r"
    error[BPC0901]: others may use the vault blueprints/beta/vault.key (mode 0644)
     |
     = help: chmod 600 blueprints/beta/vault.key
    ");
    put(&project, "blueprints/beta/vault.key", &[7; 32], 0o600);
    assert_eq!(project.bpc(&["build"]).status, 0);
}

#[test]
fn one_of_the_wrong_size_is_refused() {
    let project = Project::with(&["alpha"]);
    for (size, words) in
        [(0, "0 bytes"), (31, "31 bytes"), (33, "more than 32 bytes"), (5000, "more than 32 bytes")]
    {
        put(&project, KEY, &vec![7; size], 0o600);
        let said = assert_refused(&project, &["build"], "BPC0902");
        assert!(said.err.contains(words), "{said:?}");
    }
}

#[test]
fn one_that_cannot_be_read_is_refused() {
    let project = Project::with(&["alpha"]);
    fs::create_dir(project.path(KEY)).unwrap();
    fs::set_permissions(project.path(KEY), fs::Permissions::from_mode(0o700)).unwrap();
    assert_refused(&project, &["build"], "BPC0903");
}

#[test]
fn all_that_are_wrong_are_named() {
    let project = Project::with(&["alpha", "beta"]);
    put(&project, KEY, &[7; 31], 0o600);
    put(&project, "blueprints/beta/vault.key", &[7; 32], 0o640);
    let said = assert_refused(&project, &["build"], "BPC0901");
    assert!(said.err.contains("error[BPC0902]: "), "{said:?}");
}

#[test]
fn another_can_be_named() {
    let project = Project::with(&["alpha", "beta"]);
    put(&project, "keys/lab.key", &[7; 32], 0o600);
    let said = project.bpc(&["build", "--vault", "keys/lab.key"]);
    assert_eq!((said.status, said.err.as_str()), (0, ""));
    assert!(!project.path(KEY).exists());
}

#[test]
fn one_that_is_named_is_never_made() {
    let project = Project::with(&["alpha"]);
    let said = assert_refused(&project, &["build", "--vault", "keys/my lab.key"], "BPC0903");
    insta::assert_snapshot!(said.err, @r"
    error[BPC0903]: there is no vault keys/my lab.key
     |
     = note: bpc makes the vault beside a blueprint by itself, never one that is named
     = help: to make it: bpc vault new 'keys/my lab.key'
    ");
}

#[test]
fn a_blueprint_with_errors_gets_none() {
    let project = Project::with(&["alpha"]);
    project.edit("blueprints/alpha/blueprint.yaml", "[lan]", "[wan]");
    assert_eq!(project.bpc(&["build"]).status, 1);
    assert!(!project.path(KEY).exists());
}

#[test]
fn a_folder_that_is_closed_gets_none_and_stays_without_a_tree() {
    let project = Project::with(&["alpha"]);
    let mut command = project.command(&["build"]);
    crate::support::project::without_privileges(&project, &mut command);
    fs::set_permissions(project.path("blueprints/alpha"), fs::Permissions::from_mode(0o555)).unwrap();
    let said = crate::support::project::said(&mut command);
    assert_eq!((said.status, said.out.as_str()), (2, ""), "{said:?}");
    insta::assert_snapshot!(said.err, @r"
    error[BPC0903]: cannot make the vault blueprints/alpha/vault.key: Permission denied (os error 13)
     |
     = help: `--vault FILE` names another one
    ");
    assert!(!project.path("out").exists());
}

#[test]
fn its_bytes_are_nowhere() {
    let project = Project::with(&["alpha"]);
    let said = [project.bpc(&["build"]), project.bpc(&["build", "--format", "json"]), project.bpc(&["plan"])];
    let key = fs::read(project.path(KEY)).unwrap();
    let hex = key.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    let spellings = [key.clone(), hex.to_uppercase().into(), hex.into(), Base64::encode_string(&key).into()];
    let mut places: Vec<Vec<u8>> =
        said.into_iter().flat_map(|said| [said.out.into(), said.err.into()]).collect();
    places.extend(project.tree("out").into_values().filter_map(|(_, bytes)| bytes));
    for spelling in &spellings {
        // Half of it would be as bad.
        let part = &spelling[..spelling.len() / 2];
        assert!(places.iter().all(|place| place.windows(part.len()).all(|window| window != part)));
    }
}

#[test]
fn a_check_makes_none() {
    let project = Project::of_this_repository();
    fs::remove_file(project.path("blueprints/kube-compact/vault.key")).unwrap();
    let before = project.tree("");
    let said = project.bpc(&["check", "blueprints/kube-compact"]);
    assert_eq!((said.status, said.err.as_str()), (0, ""), "{said:?}");
    assert!(project.tree("") == before, "something was written");
}

#[test]
fn a_check_refuses_what_a_build_would() {
    let project = Project::with(&["alpha", "beta"]);
    put(&project, "blueprints/beta/vault.key", &[7; 32], 0o644);
    assert_refused(&project, &["check"], "BPC0901");
    put(&project, "blueprints/beta/vault.key", &[7; 31], 0o600);
    assert_refused(&project, &["check"], "BPC0902");
}

#[test]
fn a_check_refuses_a_vault_that_is_named_and_not_there() {
    let project = Project::with(&["alpha"]);
    assert_refused(&project, &["check", "--vault", "lab.key"], "BPC0903");
    put(&project, "lab.key", &[7; 31], 0o600);
    assert_refused(&project, &["check", "--vault", "lab.key"], "BPC0902");
    put(&project, "lab.key", &[7; 32], 0o600);
    assert_eq!(project.bpc(&["check", "--vault", "lab.key"]).status, 0);
}

#[test]
fn two_vaults_give_two_clusters() {
    let project = Project::of_this_repository();
    let authority = |out: &str| {
        let said = project.bpc(&["build", "blueprints/kube-compact", "--out", out]);
        assert_eq!((said.status, said.err.as_str()), (0, ""), "{said:?}");
        let path = project.path(out).join("kube-compact/pki/kubernetes-ca.crt");
        fs::read(path).unwrap()
    };
    let first = authority("first");
    assert_eq!(authority("second"), first);
    put(&project, "blueprints/kube-compact/vault.key", &[8; 32], 0o600);
    assert_ne!(authority("third"), first);
}

#[test]
fn a_tree_of_another_vault_is_left_as_it_is() {
    let project = Project::with(&["alpha", "beta"]);
    project.bpc(&["build"]);
    let key = fs::read(project.path(KEY)).unwrap();
    // Lost: no other one is made, for any blueprint.
    fs::remove_file(project.path(KEY)).unwrap();
    let lost = assert_refused(&project, &["build"], "BPC0906");
    assert!(
        lost.err.contains("out/alpha was built with the vault ") && lost.err.contains("there is none at"),
        "{lost:?}"
    );
    assert!(!lost.err.contains("beta") && lost.err.contains("--new-vault"), "{lost:?}");
    assert_refused(&project, &["bundle", "--ova"], "BPC0906");
    // Another one, beside the blueprint or named.
    put(&project, KEY, &[9; 32], 0o600);
    put(&project, "other.key", &[9; 32], 0o600);
    let other = assert_refused(&project, &["build"], "BPC0906");
    assert!(other.err.contains("blueprints/alpha/vault.key is another one"), "{other:?}");
    fs::remove_file(project.path(KEY)).unwrap();
    assert_refused(&project, &["build", "--vault", "other.key"], "BPC0906");
    // Another tree is another matter.
    assert_eq!(project.bpc(&["build", "--out", "elsewhere", "--vault", "other.key"]).status, 0);
    let before = project.tree("out");
    let said = project.bpc(&["build", "--new-vault"]);
    assert_eq!(said.status, 0, "{said:?}");
    assert!(project.tree("out") != before && said.err.contains("made a new vault"), "{said:?}");
    put(&project, KEY, &key, 0o600);
    assert_refused(&project, &["build"], "BPC0906");
    assert_eq!(project.bpc(&["build", "--new-vault"]).status, 0);
    assert!(project.tree("out") == before);
}
