//! `bpc plan --secrets`: the map of secrets is complete, whatever the vault is.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::support::project::{Project, said};
use crate::support::tools::{On, tool};

fn map(project: &Project, blueprint: &str) -> Vec<Value> {
    let said = project.bpc(&["plan", "--secrets", "--format", "json", &format!("blueprints/{blueprint}")]);
    assert_eq!(said.status, 0, "{said:?}");
    serde_json::from_str::<Value>(&said.out).unwrap()["secrets"].as_array().unwrap().clone()
}

/// The path in the output tree of a file that the map names.
fn path(file: &Value) -> String {
    let path = file["path"].as_str().unwrap();
    match file["holder"].as_str().unwrap() {
        "machine" => format!("machines/{}/files{path}", file["machine"].as_str().unwrap()),
        holder => {
            assert_eq!((holder, file.get("machine")), ("operator", None));
            path.to_owned()
        }
    }
}

#[test]
fn it_names_every_secret_file_of_a_build_and_no_other() {
    let project = Project::of_this_repository();
    assert_eq!(project.bpc(&["build"]).status, 0);
    for blueprint in ["kube-demo", "kube-full"] {
        let map = map(&project, blueprint);
        let files = map.iter().flat_map(|secret| secret["files"].as_array().unwrap());
        let mapped: BTreeSet<String> = files.map(path).collect();
        let built = project.tree(&format!("out/{blueprint}")).into_iter();
        let closed = built.filter(|(_, (mode, bytes))| bytes.is_some() && mode & 0o777 == 0o600);
        let closed = closed.map(|(path, _)| path.to_str().unwrap().to_owned());
        // A seed holds the files of its machine.
        let closed = closed.filter(|path| !path.ends_with("/seed.iso") && !path.ends_with("/user-data"));
        assert_eq!(closed.collect::<BTreeSet<_>>(), mapped, "{blueprint}");
    }
}

#[test]
fn a_secret_that_no_file_has_is_there_too() {
    let map = map(&Project::of_this_repository(), "kube-full");
    let kept = map.iter().filter(|secret| secret["files"].as_array().unwrap().is_empty());
    assert_eq!(
        kept.map(|secret| &secret["secret"]).collect::<Vec<_>>(),
        ["etcd-ca", "ssh-host-ca", "ssh-user-ca"]
    );
}

#[test]
fn a_line_of_the_table_says_where_and_why() {
    let said = Project::of_this_repository().bpc(&["plan", "--secrets", "blueprints/kube-full"]);
    let lines: Vec<String> = said
        .out
        .lines()
        .filter(|line| {
            ["kube-full", "SECRET", "admin", "etcd-ca", "service-account"]
                .iter()
                .any(|it| line.starts_with(it))
        })
        .map(|line| {
            line.split("  ").filter(|cell| !cell.is_empty()).map(str::trim).collect::<Vec<_>>().join(" | ")
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    kube-full (kube.full), secrets: 62
    SECRET | WHERE | FILE | WHY
    admin | the operator | kubeconfig/admin.conf | kubectl of the operator
    etcd-ca | the vault | kept in the vault only
    service-account | kube-mast01 | /etc/kubernetes/pki/sa.key | signs the tokens of service accounts
    service-account | kube-mast02 | /etc/kubernetes/pki/sa.key | signs the tokens of service accounts
    service-account | kube-mast03 | /etc/kubernetes/pki/sa.key | signs the tokens of service accounts
    ");
}

#[test]
fn it_knows_generations() {
    let project = Project::of_this_repository();
    let text = fs::read_to_string(project.path("blueprints/kube-demo/blueprint.yaml")).unwrap();
    project.write("blueprints/kube-demo/blueprint.yaml", text + "\nrotate: {etcd-ca: 3}\n");
    let raised: Vec<Value> =
        map(&project, "kube-demo").into_iter().filter(|secret| secret["generation"] != 0).collect();
    assert_eq!(
        (raised.len(), &raised[0]["secret"], &raised[0]["generation"]),
        (1, &"etcd-ca".into(), &3.into())
    );
}

#[test]
fn it_does_not_ask_for_the_vault() {
    let project = Project::of_this_repository();
    let with = project.bpc(&["plan", "--secrets"]);
    for blueprint in ["kube-demo", "kube-full"] {
        fs::write(project.path(format!("blueprints/{blueprint}/vault.key")), "of no use").unwrap();
    }
    assert_eq!(project.bpc(&["plan", "--secrets"]), with);
    assert_eq!(with.status, 0);
}

#[test]
fn it_is_one_view_of_three() {
    let project = Project::with(&["alpha"]);
    assert_eq!(project.bpc(&["plan", "--secrets", "--certificates"]).status, 2);
    let said = project.bpc(&["plan", "--secrets"]);
    assert_eq!(said.status, 0);
    insta::assert_snapshot!(said.out, @r"
    alpha (lab.demo), secrets: 4

    SECRET         WHERE         FILE                           WHY
    node/ssh-host  node          /etc/ssh/bpc_host_ed25519_key  sshd shows which machine it is
    ssh-host-ca    the vault                                    kept in the vault only
    ssh-operator   the operator  ssh/id_ed25519                 ssh of the operator
    ssh-user-ca    the vault                                    kept in the vault only
    ");
}

#[test]
fn git_takes_nothing_of_what_is_built_wherever_that_is() {
    let Some(git) = tool(On::Host, "git") else { return };
    let project = Project::with(&["alpha"]);
    let git = |arguments: &[&str]| {
        let mut command = git.command();
        command
            .args(arguments)
            .current_dir(project.path(""))
            .env("HOME", project.path(""))
            .env("GIT_CONFIG_NOSYSTEM", "1");
        let said = said(&mut command);
        assert_eq!(said.status, 0, "{arguments:?}: {said:?}");
        said.out
    };
    git(&["init", "-q"]);
    project.write(".gitignore", b"/out/\nvault.key\n");
    for arguments in
        [&["build", "--out", "elsewhere/trees"][..], &["bundle", "--ova", "--out", "elsewhere/trees"]]
    {
        assert_eq!(project.bpc(arguments).status, 0);
    }
    assert!(project.tree("elsewhere/trees").len() > 50);
    git(&["add", "-A"]);
    let taken = git(&["ls-files"]);
    assert!(taken.contains("blueprints/alpha/blueprint.yaml") && !taken.contains("elsewhere"), "{taken}");
    // It is bpc's: the next build leaves it as it is, and one without bpc's lists would not take it for its own.
    assert_eq!(project.bpc(&["build", "--out", "elsewhere/trees"]).status, 0);
}
