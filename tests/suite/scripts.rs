//! Every script that a seed brings or the operator has, judged by the checkers of shell scripts.

use std::collections::BTreeMap;

use bpc::Compiled;
use bpc::artifact::Kind;

use crate::built::{blueprints, files};
use crate::support::tools::{On, tool};

fn is_script(content: &[u8]) -> bool {
    content.starts_with(b"#!/bin/sh\n")
}

/// The scripts of all machines, each different one once, by a name that tells where one of its machines has it.
fn scripts() -> BTreeMap<Vec<u8>, String> {
    let mut scripts = BTreeMap::new();
    for one in blueprints() {
        for machine in &one.site.machines {
            for (path, content) in files(&one, machine) {
                if is_script(content) {
                    let name = format!("{}.{}{}", one.site.name, machine.name, path.replace('/', "."));
                    scripts.entry(content.to_vec()).or_insert(name);
                }
            }
        }
        let of_operator = one.artifacts.files.iter().filter(|file| file.kind == Kind::Script);
        for file in of_operator.filter(|file| is_script(file.content.bytes())) {
            let name = format!("{}.{}", one.site.name, file.path.replace('/', "."));
            scripts.entry(file.content.bytes().to_vec()).or_insert(name);
        }
        for (key, script) in of_installer(&one) {
            scripts.entry(script).or_insert(format!("{}.installer.{key}", one.site.name));
        }
    }
    scripts
}

/// What Ubuntu's installer runs, each command by a shell of its own.
fn of_installer(built: &Compiled) -> Vec<(&'static str, Vec<u8>)> {
    let file = built.artifacts.files.iter().find(|file| file.path == "installer/user-data");
    let Some(file) = file else { return Vec::new() };
    let document: serde_yaml::Value = serde_yaml::from_slice(file.content.bytes()).unwrap();
    let script = |key| {
        let commands = document["autoinstall"][key].as_sequence().unwrap().iter();
        let lines = commands.map(|command| format!("({})", command.as_str().unwrap()));
        let lines: Vec<String> = std::iter::once("#!/bin/sh".to_owned()).chain(lines).collect();
        (key, lines.join("\n").into_bytes())
    };
    ["late-commands", "error-commands"].map(script).to_vec()
}

/// Asserts that a checker has nothing to say about any script.
fn assert_silent(on: On, checker: &str, arguments: &[&str]) {
    let Some(checker) = tool(on, checker) else { return };
    let scripts = scripts();
    let staged = checker
        .stage(&scripts.iter().map(|(text, name)| (name.as_str(), text.as_slice())).collect::<Vec<_>>());
    let mut command = checker.command();
    command.args(arguments).args(scripts.values().map(|name| staged.path_for(name)));
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && said.is_empty(), "{said}");
}

#[test]
fn there_are_scripts_of_every_kind() {
    let names: Vec<String> = scripts().into_values().collect();
    for stage in [
        "ssh",
        "packages",
        "firewall",
        "dnsmasq",
        "kubectl",
        "apt-sources",
        "locale",
        "timezone",
        "time-servers",
        "keepalived-user",
        "keepalived",
        "flannel",
        "addons",
        "kubeconfig",
        "kubeadm",
        "kernel",
        "containerd",
        "kubernetes",
        "etcd-software",
        "etcd",
        "etcd-snapshots",
    ] {
        assert!(names.iter().any(|name| name.ends_with(&format!("-{stage}"))), "no {stage} in {names:?}");
    }
    for commands in ["installer.late-commands", "installer.error-commands"] {
        assert!(names.iter().any(|name| name.ends_with(commands)), "no {commands} in {names:?}");
    }
    let programs = ["bpc-etcdctl", "bpc-etcd-snapshot", "bpc-etcd-restore", "bpc-renew-token"];
    for script in ["check-haproxy", "check-apiserver", "floating-address"].into_iter().chain(programs) {
        assert!(names.iter().any(|name| name.ends_with(&format!(".{script}"))), "no {script} in {names:?}");
    }
}

#[test]
fn shellcheck_has_nothing_to_say() {
    assert_silent(On::Trixie, "shellcheck", &["-s", "sh"]);
}

#[test]
fn checkbashisms_has_nothing_to_say() {
    assert_silent(On::Trixie, "checkbashisms", &["-x"]);
}

#[test]
fn dash_can_read_them() {
    let Some(dash) = tool(On::Trixie, "dash") else { return };
    for (text, name) in scripts() {
        let staged = dash.stage(&[("script", &text)]);
        let output = dash.command().arg("-n").arg(staged.path_for("script")).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{name}");
    }
}
