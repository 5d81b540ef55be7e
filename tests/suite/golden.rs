//! What bpc makes of every blueprint under `blueprints/`, kept under `snapshots/<blueprint>/` as a reviewer reads it:
//! each text artifact at its own path, each image as a listing, the plan also as programs get it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use bpc::artifact::{Artifact, Content, Kind};
use bpc::driver::inputs;
use bpc::format::{cpio, iso9660, vmdk};
use bpc::pki::{Certificate, bundle_pem, ssh};
use bpc::plan::Plan;
use bpc::value::Secret;
use bpc::write::manifest;
use bpc::{Compiled, compile};
use sha2::{Digest, Sha256};
use walkdir::WalkDir;

use crate::support::vault::vault;

const UPDATE: &str =
    "to keep what bpc makes now: INSTA_UPDATE=always cargo test golden; then read `git diff snapshots`";

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folders below `blueprints/` that hold a blueprint, by name.
fn blueprints() -> BTreeSet<String> {
    let folders = fs::read_dir(project().join("blueprints")).unwrap().map(|entry| entry.unwrap());
    let folders = folders.filter(|folder| folder.path().join("blueprint.yaml").is_file());
    folders.map(|folder| folder.file_name().into_string().unwrap()).collect()
}

fn compiled(blueprint: &str) -> Compiled {
    let path = project().join("blueprints").join(blueprint).join("blueprint.yaml");
    let (compiled, report) = compile(&inputs(&path, &[]).unwrap(), &vault()).unwrap();
    compiled.unwrap_or_else(|| panic!("{blueprint} has errors: {:#?}", report.diagnostics))
}

/// All that is kept of a blueprint, by path.
fn texts(compiled: &Compiled) -> BTreeMap<String, String> {
    let artifacts = &compiled.artifacts;
    let redacted: BTreeMap<String, Artifact> =
        compiled.redacted().unwrap().files.into_iter().map(|file| (file.path.clone(), file)).collect();
    let json = serde_json::to_string_pretty(&Plan::new(&compiled.site)).unwrap();
    // SHA256SUMS has nothing that the manifest does not have.
    let manifest = manifest(artifacts).into_iter().filter(|listing| listing.kind == Kind::Manifest);
    let files = artifacts.files.iter().cloned().chain(manifest);
    let files = files.map(|artifact| (artifact.path.clone(), text(&artifact, redacted.get(&artifact.path))));
    files.chain([("plan.json".to_owned(), json)]).collect()
}

/// An artifact as a reviewer reads it; of a secret one that it is there, and what may be shown of it.
fn text(artifact: &Artifact, redacted: Option<&Artifact>) -> String {
    let bytes = artifact.content.bytes();
    if artifact.content.is_secret() {
        let hidden = format!("[{} secret bytes, mode {:04o}]\n", bytes.len(), artifact.mode());
        let shown = redacted.filter(|it| !it.content.is_secret() && it.kind != Kind::Seed);
        return shown.map_or(hidden.clone(), |it| hidden + &text(it, None));
    }
    if Path::new(&artifact.path).extension().is_some_and(|end| end == "crt") {
        let pem = std::str::from_utf8(bytes).unwrap();
        let certificates = Certificate::from_pem(pem).unwrap();
        assert_eq!(bundle_pem(&certificates), pem, "{} holds more than certificates", artifact.path);
        return certificates.iter().map(Certificate::describe).collect::<Vec<_>>().join("\n");
    }
    if artifact.path.ends_with("-cert.pub") {
        let line = std::str::from_utf8(bytes).unwrap();
        let certificate = ssh::Certificate::from_line(line.trim_end()).unwrap();
        assert_eq!(certificate.line().unwrap() + "\n", line, "{} holds more than one", artifact.path);
        return certificate.describe();
    }
    match artifact.kind {
        Kind::Seed => listing(bytes),
        Kind::Installer if artifact.path == "installer/seed.iso" => listing(bytes),
        Kind::Disk => disk(bytes),
        Kind::Installer if artifact.path.ends_with(".cpio.gz") => overlay(bytes),
        _ => String::from_utf8(bytes.to_vec())
            .unwrap_or_else(|_| panic!("{} is no text: it needs a listing", artifact.path)),
    }
}

/// An image's label, digest and entries.
fn listing(image: &[u8]) -> String {
    let volume = iso9660::read(image).unwrap();
    let mut text = format!("volume {}, {} bytes, sha256 {}\n", volume.identifier, image.len(), sha256(image));
    for entry in volume.entries {
        let (mode, path) = (entry.mode, entry.path);
        match entry.content {
            iso9660::Content::Folder => writeln!(text, "{mode:04o} {path}/").unwrap(),
            iso9660::Content::File(bytes) => {
                writeln!(text, "{mode:04o} {path} {} bytes, sha256 {}", bytes.len(), sha256(bytes)).unwrap();
            }
        }
    }
    text
}

/// What a disk is, its digest, and how much is on it.
fn disk(image: &[u8]) -> String {
    let opened = vmdk::Image::open(Cursor::new(image)).unwrap();
    let (size, uuid) = (opened.capacity(), opened.uuid().unwrap().to_owned());
    let grains = opened.grains().map(Result::unwrap).count();
    let (length, digest) = (image.len(), sha256(image));
    format!("disk of {size} bytes, {grains} grains, uuid {uuid}\n{length} bytes, sha256 {digest}\n")
}

/// The length of an archive, its digest, and its files.
fn overlay(archive: &[u8]) -> String {
    let mut text = format!("archive of {} bytes, sha256 {}\n", archive.len(), sha256(archive));
    for entry in cpio::read(archive).unwrap() {
        let (length, digest) = (entry.content.len(), sha256(&entry.content));
        writeln!(text, "{:04o} {} {length} bytes, sha256 {digest}", entry.mode, entry.name).unwrap();
    }
    text
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

/// Compares a text with `snapshots/<path>.snap`, which insta writes if it is told to.
fn assert_kept(path: &Path, text: &str) {
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path(project().join("snapshots").join(path.parent().unwrap()));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let name = path.file_name().unwrap().to_str().unwrap();
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn every_text_is_as_kept() {
    let mut changed = Vec::new();
    for blueprint in blueprints() {
        for (path, text) in texts(&compiled(&blueprint)) {
            let path = Path::new(&blueprint).join(path);
            if catch_unwind(AssertUnwindSafe(|| assert_kept(&path, &text))).is_err() {
                changed.push(path.display().to_string());
            }
        }
    }
    assert!(changed.is_empty(), "{} differ: {}\n{UPDATE}", changed.len(), changed.join(", "));
}

#[test]
fn nothing_else_is_kept() {
    let update = std::env::var("INSTA_UPDATE").is_ok_and(|value| value == "always");
    let mut stale = Vec::new();
    for blueprint in blueprints() {
        let root = project().join("snapshots").join(&blueprint);
        let made: BTreeSet<PathBuf> =
            texts(&compiled(&blueprint)).into_keys().map(|path| root.join(path + ".snap")).collect();
        let found = WalkDir::new(&root).sort_by_file_name().into_iter().flatten();
        let found = found.filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path);
        stale.extend(
            found.filter(|path| path.extension().is_some_and(|end| end == "snap") && !made.contains(path)),
        );
    }
    if update {
        stale.drain(..).for_each(|path| fs::remove_file(path).unwrap());
    }
    assert!(stale.is_empty(), "no blueprint makes these any more: {stale:#?}\n{UPDATE}");
}

#[test]
fn a_folder_of_snapshots_has_a_blueprint() {
    let mut known = blueprints();
    // Not blueprints that build: the exact diagnostics of those that do not, what bootstrap stages do, and what the
    // installer of a distribution reads that none of them has.
    known.extend(["bad", "installer", "stages"].map(str::to_owned));
    let kept = fs::read_dir(project().join("snapshots")).unwrap().map(|entry| entry.unwrap());
    let kept =
        kept.filter(|entry| entry.path().is_dir()).map(|entry| entry.file_name().into_string().unwrap());
    let stale: Vec<String> = kept.filter(|name| !known.contains(name)).collect();
    assert!(stale.is_empty(), "there are no such blueprints: {stale:?}");
}

#[test]
fn a_secret_is_not_kept() {
    let secret = Artifact {
        path: "pki/admin.conf".to_owned(),
        kind: Kind::MachineFile,
        content: Content::Secret(Secret::new(b"hunter2".to_vec())),
        executable: false,
        origin: "blueprint.yaml:1".to_owned(),
    };
    assert_eq!(text(&secret, None), "[7 secret bytes, mode 0600]\n");
    assert_eq!(text(&secret, Some(&secret)), "[7 secret bytes, mode 0600]\n");
    let shown = Artifact { content: Content::from("[secret: admin]\n"), ..secret.clone() };
    assert_eq!(text(&secret, Some(&shown)), "[7 secret bytes, mode 0600]\n[secret: admin]\n");
    let seed = Artifact { kind: Kind::Seed, ..secret };
    assert_eq!(text(&seed, Some(&shown)), "[7 secret bytes, mode 0600]\n[secret: admin]\n");
}
