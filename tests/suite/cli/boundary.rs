//! A blueprint of somebody else's reaches no file outside of its repository, unless the user allows it.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use crate::support::project::{Project, small};

const BLUEPRINT: &str = "repository/blueprints/alpha/blueprint.yaml";
const SECRET: &str = "root:$6$secret:19000";

/// A repository beside a file that is none of it.
fn repository() -> Project {
    let project = Project::new();
    project.write("shadow.yaml", SECRET);
    fs::create_dir_all(project.path("repository/.git")).unwrap();
    project.write(BLUEPRINT, small("alpha"));
    project
}

/// Asserts that the secret is not shown, but why it was not read, and that nothing was made.
fn assert_outside(project: &Project, arguments: &[&str], message: &str) {
    for command in ["check", "plan", "build"] {
        let said = project.bpc(&[&[command], arguments].concat());
        assert_ne!(said.status, 0, "{said:?}");
        assert!(said.err.contains("error[BPC0124]: ") && said.err.contains(message), "{said:?}");
        assert!(!said.err.contains("secret") && !said.out.contains("secret"), "{said:?}");
    }
    assert!(!project.path("out").exists());
}

#[test]
fn included_files_are_those_of_the_repository() {
    let project = repository();
    symlink("../../../shadow.yaml", project.path("repository/blueprints/alpha/link.yaml")).unwrap();
    for path in ["../../../shadow.yaml", "link.yaml", "../../.git/../../shadow.yaml"] {
        project.write(BLUEPRINT, format!("include: [{path}]\n{}", small("alpha")));
        assert_outside(&project, &["repository/blueprints"], " is outside of its repository");
    }
    // What is allowed is read, and what is in it is an error like any other.
    let said = project.bpc(&["check", "--allow-path", ".", "repository/blueprints"]);
    assert!(said.status == 1 && said.err.contains("secret") && !said.err.contains("BPC0124"), "{said:?}");
    project.write("repository/lan.yaml", "description: a laboratory\n");
    project.edit(BLUEPRINT, "../../.git/../../shadow.yaml", "../../lan.yaml");
    assert_eq!(project.bpc(&["check", "repository/blueprints"]).status, 0);
}

#[test]
fn a_fragment_reaches_no_further_than_the_blueprint() {
    let project = repository();
    project.write("repository/parts/lan.yaml", "include: [../../shadow.yaml]\n");
    project.write(BLUEPRINT, format!("include: [../../parts/lan.yaml]\n{}", small("alpha")));
    assert_outside(
        &project,
        &["repository/blueprints"],
        "`../../../shadow.yaml` is outside of its repository",
    );
}

#[test]
fn manifests_are_those_of_the_repository() {
    let project = Project::of_this_repository();
    let path = "blueprints/kube-demo/blueprint.yaml";
    project.write("shadow.yaml", format!("kind: Secret\napiVersion: v1\ndata: {{secret: {SECRET:?}}}\n"));
    project.edit(path, "\nkubernetes:\n", "\nkubernetes:\n  manifests: [../../shadow.yaml]\n");
    assert_outside(&project, &["blueprints/kube-demo"], "shadow.yaml is outside of the folder `blueprints`");
    assert_eq!(project.bpc(&["check", "--allow-path", ".", "blueprints/kube-demo"]).status, 0);
}

#[test]
fn a_blueprint_that_was_found_is_no_link_to_elsewhere() {
    let project = repository();
    let link = project.path("repository/blueprints/beta/blueprint.yaml");
    fs::create_dir_all(link.parent().unwrap()).unwrap();
    symlink("../../../shadow.yaml", &link).unwrap();
    assert_outside(
        &project,
        &["repository/blueprints"],
        "beta/blueprint.yaml is a link out of its repository",
    );
    // Who names it means it.
    let said = project.bpc(&["check", "shadow.yaml"]);
    assert!(said.status == 1 && said.err.contains("secret"), "{said:?}");
}

/// A blueprint whose disk `up.sh` downloads.
fn downloading(path: &str) -> String {
    let digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let file =
        format!("disk_file: {{path: {path:?}, sha256: {digest}, url: \"https://mirror.example/d.raw\"}}");
    small("alpha").replace("image: {", &format!("image: {{{file}, "))
}

#[test]
fn a_download_is_not_written_where_it_could_do_harm() {
    let project = repository();
    for path in ["../.bashrc", "/etc/cron.d/x", "images/../../x", ".git/hooks/x", "images/.x", "./.envrc"] {
        project.write(BLUEPRINT, downloading(path));
        assert_outside(&project, &["repository/blueprints"], "up.sh does not write to ");
    }
    for path in ["images/debian.raw", "./d.raw", "images/../d.raw"] {
        project.write(BLUEPRINT, downloading(path));
        assert_eq!(project.bpc(&["check", "repository/blueprints"]).status, 0, "{path}");
    }
    project.write(BLUEPRINT, downloading("/srv/images/d.raw"));
    let allowed = |folder| project.bpc(&["check", "--allow-path", folder, "repository/blueprints"]).status;
    assert_eq!((allowed("/srv/images"), allowed("/srv/"), allowed("/srv/image"), allowed("/")), (0, 0, 1, 0));
    // Where nothing is downloaded, nothing is written.
    project.write(BLUEPRINT, downloading("../d.raw").replace(", url: \"https://mirror.example/d.raw\"", ""));
    assert_eq!(project.bpc(&["check", "repository/blueprints"]).status, 0);
}

/// `fetch_source` of `up.sh`, with a `curl` that gives an empty file.
fn fetch(project: &Project, path: &str) -> (bool, String) {
    let script = format!(
        "set -eu
say() {{ :; }}
fail() {{ printf '%s\\n' \"$*\"; exit 1; }}
sha256() {{ DIGEST=$(sha256sum \"$1\" | cut -d' ' -f1); }}
. {}/src/roles/operator/virtualbox/base.sh
TREE=$PWD/out/alpha DRY_RUN='' DISK_URL=https://mirror.example/d DISK_FILE={path}
DISK_SHA256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
find_source
fetch_source",
        env!("CARGO_MANIFEST_DIR")
    );
    let stub = project.path("bin/curl");
    project.write(
        "bin/curl",
        "#!/bin/sh\nwhile [ $# -gt 1 ]; do [ \"$1\" != --output ] || : >>\"$2\"; shift; done\n",
    );
    fs::set_permissions(&stub, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", project.path("bin").display());
    let mut shell = Command::new("sh");
    let output = shell
        .args(["-c", &script])
        .current_dir(project.path(""))
        .env_clear()
        .env("PATH", path)
        .output()
        .unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn links_lead_no_download_elsewhere() {
    let project = Project::new();
    fs::create_dir_all(project.path("out/alpha")).unwrap();
    let outside = Project::new();
    assert_eq!(fetch(&project, "images/a/d.raw"), (true, String::new()));
    assert!(project.path("images/a/d.raw").is_file());
    symlink(outside.path(""), project.path("link")).unwrap();
    let (done, said) = fetch(&project, "link/a/d.raw");
    assert!(!done && said.contains("a link leads out of it"), "{said}");
    // The part that is not whole yet is no link, and nothing that somebody else has there.
    fs::create_dir(project.path("images/b")).unwrap();
    project.write("images/b/d.raw.part", "mine");
    assert!(fetch(&project, "images/b/d.raw").0);
    assert_eq!(fs::read_to_string(project.path("images/b/d.raw.part")).unwrap(), "mine");
    fs::create_dir(project.path("images/c")).unwrap();
    symlink(outside.path("new"), project.path("images/c/d.raw.e3b0c44298fc1c14.part")).unwrap();
    let (done, said) = fetch(&project, "images/c/d.raw");
    assert!(!done && said.contains("is a symbolic link: delete it"), "{said}");
    assert_eq!(outside.tree("").len(), 1, "nothing came up outside");
}
