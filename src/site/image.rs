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

/// Where a distribution's own people publish what machines start from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageSource {
    /// The cloud image of the release, whose kernel knows VirtualBox's controllers. It changes with each point release.
    pub cloud_image: String,
    /// The folder of the installer's media, digests beside them.
    pub media: &'static str,
    /// What there is called for: a pattern of a file's name.
    pub medium: String,
}

impl Image {
    /// Where its publisher has it: <https://cloud.debian.org/images/cloud/>, <https://cloud-images.ubuntu.com/releases/>.
    #[must_use]
    pub fn source(&self) -> ImageSource {
        let (release, architecture) = (self.release.as_str(), self.architecture.as_str());
        match self.distribution {
            Distribution::Debian => {
                let (number, media) = match release {
                    "bookworm" => ("12", "https://cdimage.debian.org/cdimage/archive/"),
                    _ => ("13", "https://cdimage.debian.org/debian-cd/"),
                };
                ImageSource {
                    cloud_image: format!(
                        "https://cloud.debian.org/images/cloud/{release}/latest/debian-{number}-generic-{architecture}.qcow2"
                    ),
                    media,
                    medium: format!("debian-{number}.*-{architecture}-netinst.iso and SHA256SUMS"),
                }
            }
            Distribution::Ubuntu => ImageSource {
                cloud_image: format!(
                    "https://cloud-images.ubuntu.com/releases/{release}/release/ubuntu-24.04-server-cloudimg-{architecture}.img"
                ),
                media: match self.architecture {
                    Architecture::Amd64 => "https://releases.ubuntu.com/noble/",
                    Architecture::Arm64 => "https://cdimage.ubuntu.com/releases/24.04/release/",
                },
                medium: format!("ubuntu-24.04.*-live-server-{architecture}.iso and SHA256SUMS"),
            },
        }
    }
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
