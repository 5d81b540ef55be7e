//! `bpc init`, and what is in the repository that it begins.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use bpc::repository::{STARTS, files};
use walkdir::WalkDir;

use crate::support::project::{Project, said};
use crate::support::tools::{On, need, tool};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A repository that starts from a blueprint under the name `lab`.
fn lab(from: &str) -> Project {
    let project = Project::new();
    let said = project.bpc(&["init", "--name", "lab", "--from", from]);
    assert_eq!((said.status, said.err.as_str()), (0, ""), "{from}");
    project
}

/// The commands of a step of the workflow.
fn step(name: &str) -> String {
    let workflow = &files(&STARTS[0], "lab", None)[".github/workflows/bpc.yml"];
    let workflow: serde_yaml::Value = serde_yaml::from_str(workflow).unwrap();
    let steps = workflow["jobs"]["blueprints"]["steps"].as_sequence().unwrap();
    let step = steps.iter().find(|step| step["name"].as_str() == Some(name)).unwrap();
    step["run"].as_str().unwrap().to_owned()
}

#[test]
fn says_what_it_added_and_what_to_do() {
    let project = Project::new();
    let added = project.bpc(&["init", "new/lab", "--name", "school", "--from", "kube-demo"]);
    assert_eq!((added.status, added.err.as_str()), (0, ""));
    insta::assert_snapshot!(added.out, @r"
    new/lab: added 8 files
      .github/workflows/bpc.yml
      .gitignore
      README.md
      blueprints/blueprint.schema.json
      blueprints/school/blueprint.yaml
      blueprints/school/manifests/fan-out.yaml
      blueprints/school/manifests/guestbook.yaml
      justfile
    to do next, there:
      put your own SSH key into blueprints/school/blueprint.yaml
      download debian-13.*-amd64-netinst.iso and SHA256SUMS from https://cdimage.debian.org/debian-cd/
      just base-image school FILE   (FILE: that; the installer divides the disk as the blueprint says)
      just up school
      git init, and say in .github/workflows/bpc.yml where bpc comes from
    ");
    let again = project.bpc(&["init", "new/lab", "--name", "school", "--from", "kube-demo"]);
    assert!(again.status == 0 && again.out.starts_with("new/lab: nothing was missing\n"), "{again:?}");
    insta::assert_snapshot!(project.bpc(&["init", "--format", "json", "new/lab"]).out, @r#"{"blueprint":"tiny","folder":"new/lab","added":["blueprints/tiny/blueprint.yaml"]}"#);
}

#[test]
fn a_cluster_that_begins_today_has_all_of_its_time_before_it() {
    let project = Project::new();
    let plain = project.bpc(&["init"]).out;
    let image = "debian-13-generic-amd64.qcow2";
    let url = format!("https://cloud.debian.org/images/cloud/trixie/latest/{image}");
    assert!(
        plain.contains(&format!(
            "  curl --fail --location --remote-name {url}\n  just up tiny --disk={image}\n"
        )),
        "{plain}"
    );
    let checked = project.bpc(&["check", "--at", "now", "--strict"]);
    assert_eq!(checked.status, 0, "{checked:?}");
    let epoch = |project: &Project, name: &str| {
        let text = fs::read_to_string(project.path(format!("blueprints/{name}/blueprint.yaml"))).unwrap();
        text.lines().find_map(|line| line.strip_prefix("epoch: ")).unwrap().to_owned()
    };
    let day = jiff::Timestamp::now().strftime("%Y-%m-").to_string();
    assert!(epoch(&project, "tiny").starts_with(&day) && epoch(&project, "tiny").ends_with("T00:00:00Z"));
    // Another today, for whoever wants the same repository again; what is there keeps its own.
    for (seconds, expected) in
        [("1900000000", "2030-03-17T00:00:00Z"), ("2000000000", "2030-03-17T00:00:00Z")]
    {
        let mut command = project.command(&["init", "--name", "lab"]);
        let said = said(command.env("SOURCE_DATE_EPOCH", seconds));
        assert_eq!(said.status, 0, "{said:?}");
        assert_eq!(epoch(&project, "lab"), expected);
    }
    let early = project.bpc(&["check", "--at", "now", "blueprints/lab"]);
    assert!(early.status == 1 && early.err.contains("BPC0613"), "{early:?}");
}

#[test]
fn every_blueprint_of_this_project_can_be_started_from_with_all_of_its_files() {
    let folder = root().join("blueprints");
    let mut expected = BTreeMap::new();
    for entry in WalkDir::new(&folder).min_depth(2).into_iter().map(Result::unwrap) {
        let path = entry.path().strip_prefix(&folder).unwrap();
        if entry.file_type().is_file() && !path.starts_with("bad") && !path.ends_with("vault.key") {
            let path = Path::new("blueprints").join(path).to_str().unwrap().to_owned();
            expected.insert(path, fs::read_to_string(entry.path()).unwrap());
        }
    }
    let all = STARTS.iter().flat_map(|start| files(start, start.name, None));
    let in_folders: BTreeMap<_, _> = all.filter(|(path, _)| path.matches('/').count() > 1).collect();
    let blueprints = in_folders.into_iter().filter(|(path, _)| path.starts_with("blueprints/"));
    assert!(blueprints.eq(expected), "src/repository/start.rs names all that is in blueprints/");
}

#[test]
fn every_start_passes_check_and_builds() {
    for start in &STARTS {
        let project = lab(start.name);
        let checked = project.bpc(&["check", "--format", "json"]);
        assert_eq!(checked.status, 0, "{}: {}", start.name, checked.err);
        assert!(checked.out.contains(r#""blueprint":"lab","path":"blueprints/lab/blueprint.yaml""#));
        let built = project.bpc(&["build"]);
        assert_eq!(built.status, 0, "{}: {}", start.name, built.err);
        assert!(project.path("out/lab/virtualbox/up.sh").is_file());
        let text = fs::read_to_string(project.path("blueprints/lab/blueprint.yaml")).unwrap();
        assert!(!text.contains(&format!("{}.", start.name)), "the domain has the old name: {text}");
    }
}

#[test]
fn a_name_that_yaml_takes_for_something_else_stays_a_name() {
    for name in ["no", "12", "true", "1e3", &"n".repeat(63)] {
        let project = Project::new();
        assert_eq!(project.bpc(&["init", "--name", name]).status, 0);
        let checked = project.bpc(&["check", "--format", "json"]);
        assert!(checked.out.contains(&format!(r#""blueprint":"{name}""#)), "{checked:?}");
    }
}

#[test]
fn editors_find_the_schema() {
    let project = lab("tiny");
    let path = project.path("blueprints/lab/blueprint.yaml");
    let text = fs::read_to_string(&path).unwrap();
    let schema = text.lines().next().unwrap().strip_prefix("# yaml-language-server: $schema=").unwrap();
    let schema = fs::read_to_string(path.parent().unwrap().join(schema)).unwrap();
    assert_eq!(schema, project.bpc(&["schema"]).out);
}

#[test]
fn git_ignores_what_is_secret_or_made() {
    let Some(git) = tool(On::Host, "git") else { return };
    let project = lab("tiny");
    assert_eq!(project.bpc(&["build"]).status, 0);
    project.write("images/debian.qcow2", "a disk");
    let git = |arguments: &[&str]| {
        let mut git = git.command();
        git.args(arguments).current_dir(project.path("")).env_clear().env("GIT_CONFIG_NOSYSTEM", "1");
        let said = said(git.env("HOME", project.path("")));
        assert_eq!(said.status, 0, "{said:?}");
        said.out
    };
    git(&["init", "--quiet"]);
    let seen = git(&["ls-files", "--others", "--exclude-standard"]);
    assert!(seen.lines().eq(files(&STARTS[0], "lab", None).keys()), "{seen}");
}

#[test]
fn what_is_in_the_way_is_named_and_nothing_is_written() {
    let project = Project::new();
    project.write("README.md", "of mine\n");
    symlink("nowhere", project.path("justfile")).unwrap();
    fs::create_dir_all(project.path("blueprints/tiny/blueprint.yaml")).unwrap();
    let before = project.tree("");
    let refused = project.bpc(&["init"]);
    assert_eq!((refused.status, refused.out.as_str()), (1, ""));
    insta::assert_snapshot!(refused.err, @r"
    error: . is left as it was, because these are in the way:
      ./README.md: a file with another text; move or delete it
      ./blueprints/tiny/blueprint.yaml: a folder where bpc writes a file; move or delete it
      ./justfile: a symbolic link, and bpc writes through none; replace or delete it
    ");
    assert!(project.tree("") == before, "something was written");
}

#[test]
fn a_second_run_restores_what_is_missing_and_touches_nothing_else() {
    let project = lab("kube-demo");
    let before = project.tree("");
    fs::remove_file(project.path("blueprints/lab/manifests/fan-out.yaml")).unwrap();
    let again = project.bpc(&["init", "--name", "lab", "--from", "kube-demo"]);
    assert!(again.out.starts_with(".: added 1 file\n  blueprints/lab/manifests/fan-out.yaml\n"), "{again:?}");
    assert!(project.tree("") == before);
}

#[test]
fn a_name_that_is_no_label_is_refused() {
    let project = Project::new();
    for name in ["Lab", "a.b", "../lab", "a b", "", "a\nblueprint: 1"] {
        let refused = project.bpc(&["init", "--name", name]);
        assert_eq!((refused.status, refused.out.as_str()), (2, ""), "{name}");
        assert!(refused.err.starts_with("error: a blueprint's name must be a DNS label, "), "{refused:?}");
    }
    assert_eq!(project.tree("").len(), 1);
}

/// Runs steps of the workflow in a repository, as the runner does.
fn run_steps(project: &Project, steps: &[&str]) -> BTreeMap<String, String> {
    let programs = Path::new(env!("CARGO_BIN_EXE_bpc")).parent().unwrap();
    for name in steps {
        let mut shell = std::process::Command::new("bash");
        shell.args(["-e", "-o", "pipefail", "-c", &step(name)]).current_dir(project.path("")).env_clear();
        shell.env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", programs.display()));
        shell.env("RUNNER_TEMP", project.path("")).env("GITHUB_STEP_SUMMARY", project.path("summary"));
        let said = said(&mut shell);
        assert_eq!(said.status, 0, "{name}: {said:?}");
    }
    let public = project.tree("public");
    let files = public.into_iter().filter_map(|(path, (_, bytes))| Some((path, bytes?)));
    files
        .map(|(path, bytes)| {
            (path.to_str().unwrap().to_owned(), String::from_utf8_lossy(&bytes).into_owned())
        })
        .collect()
}

#[test]
fn the_workflow_publishes_what_is_public_and_nothing_else() {
    if need(&[(On::Host, "jq"), (On::Host, "bash")]).is_none() {
        return;
    }
    let project = lab("kube-demo");
    assert_eq!(project.bpc(&["init", "--name", "second"]).status, 0);
    let steps = [
        "Check, certificates too",
        "Build with a vault that is thrown away",
        "Show the plan",
        "Pick what is public",
    ];
    let published = run_steps(&project, &steps);
    assert!(!project.path("vault.key").exists() && !project.path("blueprints/lab/vault.key").exists());
    let summary = fs::read_to_string(project.path("summary")).unwrap();
    assert!(summary.contains("second") && summary.contains("gate-node01"), "{summary}");

    let mut expected = Vec::new();
    for name in ["lab", "second"] {
        let manifest = fs::read(project.path(format!("out/{name}/manifest.json"))).unwrap();
        let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
        for file in manifest["files"].as_array().unwrap() {
            let path = PathBuf::from(name).join(file["path"].as_str().unwrap());
            let public = !["0600", "0400"].contains(&file["mode"].as_str().unwrap());
            assert_eq!(public, file["visibility"] == "public", "{}", path.display());
            if public {
                expected.push(path.to_str().unwrap().to_owned());
            }
        }
    }
    expected.sort();
    assert!(published.keys().eq(&expected), "{:?}", published.keys());
    assert!(published.keys().any(|path| path == "lab/machines/gate-node01/network-config"));
    assert!(published.values().all(|text| !text.contains("PRIVATE KEY")));
}

#[test]
fn the_workflow_of_this_repository_publishes_the_same() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(".github/workflows/ci.yml");
    let workflow: serde_yaml::Value = serde_yaml::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let steps = workflow["jobs"]["gate"]["steps"].as_sequence().unwrap();
    let pick = steps.iter().find(|step| step["name"].as_str() == Some("Pick what is public")).unwrap();
    assert_eq!(pick["run"].as_str().unwrap(), step("Pick what is public"));
    let uploads = steps.iter().filter_map(|step| step["with"]["path"].as_str());
    assert_eq!(uploads.collect::<Vec<_>>(), ["public/"]);
}

#[test]
fn the_workflow_asks_where_bpc_comes_from() {
    let Some(bash) = tool(On::Host, "bash") else { return };
    let mut shell = bash.command();
    shell.args(["-e", "-c", &step("Install bpc")]).env_clear();
    let said = said(shell.env("BPC_REPOSITORY", "").env("BPC_COMMIT", ""));
    assert_eq!(said.status, 1);
    assert!(said.out.starts_with("::error file=.github/workflows/bpc.yml::"), "{said:?}");
}

#[test]
fn other_readers_of_yaml_take_the_workflow() {
    let Some(python) = tool(On::Host, "python3 -m yaml") else { return };
    let workflow = &files(&STARTS[0], "lab", None)[".github/workflows/bpc.yml"];
    let staged = python.stage(&[("bpc.yml", workflow.as_bytes())]);
    let script = "import sys, yaml; print(*yaml.safe_load(open(sys.argv[1]))['jobs'])";
    let said = said(python.command().args(["-c", script]).arg(staged.path_for("bpc.yml")));
    assert_eq!((said.status, said.out.as_str()), (0, "blueprints\n"), "{said:?}");
}
