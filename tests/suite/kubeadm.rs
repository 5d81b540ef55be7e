//! kubeadm: what it is told, held against the reference of its API, and how machines become a cluster with it.

mod certificates;
mod reference;
mod stages;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use bpc::Compiled;
use bpc::site::{Machine, Role, SharedSecret};
use serde::Deserialize;
use serde_yaml::Value;

use crate::built::{changed_in, files};
use crate::support::tools::{On, tool};
use reference::Reference;

/// The blueprints with a cluster, and where they are.
const BLUEPRINTS: [(&str, &str); 8] = [
    ("blueprints", "kube-compact"),
    ("blueprints", "kube-demo"),
    ("blueprints", "kube-full"),
    ("blueprints", "kube-keepalived"),
    ("blueprints", "tiny"),
    ("tests/blueprints", "everything"),
    ("tests/blueprints", "lonely"),
    ("tests/blueprints", "routed"),
];

/// All that can be said of how a cluster is made.
const ALL: &str = r#"
  anonymous_auth: false
  api_names: [api.example.org, 203.0.113.7]
  runtime: docker
  kubeadm:
    cluster:
      apiServer:
        extraArgs: [{name: audit-log-path, value: "-"}, {name: profiling, value: false}]
      controllerManager: {extraArgs: [{name: node-monitor-grace-period, value: 20s}]}
      featureGates: {RootlessControlPlane: false}
    init: {skipPhases: [addon/coredns], timeouts: {etcdAPICall: 3m}, nodeRegistration: {kubeletExtraArgs: [{name: v, value: 4}]}}
    join: {skipPhases: [preflight], nodeRegistration: {imagePullSerial: false}}
    kubelet: {maxPods: 60, memoryThrottlingFactor: 0.8, evictionHard: {memory.available: 5%}}
    kube_proxy: {mode: nftables, iptables: {masqueradeAll: true}}
    patches:
      kube-apiserver+merge.yaml: {metadata: {annotations: {"no": "on"}}}
      kubeletconfiguration1+strategic.json: {maxPods: 61}
pki: {algorithm: ecdsa-p384, authority_keys: vault, certificate_days: 90, authority_days: 365}
"#;

/// How a machine finds the cluster.
const DISCOVERY: &str = "/etc/bpc/kubeadm/discovery.conf";

/// A blueprint with this minor of Kubernetes.
fn of_minor(folder: &str, name: &str, minor: &str) -> Compiled {
    changed_in(folder, name, |text| {
        let text = ["1.35", "1.36", "1.37"]
            .iter()
            .fold(text, |text, known| text.replace(&format!("\"{known}\""), &format!("\"{minor}\"")));
        // The last one that works with containerd 1.7 is 1.35.
        if minor == "1.35" { text } else { text.replace("containerd: \"1.7\", ", "") }
    })
}

/// `kube-full` with all that can be said.
fn with_all() -> Compiled {
    changed_in("blueprints", "kube-full", |text| {
        let text = text.replace(
            "kube-node: {role: worker,",
            "kube-node: {role: worker, labels: {disk: ssd, example.com/rack: a1}, taints: [\"dedicated=db:NoSchedule\"],",
        );
        let text =
            text.replace("kube-mast: {role: control-plane,", "kube-mast: {role: control-plane, taints: [],");
        format!("{}{ALL}", text.trim_end())
    })
}

fn documents(bytes: &[u8]) -> Vec<Value> {
    serde_yaml::Deserializer::from_slice(bytes)
        .map(|document| Value::deserialize(document).unwrap())
        .collect()
}

fn file<'a>(built: &'a Compiled, machine: &str, path: &str) -> &'a [u8] {
    crate::built::artifact(built, machine, &format!("files{path}"))
}

/// The only document of a file.
fn document(built: &Compiled, machine: &str, path: &str) -> Value {
    let [document] = documents(file(built, machine, path)).try_into().unwrap();
    document
}

/// Every document that kubeadm or what it starts reads, with its file.
fn every_document(built: &Compiled) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for machine in &built.site.machines {
        for (path, content) in files(built, machine) {
            if path.starts_with("/etc/bpc/kubeadm/")
                && !path.contains("/patches/")
                && path.strip_suffix(".yaml").is_some()
            {
                let place = format!("{} {} {path}", built.site.name, machine.name);
                all.extend(documents(content).into_iter().map(|document| (place.clone(), document)));
            }
        }
    }
    all
}

fn assert_known(reference: &Reference, built: &Compiled) {
    let mut kinds = BTreeSet::new();
    for (place, document) in every_document(built) {
        assert_eq!(reference.faults(&document), Vec::<String>::new(), "{place}");
        kinds.insert(document["kind"].as_str().unwrap().to_owned());
    }
    let kinds: Vec<_> =
        kinds.iter().filter(|kind| *kind != "AuthenticationConfiguration").map(String::as_str).collect();
    let all = [
        "ClusterConfiguration",
        "InitConfiguration",
        "JoinConfiguration",
        "KubeProxyConfiguration",
        "KubeletConfiguration",
    ];
    assert_eq!(kinds, all, "{}", built.site.name);
}

#[test]
fn every_field_of_every_document_is_in_the_reference() {
    let reference = Reference::new();
    for (folder, name) in BLUEPRINTS {
        for minor in ["1.35", "1.36", "1.37"] {
            let built = of_minor(folder, name, minor);
            assert_known(&reference, &built);
            let first = built.site.with_role(Role::ControlPlane).next().unwrap();
            let cluster = &documents(file(&built, &first.name, "/etc/bpc/kubeadm/cluster.yaml"))[0];
            assert!(cluster["kubernetesVersion"].as_str().unwrap().starts_with(&format!("v{minor}.")));
        }
    }
    let built = with_all();
    assert_known(&reference, &built);
    assert!(every_document(&built).iter().any(|(_, it)| it["kind"] == "AuthenticationConfiguration"));
}

/// The list above leaves none out.
#[test]
fn all_blueprints_are_looked_at() {
    let known = |folder: &str| -> BTreeSet<String> {
        let entries = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap();
        let folders = entries.map(|entry| entry.unwrap().path()).filter(|path| {
            std::fs::read_to_string(path.join("blueprint.yaml"))
                .is_ok_and(|text| text.contains("control-plane"))
        });
        folders.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
    };
    for folder in ["blueprints", "tests/blueprints"] {
        let listed = BLUEPRINTS.iter().filter(|(of, _)| *of == folder).map(|(_, name)| (*name).to_owned());
        assert_eq!(listed.collect::<BTreeSet<_>>(), known(folder));
    }
}

/// No package of Debian brings kubeadm, so that it is missing is no failure, not even where no program may be missing.
#[test]
fn kubeadm_takes_them_where_it_is_installed() {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    if !std::env::split_paths(&paths).any(|folder| folder.join("kubeadm").is_file()) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let [path, discovery] = ["kubeadm.yaml", "discovery.conf"].map(|name| folder.path().join(name));
    for built in BLUEPRINTS.iter().map(|(folder, name)| of_minor(folder, name, "1.35")).chain([with_all()]) {
        for machine in
            built.site.machines.iter().filter(|it| [Role::ControlPlane, Role::Worker].contains(&it.role))
        {
            let join = file(&built, &machine.name, "/etc/bpc/kubeadm/join.yaml").to_vec();
            std::fs::write(&discovery, file(&built, &machine.name, DISCOVERY)).unwrap();
            let mut all = vec![join];
            if built.site.with_role(Role::ControlPlane).next() == Some(machine) {
                let parts = ["cluster", "init"]
                    .map(|name| file(&built, &machine.name, &format!("/etc/bpc/kubeadm/{name}.yaml")));
                all.push(parts.join(&b"---\n"[..]));
            }
            for text in all {
                let text = String::from_utf8(text).unwrap();
                // It looks whether that is there.
                std::fs::write(&path, text.replace(DISCOVERY, discovery.to_str().unwrap())).unwrap();
                let output = Command::new("kubeadm")
                    .args(["config", "validate", "--config"])
                    .arg(&path)
                    .output()
                    .unwrap();
                assert!(
                    output.status.success(),
                    "{}: {}",
                    machine.name,
                    String::from_utf8_lossy(&output.stderr)
                );
            }
        }
    }
}

#[test]
fn what_the_blueprint_decides_arrives() {
    let built = with_all();
    let [cluster, kubelet, proxy] =
        documents(file(&built, "kube-mast02", "/etc/bpc/kubeadm/cluster.yaml")).try_into().unwrap();
    assert_eq!(cluster["controlPlaneEndpoint"], "10.86.4.20:6443");
    assert_eq!(cluster["encryptionAlgorithm"], "ECDSA-P384");
    assert_eq!(cluster["certificateValidityPeriod"], "2160h");
    assert_eq!(cluster["caCertificateValidityPeriod"], "8760h");
    assert_eq!(cluster["etcd"]["external"]["endpoints"][2], "https://10.86.1.7:2379");
    let names: Vec<_> =
        cluster["apiServer"]["certSANs"].as_sequence().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(
        ["api.kube.full", "10.86.4.20", "api.example.org", "203.0.113.7"]
            .iter()
            .all(|name| names.contains(name))
    );
    assert!(
        !names.iter().any(|name| name.starts_with("kube-mast") || name.starts_with("10.86.1.")),
        "{names:?}"
    );
    let arguments: Vec<_> = cluster["apiServer"]["extraArgs"]
        .as_sequence()
        .unwrap()
        .iter()
        .map(|it| (it["name"].as_str().unwrap(), it["value"].as_str().unwrap()))
        .collect();
    assert_eq!(
        arguments,
        [
            ("kubelet-certificate-authority", "/etc/kubernetes/pki/ca.crt"),
            ("kubelet-preferred-address-types", "InternalIP,Hostname"),
            ("authentication-config", "/etc/bpc/kubeadm/authentication.yaml"),
            ("audit-log-path", "-"),
            ("profiling", "false"),
        ]
    );
    assert_eq!((&kubelet["maxPods"], &kubelet["memoryThrottlingFactor"]), (&60.into(), &0.8.into()));
    assert_eq!(kubelet["clusterDNS"][0], "10.96.0.10");
    assert_eq!((&proxy["mode"], &proxy["clusterCIDR"]), (&"nftables".into(), &"10.244.0.0/16".into()));
}

/// In its mode ipvs every node has the addresses of services, and would answer for those of MetalLB too.
#[test]
fn kube_proxy_in_its_mode_ipvs_lets_metallb_answer() {
    let built = |more: &str, addons: &str| {
        changed_in("tests/blueprints", "routed", |text| {
            let line = "kubernetes: {version: \"1.35\"";
            assert!(text.contains(line));
            let text = text
                .replace("cidr: 10.5.0.0/25,", "cidr: 10.5.0.0/25, pools: {metallb: 10.5.0.100-10.5.0.109},");
            text.replace(line, &format!("{line}, addons: [{addons}], kubeadm: {{kube_proxy: {{{more}}}}}"))
        })
    };
    let strict = |built: &Compiled| {
        documents(file(built, "mast01", "/etc/bpc/kubeadm/cluster.yaml"))[2]["ipvs"]["strictARP"].clone()
    };
    assert_eq!(strict(&built("mode: ipvs, ipvs: {scheduler: lc}", "metallb")), true);
    assert_eq!(strict(&built("mode: ipvs, ipvs: {strictARP: true}", "metallb")), true);
    assert_eq!(strict(&built("mode: ipvs", "")), Value::Null);
    assert_eq!(strict(&built("mode: iptables", "metallb")), Value::Null);
}

#[test]
fn a_machine_registers_as_planned() {
    let built = with_all();
    let worker = document(&built, "kube-node01", "/etc/bpc/kubeadm/join.yaml");
    let node = &worker["nodeRegistration"];
    assert_eq!(
        (&node["name"], &node["criSocket"]),
        (&"kube-node01".into(), &"unix:///run/cri-dockerd.sock".into())
    );
    assert_eq!(node["kubeletExtraArgs"][0]["value"], "10.86.2.130");
    assert_eq!(node["kubeletExtraArgs"][1]["value"], "disk=ssd,example.com/rack=a1");
    assert_eq!(
        node["taints"],
        serde_yaml::from_str::<Value>("[{key: dedicated, value: db, effect: NoSchedule}]").unwrap()
    );
    assert!(worker.get("controlPlane").is_none());

    let init = document(&built, "kube-mast01", "/etc/bpc/kubeadm/init.yaml");
    assert_eq!(init["nodeRegistration"]["taints"], Value::Sequence(Vec::new()));
    let verbosity = &init["nodeRegistration"]["kubeletExtraArgs"][1];
    assert_eq!((&verbosity["name"], &verbosity["value"]), (&"v".into(), &"4".into()));
    assert_eq!(init["localAPIEndpoint"]["advertiseAddress"], "10.86.1.2");
    assert_eq!(
        (&init["timeouts"]["kubernetesAPICall"], &init["timeouts"]["etcdAPICall"]),
        (&"10m".into(), &"3m".into())
    );

    let plain = of_minor("blueprints", "kube-demo", "1.36");
    let join = document(&plain, "kube-mast02", "/etc/bpc/kubeadm/join.yaml");
    assert_eq!(join["controlPlane"]["localAPIEndpoint"]["advertiseAddress"], "10.86.1.3");
    assert!(join["nodeRegistration"].get("taints").is_none() && join.get("patches").is_none());
}

#[test]
fn patches_are_files_that_kubeadm_is_told_of() {
    let built = with_all();
    for machine in ["kube-mast01", "kube-mast03", "kube-node02"] {
        let patch = |name: &str| file(&built, machine, &format!("/etc/bpc/kubeadm/patches/{name}"));
        assert_eq!(documents(patch("kube-apiserver+merge.yaml"))[0]["metadata"]["annotations"]["no"], "on");
        let json: serde_json::Value =
            serde_json::from_slice(patch("kubeletconfiguration1+strategic.json")).unwrap();
        assert_eq!(json["maxPods"], 61);
        assert_eq!(patch("kubeletconfiguration-bpc+merge.yaml"), b"rotateCertificates: false\n");
        let join = document(&built, machine, "/etc/bpc/kubeadm/join.yaml");
        assert_eq!(join["patches"]["directory"], "/etc/bpc/kubeadm/patches");
    }
}

/// Who has the files of a kind.
fn holders(built: &Compiled, path: &str) -> Vec<String> {
    let has = |machine: &&Machine| files(built, machine).iter().any(|(found, _)| *found == path);
    built.site.machines.iter().filter(has).map(|machine| machine.name.clone()).collect()
}

#[test]
fn the_token_is_where_machines_join_and_nowhere_else() {
    let built = of_minor("blueprints", "kube-full", "1.35");
    let token = built.credentials.shared(SharedSecret::BootstrapToken).unwrap().expose().clone();
    let nodes = ["kube-mast01", "kube-mast02", "kube-mast03", "kube-node01", "kube-node02", "kube-node03"];
    assert_eq!(holders(&built, "/etc/bpc/kubeadm/discovery.conf"), nodes);
    assert_eq!(holders(&built, "/etc/bpc/kubeadm/init.yaml"), nodes[..1]);
    assert_eq!(holders(&built, "/etc/bpc/kubeadm/cluster.yaml"), nodes[..3]);
    assert_eq!(holders(&built, "/usr/local/sbin/bpc-renew-token"), nodes[..3]);
    for artifact in &built.artifacts.files {
        let shown = artifact.content.bytes().windows(token.len()).any(|window| window == token);
        let expected = artifact.path.ends_with("/discovery.conf") || artifact.path.ends_with("/init.yaml");
        // The user-data and the seed hold all files of a machine, in base64 or as they are.
        if artifact.path.contains("/files/") || !artifact.content.is_secret() {
            assert_eq!(shown, expected, "{}", artifact.path);
        }
        assert!(!shown || artifact.mode() == 0o600);
    }
}

#[test]
fn kubectl_reads_the_ways_to_the_api() {
    let Some(kubectl) = tool(On::Trixie, "kubectl") else { return };
    let built = of_minor("blueprints", "kube-demo", "1.37");
    let token = built.credentials.shared_text(SharedSecret::BootstrapToken).unwrap();
    for (machine, path) in [
        ("kube-node03", "/etc/bpc/kubeadm/discovery.conf"),
        ("kube-mast01", "/etc/bpc/kubeadm/discovery.conf"),
        ("busybox", "/etc/bpc/kubernetes/admin.conf"),
    ] {
        let staged = kubectl.stage(&[("config", file(&built, machine, path))]);
        let mut command = kubectl.command();
        command
            .args(["config", "view", "--raw", "--minify", "-o", "json", "--kubeconfig"])
            .arg(staged.path_for("config"));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{path}: {}", String::from_utf8_lossy(&output.stderr));
        let read: Value = serde_yaml::from_slice(&output.stdout).unwrap();
        assert_eq!(read["clusters"][0]["cluster"]["server"], "https://10.86.4.20:6443");
        let user = &read["users"][0]["user"];
        if machine == "busybox" {
            assert_eq!(read["users"][0]["name"], "kubernetes-admin-busybox");
            assert!(user["client-key-data"].is_string() && user.get("token").is_none());
        } else {
            // Not by `assert_eq`, which would show it.
            assert!(user["token"] == token.expose().as_str());
        }
    }
}
