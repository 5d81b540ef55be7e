//! A login with the built keys, certificates and configurations, as OpenSSH does it.

use std::fmt::Write as _;

use bpc::Compiled;
use bpc::site::Holder;

use super::ssh::{ALONE, Sshd, account};
use super::*;
use crate::built::{artifact, changed_in};
use crate::support::tools::NAMESPACES;
use crate::support::vault::vault as test_vault;

/// kube-full with one line more, for the account that runs these tests and good as long as they are.
fn built(line: &str) -> Compiled {
    let mut site = planned(line).site;
    let operator = site.ssh.certificates.iter_mut().find(|it| it.holder == Holder::Operator).unwrap();
    operator.principals = vec![account()];
    site.user = account();
    bpc::make(site, &test_vault()).unwrap()
}

/// The same for the account of the blueprint.
fn planned(line: &str) -> Compiled {
    changed_in("blueprints", "kube-full", |text| {
        let text = text.replace("epoch: 2026", "epoch: 2020");
        let line = if line.starts_with("pki") { line.to_owned() } else { format!("{ALWAYS}\n{line}") };
        format!("{text}{line}\n")
    })
}

/// ssh and sshd cannot be told the time: certificates from 2020 to 2099.
const ALWAYS: &str = "pki: {authority_days: 29000, certificate_days: 29000}";

/// Puts a machine's files of `/etc/ssh` into a reader's folder `NAME`, and gives the drop-in for an sshd there.
fn install(reader: &Reader, built: &Compiled, name: &str) -> String {
    std::fs::create_dir(reader.folder().join(name)).unwrap();
    for file in ["bpc_host_ed25519_key-cert.pub", "bpc_user_ca.pub", "ssh_known_hosts"] {
        reader.add(&format!("{name}/{file}"), artifact(built, name, &format!("files/etc/ssh/{file}")));
    }
    let key = "bpc_host_ed25519_key";
    reader.add_secret(&format!("{name}/{key}"), artifact(built, name, &format!("files/etc/ssh/{key}")));
    let drop_in = artifact(built, name, "files/etc/ssh/sshd_config.d/00-bpc.conf").to_vec();
    let folder = reader.files.path_for(name).display().to_string();
    String::from_utf8(drop_in).unwrap().replace("/etc/ssh/", &format!("{folder}/"))
}

/// The sshd of a machine, with the files that it reads.
fn start(built: &Compiled, machine: &str) -> Option<(Sshd, Reader)> {
    let reader = Reader::new(On::Host, "/usr/sbin/sshd", &[])?;
    let drop_in = install(&reader, built, machine);
    Some((Sshd::configured(&reader, &drop_in), reader))
}

/// Puts the operator's files into a reader's folder, as they are in the output tree.
fn equip(reader: &Reader, built: &Compiled) {
    std::fs::create_dir_all(reader.folder().join("ssh")).unwrap();
    for file in built.artifacts.files.iter().filter(|file| file.path.starts_with("ssh/")) {
        if file.content.is_secret() {
            reader.add_secret(&file.path, file.content.bytes());
        } else {
            reader.add(&file.path, file.content.bytes());
        }
    }
}

/// A shell in whose folder the operator's files are.
fn operator(on: On, built: &Compiled) -> Option<Reader> {
    let reader = Reader::of(&[(on, "sh"), (on, "ssh")])?;
    equip(&reader, built);
    Some(reader)
}

/// Runs ssh in the folder of the operator's files: whether that went well, and what was said.
fn ssh(operator: &Reader, arguments: &[&str]) -> (bool, String) {
    let go = ["-c", "cd \"$1\" && shift && exec ssh -o BatchMode=yes \"$@\"", "sh", "@"];
    operator.try_run(&[&go[..], arguments].concat())
}

/// Logs in to an sshd of these tests as if it were that machine.
fn log_in(operator: &Reader, sshd: &Sshd, machine: &str) -> (bool, String) {
    let port = format!("Port={}", sshd.port);
    let here = ["-o", "HostName=127.0.0.1", "-o", &port, "-o", "ProxyJump=none", "-o", "IdentityAgent=none"];
    ssh(operator, &[&["-F", "ssh/config"][..], &here, &[machine, "echo", "let", "in"]].concat())
}

#[test]
fn ssh_keygen_reads_every_certificate() {
    let built = changed_in("blueprints", "kube-full", |text| text);
    for on in EVERYWHERE {
        let Some(reader) = Reader::new(on, "ssh-keygen", &[]) else { continue };
        for planned in &built.site.ssh.certificates {
            let (path, kind, extensions) = match &planned.holder {
                Holder::Machine(name) => {
                    let path = format!("machines/{name}/files/etc/ssh/bpc_host_ed25519_key");
                    (path, "host", "(none)")
                }
                Holder::Operator => {
                    let all = "permit-agent-forwarding permit-port-forwarding permit-pty";
                    ("ssh/id_ed25519".to_owned(), "user", all)
                }
            };
            let file = |end: &str| {
                let path = format!("{path}{end}");
                built.artifacts.files.iter().find(|file| file.path == path).unwrap().content.bytes()
            };
            reader.add("key-cert.pub", file("-cert.pub"));
            let shown = reader.command(&["-L", "-f", "@key-cert.pub"]).env("TZ", "UTC").output().unwrap();
            let shown = String::from_utf8(shown.stdout).unwrap();
            let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
            for expected in [
                format!("{kind} certificate"),
                format!("Key ID: \"{}\"", planned.id),
                "Valid: from 2026-01-01T00:00:00 to 2027-01-01T00:00:00".to_owned(),
                format!("Principals: {} Critical", planned.principals.join(" ")),
                format!("Extensions: {extensions}"),
            ] {
                assert!(shown.contains(&expected), "{expected}\n{shown}");
            }
            reader.add_secret("key", file(""));
            let public = String::from_utf8(file(".pub").to_vec()).unwrap();
            assert_eq!(reader.run(&["-y", "-f", "@key"]), public, "{path}");
        }
    }
}

#[test]
fn the_operator_gets_in_without_a_question() {
    let built = built("");
    let Some((sshd, _files)) = start(&built, "kube-mast02") else { return };
    for on in EVERYWHERE {
        let Some(operator) = operator(on, &built) else { continue };
        for name in ["kube-mast02", "kube-mast02.kube.full"] {
            assert_eq!(log_in(&operator, &sshd, name), (true, "let in\n".to_owned()), "{on:?}");
        }
    }
}

#[test]
fn nobody_else_gets_in() {
    let Some((mut sshd, _files)) = start(&built(""), "kube-mast02") else { return };
    let times = |times: &str| built(&ALWAYS.replace('}', &format!(", {times}}}")));
    for (case, made) in [
        ("another authority", built("rotate: {ssh-user-ca: 1}")),
        ("another account", planned("")),
        ("expired", times("operator_days: 1")),
        ("too early", times("operator_from: 2049-12-31T00:00:00Z, operator_days: 1")),
    ] {
        let Some(operator) = operator(On::Host, &made) else { return };
        let config = String::from_utf8(std::fs::read(operator.folder().join("ssh/config")).unwrap()).unwrap();
        operator.add("ssh/config", config.replace("User debian", &format!("User {}", account())));
        let (allowed, said) = log_in(&operator, &sshd, "kube-mast02");
        assert!(!allowed && said.contains("Permission denied (publickey)"), "{case}: {said}");
    }
    let Some(operator) = operator(On::Host, &built("")) else { return };
    std::fs::remove_file(operator.folder().join("ssh/id_ed25519-cert.pub")).unwrap();
    let (allowed, said) = log_in(&operator, &sshd, "kube-mast02");
    assert!(!allowed && said.contains("Permission denied (publickey)"), "no certificate: {said}");
    let log = sshd.said();
    for reason in [
        "name is not a listed principal",
        "Certificate invalid: expired",
        "Certificate invalid: not yet valid",
    ] {
        assert!(log.contains(reason), "{reason}\n{log}");
    }
}

#[test]
fn the_operator_trusts_no_other_host() {
    let Some(operator) = operator(On::Host, &built("")) else { return };
    for (case, line, machine, name) in [
        ("another authority", "rotate: {ssh-host-ca: 1}", "kube-mast02", "kube-mast02"),
        ("another machine", "", "kube-mast03", "kube-mast02"),
    ] {
        let Some((sshd, _files)) = start(&built(line), machine) else { return };
        let (allowed, said) = log_in(&operator, &sshd, name);
        assert!(!allowed && said.contains("Host key verification failed"), "{case}: {said}");
    }
}

/// By any of its names and addresses, with the file that every machine has. No key is there to get in with.
#[test]
fn machines_know_each_other() {
    let built = built("");
    let Some((sshd, _files)) = start(&built, "gate-node01") else { return };
    let gate = built.site.ssh.certificates.iter().find(|it| it.id == "gate-node01.kube.full").unwrap();
    let strangers = ["kube-mast01", "kube-mast01.kube.full", "api.kube.full", "10.86.1.2", "localhost"];
    let names = gate.principals.iter().map(|name| (name.as_str(), "Permission denied"));
    let names: Vec<_> = names.chain(strangers.map(|name| (name, "Host key verification failed"))).collect();
    assert!(names.len() > 15 && names.iter().any(|(name, _)| *name == "gate-node01.lb.kube.full"));
    for on in EVERYWHERE {
        let Some(client) = Reader::new(on, "ssh", &[]) else { continue };
        client.add("known", artifact(&built, "kube-node01", "files/etc/ssh/ssh_known_hosts"));
        let known = format!("GlobalKnownHostsFile={}", client.files.path_for("known").display());
        let port = sshd.port.to_string();
        for (name, answer) in &names {
            let alias = format!("HostKeyAlias={name}");
            let options = [&known, &alias, "UserKnownHostsFile=none", "StrictHostKeyChecking=yes"];
            let options = options.iter().flat_map(|option| ["-o", option]);
            let arguments = ["-F", "none", "-o", "BatchMode=yes", "-o", "IdentityFile=none", "-p", &port];
            let arguments: Vec<_> = arguments.into_iter().chain(options).chain(["127.0.0.1"]).collect();
            let (allowed, said) = client.try_run(&arguments);
            assert!(!allowed && said.contains(answer), "{on:?} {name}: {said}");
        }
    }
}

/// Puts the built files over the distribution's own `/etc/ssh`, as a cloud image has it, and asks its sshd.
const SSHD: &str = r#"
mount -t tmpfs tmpfs /run
mkdir /run/sshd /run/ssh
cp -a /etc/ssh/. /run/ssh
mount --bind /run/ssh /etc/ssh
mkdir -p /etc/ssh/sshd_config.d
echo 'PasswordAuthentication no' >/etc/ssh/sshd_config.d/50-cloud-init.conf
printf '%s\n' 'PasswordAuthentication yes' 'KbdInteractiveAuthentication yes' 'TrustedUserCAKeys none' \
  >/etc/ssh/sshd_config.d/01-image.conf
cp -a "$1/00-bpc.conf" /etc/ssh/sshd_config.d
cp -a "$1"/bpc_* /etc/ssh
chown root:root /etc/ssh/bpc_*
sshd -t
sshd -T
"#;

#[test]
fn sshd_of_both_debians_reads_the_drop_in() {
    let built = built("");
    for on in [On::Bookworm, On::Trixie] {
        let Some(reader) = Reader::of(&[(on, "sh"), (on, "sshd")]) else { continue };
        let machine = &built.site.machines[0].name;
        install(&reader, &built, machine);
        reader.add(
            &format!("{machine}/00-bpc.conf"),
            artifact(&built, machine, "files/etc/ssh/sshd_config.d/00-bpc.conf"),
        );
        let said = reader.run(&["-euc", SSHD, "sh", &format!("@{machine}")]);
        let values = |keyword: &str| -> Vec<&str> {
            let lines = said.lines().filter_map(|line| line.split_once(' '));
            lines.filter(|(first, _)| *first == keyword).map(|(_, value)| value).collect()
        };
        for (keyword, value) in [
            ("hostkey", "/etc/ssh/bpc_host_ed25519_key"),
            ("hostcertificate", "/etc/ssh/bpc_host_ed25519_key-cert.pub"),
            ("trustedusercakeys", "/etc/ssh/bpc_user_ca.pub"),
            ("passwordauthentication", "no"),
            ("kbdinteractiveauthentication", "no"),
        ] {
            assert_eq!(values(keyword), [value], "{on:?} {keyword}\n{said}");
        }
    }
}

#[test]
fn ssh_reads_the_config_as_it_is_meant() {
    let built = changed_in("blueprints", "kube-full", |text| text);
    for on in EVERYWHERE {
        let Some(operator) = operator(on, &built) else { continue };
        let host = |name: &str| ssh(&operator, &["-G", "-F", "ssh/config", name]).1;
        let common = "user debian\nidentityfile ssh/id_ed25519\ncertificatefile ssh/id_ed25519-cert.pub\n\
                      identitiesonly yes\nuserknownhostsfile ssh/known_hosts\nglobalknownhostsfile none\n\
                      stricthostkeychecking true\n";
        for (name, own) in [
            (
                "kube-mast01",
                "hostname 10.86.1.2\nport 22\nproxyjump busybox\nhostkeyalias kube-mast01.kube.full\n",
            ),
            ("etcd-node03.kube.full", "hostname 10.86.1.7\nport 22\nproxyjump busybox\n"),
            ("busybox", "hostname 127.0.0.1\nport 2222\nhostkeyalias busybox.kube.full\n"),
        ] {
            let said = host(name);
            for line in own.lines().chain(common.lines()) {
                assert!(said.lines().any(|found| found == line), "{on:?} {name}: {line}\n{said}");
            }
            assert_eq!(said.contains("\nproxyjump "), name != "busybox");
        }
    }
}

/// The bastion and the machine behind it, at the port and the address where the built configuration looks for them.
const JUMP: &str = r#"
mkdir -p /run/sshd
cd "$1"
/usr/sbin/sshd -D -e -f bastion 2>bastion.log &
bastion=$!
/usr/sbin/sshd -D -e -f target 2>target.log &
target=$!
trap 'kill $bastion $target' EXIT
tries=0
until ssh -F ssh/config -o BatchMode=yes kube-mast01 echo let in >out 2>err; do
  tries=$((tries + 1))
  if [ $tries -ge 20 ]; then cat err bastion.log target.log; exit 1; fi
  sleep 0.2
done
cat out
grep -c 'Accepted publickey.*ED25519-CERT' bastion.log target.log
"#;

#[test]
fn the_operator_jumps_over_the_bastion() {
    // Port 22 and a network of its own are for an sshd of root.
    let programs = ["sh", "/usr/sbin/sshd", "ssh", "ip", NAMESPACES].map(|program| (On::Host, program));
    let Some(shell) = Reader::of(&programs) else { return };
    let built = built("");
    equip(&shell, &built);
    for (name, machine, listen) in
        [("bastion", "busybox", "127.0.0.1:2222"), ("target", "kube-mast01", "10.86.1.2:22")]
    {
        let mut configuration = install(&shell, &built, machine);
        write!(configuration, "ListenAddress {listen}\n{ALONE}").unwrap();
        shell.add(name, configuration);
    }
    let mut command = shell.tool.command_in_network(&["mast=10.86.1.2/24"]);
    let output = command.args(["-euc", JUMP, "sh"]).arg(shell.files.path_for("")).output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success(), "{said}");
    assert_eq!(said, "let in\nbastion.log:1\ntarget.log:1\n");
}
