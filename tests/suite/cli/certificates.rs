//! `bpc plan --certificates` and `bpc check --at`: what is said of certificates is what OpenSSL and ssh-keygen read in them.

use std::collections::BTreeSet;
use std::fs;
use std::net::IpAddr;
use std::path::Path;

use base64ct::{Base64, Encoding as _};
use bpc::pki::{AuthorityConstraint, Certificate};
use serde_json::Value;

use crate::built::PKI;
use crate::support::project::{Project, Said, said};
use crate::support::tools::{On, tool};

const BLUEPRINT: &str = "blueprints/kube-full/blueprint.yaml";

/// The blueprints of this repository without their warnings, their certificates good for 365 days: nothing is said but what is asked for.
fn quiet() -> Project {
    let project = Project::of_this_repository();
    for path in ["blueprints/kube-demo/blueprint.yaml", BLUEPRINT] {
        project.edit(path, "failover: pacemaker", "failover: keepalived");
    }
    for name in ["kube-compact", "kube-demo", "kube-full", "kube-keepalived", "tiny"] {
        project.edit(&format!("blueprints/{name}/blueprint.yaml"), PKI, "");
    }
    project
}

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

/// Builds kube-full and gives each of its certificates of a format, with its path, to `judge`.
fn each_built(format: &str, judge: impl Fn(&Project, &Path, &Value)) {
    let project = quiet();
    assert_eq!(project.bpc(&["build", "blueprints/kube-full"]).status, 0);
    let mut all = listed(&project, &["blueprints/kube-full"]);
    all.retain(|listed| listed["format"] == format);
    assert!(all.len() > 10, "{}", all.len());
    for listed in all {
        judge(&project, &project.path("out/kube-full").join(path(&listed)), &listed);
    }
}

fn names(listed: &Value) -> Vec<&str> {
    listed["names"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect()
}

#[test]
fn openssl_reads_in_the_files_what_is_listed() {
    let Some(openssl) = tool(On::Host, "openssl") else { return };
    each_built("x509", |project, path, listed| {
        project.write("one.crt", pem(path));
        let mut command = openssl.command();
        command.args(["x509", "-noout", "-in"]).arg(project.path("one.crt"));
        command.args(["-fingerprint", "-sha256", "-subject", "-issuer", "-nameopt", "RFC2253", "-text"]);
        command.args(["-dates", "-dateopt", "iso_8601"]);
        let said = said(&mut command).out;
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
        let (_, found) = said.split_once("X509v3 Subject Alternative Name: \n").unwrap_or_default();
        let found = found.lines().next().unwrap_or_default().trim();
        // It prints addresses of IPv6 with all their zeros.
        let shown = |name: &str| name.parse().map_or(name.to_owned(), |it: IpAddr| it.to_string());
        let found = found.split(", ").filter_map(|name| Some(shown(name.split_once(':')?.1)));
        assert_eq!(found.collect::<Vec<_>>(), names(listed), "{said}");
    });
}

#[test]
fn ssh_keygen_reads_in_the_files_what_is_listed() {
    let Some(keygen) = tool(On::Host, "ssh-keygen") else { return };
    each_built("ssh", |_, path, listed| {
        let text = |key: &str| listed[key].as_str().unwrap();
        let run = |option: &str| said(keygen.command().env("TZ", "UTC").args([option, "-f"]).arg(path)).out;
        let printed = run("-l");
        assert!(printed.contains(&format!(" {} ", text("fingerprint"))), "{listed}: {printed}");
        let printed = run("-L");
        let [from, last] = ["not_before", "not_after"].map(|key| text(key).trim_end_matches('Z'));
        // What it prints is the first second in which it is not good.
        let until = format!("{}T00:00:00", day_after(last));
        let (_, principals) = printed.split_once("Principals: \n").unwrap();
        let principals = principals.split_once("Critical Options").unwrap().0.split_whitespace();
        assert_eq!(principals.collect::<Vec<_>>(), names(listed), "{printed}");
        assert!(printed.contains(&format!("Key ID: \"{}\"\n", text("common_name"))), "{printed}");
        assert!(printed.contains(&format!("Valid: from {from} to {until}\n")), "{listed}: {printed}");
    });
}

/// The day that follows the last second of another.
fn day_after(last: &str) -> String {
    let last: jiff::Timestamp = format!("{last}Z").parse().unwrap();
    (last + jiff::SignedDuration::from_secs(1)).to_string()[..10].to_owned()
}

#[test]
fn every_certificate_of_a_build_is_listed() {
    let project = quiet();
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
            let certified = path.to_str().unwrap().ends_with("-cert.pub");
            kubeconfig || certified || is("crt") && (path.starts_with("pki") || !authority())
        });
        let built: BTreeSet<String> = built.map(|path| path.to_str().unwrap().to_owned()).collect();
        assert_eq!(built, files, "{blueprint}");
    }
}

#[test]
fn before_there_is_a_vault_all_but_the_fingerprints_is_known() {
    let project = quiet();
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
fn without_a_cluster_there_are_those_of_ssh() {
    let said = Project::with(&["alpha"]).bpc(&["plan", "--certificates"]);
    assert_eq!(said.status, 0);
    insta::assert_snapshot!(said.out, @r"
    alpha (lab.demo), certificates: 2

    HOLDER        CERTIFICATE   COMMON NAME        ISSUER
    node          ssh-host      node.lab.demo      ssh-host-ca
    the operator  ssh-operator  operator@lab.demo  ssh-user-ca

    HOLDER        FILE                                    GOOD FROM             GOOD UNTIL
    node          /etc/ssh/bpc_host_ed25519_key-cert.pub  2026-01-01T00:00:00Z  2026-12-31T23:59:59Z
    the operator  ssh/id_ed25519-cert.pub                 2026-01-01T00:00:00Z  2026-12-31T23:59:59Z

    HOLDER        CERTIFICATE   GOOD FOR
    node          ssh-host      node, node.lab.demo, 192.168.7.2
    the operator  ssh-operator  debian
    ");
}

#[test]
fn a_vault_is_for_certificates_only() {
    let project = quiet();
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
    let project = quiet();
    for at in ["2026-01-01", "2026-06-01", "2026-12-01T23:59:59Z", "2026-12-01T22:59:59-01:00"] {
        assert_at(&project, at, 0, &[]);
    }
    let early = ":10:8: error[BPC0613]: 56 certificates will not be good yet at 2025-12-31T23:59:59Z";
    assert_at(&project, "2025-12-31T23:59:59Z", 1, &[early]);
    // Those of SSH end a second before the others: sshd does not count the moment that they name.
    let soon = ":10:8: warning[BPC0614]: 14 certificates will have 29 days left at 2026-12-02T00:00:00Z";
    assert_at(&project, "2026-12-02", 0, &[soon]);
    let over = ":10:8: error[BPC0613]: 14 certificates will have expired by 2027-01-01T00:00:00Z";
    let last =
        ":10:8: warning[BPC0614]: 39 certificates will have less than a day left at 2027-01-01T00:00:00Z";
    assert_at(&project, "2027-01-01", 1, &[over, last]);
}

#[test]
fn authorities_end_on_their_own() {
    let project = quiet();
    let all = [
        ":10:8: error[BPC0613]: 14 certificates will have expired by 2035-12-29T00:00:00Z",
        ":10:8: error[BPC0613]: 39 certificates will have expired by 2035-12-29T00:00:00Z",
        ":10:8: warning[BPC0614]: 3 certificates will have 1 day left at 2035-12-29T00:00:00Z",
    ];
    assert_at(&project, "2035-12-29", 1, &all);
}

/// kube-full with these lines below `pki:`, and the number of the first of them.
fn with_pki(lines: &[&str]) -> (Project, usize) {
    let project = quiet();
    let text = fs::read_to_string(project.path(BLUEPRINT)).unwrap();
    let last = text.lines().count();
    project.write(BLUEPRINT, format!("{text}pki:\n  {}\n", lines.join("\n  ")));
    (project, last + 2)
}

#[test]
fn the_place_is_the_key_that_decides() {
    let (project, line) = with_pki(&["authority_days: 400", "certificate_days: 100"]);
    let (others, at) = (line + 1, "2027-01-31T00:00:00Z");
    let all = [
        format!(":{line}:19: warning[BPC0614]: 3 certificates will have 5 days left at {at}"),
        format!(":{others}:21: error[BPC0613]: 14 certificates will have expired by {at}"),
        format!(":{others}:21: error[BPC0613]: 39 certificates will have expired by {at}"),
    ];
    assert_at(&project, at, 1, &all.each_ref().map(String::as_str));
}

#[test]
fn the_operators_own_times_have_their_own_place() {
    let (project, line) = with_pki(&["operator_from: 2026-03-01T00:00:00Z", "operator_days: 10"]);
    let days = line + 1;
    let early =
        format!(":{line}:18: error[BPC0613]: 1 certificate will not be good yet at 2026-02-01T00:00:00Z");
    assert_at(&project, "2026-02-01", 1, &[&early]);
    let soon =
        format!(":{days}:18: warning[BPC0614]: 1 certificate will have 7 days left at 2026-03-03T00:00:00Z");
    assert_at(&project, "2026-03-03", 0, &[&soon]);
    let said = project.bpc(&["check", "--at", "2026-04-01", BLUEPRINT]);
    let help = "= help: a later `operator_from` and a new build make a new one, and no machine has to be re-seeded\n";
    assert!(said.err.contains("= note: ssh-operator\n") && said.err.contains(help), "{said:?}");
}

#[test]
fn people_are_told_which_ones_and_what_to_do() {
    let project = quiet();
    let said = project.bpc(&["check", "--at", "2027-06-01", "blueprints/kube-full"]);
    assert_eq!((said.status, said.out.as_str()), (1, ""));
    let (of_ssh, _) = said.err.split_once("error[BPC0613]: 39 certificates").unwrap();
    insta::assert_snapshot!(of_ssh, @r"
    error[BPC0613]: 14 certificates will have expired by 2027-06-01T00:00:00Z
      --> blueprints/kube-full/blueprint.yaml:10:8
       |
    10 | epoch: 2026-01-01T00:00:00Z
       |        ^^^^^^^^^^^^^^^^^^^^ good until 2026-12-31T23:59:59Z
       |
       = note: gate-node01/ssh-host, busybox/ssh-host, hapx-node01/ssh-host and 11 more
       = help: a later `epoch` and a new build make new ones; each machine whose seed changes is then re-seeded
    ");
    let said = project.bpc(&["check", "--at", "2025-12-24", "blueprints/kube-full"]);
    assert!(said.err.contains("good from 2026-01-01T00:00:00Z\n"), "{said:?}");
    assert!(said.err.contains("= help: they start at this time: choose an earlier one\n"), "{said:?}");
    let said = project.bpc(&["check", "--at", "2026-12-24", "blueprints/kube-full"]);
    insta::assert_snapshot!(said.out, @"blueprints/kube-full/blueprint.yaml: no errors, 2 warnings, 13 machines, certificates good until 2026-12-31T23:59:59Z");
}

#[test]
fn without_trouble_a_check_says_until_when_all_is_good() {
    let project = quiet();
    project.write("blueprints/alpha/blueprint.yaml", crate::support::project::small("alpha"));
    insta::assert_snapshot!(project.bpc(&["check", "--at", "2026-06-01"]).out, @r"
    blueprints/alpha/blueprint.yaml: no errors, 1 machine, certificates good until 2026-12-31T23:59:59Z
    blueprints/kube-compact/blueprint.yaml: no errors, 7 machines, certificates good until 2026-12-31T23:59:59Z
    blueprints/kube-demo/blueprint.yaml: no errors, 10 machines, certificates good until 2026-12-31T23:59:59Z
    blueprints/kube-full/blueprint.yaml: no errors, 13 machines, certificates good until 2026-12-31T23:59:59Z
    blueprints/kube-keepalived/blueprint.yaml: no errors, 10 machines, certificates good until 2026-12-31T23:59:59Z
    blueprints/tiny/blueprint.yaml: no errors, 2 machines, certificates good until 2026-12-31T23:59:59Z
    ");
    let json = project.bpc(&["check", "--at", "2026-06-01", "--format", "json"]).out;
    let until = |line: &str| serde_json::from_str::<Value>(line).unwrap()["certificates_until"].take();
    assert!(json.lines().all(|line| until(line) == "2026-12-31T23:59:59Z"), "{json}");
    let unasked = project.bpc(&["check", "--format", "json"]).out;
    assert!(!unasked.contains("certificates_until"), "{unasked}");
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
