//! The plan's layout as what Ubuntu's installer does, step by step.

use crate::format::curtin::{Action, Flag, Largest, Length, Match, Table, Wipe};
use crate::site::{Lvm, Volume};
use crate::value::Size;

/// Where a BIOS is to start a disk with a GUID partition table, its boot loader is in a partition of its own.
const BIOS_GRUB: Size = Size::mib(1);

/// All partitions, then all volumes, then what is mounted: what is above a place before what is below it.
///
/// The table is a GUID one with a BIOS too, as the installer itself makes them. A part that counts for the boot loader is
/// marked by `grub_device`: the disk where there is a BIOS, else the EFI system partition.
pub(super) fn actions(lvm: &Lvm) -> Vec<Action> {
    let disk = "disk".to_owned();
    let mut actions = vec![Action::Disk {
        id: disk.clone(),
        which: Match { size: Largest::Largest },
        ptable: Table::Gpt,
        wipe: Wipe::SuperblockRecursive,
        grub_device: lvm.efi.is_none(),
    }];
    let partition = |id: &str, size: Length, flag: Option<Flag>| Action::Partition {
        id: id.to_owned(),
        device: disk.clone(),
        size,
        flag,
        wipe: Wipe::Superblock,
        grub_device: flag == Some(Flag::Boot),
    };
    actions.push(match lvm.efi {
        Some(size) => partition("efi", length(size), Some(Flag::Boot)),
        None => partition("bios", length(BIOS_GRUB), Some(Flag::BiosGrub)),
    });
    actions.push(partition("boot", length(lvm.boot), None));
    actions.push(partition("physical-volume", Length::Rest, None));
    let devices = vec!["physical-volume".to_owned()];
    actions.push(Action::LvmVolgroup { id: "group".to_owned(), name: lvm.group.clone(), devices });
    let named = lvm.volumes.iter().map(|volume| (volume.name.as_str(), volume.size));
    actions.extend(named.chain(lvm.swap.map(|size| ("swap", size))).map(|(name, size)| logical(name, size)));
    let made = made(lvm);
    actions.extend(made.iter().map(FileSystem::format));
    actions.extend(made.iter().map(FileSystem::mount));
    actions
}

/// Sizes of the plan are whole mebibytes.
const fn length(size: Size) -> Length {
    Length::Mebibytes(size.as_mib())
}

fn logical(name: &str, size: Size) -> Action {
    let (id, volgroup) = (format!("volume-{name}"), "group".to_owned());
    Action::LvmPartition { id, volgroup, name: name.to_owned(), size: length(size) }
}

/// A file system, or what is swapped to.
struct FileSystem {
    /// The action that makes what it is on.
    on: String,
    kind: &'static str,
    path: String,
    options: Option<String>,
}

/// All of them, by their places. The space for swapping has none, so it comes last.
fn made(lvm: &Lvm) -> Vec<FileSystem> {
    let file_system = |on: &str, kind, path: &str| {
        let [on, path] = [on, path].map(str::to_owned);
        FileSystem { on, kind, path, options: None }
    };
    let of_volume = |volume: &Volume| {
        let words: Vec<&str> = volume.options.iter().map(|option| option.as_str()).collect();
        let options = (!words.is_empty()).then(|| words.join(","));
        let on = format!("volume-{}", volume.name);
        FileSystem { options, ..file_system(&on, volume.filesystem.as_str(), &volume.mount) }
    };
    let mut all = vec![file_system("boot", "ext4", "/boot")];
    all.extend(lvm.efi.map(|_| file_system("efi", "fat32", "/boot/efi")));
    all.extend(lvm.volumes.iter().map(of_volume));
    all.sort_by(|one, other| one.path.cmp(&other.path));
    all.extend(lvm.swap.map(|_| file_system("volume-swap", "swap", "none")));
    all
}

impl FileSystem {
    fn format(&self) -> Action {
        let (id, volume) = (format!("format-{}", self.on), self.on.clone());
        Action::Format { id, volume, fstype: self.kind.to_owned() }
    }

    fn mount(&self) -> Action {
        let (id, device) = (format!("mount-{}", self.on), format!("format-{}", self.on));
        Action::Mount { id, device, path: self.path.clone(), options: self.options.clone() }
    }
}
