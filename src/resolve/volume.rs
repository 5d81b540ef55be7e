//! `image: {lvm: ...}`

use std::collections::{BTreeMap, BTreeSet};

use super::Resolver;
use super::devices::is_device;
use crate::diag::{Code, Diagnostic, Path, Place};
use crate::model;
use crate::site::{Distribution, FileSystem, Firmware, Lvm, MountOption, Volume};
use crate::value::Size;

/// What stays outside the volume group of a disk: boot loader, EFI system partition and `/boot`, what is lost where
/// Debian's installer counts in megabytes, and the mebibytes that Ubuntu's keeps for tables and a BIOS.
pub(super) const OUTSIDE_LVM: Size = Size::mib(1536);
/// The EFI system partition: more than the 260 MiB that disks with large sectors need.
const EFI: Size = Size::mib(512);
/// `/boot`, which Debian's own layouts give as much.
const BOOT: Size = Size::mib(768);
/// What sizes of volumes are multiples of (lvm.conf(5), `physical_extent_size`).
pub(super) const EXTENT: Size = Size::mib(4);
/// More volumes than anybody mounts; each may cost a megabyte of what stays outside.
const MOST_VOLUMES: usize = 64;
/// XFS is refused below 300 MB (mkfs.xfs of xfsprogs 5.19 and later); this is the next whole extent.
const LEAST_XFS: Size = Size::mib(304);
/// The longest name of a mapped device (`DM_NAME_LEN` of linux/dm-ioctl.h, with its end).
const LONGEST_NAME: usize = 127;

/// Folders that cannot be volumes, and why.
const NO_VOLUME: [(&str, &str); 12] = [
    ("/boot", "the boot loader reads it before there is LVM"),
    ("/etc", "the list of what to mount is in it"),
    ("/bin", "it is a link into /usr"),
    ("/sbin", "it is a link into /usr"),
    ("/lib", "it is a link into /usr"),
    ("/lib64", "it is a link into /usr"),
    ("/dev", "the kernel fills it"),
    ("/proc", "the kernel fills it"),
    ("/sys", "the kernel fills it"),
    ("/run", "it is in memory"),
    ("/root", "single-user mode needs it before other volumes are there"),
    ("/lost+found", "file system checks use it"),
];

/// Options that are missing in `/lib/partman/mountoptions` of Debian's installer (partman-ext3, partman-xfs), by file system.
const LEFT_OUT: [(FileSystem, MountOption); 4] = [
    (FileSystem::Ext2, MountOption::Discard),
    (FileSystem::Ext3, MountOption::Discard),
    (FileSystem::Ext3, MountOption::Nodiratime),
    (FileSystem::Xfs, MountOption::Nodiratime),
];

/// How names of volumes begin that LVM keeps for itself (lvm(8), "Valid names").
const BEGIN_OF_LVM: [&str; 2] = ["pvmove", "snapshot"];
/// What such names contain.
const PART_OF_LVM: [&str; 17] = [
    "_cdata", "_cmeta", "_corig", "_cpool", "_cvol", "_imeta", "_iorig", "_mimage", "_mlog", "_pmspare",
    "_rimage", "_rmeta", "_tdata", "_tmeta", "_vdata", "_vorigin", "_wcorig",
];

/// What is mounted where, and what in the blueprint says so.
pub(super) type Mounts = BTreeMap<String, Path>;

impl Resolver<'_> {
    /// The volumes: each a size and a place, all together on the disk.
    pub(super) fn lvm(&mut self, lvm: &model::Lvm, disk: Size, firmware: Firmware) -> Lvm {
        let path = Path::root().key("image").key("lvm");
        self.group_name(&lvm.group, &path.key("group"));
        let written = path.key("volumes");
        let mut mounts = Mounts::new();
        let mut volumes = Vec::new();
        for (index, volume) in lvm.volumes.iter().enumerate() {
            let path = written.index(index);
            let size = self.size(&volume.size, &path.key("size"), Size::mib(64)..=Size::gib(2048));
            if self.mount_point(&volume.mount, &path.key("mount"), &mut mounts) {
                self.volume_name(&lvm.group, &volume.mount, &path.key("mount"));
            }
            if let Some(size) = size {
                self.file_system(volume.filesystem, size, &path);
                volumes.push(planned(&volume.mount, size, volume.filesystem, &volume.options));
            }
            self.mount_options(&volume.options, &volume.mount, &path.key("options"));
            self.installer_options(volume, &path.key("options"));
        }
        if !mounts.contains_key("/") {
            self.report(
                Diagnostic::new(Code::MountPoint, Place::Key(written.clone()), "no volume is mounted on `/`")
                    .help("add one for the system: `{mount: /, size: 4GiB}`"),
            );
        }
        let swap = lvm.swap.as_ref().and_then(|swap| {
            let size = self.size(swap, &path.key("swap"), Size::mib(64)..=Size::gib(64))?;
            Some(size.in_steps_of(EXTENT))
        });
        let sizes = volumes.iter().map(|volume| volume.size).chain(swap);
        self.volumes_fit(sizes.fold(Size::default(), Size::saturating_add), disk, &written);
        let efi = (firmware == Firmware::Efi).then_some(EFI);
        Lvm { efi, boot: BOOT, group: lvm.group.clone(), volumes, swap }
    }

    fn volumes_fit(&mut self, total: Size, disk: Size, volumes: &Path) {
        self.volume_count(self.blueprint.image.lvm.as_ref().map_or(0, |lvm| lvm.volumes.len()), volumes);
        let available = disk.saturating_sub(OUTSIDE_LVM);
        if total > available {
            let message = format!("the volumes need {total}, the disk has {available} for them");
            let gib = total.saturating_add(OUTSIDE_LVM).bytes().div_ceil(Size::gib(1).bytes());
            self.report(
                Diagnostic::new(Code::VolumesTooLarge, Place::Key(volumes.clone()), message)
                    .other(
                        Place::Value(Path::root().key("image").key("disk")),
                        format!(
                            "{disk}, of which {OUTSIDE_LVM} stay outside LVM for the boot loader and /boot"
                        ),
                    )
                    .help(format!("make the disk {gib}GiB or larger, or the volumes smaller")),
            );
        }
    }

    pub(super) fn volume_count(&mut self, count: usize, volumes: &Path) {
        if count > MOST_VOLUMES {
            let message = format!("{count} volumes, and a group can have {MOST_VOLUMES}");
            let place = Place::Key(volumes.clone());
            self.report(
                Diagnostic::new(Code::VolumesTooLarge, place, message).help("make fewer and larger ones"),
            );
        }
    }

    /// Whether something can be mounted where it is to be; if so it is among those that are mounted.
    pub(super) fn mount_point(&mut self, mount: &str, path: &Path, mounts: &mut Mounts) -> bool {
        let refused = NO_VOLUME.iter().find(|(folder, _)| is_in(mount, folder));
        let diagnostic =
            |message: String| Diagnostic::new(Code::MountPoint, Place::Value(path.clone()), message);
        let refusal = if !is_mount_point(mount) {
            diagnostic(format!("`{mount}` is not a mount point")).help(
                "write an absolute path of letters, digits, `.`, `_`, `+` and `-`, without `.`, `..` or a slash at its end: `/var/lib`",
            )
        } else if let Some((folder, why)) = refused {
            diagnostic(format!("`{folder}` cannot be a volume: {why}"))
                .help("remove it: the folder stays on `/`")
        } else if let Some(first) = mounts.get(mount) {
            diagnostic(format!("two file systems are mounted on `{mount}`"))
                .other(Place::Value(first.clone()), "the first one")
                .help("remove one of them")
        } else {
            mounts.insert(mount.to_owned(), path.clone());
            return true;
        };
        self.report(refusal);
        false
    }

    /// A volume group has a folder of its name in `/dev`, so LVM makes none that is called as something is there.
    pub(super) fn group_name(&mut self, group: &str, path: &Path) {
        self.label(group, "a volume group's name", Place::Value(path.clone()));
        if is_device(group) {
            let message =
                format!("no volume group can be called `{group}`: `/dev/{group}` is something else");
            self.report(
                Diagnostic::new(Code::VolumeGroupName, Place::Value(path.clone()), message)
                    .help(format!("another name, for instance `vg-{group}`")),
            );
        }
    }

    /// A volume is called after its mount point, which must not give a name that LVM or bpc has a use for.
    pub(super) fn volume_name(&mut self, group: &str, mount: &str, path: &Path) {
        let name = name(mount);
        // Devices are called GROUP-NAME, where a hyphen of either becomes two.
        let length =
            [group, &name].map(|part| part.len() + part.matches('-').count()).iter().sum::<usize>() + 1;
        let why = if name == "swap" {
            "this is what the volume to swap to is called".to_owned()
        } else if length > LONGEST_NAME {
            format!("with that of its group it has {length} characters, and the kernel takes {LONGEST_NAME}")
        } else if BEGIN_OF_LVM.iter().any(|begin| name.starts_with(begin))
            || PART_OF_LVM.iter().any(|part| name.contains(part))
        {
            "LVM keeps such names for itself".to_owned()
        } else {
            return;
        };
        let message = format!("the volume on `{mount}` cannot be called `{name}`: {why}");
        self.report(
            Diagnostic::new(Code::VolumeName, Place::Value(path.clone()), message)
                .help("mount it elsewhere: volumes are called after their mount points"),
        );
    }

    /// Whether a file system can be that small; its size and its kind are below the path.
    pub(super) fn file_system(&mut self, filesystem: FileSystem, size: Size, path: &Path) {
        if filesystem == FileSystem::Xfs && size < LEAST_XFS {
            let message = format!("XFS cannot be made on {size}");
            self.report(
                Diagnostic::new(Code::VolumeFileSystem, Place::Value(path.key("size")), message)
                    .other(Place::Value(path.key("filesystem")), "its file system")
                    .help(format!("make it {LEAST_XFS} or larger, or leave `filesystem` out")),
            );
        }
    }

    /// Debian's installer leaves out what it does not know of a file system, without a word.
    fn installer_options(&mut self, volume: &model::Volume, path: &Path) {
        if self.blueprint.image.distribution != Distribution::Debian {
            return;
        }
        let filesystem = volume.filesystem;
        for (index, option) in volume.options.iter().enumerate() {
            if LEFT_OUT.contains(&(filesystem, *option)) {
                let (option, filesystem) = (option.as_str(), filesystem.as_str());
                let message = format!("Debian's installer mounts no {filesystem} with `{option}`");
                self.report(
                    Diagnostic::new(Code::MountOptions, Place::Value(path.index(index)), message)
                        .note("it would leave the option out of /etc/fstab, without a word")
                        .help("remove it, or take ext4, for which it knows all options"),
                );
            }
        }
    }

    pub(super) fn mount_options(&mut self, options: &[MountOption], mount: &str, path: &Path) {
        for (index, option) in options.iter().enumerate() {
            let word = option.as_str();
            let earlier = options.iter().position(|other| other == option);
            let message = match needed(*option, mount) {
                _ if earlier != Some(index) => format!("`{word}` stands twice"),
                Some(what) => format!("`{mount}` cannot be mounted with `{word}`: {what}"),
                None => continue,
            };
            let place = Place::Value(path.index(index));
            self.report(Diagnostic::new(Code::MountOptions, place, message).help("remove it"));
        }
    }
}

/// What of a volume an option would take from the system.
fn needed(option: MountOption, mount: &str) -> Option<&'static str> {
    let packages = "/var/lib/dpkg/info";
    match option {
        MountOption::Noexec if mount == "/" || is_in(mount, "/usr") || is_in(mount, "/opt") => {
            Some("programs are there")
        }
        MountOption::Noexec if is_in(packages, mount) => Some("dpkg runs the scripts of packages there"),
        MountOption::Nosuid if mount == "/" || is_in(mount, "/usr") => Some("sudo is there"),
        MountOption::Nodev if mount == "/" => Some("debootstrap refuses to install there"),
        _ => None,
    }
}

pub(super) fn planned(mount: &str, size: Size, filesystem: FileSystem, options: &[MountOption]) -> Volume {
    let (name, mount, size) = (name(mount), mount.to_owned(), size.in_steps_of(EXTENT));
    Volume { name, mount, size, filesystem, options: in_order(options) }
}

/// Mount options as they are planned: in order, each once.
pub(super) fn in_order(options: &[MountOption]) -> Vec<MountOption> {
    options.iter().copied().collect::<BTreeSet<_>>().into_iter().collect()
}

/// The name of a volume. No two mount points give the same one, since no part of a path begins with a hyphen.
fn name(mount: &str) -> String {
    match mount.strip_prefix('/') {
        None | Some("") => "root".to_owned(),
        Some(path) => path.replace('-', "--").replace('/', "-"),
    }
}

/// Whether a path is a folder or below it.
pub(super) fn is_in(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether it is an absolute path that needs no quotes anywhere: in fstab(5), in a recipe of the installer, in a shell.
fn is_mount_point(path: &str) -> bool {
    let name = |name: &str| {
        !name.is_empty()
            && name != "."
            && name != ".."
            && !name.starts_with('-')
            && name.bytes().all(|c| c.is_ascii_alphanumeric() || b"._+-".contains(&c))
    };
    path == "/" || path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_as_mount_points_do() {
        for (mount, expected) in
            [("/", "root"), ("/var/lib", "var-lib"), ("/var-lib", "var--lib"), ("/a-/b", "a---b")]
        {
            assert_eq!(name(mount), expected);
        }
    }

    #[test]
    fn what_the_system_needs_is_kept() {
        for mount in ["/", "/usr/local", "/opt", "/var", "/var/lib/dpkg"] {
            assert!(needed(MountOption::Noexec, mount).is_some(), "{mount}");
        }
        for mount in ["/var/log", "/tmp", "/home", "/optional", "/srv"] {
            assert_eq!(needed(MountOption::Noexec, mount), None, "{mount}");
        }
        assert!(
            needed(MountOption::Nosuid, "/usr").is_some() && needed(MountOption::Nosuid, "/var").is_none()
        );
        assert!(needed(MountOption::Nodev, "/").is_some() && needed(MountOption::Nodev, "/usr").is_none());
    }
}
