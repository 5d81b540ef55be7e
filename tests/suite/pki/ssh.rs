//! SSH keys and certificates as OpenSSH reads them, and a real sshd that trusts them.

use std::io::Read;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::time::Duration;

use bpc::pki::ssh::{Grant, Holder, Key, Permission};

use super::*;

const HOST: &str = "kube-mast01.kube.demo";

fn ssh_key(purpose: &str) -> Key {
    Key::derive(&derivation(purpose), purpose).unwrap()
}

fn host_grant() -> Grant {
    Grant {
        id: HOST.into(),
        holder: Holder::Host,
        principals: vec!["kube-mast01".into(), HOST.into(), "192.168.1.11".into()],
        validity: always(),
    }
}

fn user_grant(principal: &str) -> Grant {
    Grant {
        id: "ops@kube.demo".into(),
        holder: Holder::User { permissions: [Permission::Pty, Permission::PortForwarding].into() },
        principals: vec![principal.into()],
        validity: always(),
    }
}

/// ssh and sshd cannot be told the time: a validity in which they run.
fn always() -> Validity {
    validity("2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z")
}

#[test]
fn ssh_keygen_reads_the_certificates() {
    for on in EVERYWHERE {
        let Some(reader) = Reader::new(on, "ssh-keygen", &[]) else { continue };
        let all =
            Grant { holder: Holder::User { permissions: Permission::ALL.into() }, ..user_grant("debian") };
        let user = "permit-port-forwarding permit-pty";
        let every =
            "permit-X11-forwarding permit-agent-forwarding permit-port-forwarding permit-pty permit-user-rc";
        for (grant, holder, extensions) in
            [(host_grant(), "host", "(none)"), (user_grant("debian"), "user", user), (all, "user", every)]
        {
            let certificate = ssh_key("ca").sign(&ssh_key("holder"), &grant).unwrap();
            reader.add("key-cert.pub", certificate.line().unwrap() + "\n");
            let shown = reader.command(&["-L", "-f", "@key-cert.pub"]).env("TZ", "UTC").output().unwrap();
            let shown = String::from_utf8(shown.stdout).unwrap();
            let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
            let described = certificate.describe();
            let field = |name: &str| described.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            for expected in [
                format!("Type: ssh-ed25519-cert-v01@openssh.com {holder} certificate"),
                format!("Public key: ED25519-CERT {}", field("key: ")),
                format!("Signing CA: ED25519 {} (using ssh-ed25519)", field("authority: ")),
                format!("Key ID: \"{}\"", grant.id),
                format!("Serial: {}", field("serial: ")),
                "Valid: from 2020-01-01T00:00:00 to 2099-01-01T00:00:00".to_owned(),
                format!("Principals: {} Critical Options: (none)", grant.principals.join(" ")),
                format!("Extensions: {extensions}"),
            ] {
                assert!(shown.contains(&expected), "{expected}\n{shown}");
            }
        }
    }
}

#[test]
fn ssh_keygen_reads_the_private_key() {
    for on in EVERYWHERE {
        let Some(reader) = Reader::new(on, "ssh-keygen", &[]) else { continue };
        let key = ssh_key("ops");
        reader.add_secret("key", key.private_openssh().unwrap().expose());
        assert_eq!(reader.run(&["-y", "-f", "@key"]).trim_end(), key.public_line().unwrap());
        // Written again by OpenSSH with another comment, it is still the same key.
        reader.run(&["-c", "-C", "other", "-f", "@key"]);
        let public = key.public_line().unwrap();
        assert_eq!(reader.run(&["-y", "-f", "@key"]).trim_end(), public.replace(" ops", " other"));
    }
}

/// What has an sshd beside that of the system let in nobody without a certificate.
pub(super) const ALONE: &str = "AuthorizedKeysFile none\nUsePAM no\nPidFile none\n";

/// An sshd of this machine that runs as this user until this value goes.
pub(super) struct Sshd {
    process: Child,
    pub(super) port: u16,
}

impl Sshd {
    /// With the files `host`, perhaps `host-cert.pub`, and `user_ca.pub`; the account that is logged in to is ours.
    fn start(reader: &Reader, certified: bool) -> Self {
        let path = |name: &str| reader.files.path_for(name).display().to_string();
        let certificate =
            if certified { format!("HostCertificate {}\n", path("host-cert.pub")) } else { String::new() };
        let (key, users) = (path("host"), path("user_ca.pub"));
        Self::configured(
            reader,
            &format!(
                "HostKey {key}\n{certificate}TrustedUserCAKeys {users}\n\
                 PasswordAuthentication no\nKbdInteractiveAuthentication no\n"
            ),
        )
    }

    /// With this in its configuration; certificates are the only way in.
    pub(super) fn configured(reader: &Reader, configuration: &str) -> Self {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let here = format!("ListenAddress 127.0.0.1\nPort {port}\n{ALONE}{configuration}");
        reader.add("sshd_config", here);
        // Where sshd, started by root, locks up its unprivileged half; an init script makes it otherwise.
        let _ = std::fs::create_dir("/run/sshd");
        let mut command = reader.command(&["-D", "-e", "-f", "@sshd_config"]);
        let streams = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut sshd = Self { process: streams.spawn().expect("sshd starts"), port };
        for _ in 0..100 {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return sshd;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("sshd does not listen: {}", sshd.said());
    }

    /// Ends it and gives what it logged.
    pub(super) fn said(&mut self) -> String {
        let _ = self.process.kill();
        let mut said = String::new();
        self.process.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        said
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The files of a server: the host's key and its certificate as granted, and the users' authority.
fn server(grant: &Grant) -> Option<Reader> {
    let reader = Reader::new(On::Host, "/usr/sbin/sshd", &[])?;
    let host = ssh_key("host");
    reader.add_secret("host", host.private_openssh().unwrap().expose());
    reader.add("host-cert.pub", ssh_key("host_ca").sign(&host, grant).unwrap().line().unwrap());
    reader.add("user_ca.pub", ssh_key("user_ca").public_line().unwrap());
    Some(reader)
}

/// The files of a client: a key, and what tells it whom to trust.
fn client(on: On, key: &Key) -> Option<Reader> {
    let reader = Reader::new(on, "ssh", &[])?;
    reader.add_secret("key", key.private_openssh().unwrap().expose());
    reader.add("known_hosts", ssh_key("host_ca").known_hosts_line(&["*.kube.demo".into()]).unwrap() + "\n");
    Some(reader)
}

/// Logs in to a host of this name: whether that was allowed, and what was said.
fn log_in(client: &Reader, sshd: &Sshd, host: &str) -> (bool, String) {
    let files = client.files.path_for("");
    let option = |name: &str, file: &str| format!("{name}={}", files.join(file).display());
    let (known_hosts, identity) =
        (option("UserKnownHostsFile", "known_hosts"), option("IdentityFile", "key"));
    let (alias, port) = (format!("HostKeyAlias={host}"), sshd.port.to_string());
    let options = [
        "BatchMode=yes",
        "StrictHostKeyChecking=yes",
        "GlobalKnownHostsFile=none",
        "IdentitiesOnly=yes",
        "IdentityAgent=none",
        &known_hosts,
        &identity,
        &alias,
    ];
    let options = options.iter().flat_map(|option| ["-o", option]);
    let destination = format!("{}@127.0.0.1", account());
    let arguments: Vec<_> = ["-F", "none", "-p", &port].into_iter().chain(options).collect();
    client.try_run(&[&arguments[..], &[&destination, "echo", "let", "in"]].concat())
}

/// The account that runs the tests.
pub(super) fn account() -> String {
    let id = Command::new("id").arg("-un").output().expect("id starts");
    String::from_utf8(id.stdout).unwrap().trim_end().to_owned()
}

#[test]
fn sshd_lets_the_operator_in_without_a_question() {
    let Some(server) = server(&host_grant()) else { return };
    let sshd = Sshd::start(&server, true);
    for on in EVERYWHERE {
        let Some(client) = client(on, &ssh_key("ops")) else { continue };
        let certificate = ssh_key("user_ca").sign(&ssh_key("ops"), &user_grant(&account())).unwrap();
        client.add("key-cert.pub", certificate.line().unwrap() + "\n");
        assert_eq!(log_in(&client, &sshd, HOST), (true, "let in\n".into()));
    }
}

#[test]
fn sshd_lets_nobody_else_in() {
    let Some(server) = server(&host_grant()) else { return };
    let mut sshd = Sshd::start(&server, true);
    let account = account();
    let (ops, user_ca) = (ssh_key("ops"), ssh_key("user_ca"));
    let good = user_grant(&account);
    let at = |not_before, not_after| Grant { validity: validity(not_before, not_after), ..good.clone() };
    let cases = [
        ("no certificate", None),
        ("another authority", ssh_key("host_ca").sign(&ops, &good).ok()),
        ("another's certificate", user_ca.sign(&ssh_key("other"), &good).ok()),
        ("another account", user_ca.sign(&ops, &user_grant("somebody-else")).ok()),
        ("expired", user_ca.sign(&ops, &at("2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z")).ok()),
        ("too early", user_ca.sign(&ops, &at("2098-01-01T00:00:00Z", "2099-01-01T00:00:00Z")).ok()),
        ("a host's", user_ca.sign(&ops, &Grant { holder: Holder::Host, ..good.clone() }).ok()),
    ];
    for (case, certificate) in cases {
        let Some(client) = client(On::Host, &ops) else { return };
        if let Some(certificate) = certificate {
            client.add("key-cert.pub", certificate.line().unwrap() + "\n");
        }
        let (allowed, said) = log_in(&client, &sshd, HOST);
        assert!(!allowed && said.contains("Permission denied (publickey)"), "{case}: {said}");
    }
    let log = sshd.said();
    for reason in [
        "Certificate invalid: expired",
        "Certificate invalid: not yet valid",
        "name is not a listed principal",
    ] {
        assert!(log.contains(reason), "{reason}\n{log}");
    }
}

#[test]
fn ssh_trusts_no_other_host() {
    let other = Grant { principals: vec!["kube-mast02.kube.demo".into()], ..host_grant() };
    let past = Grant { validity: validity("2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z"), ..host_grant() };
    let cases = [
        ("not certified", host_grant(), false, HOST),
        ("another name in its certificate", other, true, HOST),
        ("an expired certificate", past, true, HOST),
        ("a name that the authority is not trusted for", host_grant(), true, "kube-mast01"),
    ];
    for (case, grant, certified, name) in cases {
        let (Some(server), Some(client)) = (server(&grant), client(On::Host, &ssh_key("ops"))) else {
            return;
        };
        let certificate = ssh_key("user_ca").sign(&ssh_key("ops"), &user_grant(&account())).unwrap();
        client.add("key-cert.pub", certificate.line().unwrap() + "\n");
        let (allowed, said) = log_in(&client, &Sshd::start(&server, certified), name);
        assert!(!allowed && said.contains("Host key verification failed"), "{case}: {said}");
    }
}
