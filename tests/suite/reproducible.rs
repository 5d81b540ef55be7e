//! The same blueprint gives the same bytes and modes, whoever builds it, where and how.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use walkdir::WalkDir;

use crate::support::project::{Project, Tree, said, tree};
use crate::support::tools::{On, skip, tool};

/// This repository's blueprints, built in a folder of their own with the command as `change` makes it.
fn built(change: impl FnOnce(&Project, Command) -> Command) -> Tree {
    let project = Project::of_this_repository();
    let command = project.command(&["build", "--out", project.path("out").to_str().unwrap()]);
    let said = said(&mut change(&project, command));
    assert_eq!(said.status, 0, "{said:?}");
    let mut tree = project.tree("out");
    // The folder that holds the trees is the user's own.
    tree.remove(Path::new(""));
    assert!(tree.keys().any(|path| path.ends_with("manifest.json")));
    tree
}

/// Asserts that two builds are equal, and names the first few paths that are not.
fn assert_equal(one: &Tree, other: &Tree) {
    let paths = one.keys().chain(other.keys()).filter(|path| one.get(*path) != other.get(*path));
    let differ: Vec<&PathBuf> = paths.take(5).collect();
    assert!(differ.is_empty(), "these differ: {differ:?}");
}

fn assert_same_as_ever(change: impl FnOnce(&Project, Command) -> Command) {
    assert_equal(&built(|_, command| command), &built(change));
}

#[test]
fn in_another_working_folder_by_absolute_path() {
    assert_same_as_ever(|project, mut command| {
        command.arg(project.path("blueprints")).current_dir("/");
        command
    });
}

#[test]
fn by_a_path_with_detours() {
    assert_same_as_ever(|project, mut command| {
        fs::create_dir(project.path("deep")).unwrap();
        command.arg("../blueprints/../blueprints").current_dir(project.path("deep"));
        command
    });
}

#[test]
fn in_another_time_zone_and_language_and_home() {
    assert_same_as_ever(|project, mut command| {
        command.envs([
            ("TZ", "Asia/Kathmandu"),
            ("LANG", "tr_TR.UTF-8"),
            ("LC_ALL", "tr_TR.UTF-8"),
            ("USER", "somebody"),
        ]);
        command.env("HOME", project.path("")).envs([
            ("SOURCE_DATE_EPOCH", "1"),
            ("COLUMNS", "20"),
            ("NO_COLOR", "1"),
        ]);
        command
    });
}

#[test]
fn under_any_umask() {
    for umask in ["0000", "0027", "0077"] {
        assert_same_as_ever(|_, command| {
            let mut shell = Command::new("/bin/sh");
            shell.args(["-c", &format!("umask {umask}; exec \"$@\""), "sh"]).arg(command.get_program());
            shell.args(command.get_args()).current_dir(command.get_current_dir().unwrap()).env_clear();
            shell
        });
    }
}

#[test]
fn on_any_number_of_threads() {
    for threads in ["1", "2", "8"] {
        assert_same_as_ever(|_, mut command| {
            command.env("RAYON_NUM_THREADS", threads);
            command
        });
    }
}

#[test]
fn over_an_earlier_build_of_something_else() {
    assert_same_as_ever(|project, command| {
        project.edit("blueprints/kube-demo/blueprint.yaml", "10.86.1.0/24", "192.168.9.0/24");
        assert_eq!(project.bpc(&["build"]).status, 0);
        project.edit("blueprints/kube-demo/blueprint.yaml", "192.168.9.0/24", "10.86.1.0/24");
        command
    });
}

/// With `BPC_REQUIRE_TOOLS=1` the other profile is built here; else it is compared if it is there and up to date.
#[test]
fn by_a_debug_and_a_release_build() {
    let this = Path::new(env!("CARGO_BIN_EXE_bpc"));
    let profile = this.parent().unwrap();
    let release = !profile.ends_with("release");
    let other = profile.with_file_name(if release { "release" } else { "debug" }).join("bpc");
    if std::env::var_os("BPC_REQUIRE_TOOLS").is_some_and(|value| value == "1") {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--locked", "--offline", "--bin", "bpc", "--target-dir"]);
        cargo.arg(profile.parent().unwrap()).args(release.then_some("--release"));
        assert!(cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status().unwrap().success());
    } else if !is_up_to_date(&other) {
        skip(&format!(
            "a {} build as new as its source is missing",
            if release { "debug" } else { "release" }
        ));
        return;
    }
    assert_same_as_ever(|_, command| {
        let mut twin = Command::new(other);
        twin.args(command.get_args()).current_dir(command.get_current_dir().unwrap()).env_clear();
        twin
    });
}

fn is_up_to_date(program: &Path) -> bool {
    let time = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = ["src", "docs/codes", "Cargo.toml", "Cargo.lock"].map(|path| root.join(path));
    let sources = sources.iter().flat_map(|path| WalkDir::new(path).into_iter().map(Result::unwrap));
    let newest: Option<SystemTime> = sources.filter_map(|entry| time(entry.path())).max();
    time(program) > newest
}

/// Inode and time of the last change of everything that is there.
fn identities(project: &Project) -> BTreeMap<PathBuf, (u64, i64, i64)> {
    let entries = WalkDir::new(project.path("out")).into_iter().map(Result::unwrap);
    let identity = |entry: walkdir::DirEntry| {
        let metadata = entry.metadata().unwrap();
        (entry.into_path(), (metadata.ino(), metadata.ctime(), metadata.ctime_nsec()))
    };
    entries.map(identity).collect()
}

#[test]
fn a_second_build_touches_nothing() {
    let project = Project::of_this_repository();
    assert_eq!(project.bpc(&["build"]).status, 0);
    let before = identities(&project);
    let said = project.bpc(&["build"]);
    assert!(said.out.lines().all(|line| line.contains(": nothing changed, ")), "{said:?}");
    assert!(identities(&project) == before);
}

#[test]
fn the_digests_are_right() {
    let Some(sha256sum) = tool(On::Host, "sha256sum") else { return };
    let project = Project::of_this_repository();
    assert_eq!(project.bpc(&["build"]).status, 0);
    let verdict = |folder: &Path| {
        let mut command = sha256sum.command();
        said(command.args(["--check", "--strict", "--quiet", "SHA256SUMS"]).current_dir(folder))
    };
    let folders = fs::read_dir(project.path("out")).unwrap().map(|entry| entry.unwrap().path());
    for folder in folders {
        let right = verdict(&folder);
        assert_eq!((right.status, right.out.as_str()), (0, ""), "{right:?}");
        let listed = fs::read_to_string(folder.join("SHA256SUMS")).unwrap().lines().count();
        let there = tree(&folder).values().filter(|(_, bytes)| bytes.is_some()).count();
        assert_eq!(listed + 1, there, "all but SHA256SUMS itself");
        fs::write(folder.join("manifest.json"), "{}").unwrap();
        assert_eq!(verdict(&folder).status, 1);
    }
}

#[test]
fn comments_and_line_breaks_change_no_more_than_the_origins_in_the_manifest() {
    let plain = built(|_, command| command);
    let moved = built(|project, command| {
        let path = "blueprints/kube-demo/blueprint.yaml";
        project.edit(path, "\nmachines:\n", "\n\n# Here they come:\nmachines:\n\n");
        project.edit(path, "{role: bastion, networks: [jump]", "{networks: [jump],   role: bastion");
        command
    });
    let differ: Vec<&Path> =
        plain.keys().filter(|path| plain[*path] != moved[*path]).map(PathBuf::as_path).collect();
    assert_eq!(differ, ["kube-demo/SHA256SUMS", "kube-demo/manifest.json"].map(Path::new));
    let manifest = |tree: &Tree| {
        let bytes = tree[Path::new("kube-demo/manifest.json")].1.clone().unwrap();
        let mut manifest: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let files = manifest["files"].as_array_mut().unwrap();
        let origins: Vec<serde_json::Value> = files.iter_mut().map(|file| file["origin"].take()).collect();
        (manifest, origins)
    };
    let ((plain, old), (moved, new)) = (manifest(&plain), manifest(&moved));
    assert_eq!(plain, moved);
    assert_ne!(old, new);
}
