//! What one machine gets from its role: files, packages, bootstrap stages.

use std::collections::BTreeSet;
use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::artifact::Content;

/// A file that the seed puts on the machine, owned by root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its absolute path on the machine.
    pub path: String,
    /// What is in it.
    pub content: Content,
    /// Its mode there, for instance 0o644.
    pub mode: u32,
}

impl File {
    /// A public file of mode 0644.
    pub fn text(path: impl Into<String>, content: impl Into<Content>) -> Self {
        Self { path: path.into(), content: content.into(), mode: 0o644 }
    }

    /// A public file of mode 0755.
    pub fn script(path: impl Into<String>, content: impl Into<Content>) -> Self {
        Self { path: path.into(), content: content.into(), mode: 0o755 }
    }
}

/// One step of a machine's bootstrap: an idempotent POSIX sh script.
///
/// It exits 0 when its work is done or was done before; anything else is tried again by the bootstrap engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Its place in the order, 0 to 99: smaller runs first.
    pub order: u8,
    /// Its name, a DNS label: what the console markers and the journal call it.
    pub name: &'static str,
    /// The script, `#!/bin/sh` line included.
    pub script: String,
}

impl Stage {
    /// A stage that puts these files into force: it is another stage, and so runs again, when one of them changes.
    ///
    /// The digest of a secret would tell something about it; a stage that uses one has to change with it by a
    /// variable of its own, such as the secret's generation.
    #[must_use]
    pub fn applying(mut self, files: &[File]) -> Self {
        self.script.push_str("\n# Puts into force:\n");
        for file in files.iter().filter(|file| !file.content.is_secret()) {
            let digest = base16ct::lower::encode_string(&Sha256::digest(file.content.bytes()));
            // Writing to a string cannot fail.
            let _ = writeln!(self.script, "# {digest}  {}", file.path);
        }
        self
    }

    /// The file name: `20-dnsmasq`.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{:02}-{}", self.order, self.name)
    }
}

/// All that one machine gets, in the order in which the roles added it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setup {
    /// Files, each path once.
    pub files: Vec<File>,
    /// Debian or Ubuntu packages.
    pub packages: BTreeSet<String>,
    /// Bootstrap stages.
    pub stages: Vec<Stage>,
}

impl Setup {
    /// Adds packages.
    pub fn install<const N: usize>(&mut self, packages: [&str; N]) {
        self.packages.extend(packages.map(str::to_owned));
    }

    /// Adds files and the stage that puts them into force.
    pub fn apply(&mut self, stage: Stage, files: Vec<File>) {
        self.stages.push(stage.applying(&files));
        self.files.extend(files);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Secret;

    fn stage(files: &[File]) -> String {
        Stage::new(20, "firewall", &[], "nft -f /etc/nftables.conf\n").applying(files).script
    }

    #[test]
    fn a_stage_changes_with_what_it_applies() {
        let rules = |text: &str| File::text("/etc/nftables.conf", text);
        assert_ne!(stage(&[rules("a")]), stage(&[rules("b")]));
        assert!(stage(&[rules("a")]).ends_with("  /etc/nftables.conf\n"));
    }

    #[test]
    fn a_stage_tells_nothing_about_a_secret() {
        let key = |bytes: &[u8]| File {
            path: "/etc/corosync/authkey".to_owned(),
            content: Content::Secret(Secret::new(bytes.to_vec())),
            mode: 0o400,
        };
        assert_eq!(stage(&[key(b"a")]), stage(&[key(b"b")]));
    }
}
