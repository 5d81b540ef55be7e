//! Which key and certificate is on which machine, and at which path.

use bpc::Compiled;

use super::placed::cluster;

/// The files of a machine below its `/etc/kubernetes` or `/etc/etcd`, by folder, those of a pair as `NAME.{crt,key}`.
fn files(built: &Compiled, machine: &str) -> Vec<String> {
    let prefix = format!("machines/{machine}/files/etc/");
    let found = built.artifacts.files.iter().filter_map(|file| {
        let path = file.path.strip_prefix(&prefix)?;
        let path = path.strip_prefix("kubernetes/").or_else(|| path.starts_with("etcd/").then_some(path))?;
        // Private keys and kubeconfigs are secret, and nothing else is.
        let (_, end) = path.rsplit_once('.').unwrap();
        let secret = end == "key" || end == "conf";
        assert_eq!((file.content.is_secret(), file.mode()), (secret, if secret { 0o600 } else { 0o644 }));
        Some(path.to_owned())
    });
    let mut found: Vec<String> = found.collect();
    found.sort();
    found
}

/// Paths with braces opened: `pki/ca.{crt,key}` is two.
fn expected(paths: &[&str]) -> Vec<String> {
    let mut all = Vec::new();
    for path in paths {
        match path.split_once(".{") {
            Some((stem, ends)) => {
                all.extend(ends.trim_end_matches('}').split(',').map(|end| format!("{stem}.{end}")));
            }
            None => all.push((*path).to_owned()),
        }
    }
    all.sort();
    all
}

/// What every control plane has, wherever etcd and the keys of authorities are.
const CONTROL_PLANE: [&str; 10] = [
    "pki/apiserver.{crt,key}",
    "pki/apiserver-kubelet-client.{crt,key}",
    "pki/apiserver-etcd-client.{crt,key}",
    "pki/front-proxy-client.{crt,key}",
    "pki/sa.{key,pub}",
    "pki/etcd/ca.crt",
    "pki/ca.crt",
    "pki/front-proxy-ca.crt",
    "admin.conf",
    "controller-manager.conf",
];

fn assert_files(built: &Compiled, machine: &str, more: &[&[&str]]) {
    assert_eq!(files(built, machine), expected(&more.concat()), "{} {machine}", built.site.name);
}

const STACKED: [&str; 3] =
    ["pki/etcd/server.{crt,key}", "pki/etcd/peer.{crt,key}", "pki/etcd/healthcheck-client.{crt,key}"];
const MEMBER: [&str; 5] = [
    "etcd/pki/ca.crt",
    "etcd/pki/server.{crt,key}",
    "etcd/pki/peer.{crt,key}",
    "etcd/pki/healthcheck-client.{crt,key}",
    "etcd/etcd.yaml",
];

#[test]
fn a_control_plane_has_what_kubeadm_looks_for() {
    let keys = ["scheduler.conf", "pki/ca.key", "pki/front-proxy-ca.key", "pki/etcd/ca.key"];
    let built = cluster("kube-demo", "");
    assert_files(&built, "kube-mast01", &[&CONTROL_PLANE, &STACKED, &keys, &["super-admin.conf"]]);
    assert_files(&built, "kube-mast02", &[&CONTROL_PLANE, &STACKED, &keys]);
    assert_files(&built, "kube-mast03", &[&CONTROL_PLANE, &STACKED, &keys]);
}

#[test]
fn with_an_etcd_elsewhere_nobody_has_the_key_of_its_authority() {
    let keys = ["scheduler.conf", "pki/ca.key", "pki/front-proxy-ca.key"];
    let built = cluster("kube-full", "");
    assert_files(&built, "kube-mast01", &[&CONTROL_PLANE, &keys, &["super-admin.conf"]]);
    assert_files(&built, "kube-mast03", &[&CONTROL_PLANE, &keys]);
    for machine in ["etcd-node01", "etcd-node02", "etcd-node03"] {
        assert_files(&built, machine, &[&MEMBER]);
    }
}

#[test]
fn a_control_plane_with_etcd_as_a_service_has_both() {
    let keys = ["scheduler.conf", "pki/ca.key", "pki/front-proxy-ca.key"];
    let built = cluster("kube-compact", "");
    assert_files(&built, "kube-mast01", &[&CONTROL_PLANE, &keys, &MEMBER, &["super-admin.conf"]]);
    assert_files(&built, "kube-mast03", &[&CONTROL_PLANE, &keys, &MEMBER]);
}

#[test]
fn in_the_vault_mode_no_machine_signs_anything_and_every_kubelet_has_a_certificate() {
    let all = ["scheduler.conf", "kubelet.conf"];
    let built = cluster("kube-demo", "pki: {authority_keys: vault}");
    assert_files(&built, "kube-mast01", &[&CONTROL_PLANE, &STACKED, &all, &["super-admin.conf"]]);
    assert_files(&built, "kube-mast02", &[&CONTROL_PLANE, &STACKED, &all]);
    assert_files(&built, "kube-node01", &[&["kubelet.conf"]]);
}

#[test]
fn others_have_the_key_of_their_sshd_their_kubelet_and_their_way_to_the_api() {
    for built in [cluster("kube-demo", ""), cluster("kube-full", "pki: {root: true}")] {
        assert_files(&built, "hapx-node01", &[]);
        let sshd = "/etc/ssh/bpc_host_ed25519_key";
        let joined = [sshd, "/etc/bpc/kubelet/server.key", "/etc/bpc/kubeadm/discovery.conf"];
        for (machine, keys) in [
            ("gate-node01", &[sshd][..]),
            ("busybox", &[sshd, "/etc/bpc/kubernetes/admin.conf"]),
            ("kube-node01", &joined),
        ] {
            assert_files(&built, machine, &[]);
            let prefix = format!("machines/{machine}/files");
            let files = built.artifacts.files.iter().filter(|file| file.content.is_secret());
            let secret: Vec<_> = files.filter_map(|file| file.path.strip_prefix(&prefix)).collect();
            assert_eq!(secret, keys);
        }
    }
}

#[test]
fn what_holds_a_secret_file_is_secret_too() {
    let built = cluster("kube-demo", "");
    for (name, secret) in
        [("user-data", true), ("seed.iso", true), ("meta-data", false), ("network-config", false)]
    {
        let path = format!("machines/kube-mast02/{name}");
        let file = built.artifacts.files.iter().find(|file| file.path == path).unwrap();
        assert_eq!((file.content.is_secret(), file.mode() == 0o600), (secret, secret), "{name}");
    }
}

#[test]
fn the_operator_has_the_authorities_and_the_ways_in() {
    let operators = |line: &str| -> Vec<String> {
        let built = cluster("kube-full", line);
        let elsewhere = |path: &str| {
            ![".gitignore", "installer/", "machines/", "report/", "day-2/", "virtualbox/"]
                .iter()
                .any(|folder| path.starts_with(folder))
        };
        let files = built.artifacts.files.iter().filter(|file| elsewhere(&file.path));
        files.map(|file| format!("{:04o} {}", file.mode(), file.path)).collect()
    };
    let ssh = [
        "0600 ssh/id_ed25519",
        "0644 ssh/id_ed25519.pub",
        "0644 ssh/id_ed25519-cert.pub",
        "0644 ssh/known_hosts",
        "0644 ssh/config",
    ];
    let below = ["0644 pki/kubernetes-ca.crt", "0644 pki/front-proxy-ca.crt", "0644 pki/etcd-ca.crt"];
    let ways = ["0600 kubeconfig/admin.conf", "0600 load-balancer/stats-password"];
    assert_eq!(operators(""), [&below[..], &ways, &ssh].concat());
    assert_eq!(operators("pki: {root: true}"), [&["0644 pki/root-ca.crt"], &below[..], &ways, &ssh].concat());
}

/// Where there is a root, no machine trusts it: the authorities below it would be one.
#[test]
fn no_machine_trusts_the_root() {
    let built = cluster("kube-full", "pki: {root: true}");
    let root = built.artifacts.files.iter().find(|file| file.path == "pki/root-ca.crt").unwrap();
    let root = root.content.bytes();
    let on_machines = built.artifacts.files.iter().filter(|file| file.path.starts_with("machines/"));
    for file in on_machines {
        assert!(!file.content.bytes().windows(root.len()).any(|window| window == root), "{}", file.path);
    }
}
