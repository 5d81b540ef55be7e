//! What a build makes: files with their path, mode and origin, not yet written anywhere.

use std::fmt;

use crate::value::{Secret, Uuid};

/// The bytes of an artifact or of a file on a machine, and whether they may be seen.
#[derive(Clone, PartialEq, Eq)]
pub enum Content {
    /// May be published, snapshotted and logged.
    Public(Vec<u8>),
    /// Lands only in files of mode 0600 or stricter.
    Secret(Secret<Vec<u8>>),
}

impl Content {
    /// The bytes, secret or not: for writers and digests, never for a message.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Public(bytes) => bytes,
            Self::Secret(bytes) => bytes.expose(),
        }
    }

    /// Whether the bytes must stay hidden.
    #[must_use]
    pub const fn is_secret(&self) -> bool {
        matches!(self, Self::Secret(_))
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Self::Public(text.into_bytes())
    }
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        Self::Public(text.as_bytes().to_vec())
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Public(bytes) => write!(f, "{:?}", String::from_utf8_lossy(bytes)),
            Self::Secret(secret) => secret.fmt(f),
        }
    }
}

/// What an artifact is for: the `kind` column of the manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A NoCloud seed image.
    Seed,
    /// A machine's descriptor for hypervisors.
    Ovf,
    /// A disk image.
    Disk,
    /// A machine as one file, with its disks and its seed.
    Ova,
    /// One of the three documents inside a seed.
    CloudInit,
    /// A file that a seed puts on its machine, at its path there.
    MachineFile,
    /// Certificates of authorities, for whoever is to trust them.
    Certificate,
    /// What `kubectl` needs to reach the cluster.
    Kubeconfig,
    /// What `ssh` needs to reach the machines.
    Ssh,
    /// A table of what the blueprint decides.
    Report,
    /// What opens a page on the machines.
    Password,
    /// What installs the system disk without a question.
    Installer,
    /// What the operator runs on the host, and what such a script reads.
    Script,
    /// What keeps all of it out of a repository.
    Ignore,
    /// The list of all artifacts.
    Manifest,
    /// The digests of all artifacts, in the format of `sha256sum`.
    Digests,
}

impl Kind {
    /// The word that stands in the manifest.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Seed => "seed",
            Self::Ovf => "ovf",
            Self::Disk => "disk",
            Self::Ova => "ova",
            Self::CloudInit => "cloud-init",
            Self::MachineFile => "machine-file",
            Self::Certificate => "certificate",
            Self::Kubeconfig => "kubeconfig",
            Self::Ssh => "ssh",
            Self::Report => "report",
            Self::Password => "password",
            Self::Installer => "installer",
            Self::Script => "script",
            Self::Ignore => "ignore",
            Self::Manifest => "manifest",
            Self::Digests => "digests",
        }
    }
}

/// One file of the output tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// Where it goes below `out/<blueprint>/`: relative, `/` between names, no `.` or `..`.
    pub path: String,
    /// What it is for.
    pub kind: Kind,
    /// Its bytes.
    pub content: Content,
    /// Whether it may be run (mode 0755 in place of 0644).
    pub executable: bool,
    /// Where it comes from: `blueprints/kube-demo/blueprint.yaml:31`.
    pub origin: String,
}

impl Artifact {
    /// What has git leave a folder of outputs alone, wherever it lies (gitignore(5)): there are keys in it.
    #[must_use]
    pub fn ignore(origin: &str) -> Self {
        let text = "# There are secrets in this folder, and all of it can be built again.\n*\n";
        Self {
            path: ".gitignore".to_owned(),
            kind: Kind::Ignore,
            content: text.into(),
            executable: false,
            origin: origin.to_owned(),
        }
    }

    /// Its file mode: 0600 for a secret (0700 if it may be run), else 0644 or 0755, whatever the umask says.
    #[must_use]
    pub const fn mode(&self) -> u32 {
        match (self.content.is_secret(), self.executable) {
            (true, false) => 0o600,
            (true, true) => 0o700,
            (false, false) => 0o644,
            (false, true) => 0o755,
        }
    }
}

/// A machine as one package: its descriptor, and the files that this refers to, in that order.
#[derive(Clone, Debug)]
pub struct Appliance<'a> {
    /// The descriptor.
    pub descriptor: String,
    /// The name of each file in the package, and its bytes; nothing for the system disk that machines share.
    pub files: Vec<(String, Option<&'a [u8]>)>,
}

/// The image of a system disk that several machines start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharedDisk {
    /// Its length in bytes.
    pub length: u64,
    /// Its identity.
    pub uuid: Uuid,
}

/// Everything that a build of one blueprint makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifacts {
    /// The blueprint's name: the folder below `out/`.
    pub name: String,
    /// All files but the manifest and the digests, by path, each path once.
    pub files: Vec<Artifact>,
}
