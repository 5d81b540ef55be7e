//! What stages are known by: a stage runs again when anything that it puts into force or reads is another one.

use std::collections::BTreeSet;

use bpc::artifact::Content;
use bpc::setup::{File, Setup, Stage};
use bpc::value::Secret;
use sha2::{Digest as _, Sha256};

use super::APPLIES;
use crate::built::{blueprints, changed_in};

/// Files that no stage has to do anything about, and who reads them when.
const READ_AT_USE: [(&str, &str); 10] = [
    ("/etc/apt/apt.conf.d/zz-bpc", "each call of apt"),
    ("/etc/containerd/certs.d/", "each pull"),
    ("/etc/crictl.yaml", "each call of crictl"),
    ("/etc/default/locale", "each login"),
    ("/etc/hosts", "each look-up; dnsmasq has names of its own"),
    ("/etc/ssh/ssh_known_hosts", "each call of ssh"),
    ("/etc/timezone", "programs that ask for the name of the zone; the zone itself is a stage's"),
    ("/usr/local/sbin/bpc-etcd-", "each call of it"),
    ("/usr/local/sbin/bpc-etcdctl", "each call of it"),
    ("/usr/local/sbin/bpc-renew-token", "each call of it"),
];

fn hex(content: &Content) -> String {
    base16ct::lower::encode_string(&Sha256::digest(content.bytes()))
}

/// The script without the list of what it reads, and that list: digests and paths.
fn parts(stage: &Stage) -> (&str, Vec<(&str, &str)>) {
    let (body, list) = stage.script.split_once(APPLIES).unwrap_or((&stage.script, ""));
    let lines = list.lines().map(|line| line.strip_prefix("# ").unwrap().split_once("  ").unwrap());
    (body, lines.collect())
}

/// The machines of all blueprints with their names.
fn each_machine(mut look: impl FnMut(&str, &Setup)) {
    for built in blueprints() {
        for (machine, setup) in built.site.machines.iter().zip(&built.setups.machines) {
            look(&format!("{}/{}", built.site.name, machine.name), setup);
        }
    }
}

#[test]
fn every_stage_changes_with_every_file_that_it_reads() {
    let mut changed = 0;
    each_machine(|machine, setup| {
        for stage in &setup.stages {
            let bare = Stage { script: parts(stage).0.to_owned(), ..stage.clone() };
            let sealed = |files: &[File]| bare.clone().sealed(files, hex).unwrap().script;
            let before = sealed(&setup.files);
            for path in &stage.inputs {
                let mut files = setup.files.clone();
                let file = files.iter_mut().find(|file| file.path == *path).unwrap();
                let other = [file.content.bytes(), b"\n"].concat();
                file.content = match file.content {
                    Content::Public(_) => Content::Public(other),
                    Content::Secret(_) => Content::Secret(Secret::new(other)),
                };
                assert_ne!(sealed(&files), before, "{machine} {}: {path}", stage.name);
                changed += 1;
            }
        }
    });
    assert!(changed > 200, "{changed}");
}

#[test]
fn every_file_is_a_stage_s_or_read_at_each_use() {
    let mut used = BTreeSet::new();
    each_machine(|machine, setup| {
        for file in &setup.files {
            let of_stage = setup.stages.iter().any(|stage| stage.inputs.contains(&file.path));
            let at_use = READ_AT_USE.iter().find(|(path, _)| file.path.starts_with(path));
            assert!(of_stage != at_use.is_some(), "{machine}: {} (a stage's: {of_stage})", file.path);
            used.extend(at_use.map(|(path, _)| *path));
        }
    });
    assert_eq!(used.into_iter().collect::<Vec<_>>(), READ_AT_USE.map(|(path, _)| path));
}

/// By the last part of a path: scripts have variables for folders.
#[test]
fn what_a_script_names_it_is_known_by() {
    let mut named = BTreeSet::new();
    each_machine(|machine, setup| {
        // That one names all files, and has one digest of all.
        for stage in setup.stages.iter().filter(|stage| stage.name != "former") {
            let (body, list) = parts(stage);
            let body: String = body.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
            // What is called is no input: it does its work with the variables of the stage.
            // Names of files of add-ons are those of other programs' files too.
            let is_asked =
                |file: &&File| file.mode & 0o111 == 0 && !file.path.starts_with("/etc/bpc/addons/");
            for file in setup.files.iter().filter(is_asked) {
                let (_, name) = file.path.rsplit_once('/').unwrap();
                let end =
                    |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || "-_.".contains(c));
                if !body.split(&format!("/{name}")).skip(1).any(end) {
                    continue;
                }
                let known = list.iter().any(|(_, path)| path.ends_with(&format!("/{name}")));
                // Only whether it is there is asked; and kubeadm's manifest has the name of another file.
                let asked =
                    [("kubernetes", "kubelet.conf"), ("kubeadm", "etcd.yaml")].contains(&(stage.name, name));
                assert!(known || asked, "{machine}: {} reads {}", stage.name, file.path);
                named.insert((stage.name, name.to_owned()));
            }
        }
    });
    for (stage, name) in
        [("kubeconfig", "admin.conf"), ("kubeadm", "init.yaml"), ("keepalived", "password.conf")]
    {
        assert!(named.contains(&(stage, name.to_owned())), "{named:?}");
    }
}

#[test]
fn digests_are_right_and_tell_nothing_about_secrets() {
    each_machine(|machine, setup| {
        for stage in &setup.stages {
            for (digest, path) in parts(stage).1 {
                let file = setup.files.iter().find(|file| file.path == path).unwrap();
                let plain = hex(&file.content) == digest;
                assert_eq!(plain, !file.content.is_secret(), "{machine} {}: {path}", stage.name);
                assert_eq!(digest.len(), 64);
            }
        }
    });
}

/// The stages of a machine of `kube-demo` that another blueprint changes.
fn changes(machine: &str, change: impl Fn(String) -> String) -> Vec<&'static str> {
    changes_of(machine, |text| text, change)
}

/// The stages of a machine that differ between two changes of `kube-demo`.
fn changes_of(
    machine: &str,
    before: impl Fn(String) -> String,
    after: impl Fn(String) -> String,
) -> Vec<&'static str> {
    let stages = |change: &dyn Fn(String) -> String| {
        let built = changed_in("blueprints", "kube-demo", change);
        let index = built.site.machines.iter().position(|it| it.name == machine).unwrap();
        built.setups.machines[index].stages.clone()
    };
    let (before, after) = (stages(&before), stages(&after));
    let differ = before.iter().zip(&after).filter(|(one, other)| one != other);
    differ.map(|(stage, _)| stage.name).collect()
}

#[test]
fn what_was_keyed_by_a_part_is_keyed_by_the_whole() {
    // The certificate stays: only the address in the kubeconfig changes.
    let moved = |text: String| {
        assert!(text.contains("address: 10.86.4.20"), "{text}");
        text.replace("address: 10.86.4.20", "address: 10.86.4.21")
    };
    let bastion = blueprints().into_iter().find(|built| built.site.name == "kube-demo").unwrap();
    let bastion = bastion.site.with_role(bpc::site::Role::Bastion).next().unwrap().name.clone();
    assert_eq!(changes(&bastion, moved), ["kubeconfig", "former"]);
    let rotated = |purpose: &str| format!("\nrotate: {{{purpose}: 1}}\n");
    assert_eq!(changes("hapx-node01", |text| text + &rotated("corosync-authkey")), ["corosync", "former"]);
    assert_eq!(changes("hapx-node01", |text| text + &rotated("stats-password")), ["haproxy", "former"]);
}

/// What runs pods is restarted for what it reads at its start, and for nothing else.
#[test]
fn a_runtime_is_restarted_for_what_it_reads_at_its_start() {
    const KUBERNETES: &str = "\nkubernetes:\n";
    let with = |settings: &str| {
        let settings = settings.to_owned();
        move |text: String| {
            let (docker, rest) =
                settings.strip_prefix("docker, ").map_or(("", &*settings), |it| ("  runtime: docker\n", it));
            let (below, beside) = rest.split_once(" | ").unwrap_or((rest, ""));
            assert!(text.contains(KUBERNETES));
            text.replacen(KUBERNETES, &format!("{KUBERNETES}{docker}  {below}\n"), 1) + beside
        }
    };
    let mirror = |n: usize| format!("registry_mirrors: {{docker.io: [\"https://mirror{n}.example\"]}}");
    let repository = |name: &str| format!("kubeadm: {{cluster: {{imageRepository: {name}.example}}}}");
    let asset = |name: &str, digit: &str| {
        format!(
            "pod_cidr: 10.244.0.0/16 | \ndownloads: {{assets: {{{name}: {{sha256: \"{}\"}}}}}}\n",
            digit.repeat(64)
        )
    };
    let docker = |settings: String| format!("docker, {settings}");
    for (one, other, stages) in [
        (mirror(1), mirror(2), vec!["former"]),
        (repository("a"), repository("b"), vec!["containerd", "former"]),
        (asset("runc", "1"), asset("runc", "2"), vec!["container-tools"]),
        (asset("cni-plugins", "1"), asset("cni-plugins", "2"), vec!["container-tools"]),
        (asset("containerd", "1"), asset("containerd", "2"), vec!["containerd"]),
        (docker(mirror(1)), docker(mirror(2)), vec!["docker-mirrors", "former"]),
        (docker(repository("a")), docker(repository("b")), vec!["cri-dockerd", "former"]),
        (docker(asset("crictl", "1")), docker(asset("crictl", "2")), vec!["container-tools"]),
        (docker(asset("docker", "1")), docker(asset("docker", "2")), vec!["docker"]),
    ] {
        assert_eq!(changes_of("kube-node02", with(&one), with(&other)), stages, "{one}");
    }
}
