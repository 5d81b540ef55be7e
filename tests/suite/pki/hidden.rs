//! No secret is where it can be seen: not in a public artifact, not in a snapshot, not in what a command says.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use base64ct::{Base64, Encoding as _};
use bpc::Compiled;
use walkdir::WalkDir;

use super::placed::cluster;
use crate::built::changed_in;
use crate::support::project::Project;
use crate::support::vault::KEY;

/// As much of a secret as is looked for: whoever sees half of one sees too much.
const LENGTH: usize = 16;

/// Parts of all secrets, in all forms in which they might be written.
struct Needles {
    parts: BTreeSet<[u8; LENGTH]>,
    /// Whether a part starts with two bytes: most places in a text start none.
    starts: Vec<bool>,
}

impl Needles {
    /// Those of the vault, and of every private key and every shared secret of these data centres.
    fn of(sites: &[Compiled]) -> Self {
        let mut needles = Self { parts: BTreeSet::new(), starts: vec![false; 1 << 16] };
        needles.add_forms(&KEY);
        for built in sites {
            let credentials = &built.credentials;
            for (secret, bytes) in credentials.all_shared() {
                // One of 8 characters is too short to be looked for; beside it stands a salt.
                if bytes.expose().len() >= LENGTH {
                    needles.add_forms(bytes.expose());
                }
                needles.add_forms(credentials.salt(secret).unwrap().expose().as_bytes());
            }
            let keys = credentials.authorities().map(|(_, authority)| authority.key());
            let keys = keys.chain(credentials.certificates().map(|(_, _, issued)| &issued.key));
            // RFC 5915: the number stands behind version 1 and the header of an OCTET STRING.
            let length = if built.site.name == P384 { 48 } else { 32 };
            for key in keys.chain([credentials.service_account().unwrap()]) {
                needles.add_pem(key.private_pem().unwrap().expose(), &[2, 1, 1, 4, length], length);
            }
            let ssh = credentials.ssh();
            let keys = ssh.certified().map(|(_, certified)| &certified.key);
            // OpenSSH's PROTOCOL.key: the seed, and the public key with it, are a text of 64 bytes.
            for key in keys.chain([ssh.host_authority(), ssh.user_authority()]) {
                needles.add_pem(key.private_openssh().unwrap().expose(), &[0, 0, 0, 64], 32);
            }
        }
        needles
    }

    /// What is secret in a PEM text: so many bytes behind this header. And the text around them, for where PEM is
    /// encoded once more, as in a kubeconfig.
    fn add_pem(&mut self, text: &str, header: &[u8], length: u8) {
        let mut lines = text.lines();
        let first = lines.next().unwrap().len() + 1;
        let lines: Vec<&str> = lines.take_while(|line| !line.starts_with('-')).collect();
        let bytes = Base64::decode_vec(&lines.concat()).unwrap();
        let start = bytes.windows(header.len()).position(|window| window == header).unwrap() + header.len();
        let end = start + usize::from(length);
        self.add_forms(&bytes[start..end]);
        let place = |byte: usize| {
            let letter = byte * 4 / 3;
            first + letter + letter / lines[0].len()
        };
        self.add_forms(&text.as_bytes()[place(start) + 2..place(end) - 2]);
    }

    fn add_forms(&mut self, secret: &[u8]) {
        self.add(secret);
        let hex = secret.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        self.add(hex.as_bytes());
        self.add(hex.to_uppercase().as_bytes());
        // Base64 looks different by where in a group of three bytes a secret starts.
        for shift in 0..3 {
            let shifted = [&[0; 3][..shift], secret].concat();
            self.add(&Base64::encode_string(&shifted).as_bytes()[4..]);
        }
    }

    /// Every part of a form that starts in its first half, so that no line break hides it.
    fn add(&mut self, form: &[u8]) {
        assert!(form.len() >= LENGTH, "a secret of {} bytes needs another search", form.len());
        for window in form.windows(LENGTH).take(form.len().div_ceil(2)) {
            self.parts.insert(window.try_into().unwrap());
            self.starts[start(window)] = true;
        }
    }

    fn are_in(&self, bytes: &[u8]) -> bool {
        bytes.windows(LENGTH).any(|window| self.starts[start(window)] && self.parts.contains(window))
    }
}

/// The first two bytes as a number.
fn start(bytes: &[u8]) -> usize {
    usize::from(u16::from_be_bytes([bytes[0], bytes[1]]))
}

/// The name of the one data centre whose keys are on P-384.
const P384: &str = "kube-long";

fn sites() -> Vec<Compiled> {
    let long = changed_in("blueprints", "kube-demo", |text| {
        text.replace("name: kube-demo", &format!("name: {P384}")) + "pki: {algorithm: ecdsa-p384}\n"
    });
    let built = ["kube-demo", "kube-full", "kube-compact"].map(|name| cluster(name, ""));
    built.into_iter().chain([long]).collect()
}

/// The search finds them where they belong: otherwise that it finds nothing elsewhere would mean nothing.
#[test]
fn secrets_are_found_in_what_is_secret() {
    let sites = sites();
    let needles = Needles::of(&sites);
    let mut found = 0;
    for file in sites.iter().flat_map(|built| &built.artifacts.files).filter(|file| file.content.is_secret())
    {
        assert!(needles.are_in(file.content.bytes()), "{} has no secret that is known", file.path);
        found += 1;
    }
    assert!(found > 100, "{found}");
    for form in ["07".repeat(20).into_bytes(), Base64::encode_string(&KEY).into_bytes(), KEY.to_vec()] {
        assert!(needles.are_in(&form));
    }
    assert!(!needles.are_in(b"0707-0707 0707-0707 0707-0707 0707-0707"));
}

#[test]
fn no_public_artifact_has_a_secret() {
    let sites = sites();
    let needles = Needles::of(&sites);
    for file in sites.iter().flat_map(|built| &built.artifacts.files).filter(|file| !file.content.is_secret())
    {
        assert!(!needles.are_in(file.content.bytes()), "{} shows a secret", file.path);
    }
    for built in &sites {
        for file in built.redacted().unwrap().files {
            assert!(!file.content.is_secret() && !needles.are_in(file.content.bytes()), "{}", file.path);
        }
    }
}

#[test]
fn no_snapshot_has_a_secret() {
    let needles = Needles::of(&sites());
    let folders =
        ["snapshots", "blueprints", "docs"].map(|name| Path::new(env!("CARGO_MANIFEST_DIR")).join(name));
    let entries = folders.iter().flat_map(|folder| WalkDir::new(folder).into_iter().map(Result::unwrap));
    for entry in entries.filter(|entry| entry.file_type().is_file() && entry.file_name() != "vault.key") {
        assert!(
            !needles.are_in(&fs::read(entry.path()).unwrap()),
            "{} shows a secret",
            entry.path().display()
        );
    }
}

#[test]
fn no_command_says_a_secret_and_no_open_file_has_one() {
    let needles = Needles::of(&sites());
    let project = Project::of_this_repository();
    for arguments in [
        &["build", "blueprints/kube-demo", "blueprints/kube-full", "blueprints/kube-compact"][..],
        &["build", "--format", "json", "--out", "again"],
        &["check", "blueprints/kube-full"],
        &["check", "--at", "2026-12-24", "--format", "json"],
        &["plan"],
        &["plan", "--format", "json"],
        &["plan", "--secrets"],
        &["plan", "--secrets", "--format", "json"],
        &["plan", "--certificates"],
        &["plan", "--certificates", "--format", "json"],
        &["plan", "--certificates", "--vault", "blueprints/kube-demo/vault.key"],
        &["vault", "show"],
        &["vault", "show", "--format", "json", "blueprints/kube-demo/vault.key"],
    ] {
        let said = project.bpc(arguments);
        assert_eq!(said.status, 0, "{said:?}");
        assert!(
            !needles.are_in(said.out.as_bytes()) && !needles.are_in(said.err.as_bytes()),
            "{arguments:?}"
        );
    }
    let mut closed = 0;
    for (path, (mode, bytes)) in project.tree("out") {
        let Some(bytes) = bytes else { continue };
        let secret = needles.are_in(&bytes);
        assert_eq!(secret, mode & 0o777 == 0o600, "{} {mode:o}", path.display());
        closed += usize::from(secret);
    }
    assert!(closed > 100, "{closed}");
}
