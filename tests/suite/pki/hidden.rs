//! No secret is where it can be seen: not in a public artifact, not in a snapshot, not in what a command says.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use base64ct::{Base64, Encoding as _};
use bpc::Compiled;
use bpc::format::pem;
use walkdir::WalkDir;

use super::placed::cluster;
use crate::support::project::Project;
use crate::support::vault::KEY;

/// As much of a secret as is looked for: whoever sees half of one sees too much.
const LENGTH: usize = 16;

/// Parts of all secrets, in all forms in which they might be written.
struct Needles {
    parts: BTreeSet<[u8; LENGTH]>,
    /// The first two bytes of each part: most places in a text start none.
    starts: BTreeSet<[u8; 2]>,
}

impl Needles {
    /// Those of the vault, of every shared secret and of every private key of these data centres.
    fn of(sites: &[Compiled]) -> Self {
        let mut needles = Self { parts: BTreeSet::new(), starts: BTreeSet::new() };
        needles.add_forms(&KEY);
        for built in sites {
            let credentials = &built.credentials;
            credentials.all_shared().for_each(|(_, secret)| needles.add_forms(secret.expose()));
            let keys = credentials.authorities().map(|(_, authority)| authority.key());
            let keys = keys.chain(credentials.certificates().map(|(_, _, issued)| &issued.key));
            for key in keys.chain([credentials.service_account().unwrap()]) {
                let text = key.private_pem().unwrap();
                let der = pem::decode(text.expose()).unwrap().remove(0).der;
                // RFC 5915: the number itself stands behind SEQUENCE, version 1 and the header of an OCTET STRING.
                assert_eq!((der[1], der[2..6].to_vec(), der[6]), (0x77, vec![2, 1, 1, 4], 32));
                needles.add_forms(&der[7..39]);
                needles.add(&Base64::encode_string(&der).as_bytes()[12..52]);
                // In a kubeconfig the PEM is in base64 once more; 31 bytes before the number there is its first line.
                needles.add(&Base64::encode_string(text.expose().as_bytes()).as_bytes()[60..110]);
            }
        }
        needles
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
        for window in form.windows(LENGTH).take(form.len() / 2) {
            let part: [u8; LENGTH] = window.try_into().unwrap();
            self.parts.insert(part);
            self.starts.insert([part[0], part[1]]);
        }
    }

    fn are_in(&self, bytes: &[u8]) -> bool {
        let starts: Vec<bool> =
            (0..=u16::MAX).map(|start| self.starts.contains(&start.to_be_bytes())).collect();
        bytes.windows(LENGTH).any(|window| {
            starts[usize::from(u16::from_be_bytes([window[0], window[1]]))] && self.parts.contains(window)
        })
    }
}

fn sites() -> [Compiled; 2] {
    [cluster("kube-demo", ""), cluster("kube-full", "")]
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
        &["build", "blueprints/kube-demo", "blueprints/kube-full"][..],
        &["build", "--format", "json", "--out", "again"],
        &["check", "blueprints/kube-full"],
        &["plan"],
        &["plan", "--format", "json"],
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
