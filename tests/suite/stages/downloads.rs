//! What stages download: small files in place of the pinned ones.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use bpc::assets::Asset;
use sha2::{Digest as _, Sha256};

/// What is in the archives that are unpacked as a whole, by the name of the pinned download. In every other archive
/// there is whatever the script has a word for.
const LAYOUTS: [(&str, &[&str]); 2] = [
    ("containerd", &["bin/containerd", "bin/containerd-shim-runc-v2", "bin/ctr"]),
    ("cni-plugins", &["LICENSE", "README.md", "bridge", "host-local", "loopback", "portmap"]),
];

/// A file that can be downloaded.
pub(super) struct Download {
    pub(super) url: String,
    pub(super) content: Vec<u8>,
}

/// Every pinned download.
fn table() -> Vec<Asset> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/assets/assets.yaml");
    serde_yaml::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Has a script expect the digests of small files that stand for its downloads, and returns these.
pub(super) fn shrink(script: &mut String) -> Vec<Download> {
    let wanted = table().into_iter().filter(|asset| script.contains(&asset.sha256)).collect::<Vec<_>>();
    let downloads = wanted.into_iter().map(|asset| {
        let content = content(&asset, script);
        *script = script.replace(&asset.sha256, &sha256(&content));
        Download { url: asset.url, content }
    });
    downloads.collect()
}

/// A program that is the stub of the name it is called by, or an archive of such programs.
fn content(asset: &Asset, script: &str) -> Vec<u8> {
    let program = format!("#!/bin/sh\n# {}\nexec \"/opt/stubs/${{0##*/}}\" \"$@\"\n", asset.url);
    if ![".tar.gz", ".tgz"].iter().any(|end| asset.url.ends_with(end)) {
        return program.into_bytes();
    }
    let layout = LAYOUTS.iter().find(|(name, _)| *name == asset.name);
    let members = layout.map_or_else(|| words(script), |(_, members)| members.iter().copied().collect());
    archive(&members, &program)
}

/// The words of a script that may be relative paths, but for those that are folders of others.
fn words(script: &str) -> BTreeSet<&str> {
    let path = |c: char| c.is_ascii_alphanumeric() || "._/+-".contains(c);
    let words =
        script.split(|c| !path(c)).filter(|word| word.starts_with(|c: char| c.is_ascii_alphanumeric()));
    let words: BTreeSet<&str> = words.filter(|word| !word.ends_with('/')).collect();
    let is_folder =
        |word: &str| words.iter().any(|it| it.strip_prefix(word).is_some_and(|it| it.starts_with('/')));
    words.iter().copied().filter(|word| !is_folder(word)).collect()
}

/// A .tar.gz with these members, all of which have this content.
fn archive(members: &BTreeSet<&str>, content: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    for member in members {
        let path = folder.path().join(member);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
    }
    let mut tar = Command::new("tar");
    tar.args(["--create", "--gzip", "--mode=0755", "--owner=0", "--group=0", "-C"]).arg(folder.path());
    let output = tar.args(members).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn sha256(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(&Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_has_what_the_script_names() {
        let script =
            "URL='https://dl.example/v1/it.tar.gz'\nunpack \"$URL\" \"$SHA256\" /opt bin/it lib/so.1\n";
        let words = words(script);
        assert!(
            words.contains("bin/it") && words.contains("lib/so.1") && !words.contains("bin"),
            "{words:?}"
        );
        let bytes = archive(&words, "it");
        let staged = tempfile::tempdir().unwrap();
        fs::write(staged.path().join("it.tar.gz"), bytes).unwrap();
        let mut tar = Command::new("tar");
        tar.args(["-xzf", "it.tar.gz", "bin/it", "lib/so.1"]).current_dir(staged.path());
        assert!(tar.status().unwrap().success());
        assert_eq!(fs::read_to_string(staged.path().join("lib/so.1")).unwrap(), "it");
    }
}
