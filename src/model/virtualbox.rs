//! `virtualbox:`

use schemars::JsonSchema;
use serde::Deserialize;

/// Settings of VirtualBox.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VirtualBox {
    /// How machines get their system disk. Default: `linked`.
    #[serde(default)]
    pub system_disk: SystemDisk,
    /// What disks and the seed are attached to. Default: `sata` on amd64 and `virtio-scsi` on arm64.
    #[serde(default)]
    pub controller: Option<Controller>,
    /// What network adapters are. Default: `virtio`.
    #[serde(default)]
    pub adapter: Adapter,
}

/// How machines get their system disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SystemDisk {
    /// One base for all, of which each machine keeps only what differs.
    #[default]
    Linked,
    /// A full copy for each machine.
    Copied,
}

/// A storage controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Controller {
    /// SATA (AHCI).
    Sata,
    /// SCSI by virtio.
    VirtioScsi,
}

/// The model of a network adapter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Adapter {
    /// Paravirtual, and the fastest.
    #[default]
    Virtio,
    /// Intel's PRO/1000 MT Desktop, which every system has a driver for.
    E1000,
}
