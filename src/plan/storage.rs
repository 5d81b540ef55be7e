//! Disks and file systems of machines, in the plan.

use serde::Serialize;

use crate::site::{FileSystem, Machine, MountOption, Purpose};
use crate::value::Size;

#[derive(Clone, Debug, Serialize)]
pub(super) struct PlannedDisk {
    pub(super) name: String,
    pub(super) mib: u64,
    /// The volume group that it belongs to.
    group: Option<String>,
}

/// A file system that a machine makes, or makes larger.
#[derive(Clone, Debug, Serialize)]
pub(super) struct PlannedFileSystem {
    mount: String,
    /// The volume group that it is a volume of; none if it is a disk.
    group: Option<String>,
    /// The disk that it is; none if it is a volume.
    disk: Option<String>,
    pub(super) mib: u64,
    filesystem: &'static str,
    options: Vec<&'static str>,
    /// Whether the image has it, if smaller.
    in_image: bool,
}

/// The disks of a machine besides its system disk.
pub(super) fn disks(machine: &Machine) -> Vec<PlannedDisk> {
    let disks = machine.disks.iter().map(|disk| {
        let group = match &disk.purpose {
            Purpose::Group(group) => Some(group.clone()),
            Purpose::Nothing | Purpose::FileSystem(_) => None,
        };
        PlannedDisk { name: disk.name.clone(), mib: disk.size.as_mib(), group }
    });
    disks.collect()
}

/// What it makes of them, and of its volume groups, in the order of their mount points.
pub(super) fn file_systems(machine: &Machine) -> Vec<PlannedFileSystem> {
    let of_disks = machine.disks.iter().filter_map(|disk| match &disk.purpose {
        Purpose::FileSystem(mounted) => Some(PlannedFileSystem {
            disk: Some(disk.name.clone()),
            ..planned(&mounted.mount, disk.size.as_mib(), mounted.filesystem, &mounted.options)
        }),
        Purpose::Nothing | Purpose::Group(_) => None,
    });
    let volumes = machine.volumes.iter().map(|it| PlannedFileSystem {
        group: Some(it.group.clone()),
        in_image: it.in_image,
        ..planned(&it.volume.mount, it.volume.size.as_mib(), it.volume.filesystem, &it.volume.options)
    });
    let mut all: Vec<_> = of_disks.chain(volumes).collect();
    all.sort_by(|a, b| a.mount.cmp(&b.mount));
    all
}

fn planned(mount: &str, mib: u64, filesystem: FileSystem, options: &[MountOption]) -> PlannedFileSystem {
    PlannedFileSystem {
        mount: mount.to_owned(),
        group: None,
        disk: None,
        mib,
        filesystem: filesystem.as_str(),
        options: options.iter().map(|option| option.as_str()).collect(),
        in_image: false,
    }
}

impl PlannedFileSystem {
    /// The row of a table: where it is mounted, what it is on, its size, what it is, and how it is mounted.
    pub(super) fn row(&self) -> Vec<String> {
        let on = match (&self.group, &self.disk) {
            (Some(group), _) => format!("group {group}"),
            (None, Some(disk)) => format!("disk {disk}"),
            (None, None) => String::new(),
        };
        let size = Size::mib(self.mib).to_string();
        let made = if self.in_image { "made larger" } else { "made" };
        vec![
            self.mount.clone(),
            on,
            size,
            self.filesystem.to_owned(),
            self.options.join(", "),
            made.to_owned(),
        ]
    }
}
