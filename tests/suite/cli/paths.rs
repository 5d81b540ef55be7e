//! Which blueprints a command takes, and what becomes of the others when one is wrong.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::support::project::Project;

const BROKEN: (&str, &str) = ("192.168.7.0/24", "192.168.7.0/33");

/// The names of the blueprints that a build says it built, in its order.
fn built(out: &str) -> Vec<&str> {
    out.lines().map(|line| line.split_once(':').unwrap().0).collect()
}

#[test]
fn without_paths_all_blueprints_are_built_in_the_order_of_their_names() {
    let project = Project::with(&["beta", "alpha", "deep/gamma"]);
    project.edit("blueprints/deep/gamma/blueprint.yaml", "deep/gamma", "gamma");
    let said = project.bpc(&["build"]);
    assert_eq!((said.status, built(&said.out)), (0, vec!["alpha", "beta", "gamma"]), "{said:?}");
}

#[test]
fn blueprints_are_named_by_file_and_by_folder() {
    let project = Project::with(&["alpha", "beta", "gamma"]);
    project.write("lab.yaml", crate::support::project::small("lab"));
    let said = project.bpc(&["check", "lab.yaml", "blueprints/beta"]);
    assert_eq!(
        said.out,
        "lab.yaml: no errors, 1 machine\nblueprints/beta/blueprint.yaml: no errors, 1 machine\n"
    );
    assert_eq!((said.status, said.err.as_str()), (0, ""));
}

#[test]
fn a_folder_stands_for_all_blueprints_below_it() {
    let project = Project::with(&["alpha", "beta"]);
    assert_eq!(built(&project.bpc(&["build", "blueprints/"]).out), ["alpha", "beta"]);
}

#[test]
fn a_blueprint_that_is_named_twice_is_built_once() {
    let project = Project::with(&["alpha"]);
    let said = project.bpc(&["build", "blueprints/alpha", "blueprints/../blueprints/alpha/blueprint.yaml"]);
    assert_eq!((said.status, built(&said.out)), (0, vec!["alpha"]), "{said:?}");
}

#[test]
fn a_linked_blueprint_is_a_blueprint() {
    let project = Project::new();
    project.write("lab.yaml", crate::support::project::small("lab"));
    fs::create_dir_all(project.path("blueprints/lab")).unwrap();
    symlink("../../lab.yaml", project.path("blueprints/lab/blueprint.yaml")).unwrap();
    fs::create_dir(project.path(".git")).unwrap();
    assert_eq!(built(&project.bpc(&["build"]).out), ["lab"]);
}

#[test]
fn what_is_not_there_is_a_failure() {
    let project = Project::with(&["alpha"]);
    let said = project.bpc(&["build", "blueprints/alpha", "lost", "lost.yaml"]);
    assert_eq!((said.status, said.out.as_str()), (2, ""));
    insta::assert_snapshot!(said.err, @r"
    error[BPC0904]: there is no `lost` here
     |
     = help: name a blueprint or a folder that holds some, or run bpc beside the folder `blueprints`

    error[BPC0904]: there is no `lost.yaml` here
     |
     = help: name a blueprint or a folder that holds some, or run bpc beside the folder `blueprints`
    ");
    assert!(!project.path("out").exists());
}

#[test]
fn without_a_folder_of_blueprints_there_is_nothing_to_build() {
    let project = Project::new();
    let said = project.bpc(&["build"]);
    assert_eq!((said.status, said.out.as_str()), (2, ""));
    insta::assert_snapshot!(said.err, @r"
    error[BPC0904]: there is no `blueprints` here
     |
     = help: name a blueprint or a folder that holds some, or run bpc beside the folder `blueprints`
    ");
    project.write("blueprints/notes", "");
    let said = project.bpc(&["build"]);
    assert_eq!((said.status, said.out.as_str()), (2, ""));
    assert!(
        said.err.starts_with("error[BPC0904]: there is no blueprint.yaml in or below `blueprints`\n"),
        "{said:?}"
    );
}

#[test]
fn a_blueprint_that_cannot_be_read_is_a_failure_beside_the_errors_of_others() {
    let project = Project::with(&["alpha"]);
    project.edit("blueprints/alpha/blueprint.yaml", BROKEN.0, BROKEN.1);
    // proc(5): reading it at its start fails, also for root.
    let said = project.bpc(&["check", "/proc/self/mem", "blueprints/alpha"]);
    assert_eq!((said.status, said.out.as_str()), (2, ""));
    assert!(said.err.contains("error[BPC0904]: cannot read /proc/self/mem: Input/output error"), "{said:?}");
    assert!(said.err.contains("error[BPC0201]: "), "{said:?}");
}

#[test]
fn a_blueprint_that_is_no_text_has_an_error_beside_those_of_others() {
    let project = Project::with(&["alpha", "beta"]);
    project.write("blueprints/alpha/blueprint.yaml", b"name: \xff");
    project.edit("blueprints/beta/blueprint.yaml", BROKEN.0, BROKEN.1);
    let said = project.bpc(&["check"]);
    assert_eq!((said.status, said.out.as_str()), (1, ""));
    assert!(said.err.contains("error[BPC0123]: "), "{said:?}");
    assert!(said.err.contains("error[BPC0201]: "), "{said:?}");
}

#[test]
fn one_wrong_blueprint_keeps_all_from_being_written() {
    let project = Project::with(&["alpha", "beta"]);
    project.edit("blueprints/beta/blueprint.yaml", BROKEN.0, BROKEN.1);
    let said = project.bpc(&["build"]);
    assert_eq!((said.status, said.out.as_str()), (1, ""), "{said:?}");
    assert!(!project.path("out").exists());
    assert!(!project.path("blueprints/alpha/vault.key").exists());
}

#[test]
fn one_wrong_blueprint_leaves_earlier_trees_as_they_were() {
    let project = Project::with(&["alpha", "beta"]);
    assert_eq!(project.bpc(&["build"]).status, 0);
    let before = project.tree("out");
    project.edit("blueprints/alpha/blueprint.yaml", "node:", "other:");
    project.edit("blueprints/beta/blueprint.yaml", BROKEN.0, BROKEN.1);
    assert_eq!(project.bpc(&["build"]).status, 1);
    assert!(project.tree("out") == before);
    // The first one alone is fine, and then it does change.
    assert_eq!(project.bpc(&["build", "blueprints/alpha"]).status, 0);
    assert!(project.tree("out") != before);
}

#[test]
fn two_blueprints_of_one_name_are_refused() {
    let project = Project::with(&["alpha", "beta"]);
    project.edit("blueprints/beta/blueprint.yaml", "name: beta", "name: alpha");
    for command in ["build", "check", "plan"] {
        let said = project.bpc(&[command]);
        assert_eq!((said.status, said.out.as_str()), (1, ""), "{command}");
        insta::allow_duplicates!(insta::assert_snapshot!(said.err, @r"
        error[BPC0905]: blueprints/alpha/blueprint.yaml and blueprints/beta/blueprint.yaml are both called 'alpha'
         |
         = help: each is built into a folder of its name: rename one of them
        "));
    }
    assert!(!project.path("out").exists());
}

#[test]
fn a_folder_for_the_output_can_be_named() {
    let project = Project::with(&["alpha"]);
    let said = project.bpc(&["build", "--out", "images/today"]);
    assert_eq!(said.status, 0);
    assert!(project.path("images/today/alpha/manifest.json").is_file());
    assert!(!project.path("out").exists());
    assert!(said.out.starts_with("alpha: 1 machine in images/today/alpha: "), "{said:?}");
}

#[test]
fn a_file_in_place_of_the_output_folder_is_a_failure() {
    let project = Project::with(&["alpha"]);
    project.write("out", "");
    let said = project.bpc(&["build"]);
    assert_eq!((said.status, said.out.as_str()), (2, ""));
    assert!(said.err.contains("error: cannot make the folder out: File exists"), "{said:?}");
}

#[test]
fn an_output_folder_that_is_closed_is_a_failure() {
    let project = Project::with(&["alpha"]);
    let mut command = project.command(&["build"]);
    fs::create_dir(project.path("out")).unwrap();
    fs::set_permissions(project.path("out"), fs::Permissions::from_mode(0o555)).unwrap();
    crate::support::project::without_privileges(&project, &mut command);
    let said = crate::support::project::said(&mut command);
    assert_eq!((said.status, said.out.as_str()), (2, ""), "{said:?}");
    insta::assert_snapshot!(said.err.lines().last().unwrap(), @"error: cannot make the folder out/.alpha.staging: Permission denied (os error 13); nothing was left behind; check who owns it (chown, chmod) and build again");
}
