//! What changes with a change, and what does not.

use std::collections::BTreeMap;

use bpc::Compiled;
use bpc::site::{AuthorityKind, Holder};

use super::placed::cluster;
use crate::built::changed_in;

/// The list of all certificates, which changes with each of them.
const REPORT: &str = "report/certificates.txt";

/// The public key and the certificate of everything, or the secret that is shared, by purpose.
fn identities(built: &Compiled) -> BTreeMap<String, (String, Vec<u8>)> {
    let credentials = &built.credentials;
    let authorities = credentials.authorities().map(|(kind, authority)| {
        let certificate = authority.certificate().der().to_vec();
        (kind.as_str().to_owned(), (authority.key().public_pem(), certificate))
    });
    let leaves = credentials.certificates().map(|(holder, kind, issued)| {
        (holder.purpose(kind), (issued.key.public_pem(), issued.certificate.der().to_vec()))
    });
    let ssh = credentials.ssh().certified().map(|(holder, it)| {
        (holder.ssh_purpose(), (it.key.public_line().unwrap(), it.certificate.line().unwrap().into_bytes()))
    });
    let mut all: BTreeMap<_, _> = authorities.chain(leaves).chain(ssh).collect();
    for (purpose, public) in [
        ("service-account", credentials.service_account().unwrap().public_pem()),
        ("ssh-host-ca", credentials.ssh().host_authority().public_line().unwrap()),
        ("ssh-user-ca", credentials.ssh().user_authority().public_line().unwrap()),
    ] {
        all.insert(purpose.to_owned(), (public, Vec::new()));
    }
    let shared = credentials.all_shared();
    all.extend(
        shared.map(|(secret, bytes)| (secret.as_str().to_owned(), (String::new(), bytes.expose().clone()))),
    );
    all
}

/// The purposes of which the keys differ, and those of which the certificates do.
fn differences(one: &Compiled, other: &Compiled) -> (Vec<String>, Vec<String>) {
    let (one, other) = (identities(one), identities(other));
    assert!(one.keys().eq(other.keys()));
    let differ = |differs: &dyn Fn(&str) -> bool| one.keys().filter(|key| differs(key)).cloned().collect();
    (differ(&|key| one[key].0 != other[key].0), differ(&|key| one[key].1 != other[key].1))
}

/// The artifacts that differ, those that are digests of others left out.
fn artifacts(one: &Compiled, other: &Compiled) -> Vec<String> {
    let pairs = one.artifacts.files.iter().zip(&other.artifacts.files);
    let differ = pairs.filter(|(one, other)| {
        assert_eq!(one.path, other.path);
        one.content != other.content
    });
    differ.map(|(one, _)| one.path.clone()).collect()
}

#[test]
fn a_machine_at_the_end_changes_no_other_machines_keys_and_certificates() {
    for line in ["", "pki: {root: true, authority_keys: vault}"] {
        let before = cluster("kube-full", line);
        let after = changed_in("blueprints", "kube-full", |text| {
            let late = "  late-mast: {role: control-plane, count: 2, cpus: 2, memory: 2GiB, networks: [mast]}\n  \
                        late-node: {role: worker, networks: [node]}\n\nload_balancer:";
            let text = text.replace("\nload_balancer:", late);
            assert!(text.contains("late-node"));
            format!("{text}{line}\n")
        });
        for file in before.artifacts.files.iter().filter(|file| file.path.contains("/etc/ssh/")) {
            assert!(after.artifacts.files.contains(file), "{} changed", file.path);
        }
        let (before, after) = (identities(&before), identities(&after));
        for (purpose, identity) in &before {
            assert!(after[purpose] == *identity, "{purpose} changed");
        }
        assert!(after.len() > before.len());
        assert!(after.keys().all(|purpose| before.contains_key(purpose) || purpose.starts_with("late-")));
    }
}

#[test]
fn another_authority_changes_its_key_and_what_it_signs() {
    let before = cluster("kube-full", "");
    let (keys, certificates) = differences(&before, &cluster("kube-full", "rotate: {etcd-ca: 1}"));
    assert_eq!(keys, ["etcd-ca"]);
    let signed =
        before.credentials.certificates().filter(|(_, kind, _)| kind.authority() == AuthorityKind::Etcd);
    let mut expected: Vec<String> = signed.map(|(holder, kind, _)| holder.purpose(kind)).collect();
    expected.push("etcd-ca".to_owned());
    expected.sort();
    assert_eq!(certificates, expected);
    assert_eq!(certificates.len(), 1 + 3 * 3 + 3, "three of each member, one of each control plane");
}

#[test]
fn another_root_changes_the_certificates_of_authorities_and_no_leaf() {
    let before = cluster("kube-demo", "pki: {root: true}");
    let after = cluster("kube-demo", "pki: {root: true}\nrotate: {root-ca: 1}");
    let (keys, certificates) = differences(&before, &after);
    assert_eq!(keys, ["root-ca"]);
    assert_eq!(certificates, ["etcd-ca", "front-proxy-ca", "kubernetes-ca", "root-ca"]);
}

/// Where stages are; the first one knows each file of its seed, and others those that they read.
const STAGES: &str = "files/usr/local/lib/bpc/stages";

#[test]
fn another_key_of_a_machine_changes_that_one_only() {
    let before = cluster("kube-demo", "");
    let after = cluster("kube-demo", "rotate: {kube-mast01/apiserver: 1}");
    let (keys, certificates) = differences(&before, &after);
    assert_eq!((&keys[..], &certificates[..]), (&["kube-mast01/apiserver".to_owned()][..], &keys[..]));
    let pki = "files/etc/kubernetes/pki/apiserver";
    let names = ["seed.iso", "user-data", "meta-data", &format!("{pki}.crt"), &format!("{pki}.key")];
    let stages = ["01-former", "60-kubeadm"].map(|stage| format!("{STAGES}/{stage}"));
    let names = names.into_iter().chain(stages.iter().map(String::as_str));
    let mut expected: Vec<String> = names.map(|name| format!("machines/kube-mast01/{name}")).collect();
    expected.push(REPORT.to_owned());
    assert_eq!(artifacts(&before, &after), expected);
}

#[test]
fn another_key_of_the_operator_changes_no_machine() {
    let (before, after) = (cluster("kube-demo", ""), cluster("kube-demo", "rotate: {admin: 3}"));
    assert_eq!(artifacts(&before, &after), ["kubeconfig/admin.conf", REPORT]);
}

#[test]
fn another_ssh_key_changes_its_files_only() {
    let before = cluster("kube-demo", "");
    let operator = ["ssh/id_ed25519", "ssh/id_ed25519.pub", "ssh/id_ed25519-cert.pub", REPORT];
    assert_eq!(artifacts(&before, &cluster("kube-demo", "rotate: {ssh-operator: 1}")), operator);
    let after = cluster("kube-demo", "rotate: {kube-mast01/ssh-host: 1}");
    let key = "files/etc/ssh/bpc_host_ed25519_key";
    let names = ["seed.iso".to_owned(), "user-data".to_owned(), "meta-data".to_owned()].into_iter();
    let names = names.chain(["", ".pub", "-cert.pub"].map(|end| format!("{key}{end}")));
    // sshd is told to read them.
    let names = names.chain(["01-former", "02-ssh"].map(|stage| format!("{STAGES}/{stage}")));
    let names = names.map(|name| format!("machines/kube-mast01/{name}"));
    let expected: Vec<String> = names.chain([REPORT.to_owned()]).collect();
    assert_eq!(artifacts(&before, &after), expected);
}

#[test]
fn another_ssh_authority_changes_what_it_signs() {
    let before = cluster("kube-demo", "");
    let (keys, certificates) = differences(&before, &cluster("kube-demo", "rotate: {ssh-user-ca: 1}"));
    assert_eq!(
        (&keys[..], &certificates[..]),
        (&["ssh-user-ca".to_owned()][..], &["ssh-operator".to_owned()][..])
    );
    let (keys, certificates) = differences(&before, &cluster("kube-demo", "rotate: {ssh-host-ca: 1}"));
    assert_eq!(keys, ["ssh-host-ca"]);
    assert!(certificates.iter().all(|purpose| purpose.ends_with("/ssh-host")));
    assert_eq!(certificates.len(), before.site.machines.len());
}

/// So that it may be short: nobody has to seed a machine again for a new one.
#[test]
fn another_time_of_the_operator_changes_one_certificate_only() {
    let before = cluster("kube-demo", "");
    for line in [
        "pki: {operator_from: 2026-11-01T00:00:00Z}",
        "pki: {operator_days: 7}",
        "pki: {operator_from: 2026-11-01T00:00:00Z, operator_days: 7}",
    ] {
        assert_eq!(
            artifacts(&before, &cluster("kube-demo", line)),
            ["ssh/id_ed25519-cert.pub", "virtualbox/blueprint.conf", REPORT],
            "{line}"
        );
    }
}

#[test]
fn without_a_cluster_there_is_ssh_all_the_same() {
    let built = changed_in("tests/blueprints", "lonely", |text| {
        let lines = text.lines().filter(|line| !line.starts_with("kubernetes:"));
        lines
            .map(|line| line.replace("control-plane", "bastion").replace("worker", "bastion") + "\n")
            .collect()
    });
    let purposes: Vec<String> = built.site.purposes().into_iter().collect();
    assert_eq!(
        purposes,
        ["control/ssh-host", "node01/ssh-host", "ssh-host-ca", "ssh-operator", "ssh-user-ca"]
    );
    let elsewhere = |path: &str| {
        ![".gitignore", "machines/", "report/", "virtualbox/"].iter().any(|it| path.starts_with(it))
    };
    let files = built.artifacts.files.iter().filter(|file| elsewhere(&file.path));
    let (paths, kinds): (Vec<_>, Vec<_>) = files.map(|file| (file.path.as_str(), file.kind.as_str())).unzip();
    let ends = ["id_ed25519", "id_ed25519.pub", "id_ed25519-cert.pub", "known_hosts", "config"];
    assert_eq!(paths, ends.map(|end| format!("ssh/{end}")));
    assert_eq!(kinds, ["ssh"; 5]);
    let text = include_str!("../../blueprints/lonely/blueprint.yaml");
    let access = text.lines().position(|line| line.starts_with("access:")).unwrap() + 1;
    let origin = format!("blueprint.yaml:{access}");
    let of_access =
        built.artifacts.files.iter().filter(|file| file.kind.as_str() == "ssh" && file.origin == origin);
    assert_eq!(of_access.count(), 5);
}

#[test]
fn another_password_of_the_statistics_changes_load_balancers_and_the_operator_only() {
    let (before, after) = (cluster("kube-demo", ""), cluster("kube-demo", "rotate: {stats-password: 1}"));
    let changed = artifacts(&before, &after);
    let expected =
        |path: &str| path.starts_with("machines/hapx-node0") || path == "load-balancer/stats-password";
    assert!(changed.iter().all(|path| expected(path)), "{changed:?}");
    for path in ["load-balancer/stats-password", "machines/hapx-node02/files/etc/haproxy/users.cfg"] {
        assert!(changed.iter().any(|found| found == path), "{changed:?}");
    }
}

#[test]
fn every_generation_that_can_be_asked_for_changes_something() {
    let before = cluster("kube-full", "pki: {root: true, authority_keys: vault}");
    let purposes = before.site.purposes();
    assert!(purposes.iter().eq(identities(&before).keys()));
    let placed = before.setups.machines.iter().flat_map(|setup| &setup.files);
    let used: Vec<&str> = placed
        .chain(before.setups.operator.iter().map(|it| &it.file))
        .flat_map(|file| &file.secrets)
        .map(|secret| secret.purpose.as_str())
        .collect();
    let unused: Vec<&String> = purposes.iter().filter(|purpose| !used.contains(&purpose.as_str())).collect();
    // Those that stay in the vault.
    assert_eq!(
        unused,
        ["etcd-ca", "front-proxy-ca", "kubernetes-ca", "root-ca", "ssh-host-ca", "ssh-user-ca"]
    );
}

#[test]
fn the_first_control_plane_alone_has_the_rights_that_nobody_can_take_away() {
    let built = cluster("kube-full", "");
    let holders = built.credentials.certificates().filter(|(_, _, issued)| {
        issued.certificate.subject.organizations.contains(&"system:masters".to_owned())
    });
    let holders: Vec<Holder> = holders.map(|(holder, _, _)| holder.clone()).collect();
    assert_eq!(holders, [Holder::Machine("kube-mast01".to_owned())]);
}
