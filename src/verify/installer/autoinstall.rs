//! The answers for Ubuntu's installer.

use serde_yaml::Value;

use crate::artifact::Artifacts;
use crate::bug::Bug;
use crate::format::curtin::{self, Action, Flag, Length};
use crate::site::{Lvm, Site};
use crate::verify::{artifact_at, seed};

/// A file system as the answers have it: what it is on, its kind, its place, its options.
type Mounted = (String, String, String, String);

/// The steps divide the disk as planned, all of it fits, nobody is left who could log in, and the seed holds it.
pub(super) fn verify(site: &Site, lvm: &Lvm, artifacts: &Artifacts) -> Result<(), Bug> {
    let bug = |error: &dyn std::fmt::Display| Bug(format!("installer: {error}"));
    let bytes = artifact_at(artifacts, "installer/user-data")?.content.bytes();
    let document: Value = serde_yaml::from_slice(bytes).map_err(|error| bug(&error))?;
    let at = |keys: &[&str]| keys.iter().try_fold(&document, |value, key| value.get(key));
    let config = at(&["autoinstall", "storage", "config"]).ok_or_else(|| bug(&"no storage"))?;
    let actions = curtin::read(config).map_err(|error| bug(&error))?;
    let agrees = partitions(&actions) == planned_partitions(lvm)
        && volumes(&actions) == planned_volumes(lvm)
        && mounted(&actions) == planned_mounts(lvm)
        && boots(&actions, lvm)
        && at(&["autoinstall", "storage", "swap", "size"]).and_then(Value::as_u64) == Some(0);
    if !agrees {
        return Err(bug(&"the disk is not divided as planned"));
    }
    fits(&actions, site.image.disk.as_mib()).map_err(|error| bug(&error))?;
    // The installer wants to know of users; root is there anyhow.
    let users = at(&["autoinstall", "user-data", "users"]).and_then(Value::as_sequence);
    let root = |user: &Value| user.get("name").and_then(Value::as_str) == Some("root");
    if at(&["autoinstall", "identity"]).is_some() || !users.is_some_and(|users| users.iter().all(root)) {
        return Err(bug(&"it makes a user"));
    }
    seed(artifacts, "installer", &["user-data", "meta-data"])
}

/// What the partitions are marked as, and how long they are; the rest is 0.
fn partitions(actions: &[Action]) -> Vec<(Option<Flag>, u64)> {
    let partition = |action: &Action| match action {
        Action::Partition { flag, size, .. } => Some((*flag, mebibytes(*size))),
        _ => None,
    };
    actions.iter().filter_map(partition).collect()
}

fn planned_partitions(lvm: &Lvm) -> Vec<(Option<Flag>, u64)> {
    let first = match lvm.efi {
        Some(size) => (Some(Flag::Boot), size.as_mib()),
        None => (Some(Flag::BiosGrub), 1),
    };
    vec![first, (None, lvm.boot.as_mib()), (None, 0)]
}

const fn mebibytes(length: Length) -> u64 {
    match length {
        Length::Mebibytes(count) => count,
        Length::Rest => 0,
    }
}

/// The volumes with their group.
fn volumes(actions: &[Action]) -> Vec<(String, String, u64)> {
    let mut group = "";
    let mut found = Vec::new();
    for action in actions {
        match action {
            Action::LvmVolgroup { name, .. } => group = name,
            Action::LvmPartition { name, size, .. } => {
                found.push((group.to_owned(), name.clone(), mebibytes(*size)));
            }
            _ => {}
        }
    }
    found
}

fn planned_volumes(lvm: &Lvm) -> Vec<(String, String, u64)> {
    let named = lvm.volumes.iter().map(|volume| (volume.name.as_str(), volume.size));
    let all = named.chain(lvm.swap.map(|size| ("swap", size)));
    all.map(|(name, size)| (lvm.group.clone(), name.to_owned(), size.as_mib())).collect()
}

/// What is mounted, in order of the places; the reader has seen to it that the installer can mount them in its own.
fn mounted(actions: &[Action]) -> Vec<Mounted> {
    let action = |name: &str| actions.iter().find(|action| action.id() == name);
    let below = |name: &str| match action(name) {
        Some(Action::Partition { size, .. }) => format!("partition of {size}"),
        Some(Action::LvmPartition { name, .. }) => name.clone(),
        _ => String::new(),
    };
    let mount = |it: &Action| {
        let Action::Mount { device, path, options, .. } = it else { return None };
        let Some(Action::Format { volume, fstype, .. }) = action(device) else { return None };
        Some((below(volume), fstype.clone(), path.clone(), options.clone().unwrap_or_default()))
    };
    let mut found: Vec<_> = actions.iter().filter_map(mount).collect();
    found.sort_unstable_by(|one, other| one.2.cmp(&other.2));
    found
}

fn planned_mounts(lvm: &Lvm) -> Vec<Mounted> {
    let mounted =
        |on: String, kind: &str, path: &str, options: String| (on, kind.to_owned(), path.to_owned(), options);
    let partition = |mebibytes: u64| format!("partition of {mebibytes}M");
    let mut planned = vec![mounted(partition(lvm.boot.as_mib()), "ext4", "/boot", String::new())];
    planned
        .extend(lvm.efi.map(|size| mounted(partition(size.as_mib()), "fat32", "/boot/efi", String::new())));
    planned.extend(lvm.volumes.iter().map(|volume| {
        let options: Vec<&str> = volume.options.iter().map(|option| option.as_str()).collect();
        mounted(volume.name.clone(), volume.filesystem.as_str(), &volume.mount, options.join(","))
    }));
    planned.extend(lvm.swap.map(|_| mounted("swap".to_owned(), "swap", "none", String::new())));
    planned.sort_unstable_by(|one, other| one.2.cmp(&other.2));
    planned
}

/// The boot loader goes to one place: the disk where there is a BIOS, else the EFI system partition.
fn boots(actions: &[Action], lvm: &Lvm) -> bool {
    let marked = actions.iter().filter_map(|action| match action {
        Action::Disk { grub_device: true, .. } => Some(false),
        Action::Partition { grub_device: true, flag, .. } => Some(*flag == Some(Flag::Boot)),
        _ => None,
    });
    marked.collect::<Vec<_>>() == [lvm.efi.is_some()]
}

/// The installer keeps the first and the last mebibyte of a disk free, and LVM the first of a group's partition, of which
/// it takes whole extents.
fn fits(actions: &[Action], disk: u64) -> Result<(), String> {
    let before: u64 = partitions(actions).iter().map(|(_, size)| size).sum();
    let group = disk.saturating_sub(2 + before + 1) / 4 * 4;
    let needed: u64 = volumes(actions).iter().map(|(.., size)| size.next_multiple_of(4)).sum();
    if needed <= group { Ok(()) } else { Err(format!("{needed} MiB are more than the {group} of the group")) }
}
