//! What stages download: small files in place of the pinned ones.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use bpc::site::Download;
use sha2::{Digest as _, Sha256};

/// What is in the archives that are unpacked as a whole, by the name of the pinned download. In every other archive
/// there is whatever the script has a word for.
const LAYOUTS: [(&str, &[&str]); 4] = [
    ("containerd", &["bin/containerd", "bin/containerd-shim-runc-v2", "bin/ctr"]),
    ("crictl", &["crictl"]),
    ("docker", &["docker/containerd", "docker/docker", "docker/dockerd", "docker/runc"]),
    ("cni-plugins", &["LICENSE", "README.md", "bridge", "host-local", "loopback", "portmap"]),
];

/// Has a script expect small files in place of its downloads, and returns them by their addresses.
pub(super) fn shrink(
    script: &mut String,
    downloads: &BTreeMap<String, Download>,
) -> BTreeMap<String, Vec<u8>> {
    let mut small = BTreeMap::new();
    for (name, download) in downloads {
        if script.contains(&download.url) {
            let content = content(name, &download.url, script);
            // One whose digest nobody knows may be anything.
            if !download.sha256.is_empty() {
                let digest = base16ct::lower::encode_string(&Sha256::digest(&content));
                *script = script.replace(&download.sha256, &digest);
            }
            small.insert(download.url.clone(), content);
        }
    }
    small
}

/// A program that is the stub of the name it is called by, an archive of such programs, or a manifest that has all that
/// the script expects in it.
fn content(name: &str, url: &str, script: &str) -> Vec<u8> {
    if matches!(url.rsplit_once('.'), Some((_, "yaml" | "yml"))) {
        return script.into();
    }
    let program = format!("#!/bin/sh\n# {url}\nexec \"/opt/stubs/${{0##*/}}\" \"$@\"\n");
    if ![".tar.gz", ".tgz"].iter().any(|end| url.ends_with(end)) {
        return program.into_bytes();
    }
    let layout = LAYOUTS.iter().find(|(known, _)| *known == name);
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
