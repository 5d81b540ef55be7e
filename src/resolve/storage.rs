//! `volumes:` of machines, and what their disks are for

use std::collections::BTreeMap;

use super::Resolver;
use super::machine::MachineDraft;
use super::volume::{EXTENT, Mounts, OUTSIDE_LVM, is_in, planned};
use crate::diag::{Code, Diagnostic, Path, Place, did_you_mean};
use crate::model;
use crate::site::{Disk, Image, Lvm, MachineVolume, Purpose, Volume};
use crate::value::Size;

/// Where any system has files when a machine makes its volumes: one on a folder with these below it would hide them.
const FILES: [&str; 11] = [
    "/home",
    "/tmp",
    "/usr/bin",
    "/usr/local/lib/bpc",
    "/var/backups",
    "/var/cache/apt",
    "/var/lib/bpc",
    "/var/lib/cloud",
    "/var/lib/dpkg",
    "/var/log",
    "/var/tmp",
];

/// What the machines of a group have, besides what is written for it.
struct Storage<'a> {
    lvm: Option<&'a Lvm>,
    disks: &'a [Disk],
    /// Where the blueprint says what the machines are.
    path: &'a Path,
    /// What volumes can have of each volume group.
    room: BTreeMap<&'a str, Size>,
}

impl<'a> Storage<'a> {
    fn new(image: &'a Image, disks: &'a [Disk], path: &'a Path) -> Self {
        let lvm = image.lvm.as_ref();
        let mut room = BTreeMap::new();
        if let Some(lvm) = lvm {
            room.insert(lvm.group.as_str(), image.disk.saturating_sub(OUTSIDE_LVM));
        }
        for disk in disks {
            if let Purpose::Group(group) = &disk.purpose {
                // LVM keeps less than an extent of each disk for itself, and only whole ones count.
                let extents = disk.size.saturating_sub(EXTENT).bytes() / EXTENT.bytes();
                let group: &mut Size = room.entry(group).or_default();
                *group = group.saturating_add(Size::mib(EXTENT.as_mib() * extents));
            }
        }
        Self { lvm, disks, path, room }
    }

    /// The image's volume that is mounted there.
    fn in_image(&self, mount: &str) -> Option<&'a Volume> {
        self.lvm?.volumes.iter().find(|volume| volume.mount == mount)
    }

    /// The groups, as a message lists them.
    fn groups(&self) -> String {
        self.room.keys().map(|group| format!("`{group}`")).collect::<Vec<_>>().join(", ")
    }
}

/// A folder of a running machine that something mounted there would hide.
fn hidden<'a>(mount: &str, storage: &Storage<'a>) -> Option<&'a str> {
    let volumes = storage.lvm.iter().flat_map(|lvm| &lvm.volumes).map(|volume| volume.mount.as_str());
    FILES.into_iter().chain(volumes).find(|files| is_in(files, mount))
}

impl Resolver<'_> {
    /// What each machine makes of its disks, and whether that can be.
    pub(super) fn storage(&mut self, drafts: &mut [MachineDraft], image: Option<&Image>) {
        // What is wrong with the image has been reported.
        let Some(image) = image else { return };
        let mut volumes = Vec::new();
        for draft in drafts {
            // The machines of a group are alike.
            if draft.is_first() {
                let storage = Storage::new(image, &draft.machine.disks, &draft.path);
                volumes = self.group_volumes(draft.written_volumes(), &storage);
            }
            draft.machine.volumes.clone_from(&volumes);
        }
    }

    fn group_volumes(
        &mut self,
        written: &[model::MachineVolume],
        storage: &Storage<'_>,
    ) -> Vec<MachineVolume> {
        let mut mounts = Mounts::new();
        for disk in storage.disks {
            if let Purpose::FileSystem(mounted) = &disk.purpose {
                let path = storage.path.key("disks").key(&disk.name).key("mount");
                if self.mount_point(&mounted.mount, &path, &mut mounts) {
                    self.new_mount(&mounted.mount, &path, storage);
                }
            }
        }
        let path = storage.path.key("volumes");
        self.volume_count(written.len(), &path);
        let mut volumes = Vec::new();
        for (index, volume) in written.iter().enumerate() {
            let path = path.index(index);
            let is_mounted = self.mount_point(&volume.mount, &path.key("mount"), &mut mounts);
            volumes.extend(self.machine_volume(volume, &path, storage).filter(|_| is_mounted));
        }
        self.groups_fit(&volumes, &path, storage);
        volumes.sort_by(|a, b| a.volume.mount.cmp(&b.volume.mount));
        volumes
    }

    fn machine_volume(
        &mut self,
        written: &model::MachineVolume,
        path: &Path,
        storage: &Storage<'_>,
    ) -> Option<MachineVolume> {
        let size = self.size(&written.size, &path.key("size"), Size::mib(64)..=Size::gib(2048));
        self.mount_options(&written.options, &written.mount, &path.key("options"));
        let group = self.volume_group(written, path, storage);
        let filesystem = written.filesystem.unwrap_or_default();
        let mut volume = planned(&written.mount, size?, filesystem, &written.options);
        let in_image = storage.in_image(&written.mount);
        if let Some(of_image) = in_image {
            self.stays_of_image(written, &volume, of_image, path);
            volume = Volume { size: volume.size, ..of_image.clone() };
        } else {
            self.file_system(filesystem, size?, path);
            self.new_mount(&written.mount, &path.key("mount"), storage);
            if let Some(group) = &group {
                self.volume_name(group, &written.mount, &path.key("mount"));
            }
        }
        Some(MachineVolume { group: group?, volume, in_image: in_image.is_some() })
    }

    /// The group of a volume: that which it names, or the image's, or the only one that there is.
    fn volume_group(
        &mut self,
        written: &model::MachineVolume,
        path: &Path,
        storage: &Storage<'_>,
    ) -> Option<String> {
        let place = written
            .group
            .as_ref()
            .map_or_else(|| Place::Key(path.clone()), |_| Place::Value(path.key("group")));
        let of_image = storage.lvm.map(|lvm| lvm.group.as_str());
        let mut groups = storage.room.keys().copied();
        let usual = of_image.or_else(|| groups.next().filter(|_| groups.next().is_none()));
        let named = written.group.as_deref().or(usual);
        let diagnostic = match named {
            Some(group) if storage.in_image(&written.mount).is_some() && Some(group) != of_image => {
                let message = format!("`{}` is a volume of the image, and so in its volume group", written.mount);
                Diagnostic::new(Code::VolumeOfImage, place, message).help("remove `group`")
            }
            Some(group) if storage.room.contains_key(group) => return Some(group.to_owned()),
            _ if storage.room.is_empty() => {
                Diagnostic::new(Code::VolumeGroup, place, "the machine has no volume group")
                    .note("a group is the image's (`image.lvm`), or made of disks: `disks: {data: {size: 20GiB, group: data}}`")
                    .help("give one of the machine's disks a `group`, or mount the disk itself: `{size: 20GiB, mount: /srv/data}`")
            }
            None => Diagnostic::new(Code::VolumeGroup, place, "the machine has several volume groups")
                .help(format!("write which one: `group:` {}", storage.groups())),
            Some(group) => {
                let help = match did_you_mean(group, storage.room.keys().copied()) {
                    Some(name) => format!("did you mean `{name}`?"),
                    None => format!("there is {}; or make it of a disk: `disks: {{data: {{size: 20GiB, group: {group}}}}}`", storage.groups()),
                };
                let message = format!("the machine has no volume group `{group}`");
                Diagnostic::new(Code::VolumeGroup, place, message).help(help)
            }
        };
        self.report(diagnostic);
        None
    }

    /// A volume that the image has can only become larger.
    fn stays_of_image(
        &mut self,
        written: &model::MachineVolume,
        wanted: &Volume,
        of_image: &Volume,
        path: &Path,
    ) {
        let mount = &of_image.mount;
        let mut refuse = |key: &str, message: String, help: &str| {
            let place = Place::Value(path.key(key));
            self.report(Diagnostic::new(Code::VolumeOfImage, place, message).help(help));
        };
        if wanted.size < of_image.size {
            let message = format!("`{mount}` has {} in the image, and no volume ever shrinks", of_image.size);
            refuse("size", message, "make it larger, or remove it: the machine has it as the image has it");
        }
        if written.filesystem.is_some_and(|filesystem| filesystem != of_image.filesystem) {
            let message = format!("`{mount}` has {} in the image", of_image.filesystem.as_str());
            refuse("filesystem", message, "remove `filesystem`, or change it in `image.lvm.volumes`");
        }
        if !written.options.is_empty() && wanted.options != of_image.options {
            let message = format!("the image says how `{mount}` is mounted");
            refuse("options", message, "remove `options`, or write them in `image.lvm.volumes`");
        }
    }

    /// Something is mounted where the image has nothing mounted.
    fn new_mount(&mut self, mount: &str, path: &Path, storage: &Storage<'_>) {
        let place = Place::Value(path.clone());
        let diagnostic = if storage.in_image(mount).is_some() {
            Diagnostic::new(Code::MountPoint, place, format!("the image has a volume on `{mount}`"))
                .help("mount it elsewhere, or make the volume larger: `volumes` of the machine, and a `group` for the disk")
        } else if let Some(files) = hidden(mount, storage) {
            let message =
                format!("`{mount}` cannot be mounted by a machine that runs: `{files}` would be hidden");
            let help = if storage.lvm.is_some() {
                "write it in `image.lvm.volumes`, and in `volumes` here if it is to be larger on these machines"
            } else {
                "mount a folder that only one program has: `/var/lib/containerd`, `/srv/data`"
            };
            Diagnostic::new(Code::MountPoint, place, message).help(help)
        } else {
            return;
        };
        self.report(diagnostic);
    }

    /// All volumes of a group have room in it, those of the image too.
    fn groups_fit(&mut self, volumes: &[MachineVolume], path: &Path, storage: &Storage<'_>) {
        for (group, room) in &storage.room {
            let written: Vec<&MachineVolume> = volumes.iter().filter(|it| it.group == *group).collect();
            if written.is_empty() {
                continue; // The image's own have been looked at.
            }
            let of_image = storage.lvm.filter(|lvm| lvm.group == *group);
            let others = of_image
                .iter()
                .flat_map(|lvm| &lvm.volumes)
                .filter(|volume| !written.iter().any(|it| it.volume.mount == volume.mount));
            let sizes = others.map(|volume| volume.size).chain(of_image.and_then(|lvm| lvm.swap));
            let sizes = sizes.chain(written.iter().map(|it| it.volume.size));
            let total = sizes.fold(Size::default(), Size::saturating_add);
            if total > *room {
                let message = format!("the volumes of `{group}` need {total}, and it has {room}");
                let more = total.saturating_sub(*room).saturating_add(EXTENT);
                let gib = more.bytes().div_ceil(Size::gib(1).bytes());
                self.report(
                    Diagnostic::new(Code::VolumesTooLarge, Place::Key(path.clone()), message).help(format!(
                        "make them smaller, or the group larger by a disk: `disks: {{more: {{size: {gib}GiB, group: {group}}}}}`"
                    )),
                );
            }
        }
    }
}
