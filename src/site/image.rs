//! What machines start from.

use super::{Architecture, Distribution, FileSystem, Firmware, MountOption};
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
    /// How the system disk is divided, if the blueprint says it.
    pub lvm: Option<Lvm>,
    /// Where packages come from, if not from where the image says.
    pub sources: Option<PackageSources>,
    /// The proxy that packages come through, if there is one: `http://HOST:PORT/`.
    pub proxy: Option<String>,
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

/// A system disk with a volume group, in whose sizes whole extents count. What no volume takes stays free in the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lvm {
    /// The EFI system partition, if that is what starts the machine.
    pub efi: Option<Size>,
    /// The partition that is mounted on `/boot`.
    pub boot: Size,
    /// The name of the volume group.
    pub group: String,
    /// The logical volumes, in the order of the blueprint.
    pub volumes: Vec<Volume>,
    /// The logical volume that is swapped to.
    pub swap: Option<Size>,
}

/// A logical volume with a file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// Its name in the group: `root`, or the mount point with hyphens in place of slashes.
    pub name: String,
    /// Where it is mounted.
    pub mount: String,
    /// Its size.
    pub size: Size,
    /// What is made on it.
    pub filesystem: FileSystem,
    /// How it is mounted, besides the defaults: in order, each once.
    pub options: Vec<MountOption>,
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
