//! `bpc plan --changes`.

use serde_json::Value;

use crate::support::project::Project;

const BLUEPRINT: &str = "blueprints/lab/blueprint.yaml";

/// Its last line, a machine, and another one that is as it is.
const NODE: &str = "  node: {role: bastion, networks: [lan]}\n";
const OTHER: &str = "  other: {role: bastion, networks: [lan]}\n";

/// A project with a blueprint of two machines, built.
fn built() -> Project {
    let project = Project::with(&["lab"]);
    project.edit(BLUEPRINT, NODE, &format!("{NODE}{OTHER}"));
    assert_eq!(project.bpc(&["build"]).status, 0);
    project
}

fn changes(project: &Project) -> String {
    let said = project.bpc(&["plan", "--changes"]);
    assert_eq!((said.status, said.err.as_str()), (0, ""));
    said.out
}

#[test]
fn what_is_as_it_was_built_does_not_change() {
    assert_eq!(changes(&built()), "lab: no machine changes\n");
}

#[test]
fn each_kind_of_change_is_named() {
    let project = built();
    // Hardware of one, and what is installed on the other.
    project.edit(BLUEPRINT, OTHER, &OTHER.replace('}', ", memory: 1GiB}"));
    project.edit(BLUEPRINT, NODE, &NODE.replace('}', ", packages: [htop]}"));
    insta::assert_snapshot!(changes(&project), @r"
    lab: 2 machines change

    MACHINE  CHANGE        FILE
    node     new seed      /usr/local/lib/bpc/stages/10-packages
    other    new hardware
    ");
    // A machine more and one less.
    project.edit(BLUEPRINT, &OTHER.replace('}', ", memory: 1GiB}"), &OTHER.replace("other:", "third:"));
    let json = project.bpc(&["plan", "--changes", "--format", "json"]);
    let json: Value = serde_json::from_str(&json.out).unwrap();
    let of = |name: &str| {
        let machines = json["machines"].as_array().unwrap();
        machines.iter().find(|machine| machine["name"] == name).map(|machine| machine["change"].clone())
    };
    assert_eq!(of("third"), Some("new".into()));
    assert_eq!(of("other"), Some("gone".into()));
    assert_eq!(of("node"), Some("seed".into()));
    assert_eq!(json["system_disk"], false);
}

#[test]
fn the_system_disk_is_a_change_of_its_own() {
    let project = built();
    project.edit(BLUEPRINT, "image: {", "image: {disk: 40GiB, ");
    let said = changes(&project);
    assert!(said.contains("lab: no machine changes") && said.contains("up.sh --recreate"), "{said}");
}

#[test]
fn without_an_earlier_build_every_machine_is_new() {
    let project = built();
    let said = project.bpc(&["plan", "--changes", "--out", "elsewhere"]);
    assert_eq!(said.out.matches("  new\n").count(), 2, "{}", said.out);
    let refused = project.bpc(&["plan", "--out", "elsewhere"]);
    assert_eq!(refused.status, 2, "{refused:?}");
}

/// What `plan --changes` says of a build of `tiny` with these changes after one without.
fn bound_changes(changes: &[(&str, &str)]) -> String {
    let before = crate::built::changed_in("blueprints", "tiny", |text| text);
    let after = crate::built::changed_in("blueprints", "tiny", |mut text| {
        for (old, new) in changes {
            assert!(text.contains(old), "{old}");
            text = text.replace(old, new);
        }
        text
    });
    let bound = before.artifacts.files.iter().find(|file| file.path == bpc::plan::BOUND_FILE).unwrap();
    let bound = String::from_utf8(bound.content.bytes().to_vec()).unwrap();
    let earlier = bpc::plan::Earlier::new();
    let vault = Some(after.credentials.fingerprint());
    bpc::plan::Changes::new(&after.site, &after.artifacts, (&earlier, &bound), vault).to_table()
}

#[test]
fn what_a_running_cluster_cannot_follow_is_named_with_its_values_and_its_line() {
    let version = "version: \"1.36\"";
    let said = bound_changes(&[(version, "version: \"1.36\"\n  pod_cidr: 10.55.0.0/16")]);
    let end = ": kubernetes.pod_cidr was 10.244.0.0/16 and is to be 10.55.0.0/16, on kube-mast, kube-node:";
    assert!(said.lines().any(|it| it.starts_with("blueprint.yaml:") && it.ends_with(end)), "{said}");
    assert!(said.contains("`up.sh` refuses this without `--accept=kubernetes.pod_cidr`."), "{said}");
    let said = bound_changes(&[("addons: [metallb, local-path]", "addons: [metallb]")]);
    assert!(
        said.contains("kubernetes.addons was local-path,metallb and is to be metallb, on kube-mast:"),
        "{said}"
    );
    assert!(said.contains("What is there stays as it is."), "{said}");
    let said = bound_changes(&[("memory: 2GiB", "memory: 3GiB")]);
    assert!(!said.contains(" was "), "{said}");
}

#[test]
fn another_vault_comes_first_and_is_no_new_hardware() {
    let project = built();
    let vault = project.path(BLUEPRINT).with_file_name("vault.key");
    std::fs::rename(&vault, project.path("elsewhere.key")).unwrap();
    let lost = changes(&project);
    assert!(project.bpc(&["vault", "new"]).status == 0 && vault.exists());
    for said in [lost, changes(&project)] {
        let (_, said) = said.split_once("lab: 2 machines change\n\n").unwrap();
        assert!(said.starts_with("blueprint.yaml: vault was "), "{said}");
        assert!(said.contains("--new-vault") && !said.contains("hardware"), "{said}");
        assert_eq!(said.matches("another machine: its keys are another vault's").count(), 2, "{said}");
    }
    std::fs::rename(project.path("elsewhere.key"), &vault).unwrap();
    assert!(changes(&project).contains("no machine changes"));
}
