//! What is on disks: logical volumes and file systems.

use schemars::JsonSchema;
use serde::Deserialize;

/// A volume group over the system disk.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lvm {
    /// The name of the volume group.
    #[schemars(extend("examples" = ["vg0"]))]
    pub group: String,
    /// The logical volumes; one of them is mounted on `/`.
    pub volumes: Vec<Volume>,
    /// The size of a volume to swap to. Default: none.
    #[serde(default)]
    #[schemars(extend("examples" = ["1GiB"]))]
    pub swap: Option<String>,
}

/// A logical volume.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Volume {
    /// The folder that the volume is mounted on.
    #[schemars(extend("examples" = ["/", "/var"]))]
    pub mount: String,
    /// The size of the volume, with a binary unit.
    #[schemars(extend("examples" = ["4GiB"]))]
    pub size: String,
    /// What is made on it. Default: ext4.
    #[serde(default)]
    pub filesystem: FileSystem,
    /// How it is mounted, besides the defaults.
    #[serde(default)]
    pub options: Vec<MountOption>,
}

/// A logical volume that a machine has besides those of its image, or one of these that is larger there.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MachineVolume {
    /// The folder that the volume is mounted on.
    #[schemars(extend("examples" = ["/var", "/var/lib/etcd"]))]
    pub mount: String,
    /// The size that it has at least, with a binary unit.
    #[schemars(extend("examples" = ["16GiB"]))]
    pub size: String,
    /// Its volume group: that of the image, or one that disks make. Default: the image's.
    #[serde(default)]
    pub group: Option<String>,
    /// What is made on it. Default: ext4. The image's volumes keep what they have.
    #[serde(default)]
    pub filesystem: Option<FileSystem>,
    /// How it is mounted, besides the defaults.
    #[serde(default)]
    pub options: Vec<MountOption>,
}

/// A disk besides the system disk: empty, or for a file system of its own, or for a volume group.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataDisk {
    /// Its size, with a binary unit.
    #[schemars(extend("examples" = ["10GiB"]))]
    pub size: String,
    /// The volume group that it belongs to: the image's, which it makes larger, or one of its own.
    #[serde(default)]
    #[schemars(extend("examples" = ["vg0", "data"]))]
    pub group: Option<String>,
    /// The folder that it is mounted on as one file system.
    #[serde(default)]
    #[schemars(extend("examples" = ["/srv/data"]))]
    pub mount: Option<String>,
    /// What is made on it if it is mounted. Default: ext4.
    #[serde(default)]
    pub filesystem: Option<FileSystem>,
    /// How it is mounted, besides the defaults.
    #[serde(default)]
    pub options: Vec<MountOption>,
}

/// A file system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FileSystem {
    /// ext2.
    Ext2,
    /// ext3.
    Ext3,
    /// ext4.
    #[default]
    Ext4,
    /// XFS.
    Xfs,
}

impl FileSystem {
    /// The word in the blueprint.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ext2 => "ext2",
            Self::Ext3 => "ext3",
            Self::Ext4 => "ext4",
            Self::Xfs => "xfs",
        }
    }
}

/// An option of mount(8) that any of these file systems takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MountOption {
    /// Discard freed blocks (TRIM).
    Discard,
    /// Do not update access times.
    Noatime,
    /// Ignore device files.
    Nodev,
    /// Do not update access times of folders.
    Nodiratime,
    /// Do not execute programs.
    Noexec,
    /// Ignore set-user-ID and set-group-ID bits.
    Nosuid,
    /// Update access times only if they are older than the modification times.
    Relatime,
}

impl MountOption {
    /// The word in the blueprint.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Discard => "discard",
            Self::Noatime => "noatime",
            Self::Nodev => "nodev",
            Self::Nodiratime => "nodiratime",
            Self::Noexec => "noexec",
            Self::Nosuid => "nosuid",
            Self::Relatime => "relatime",
        }
    }
}
