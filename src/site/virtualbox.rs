//! What is particular to VirtualBox.

pub use crate::model::{Adapter, Controller, SystemDisk};

/// How VirtualBox makes the machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VirtualBox {
    /// How they get their system disk.
    pub system_disk: SystemDisk,
    /// What disks and the seed are attached to.
    pub controller: Controller,
    /// What network adapters are.
    pub adapter: Adapter,
    /// What they are built around.
    pub chipset: Chipset,
}

/// What a machine is built around.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chipset {
    /// Intel's PIIX3, with eight network adapters.
    Piix3,
    /// VirtualBox's own for ARM, with as many.
    Armv8Virtual,
}

impl Chipset {
    /// As VirtualBox calls it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Piix3 => "piix3",
            Self::Armv8Virtual => "armv8virtual",
        }
    }
}
