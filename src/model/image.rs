//! `image:`

use schemars::JsonSchema;
use serde::Deserialize;

use super::Lvm;

/// The distribution and its disk.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// The distribution of all machines.
    pub distribution: Distribution,
    /// The release by its code name.
    #[schemars(extend("examples" = ["trixie", "bookworm", "noble"]))]
    pub release: String,
    /// The processor. Default: amd64.
    #[serde(default)]
    pub architecture: Architecture,
    /// The size of the system disk. Default: 32GiB.
    #[serde(default)]
    #[schemars(extend("examples" = ["32GiB"]))]
    pub disk: Option<String>,
    /// The system disk as a file: a cloud image, or one that was installed before.
    #[serde(default)]
    pub disk_file: Option<DiskFile>,
    /// What starts the machines. Default: `bios` on amd64 and `efi` on arm64.
    #[serde(default)]
    pub firmware: Option<Firmware>,
    /// The logical volumes of the system disk; without it the image's own layout stays.
    #[serde(default)]
    pub lvm: Option<Lvm>,
    /// Where packages come from. Default: the distribution's default.
    #[serde(default)]
    #[schemars(extend("examples" = ["https://mirror.example/debian"]))]
    pub mirror: Option<String>,
    /// Mirror of security updates, only with `mirror`. Default: the same mirror (Ubuntu), or its `-security`
    /// neighbour (Debian).
    #[serde(default)]
    #[schemars(extend("examples" = ["https://mirror.example/debian-security"]))]
    pub security_mirror: Option<String>,
    /// The HTTP proxy through which the installer and the machines fetch packages. Default: none.
    #[serde(default)]
    #[schemars(extend("examples" = ["http://proxy.example:3128"]))]
    pub proxy: Option<String>,
    /// The state of a snapshot mirror at one time (RFC 3339, UTC), so that every machine gets the same packages.
    #[serde(default)]
    #[schemars(extend("examples" = ["2026-01-01T00:00:00Z"]))]
    pub snapshot: Option<String>,
}

/// A distribution that bpc knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Distribution {
    /// Debian.
    Debian,
    /// Ubuntu.
    Ubuntu,
}

/// A processor, as Debian names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Architecture {
    /// 64-bit x86.
    #[default]
    Amd64,
    /// 64-bit ARM.
    Arm64,
}

impl Architecture {
    /// The word in the blueprint.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }
}

/// What starts a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Firmware {
    /// The BIOS of a PC.
    Bios,
    /// UEFI.
    Efi,
}

impl Firmware {
    /// The word in the blueprint.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bios => "bios",
            Self::Efi => "efi",
        }
    }
}

/// A disk image on the host.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiskFile {
    /// Where it is, from the folder that `out` is in; qcow2, raw, VMDK or VDI.
    #[schemars(extend("examples" = ["images/debian-13-generic-amd64.qcow2"]))]
    pub path: String,
    /// Its SHA-256, in hex.
    pub sha256: String,
    /// Where `up.sh` downloads it from if it is not there.
    #[serde(default)]
    #[schemars(extend("examples" = ["https://mirror.example/debian-13-generic-amd64.qcow2"]))]
    pub url: Option<String>,
}
