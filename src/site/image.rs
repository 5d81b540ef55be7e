//! What machines start from.

use super::{Architecture, Distribution, Firmware};
use crate::value::Size;

/// The distribution, its disk and its packages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// The distribution.
    pub distribution: Distribution,
    /// The release by its code name.
    pub release: String,
    /// The processor, as Debian names it.
    pub architecture: Architecture,
    /// The size of the system disk.
    pub disk: Size,
    /// What is on the system disk, if it is a file.
    pub disk_file: Option<DiskFile>,
    /// What starts the machines.
    pub firmware: Firmware,
    /// Where packages come from, if not from where the image says.
    pub sources: Option<PackageSources>,
}

/// Package mirrors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageSources {
    /// For the release and its updates.
    pub mirror: String,
    /// For security updates.
    pub security: String,
    /// Whether they show one moment of the past, whose signatures may have run out.
    pub dated: bool,
}

/// A disk image on the host, which bpc itself never reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskFile {
    /// Where it is: absolute, or from the folder that the output tree's folder is in.
    pub path: String,
    /// Its SHA-256 in hex.
    pub sha256: String,
    /// Where it is downloaded from if it is not there.
    pub url: Option<String>,
}
