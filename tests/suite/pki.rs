//! `pki` judged by the programs that read what it makes: OpenSSL, GnuTLS and OpenSSH.

mod change;
mod derivation;
mod etcd;
mod hidden;
mod login;
pub(crate) mod placed;
mod places;
mod ssh;
mod tls;
mod x509;

use std::path::Path;
use std::process::Command;

use bpc::pki::{Authority, Certificate, Curve, KeyPair, Leaf, Subject, Usage, Validity};
use bpc::vault::{Derivation, Vault};

use crate::support::tools::{On, Staged, Tool, need, tool};

/// All systems on which a program is tried.
const EVERYWHERE: [On; 3] = [On::Host, On::Bookworm, On::Trixie];

/// A moment inside of every certificate's validity, for programs that can be told the time: 2026-06-01.
const NOW: &str = "1780272000";

/// The vault of these tests.
fn vault() -> &'static Vault {
    static VAULT: std::sync::LazyLock<Vault> =
        std::sync::LazyLock::new(|| Vault::from_bytes(b"a public vault for tests, no key").unwrap());
    &VAULT
}

fn derivation(purpose: &str) -> Derivation<'_> {
    vault().derivation("kube-demo", purpose, 0)
}

fn key(purpose: &str, curve: Curve) -> KeyPair {
    KeyPair::derive(&derivation(purpose), curve).unwrap()
}

fn validity(not_before: &str, not_after: &str) -> Validity {
    Validity { not_before: not_before.parse().unwrap(), not_after: not_after.parse().unwrap() }
}

fn decade() -> Validity {
    validity("2026-01-01T00:00:00Z", "2036-01-01T00:00:00Z")
}

fn root(name: &str, curve: Curve) -> Authority {
    Authority::root(key(name, curve), &Subject::named(name), None, decade()).unwrap()
}

/// A leaf as etcd's members have it.
fn member(usage: Usage) -> Leaf {
    Leaf {
        subject: Subject::named("kube-mast01"),
        usage,
        dns_names: vec!["kube-mast01".into(), "kube-mast01.kube.demo".into(), "localhost".into()],
        addresses: vec![
            "192.168.1.11".parse().unwrap(),
            "127.0.0.1".parse().unwrap(),
            "::1".parse().unwrap(),
        ],
        validity: validity("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"),
    }
}

/// A program and the files it is given.
struct Reader {
    tool: Tool,
    files: Staged,
}

impl Reader {
    /// `None` if the program is not installed.
    fn new(on: On, program: &str, files: &[(&str, &[u8])]) -> Option<Self> {
        let tool = tool(on, program)?;
        let files = tool.stage(files);
        Some(Self { tool, files })
    }

    /// The first of these programs, without files; `None` if one is missing.
    fn of(programs: &[(On, &str)]) -> Option<Self> {
        let tool = need(programs)?;
        let files = tool.stage(&[]);
        Some(Self { tool, files })
    }

    /// The command with these arguments; `@name` is the path of a staged file.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.tool.command();
        for argument in arguments {
            match argument.strip_prefix('@') {
                Some(name) => command.arg(self.files.path_for(name)),
                None => command.arg(argument),
            };
        }
        command
    }

    /// Whether the program is content, and all it said.
    fn try_run(&self, arguments: &[&str]) -> (bool, String) {
        let output = self.command(arguments).output().expect("the program starts");
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    /// What the program said; it must be content.
    fn run(&self, arguments: &[&str]) -> String {
        let (content, said) = self.try_run(arguments);
        assert!(content, "{arguments:?}: {said}");
        said
    }

    /// The folder of the files as this machine sees it.
    fn folder(&self) -> &Path {
        self.files.host_path()
    }

    /// Puts one more file beside the others.
    fn add(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.folder().join(name), content).expect("the file can be written");
    }

    /// The same with a file that only its owner may read.
    fn add_secret(&self, name: &str, content: impl AsRef<[u8]>) {
        self.add(name, "");
        self.files.set_mode(name, 0o600);
        self.add(name, content);
    }
}

/// Puts a leaf and its key beside a reader's files, as `NAME.crt` (with its chain) and `NAME.key`.
fn add_leaf(reader: &Reader, name: &str, authority: &Authority, curve: Curve, leaf: &Leaf) -> Certificate {
    let key = key(name, curve);
    let certificate = authority.issue(&key, leaf).unwrap();
    reader.add(&format!("{name}.crt"), authority.chain_pem(&certificate));
    reader.add(&format!("{name}.key"), key.private_pem().unwrap().expose());
    certificate
}
