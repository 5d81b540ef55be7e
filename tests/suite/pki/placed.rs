//! Keys and certificates where the built data centres have them, judged by OpenSSL and kubectl.

use std::collections::BTreeSet;

use base64ct::{Base64, Encoding as _};
use bpc::Compiled;
use bpc::pki::AuthorityConstraint;

use super::*;
use crate::built::{artifact, changed_in};

/// The blueprints with a cluster, each with one line more; the names of the two are `kube-demo` and `kube-full`.
pub(super) fn cluster(name: &str, line: &str) -> Compiled {
    changed_in("blueprints", name, |text| format!("{text}{line}\n"))
}

/// Every form in which clusters come, and whether a root stands above the authorities.
fn clusters() -> Vec<(Compiled, bool)> {
    let mut all = Vec::new();
    for name in ["kube-demo", "kube-full"] {
        all.push((cluster(name, ""), false));
        all.push((cluster(name, "pki: {root: true}"), true));
    }
    all.push((cluster("kube-full", "pki: {algorithm: ecdsa-p384, root: true, authority_keys: vault}"), true));
    all
}

/// A certificate that is on some machine, or with the operator.
struct Placed {
    /// Where: `kube-mast01 /etc/kubernetes/pki/apiserver`.
    place: String,
    chain: String,
    key: String,
    authority: &'static str,
    server: bool,
    client: bool,
}

/// The name of the file (without ending) says who signed it and what it is good for.
fn facts(path: &str) -> (&'static str, bool, bool) {
    let name = path.rsplit('/').next().unwrap();
    let authority = match name {
        "front-proxy-client" => "front-proxy-ca",
        "apiserver-etcd-client" => "etcd-ca",
        _ if path.contains("etcd/") => "etcd-ca",
        _ => "kubernetes-ca",
    };
    (
        authority,
        matches!(name, "apiserver" | "server" | "peer"),
        name != "apiserver" && !path.ends_with("/kubelet/server"),
    )
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// All that is there: certificates beside their keys, and those in kubeconfigs.
fn placed(built: &Compiled) -> Vec<Placed> {
    let mut all = Vec::new();
    for file in &built.artifacts.files {
        let place = file.path.clone();
        let (stem, end) = place.rsplit_once('.').unwrap_or_default();
        let (chain, key) = if end == "conf" && file.content.is_secret() {
            let user = &kubeconfig(file.content.bytes())["users"][0]["user"];
            // With a token it shows no certificate.
            if user.get("token").is_some() {
                continue;
            }
            (decoded(&user["client-certificate-data"]), decoded(&user["client-key-data"]))
        } else if end == "crt" {
            let key = built.artifacts.files.iter().find(|other| other.path == format!("{stem}.key"));
            let Some(key) = key else { continue };
            (text(file.content.bytes()), text(key.content.bytes()))
        } else {
            continue;
        };
        let leaf = Certificate::from_pem(&chain).unwrap().remove(0);
        if leaf.constraint == AuthorityConstraint::Leaf {
            let (authority, server, client) = facts(place.rsplit_once('.').unwrap().0);
            all.push(Placed { place, chain, key, authority, server, client });
        }
    }
    all
}

pub(crate) fn kubeconfig(bytes: &[u8]) -> serde_yaml::Value {
    serde_yaml::from_slice(bytes).unwrap()
}

pub(crate) fn decoded(data: &serde_yaml::Value) -> String {
    text(&Base64::decode_vec(data.as_str().unwrap()).unwrap())
}

/// An artifact that is the operator's.
fn operators<'a>(built: &'a Compiled, path: &str) -> &'a [u8] {
    built.artifacts.files.iter().find(|file| file.path == path).unwrap().content.bytes()
}

/// `openssl verify` at its strictest, with `@leaf.crt` and what is sent with it.
fn verify(reader: &Reader, arguments: &[&str]) -> (bool, String) {
    let strict = ["verify", "-x509_strict", "-no-CApath", "-no-CAstore", "-attime", NOW];
    reader.try_run(&[&strict[..], arguments, &["-untrusted", "@leaf.crt", "@leaf.crt"]].concat())
}

const AUTHORITIES: [&str; 3] = ["kubernetes-ca", "front-proxy-ca", "etcd-ca"];

/// OpenSSL with the operator's certificates of all authorities.
fn reader(built: &Compiled, root: bool) -> Option<Reader> {
    let reader = Reader::new(On::Host, "openssl", &[])?;
    for authority in AUTHORITIES.into_iter().chain(root.then_some("root-ca")) {
        reader.add(&format!("{authority}.crt"), operators(built, &format!("pki/{authority}.crt")));
    }
    Some(reader)
}

#[test]
fn every_certificate_is_good_for_its_purpose_and_authority_alone() {
    for (built, root) in clusters() {
        let Some(reader) = reader(&built, root) else { return };
        let placed = placed(&built);
        assert!(placed.len() >= 30, "{} has {}", built.site.name, placed.len());
        for found in placed {
            reader.add("leaf.crt", &found.chain);
            for (purpose, good) in [("sslserver", found.server), ("sslclient", found.client)] {
                for authority in AUTHORITIES {
                    let trusted = format!("@{authority}.crt");
                    // What trusts an authority below a root says so, as Go and curl do by themselves.
                    let partial: &[&str] = if root { &["-partial_chain"] } else { &[] };
                    let (accepted, said) =
                        verify(&reader, &[&["-CAfile", &trusted, "-purpose", purpose], partial].concat());
                    let expected = good && authority == found.authority;
                    assert_eq!(accepted, expected, "{} {purpose} {authority}: {said}", found.place);
                }
                if root {
                    let (accepted, said) = verify(&reader, &["-CAfile", "@root-ca.crt", "-purpose", purpose]);
                    assert_eq!(accepted, good, "{} {purpose} root-ca: {said}", found.place);
                }
            }
        }
    }
}

#[test]
fn every_key_belongs_to_its_certificate() {
    for (built, root) in clusters() {
        let Some(reader) = reader(&built, root) else { return };
        let mut keys = BTreeSet::new();
        let placed = placed(&built);
        for found in &placed {
            reader.add("leaf.crt", &found.chain);
            reader.add("leaf.key", &found.key);
            let public = reader.run(&["pkey", "-in", "@leaf.key", "-pubout"]);
            assert_eq!(
                reader.run(&["x509", "-in", "@leaf.crt", "-noout", "-pubkey"]),
                public,
                "{}",
                found.place
            );
            keys.insert(public);
        }
        assert_eq!(keys.len(), placed.len(), "no two share a key");
    }
}

#[test]
fn servers_are_known_by_their_names_and_addresses() {
    let built = cluster("kube-full", "");
    let Some(reader) = reader(&built, false) else { return };
    let api = "files/etc/kubernetes/pki/apiserver.crt";
    let member = "files/etc/etcd/pki/server.crt";
    let kubelet = "files/etc/bpc/kubelet/server.crt";
    for (machine, file, authority, option, name, good) in [
        ("kube-mast02", api, "kubernetes-ca", "-verify_hostname", "kube-mast02", true),
        ("kube-mast02", api, "kubernetes-ca", "-verify_hostname", "kube-mast02.kube.full", true),
        (
            "kube-mast02",
            api,
            "kubernetes-ca",
            "-verify_hostname",
            "kubernetes.default.svc.cluster.local",
            true,
        ),
        ("kube-mast02", api, "kubernetes-ca", "-verify_hostname", "api.kube.full", true),
        ("kube-mast02", api, "kubernetes-ca", "-verify_ip", "10.86.1.3", true),
        ("kube-mast02", api, "kubernetes-ca", "-verify_ip", "10.86.4.20", true),
        ("kube-mast02", api, "kubernetes-ca", "-verify_ip", "10.96.0.1", true),
        ("kube-mast02", api, "kubernetes-ca", "-verify_hostname", "kube-mast01", false),
        ("kube-mast02", api, "kubernetes-ca", "-verify_ip", "10.86.1.2", false),
        ("etcd-node03", member, "etcd-ca", "-verify_hostname", "etcd-node03", true),
        ("etcd-node03", member, "etcd-ca", "-verify_hostname", "localhost", true),
        ("etcd-node03", member, "etcd-ca", "-verify_ip", "10.86.1.7", true),
        ("etcd-node03", member, "etcd-ca", "-verify_ip", "127.0.0.1", true),
        ("etcd-node03", member, "etcd-ca", "-verify_ip", "10.86.1.6", false),
        ("kube-mast02", kubelet, "kubernetes-ca", "-verify_ip", "10.86.1.3", true),
        ("kube-mast02", kubelet, "kubernetes-ca", "-verify_hostname", "kube-mast02", true),
        ("kube-node01", kubelet, "kubernetes-ca", "-verify_hostname", "kube-node01.kube.full", true),
        ("kube-node01", kubelet, "kubernetes-ca", "-verify_hostname", "kube-node02", false),
    ] {
        reader.add("leaf.crt", artifact(&built, machine, file));
        let trusted = format!("@{authority}.crt");
        let (accepted, said) = verify(&reader, &["-CAfile", &trusted, "-purpose", "sslserver", option, name]);
        assert_eq!(accepted, good, "{machine} {name}: {said}");
    }
}

#[test]
fn kubectl_reads_the_kubeconfigs() {
    let Some(kubectl) = tool(On::Trixie, "kubectl") else { return };
    for line in ["", "pki: {root: true, authority_keys: vault}"] {
        let built = cluster("kube-demo", line);
        let endpoint = "https://10.86.4.20:6443";
        let mut files = vec![("kubeconfig/admin.conf", "kubernetes-admin", endpoint)];
        let machine = "machines/kube-mast02/files/etc/kubernetes";
        let (manager, scheduler) =
            (format!("{machine}/controller-manager.conf"), format!("{machine}/scheduler.conf"));
        files.push((&manager, "system:kube-controller-manager", "https://10.86.1.3:6443"));
        files.push((&scheduler, "system:kube-scheduler", "https://10.86.1.3:6443"));
        let worker = "machines/kube-node03/files/etc/kubernetes/kubelet.conf";
        if !line.is_empty() {
            files.push((worker, "system:node:kube-node03", endpoint));
        }
        for (path, user, server) in files {
            let file = operators(&built, path);
            let staged = kubectl.stage(&[("config", file)]);
            let mut command = kubectl.command();
            command
                .args(["config", "view", "--raw", "-o", "json", "--kubeconfig"])
                .arg(staged.path_for("config"));
            let output = command.output().unwrap();
            assert!(output.status.success(), "{path}: {}", String::from_utf8_lossy(&output.stderr));
            let read: serde_yaml::Value = serde_yaml::from_slice(&output.stdout).unwrap();
            let context = format!("{user}@kube-demo");
            assert_eq!(read["current-context"], context.as_str());
            assert_eq!(read["contexts"][0]["name"], context.as_str());
            assert_eq!(read["contexts"][0]["context"]["user"], user);
            assert_eq!(read["contexts"][0]["context"]["cluster"], read["clusters"][0]["name"]);
            assert_eq!(read["users"][0]["name"], user);
            let cluster = &read["clusters"][0]["cluster"];
            assert_eq!(cluster["server"], server);
            assert_eq!(
                decoded(&cluster["certificate-authority-data"]).as_bytes(),
                operators(&built, "pki/kubernetes-ca.crt")
            );
        }
    }
}
