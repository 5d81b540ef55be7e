//! user-data, meta-data and network-config, judged by cloud-init and by the YAML reader behind it.

use std::collections::BTreeMap;

use base64ct::{Base64, Encoding as _};
use bpc::Compiled;
use serde_json::Value;

use crate::built::{artifact, blueprints, changed, documents, files};
use crate::support::tools::{On, need, tool};

/// Runs `cloud-init schema` on each file named, as the program does, but with one start of Python for all of them.
const SCHEMA: &str = r#"
import sys
from cloudinit.cmd.main import main
kind, files = sys.argv[1], sys.argv[2:]
for name in files:
    sys.argv = ["cloud-init", "schema", *([] if kind == "cloud-config" else ["--schema-type", kind]), "--config-file", name]
    try:
        status = main()
    except SystemExit as exit:
        status = exit.code
    if status:
        print(name, "exit", status)
"#;

/// Prints the YAML documents named as one JSON object.
const LOAD: &str = "
import json, sys, yaml
print(json.dumps({name: yaml.safe_load(open(name + '.yaml', 'rb')) for name in sys.argv[1:]}))
";

/// What `cloud-init schema` says of documents beyond that they are valid.
pub(crate) fn objections(on: On, kind: &str, documents: &[(String, &[u8])]) -> Option<String> {
    // The program itself says whether it is there; its Python is next to it.
    let python = need(&[(on, "python3"), (on, "cloud-init")])?;
    let staged =
        python.stage(&documents.iter().map(|(name, text)| (name.as_str(), *text)).collect::<Vec<_>>());
    let paths = documents.iter().map(|(name, _)| staged.path_for(name));
    let output = python.command().args(["-c", SCHEMA, kind]).args(paths).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    let valid = |line: &&str| line.starts_with("Valid schema ") || line.starts_with("Valid cloud-config: ");
    let (judged, objections): (Vec<&str>, Vec<&str>) = said.lines().partition(valid);
    Some(if judged.len() == documents.len() { objections.join("\n") } else { said.clone() })
}

/// Documents as PyYAML reads them, which is what cloud-init and netplan see.
fn loaded(documents: &[(String, &[u8])]) -> Option<BTreeMap<String, Value>> {
    let python = tool(On::Trixie, "python3")?;
    let named: Vec<_> = documents.iter().map(|(name, text)| (format!("{name}.yaml"), *text)).collect();
    let staged = python.stage(&named.iter().map(|(name, text)| (name.as_str(), *text)).collect::<Vec<_>>());
    let mut command = python.command();
    command.args(["-c", LOAD]).args(documents.iter().map(|(name, _)| staged.path_for(name)));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let by_path: BTreeMap<String, Value> = serde_json::from_slice(&output.stdout).unwrap();
    let name = |path: &str| path.rsplit('/').next().unwrap().to_owned();
    Some(by_path.into_iter().map(|(path, value)| (name(&path), value)).collect())
}

/// All good blueprints, and one in which nobody may log in.
fn with_locked_out() -> Vec<Compiled> {
    let without_keys = |text: String| {
        let lines = text.lines().map(|line| if line.starts_with("access:") { "access: {}" } else { line });
        lines.map(|line| line.replace("name: lonely", "name: locked") + "\n").collect()
    };
    let mut all = blueprints();
    all.push(changed("lonely", without_keys));
    all
}

#[test]
fn debian_12_takes_every_user_data() {
    let built = with_locked_out();
    let Some(said) = objections(On::Bookworm, "cloud-config", &documents(&built, "user-data")) else {
        return;
    };
    assert_eq!(said, "");
}

#[test]
fn debian_13_takes_every_user_data_and_network_config() {
    let built = with_locked_out();
    let Some(said) = objections(On::Trixie, "cloud-config", &documents(&built, "user-data")) else { return };
    assert_eq!(said, "");
    let said = objections(On::Trixie, "network-config", &documents(&built, "network-config")).unwrap();
    assert_eq!(said, "");
}

#[test]
fn cloud_init_would_object() {
    for on in [On::Bookworm, On::Trixie] {
        let wrong: &[u8] = b"#cloud-config\nusers: 1\n";
        let Some(said) = objections(on, "cloud-config", &[("wrong".to_owned(), wrong)]) else { continue };
        assert!(said.contains("users"), "{said}");
    }
    // A deprecation is not the end of the world for cloud-init; it is for us.
    let old: &[u8] = b"#cloud-config\napt_upgrade: true\n";
    let Some(said) = objections(On::Trixie, "cloud-config", &[("old".to_owned(), old)]) else { return };
    assert!(said.contains("apt_upgrade"), "{said}");
}

#[test]
fn every_machine_has_an_identity_of_its_own() {
    let built = blueprints();
    let Some(found) = loaded(&documents(&built, "meta-data")) else { return };
    let mut seen = std::collections::BTreeSet::new();
    for one in &built {
        for machine in &one.site.machines {
            let document = &found[&format!("{}.{}.meta-data", one.site.name, machine.name)];
            assert_eq!(document["local-hostname"], machine.name.as_str());
            let id = document["instance-id"].as_str().unwrap().to_owned();
            assert!(id.starts_with(&format!("{}-{}-", one.site.name, machine.name)), "{id}");
            assert!(seen.insert(id));
        }
    }
}

#[test]
fn every_file_comes_through_byte_by_byte() {
    let built = blueprints();
    let Some(found) = loaded(&documents(&built, "user-data")) else { return };
    for one in &built {
        for machine in &one.site.machines {
            let document = &found[&format!("{}.{}.user-data", one.site.name, machine.name)];
            let written = document["write_files"].as_array().unwrap().iter().map(|file| {
                let text = file["content"].as_str().unwrap();
                let bytes = match file.get("encoding").map(|encoding| encoding.as_str().unwrap()) {
                    None => text.as_bytes().to_vec(),
                    Some("b64") => Base64::decode_vec(text).unwrap(),
                    Some(other) => panic!("{other} is nothing that bpc writes"),
                };
                (file["path"].as_str().unwrap(), bytes)
            });
            let expected = files(one, machine).into_iter().map(|(path, bytes)| (path, bytes.to_vec()));
            assert_eq!(written.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
        }
    }
}

#[test]
fn names_and_keys_come_through() {
    let built = blueprints();
    let Some(found) = loaded(&documents(&built, "user-data")) else { return };
    for one in &built {
        for machine in &one.site.machines {
            let document = &found[&format!("{}.{}.user-data", one.site.name, machine.name)];
            assert_eq!(document["hostname"], machine.name.as_str());
            assert_eq!(document["fqdn"], format!("{}.{}", machine.name, one.site.domain));
            let user = &document["users"][1];
            assert_eq!(user["name"], one.site.user.as_str());
            assert_eq!(user["ssh_authorized_keys"], Value::from(one.site.ssh_keys.clone()));
        }
    }
}

#[test]
fn a_machine_never_calls_itself_loopback() {
    for one in blueprints() {
        for machine in &one.site.machines {
            let hosts = String::from_utf8(artifact(&one, &machine.name, "files/etc/hosts").to_vec()).unwrap();
            let own = format!("{} {}.{} {}", machine.address(), machine.name, one.site.domain, machine.name);
            assert!(hosts.lines().any(|line| line == own), "{hosts}");
            assert!(!hosts.contains("127.0.1.1"), "{hosts}");
        }
    }
}

#[test]
fn without_dns_the_hosts_file_knows_every_machine() {
    let lonely = crate::built::blueprint("lonely");
    let hosts = String::from_utf8(artifact(&lonely, "control", "files/etc/hosts").to_vec()).unwrap();
    let expected = "127.0.0.1 localhost\n\
                    ::1 localhost ip6-localhost ip6-loopback\n\
                    192.168.10.2 control.lonely.example control\n\
                    192.168.20.2 control.back.lonely.example\n\
                    192.168.10.3 node01.lonely.example node01\n\
                    192.168.20.3 node01.back.lonely.example\n";
    assert_eq!(hosts, expected);
}
