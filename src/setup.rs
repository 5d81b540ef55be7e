//! What one machine gets from its role: files, packages, bootstrap stages.

use std::collections::BTreeSet;

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
