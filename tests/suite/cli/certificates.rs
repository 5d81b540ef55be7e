//! `bpc plan --certificates` and `bpc check --at`: what is said of certificates is what OpenSSL reads in them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use base64ct::{Base64, Encoding as _};
use bpc::pki::{AuthorityConstraint, Certificate};
use serde_json::Value;

use crate::support::project::{Project, Said};
use crate::support::tools::{On, tool};

const BLUEPRINT: &str = "blueprints/kube-full/blueprint.yaml";

fn listed(project: &Project, arguments: &[&str]) -> Vec<Value> {
    let said = project.bpc(&[&["plan", "--certificates", "--format", "json"], arguments].concat());
    assert_eq!(said.status, 0, "{said:?}");
    serde_json::from_str::<Value>(&said.out).unwrap()["certificates"].as_array().unwrap().clone()
}

/// The path in the output tree of a certificate's file.
fn path(listed: &Value) -> String {
    let file = listed["file"].as_str().unwrap();
    match listed["machine"].as_str() {
        Some(machine) => format!("machines/{machine}/files{file}"),
        None => file.to_owned(),
    }
}

/// The certificates in a file, a kubeconfig perhaps.
fn pem(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    if path.extension().is_some_and(|end| end == "crt") {
        return text;
    }
    let kubeconfig: serde_yaml::Value = serde_yaml::from_str(&text).unwrap();
    let data = kubeconfig["users"][0]["user"]["client-certificate-data"].as_str().unwrap();
    String::from_utf8(Base64::decode_vec(data).unwrap()).unwrap()
}

#[test]
fn openssl_reads_in_the_files_what_is_listed() {
    let Some(openssl) = tool(On::Host, "openssl") else { return };
    let project = Project::of_this_repository();
    assert_eq!(project.bpc(&["build", "blueprints/kube-full"]).status, 0);
    for listed in listed(&project, &["blueprints/kube-full"]) {
        project.write("one.crt", pem(&project.path("out/kube-full").join(path(&listed))));
        let mut command = openssl.command();
        command.args(["x509", "-noout", "-in"]).arg(project.path("one.crt"));
        command.args(["-fingerprint", "-sha256", "-subject", "-issuer", "-nameopt", "RFC2253", "-text"]);
        command.args(["-dates", "-dateopt", "iso_8601"]);
        let said = crate::support::project::said(&mut command).out;
        let text = |key: &str| listed[key].as_str().unwrap();
        let time = |key: &str| text(key).replace('T', " ");
        let groups = listed["organizations"].as_array().unwrap().iter();
        let groups = groups.flat_map(|group| [",O=", group.as_str().unwrap()]).collect::<String>();
        for expected in [
            format!("Fingerprint={}\n", text("fingerprint")),
            format!("subject=CN={}{groups}\n", text("common_name")),
            format!("issuer=CN={}\n", text("issuer")),
            format!("notBefore={}\n", time("not_before")),
            format!("notAfter={}\n", time("not_after")),
        ] {
            assert!(said.contains(&expected), "{listed} lacks {expected}: {said}");
        }
        let (_, names) = said.split_once("X509v3 Subject Alternative Name: \n").unwrap_or_default();
        let names = names.lines().next().unwrap_or_default().trim();
        let found = names.split(", ").filter_map(|name| Some(name.split_once(':')?.1));
        let expected = listed["names"].as_array().unwrap().iter().map(|name| name.as_str().unwrap());
        assert_eq!(found.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "{said}");
    }
}

#[test]
fn every_certificate_of_a_build_is_listed() {
    let project = Project::of_this_repository();
    assert_eq!(project.bpc(&["build"]).status, 0);
    for blueprint in ["kube-demo", "kube-full"] {
        let all = listed(&project, &[&format!("blueprints/{blueprint}")]);
        let files: BTreeSet<String> = all.iter().map(path).collect();
        assert_eq!(files.len(), all.len(), "each has a file of its own");
        let out = project.path("out").join(blueprint);
        let built = project.tree(&format!("out/{blueprint}")).into_keys();
        let built = built.filter(|path| {
            let is = |end: &str| path.extension().is_some_and(|found| found == end);
            let kubeconfig =
                is("conf") && (path.starts_with("kubeconfig") || path.iter().any(|it| it == "kubernetes"));
            let authority = || {
                let first = Certificate::from_pem(&pem(&out.join(path))).unwrap().remove(0);
                first.constraint != AuthorityConstraint::Leaf
            };
            // Machines have authorities that they trust, but those are the operator's.
            kubeconfig || is("crt") && (path.starts_with("pki") || !authority())
        });
        let built: BTreeSet<String> = built.map(|path| path.to_str().unwrap().to_owned()).collect();
        assert_eq!(built, files, "{blueprint}");
    }
}

#[test]
fn before_there_is_a_vault_all_but_the_fingerprints_is_known() {
    let project = Project::of_this_repository();
    let with = listed(&project, &["blueprints/kube-full"]);
    fs::remove_file(project.path("blueprints/kube-full/vault.key")).unwrap();
    let before = project.tree("");
    let mut without = with.clone();
    for one in &mut without {
        one["fingerprint"] = Value::Null;
    }
    assert_eq!(listed(&project, &["blueprints/kube-full"]), without);
    let said = project.bpc(&["plan", "--certificates", "blueprints/kube-full"]);
    assert!(!said.out.contains("FINGERPRINT"), "{said:?}");
    insta::assert_snapshot!(said.err, @r"
    note: there is no vault blueprints/kube-full/vault.key yet, so no keys and no fingerprints
      `bpc build` makes it, and so does `bpc vault new`
    ");
    assert!(project.tree("") == before, "something was written");
    let named = ["--vault", "blueprints/kube-demo/vault.key", "blueprints/kube-full"];
    assert_eq!(listed(&project, &named), with, "all tests share a vault");
    let lost = project.bpc(&["plan", "--certificates", "--vault", "lost.key"]);
    assert!(lost.status == 2 && lost.err.contains("error[BPC0903]: "), "{lost:?}");
}

#[test]
fn without_a_cluster_there_are_none_and_no_vault_is_missed() {
    let said = Project::with(&["alpha"]).bpc(&["plan", "--certificates"]);
    let empty = "alpha (lab.demo), certificates: 0\n".to_owned();
    assert_eq!(said, Said { status: 0, out: empty, err: String::new() });
}

#[test]
fn a_vault_is_for_certificates_only() {
    let project = Project::of_this_repository();
    for view in [&["plan"][..], &["plan", "--secrets"]] {
        let vault = ["--vault", "blueprints/kube-full/vault.key"];
        assert_eq!(project.bpc(&[view, &vault].concat()).status, 2, "{view:?} would ignore it");
    }
}

/// What `bpc check --at` says of kube-full, one line a diagnostic.
fn check(project: &Project, at: &str) -> Said {
    project.bpc(&["check", "--format", "short", "--at", at, BLUEPRINT])
}

fn assert_at(project: &Project, at: &str, status: i32, expected: &[&str]) {
    let said = check(project, at);
    let found: Vec<&str> = said.err.lines().map(|line| line.strip_prefix(BLUEPRINT).unwrap()).collect();
    assert_eq!((said.status, found), (status, expected.to_vec()), "{at}");
}

#[test]
fn both_ends_belong_to_the_time_in_which_certificates_are_good() {
    let project = Project::of_this_repository();
    for at in ["2026-01-01", "2026-06-01", "2026-12-02", "2026-12-01T23:00:00-01:00"] {
        assert_at(&project, at, 0, &[]);
    }
    let early = ":10:8: error[BPC0613]: 35 certificates will not be good yet at 2025-12-31T23:59:59Z";
    assert_at(&project, "2025-12-31T23:59:59Z", 1, &[early]);
    let soon = ":10:8: warning[BPC0614]: 32 certificates will have 29 days left at 2026-12-02T00:00:01Z";
    assert_at(&project, "2026-12-02T00:00:01Z", 0, &[soon]);
    let last =
        ":10:8: warning[BPC0614]: 32 certificates will have less than a day left at 2027-01-01T00:00:00Z";
    assert_at(&project, "2027-01-01", 0, &[last]);
    let over = ":10:8: error[BPC0613]: 32 certificates will have expired by 2027-01-01T00:00:01Z";
    assert_at(&project, "2027-01-01T00:00:01Z", 1, &[over]);
}

#[test]
fn authorities_end_on_their_own() {
    let project = Project::of_this_repository();
    let all = [
        ":10:8: error[BPC0613]: 32 certificates will have expired by 2035-12-29T00:00:00Z",
        ":10:8: warning[BPC0614]: 3 certificates will have 1 day left at 2035-12-29T00:00:00Z",
    ];
    assert_at(&project, "2035-12-29", 1, &all);
}

#[test]
fn the_place_is_the_key_that_decides() {
    let project = Project::of_this_repository();
    let text = fs::read_to_string(project.path(BLUEPRINT)).unwrap();
    let lines = text.lines().count();
    project.write(BLUEPRINT, text + "pki:\n  authority_days: 400\n  certificate_days: 100\n");
    let authorities = format!(
        ":{}:19: warning[BPC0614]: 3 certificates will have 5 days left at 2027-01-31T00:00:00Z",
        lines + 2
    );
    let others = format!(
        ":{}:21: error[BPC0613]: 32 certificates will have expired by 2027-01-31T00:00:00Z",
        lines + 3
    );
    assert_at(&project, "2027-01-31", 1, &[&authorities, &others]);
}

#[test]
fn people_are_told_which_ones_and_what_to_do() {
    let project = Project::of_this_repository();
    let said = project.bpc(&["check", "--at", "2027-06-01", "blueprints/kube-full"]);
    assert_eq!((said.status, said.out.as_str()), (1, ""));
    insta::assert_snapshot!(said.err, @r"
    error[BPC0613]: 32 certificates will have expired by 2027-06-01T00:00:00Z
      --> blueprints/kube-full/blueprint.yaml:10:8
       |
    10 | epoch: 2026-01-01T00:00:00Z
       |        ^^^^^^^^^^^^^^^^^^^^ good until 2027-01-01T00:00:00Z
       |
       = note: kube-mast01/apiserver, kube-mast01/apiserver-kubelet-client, kube-mast01/apiserver-etcd-client and 29 more
       = help: a later `epoch` and a new build make new ones; each machine whose seed changes is then re-seeded

    blueprints/kube-full/blueprint.yaml: 1 error; `bpc explain BPC0613` says more
    ");
    let said = project.bpc(&["check", "--at", "2025-12-24", "blueprints/kube-full"]);
    assert!(said.err.contains("good from 2026-01-01T00:00:00Z\n"), "{said:?}");
    assert!(
        said.err.contains("= help: certificates start with `epoch`: choose an earlier one\n"),
        "{said:?}"
    );
    let said = project.bpc(&["check", "--at", "2026-12-24", "blueprints/kube-full"]);
    insta::assert_snapshot!(said.out, @"blueprints/kube-full/blueprint.yaml: no errors, 1 warning, 13 machines, certificates good until 2027-01-01T00:00:00Z");
}

#[test]
fn without_trouble_a_check_says_until_when_all_is_good() {
    let project = Project::of_this_repository();
    project.write("blueprints/alpha/blueprint.yaml", crate::support::project::small("alpha"));
    insta::assert_snapshot!(project.bpc(&["check", "--at", "2026-06-01"]).out, @r"
    blueprints/alpha/blueprint.yaml: no errors, 1 machine, no certificates
    blueprints/kube-demo/blueprint.yaml: no errors, 10 machines, certificates good until 2027-01-01T00:00:00Z
    blueprints/kube-full/blueprint.yaml: no errors, 13 machines, certificates good until 2027-01-01T00:00:00Z
    ");
    let json = project.bpc(&["check", "--at", "2026-06-01", "--format", "json"]).out;
    let until = |line: &str| serde_json::from_str::<Value>(line).unwrap()["certificates_until"].take();
    let until: Vec<Value> = json.lines().map(until).collect();
    assert_eq!(until, [Value::Null, "2027-01-01T00:00:00Z".into(), "2027-01-01T00:00:00Z".into()]);
    let unasked = project.bpc(&["check", "--format", "json"]).out;
    assert!(json.contains("certificates_until") && !unasked.contains("certificates_until"), "{unasked}");
}

#[test]
fn what_is_no_date_is_a_wrong_command_line() {
    let project = Project::with(&["alpha"]);
    for date in ["2027-02-29", "2027-6-1", "tomorrow", "2027-06-01T12:00:00", "2027", "", "01.06.2027"] {
        let said = project.bpc(&["check", "--at", date]);
        assert_eq!((said.status, said.out.as_str()), (2, ""), "{date}: {said:?}");
        let expected = "neither a date as 2027-06-01 nor a time as 2027-06-01T12:00:00Z";
        assert!(said.err.contains(expected) || date.is_empty(), "{said:?}");
    }
}
