//! `image: {lvm: ...}`

use std::collections::BTreeMap;

use super::Resolver;
use crate::diag::{Code, Diagnostic, Path, Place};
use crate::model::{Lvm, Volume};
use crate::value::Size;

/// What stays outside the volume group of a disk: boot loader, EFI system partition and `/boot`.
const OUTSIDE_LVM: Size = Size::mib(1536);

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

impl Resolver<'_> {
    /// The volumes: each a size and a place, all together on the disk.
    pub(super) fn volumes(&mut self, lvm: &Lvm, disk: Size) {
        let path = Path::root().key("image").key("lvm");
        self.label(&lvm.group, "a volume group's name", Place::Value(path.key("group")));
        let volumes = path.key("volumes");
        let mut mounts: BTreeMap<&str, Path> = BTreeMap::new();
        let mut total = Size::default();
        for (index, volume) in lvm.volumes.iter().enumerate() {
            let path = volumes.index(index);
            if let Some(size) = self.size(&volume.size, &path.key("size"), Size::mib(64)..=Size::gib(2048)) {
                total = total.saturating_add(size);
            }
            self.mount_point(volume, &path.key("mount"), &mut mounts);
        }
        if !mounts.contains_key("/") {
            self.report(
                Diagnostic::new(Code::MountPoint, Place::Key(volumes.clone()), "no volume is mounted on `/`")
                    .help("add one for the system: `{mount: /, size: 4GiB}`"),
            );
        }
        let available = disk.saturating_sub(OUTSIDE_LVM);
        if total > available {
            let message = format!("the volumes need {total}, the disk has {available} for them");
            let gib = total.saturating_add(OUTSIDE_LVM).bytes().div_ceil(Size::gib(1).bytes());
            self.report(
                Diagnostic::new(Code::VolumesTooLarge, Place::Key(volumes), message)
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

    fn mount_point<'a>(&mut self, volume: &'a Volume, path: &Path, mounts: &mut BTreeMap<&'a str, Path>) {
        let mount = volume.mount.as_str();
        let refused = NO_VOLUME.iter().find(|(folder, _)| {
            mount.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        let diagnostic =
            |message: String| Diagnostic::new(Code::MountPoint, Place::Value(path.clone()), message);
        let refusal = if !is_mount_point(mount) {
            diagnostic(format!("`{mount}` is not a mount point"))
                .help("write an absolute path without `.`, `..` or a slash at its end: `/var/lib`")
        } else if let Some((folder, why)) = refused {
            diagnostic(format!("`{folder}` cannot be a volume: {why}"))
                .help("remove it: the folder stays on `/`")
        } else if let Some(first) = mounts.get(mount) {
            diagnostic(format!("two volumes are mounted on `{mount}`"))
                .other(Place::Value(first.clone()), "the first one")
                .help("remove one of them")
        } else {
            mounts.insert(mount, path.clone());
            return;
        };
        self.report(refusal);
    }
}

fn is_mount_point(path: &str) -> bool {
    let name = |name: &str| {
        !name.is_empty()
            && name != "."
            && name != ".."
            && name.bytes().all(|c| c.is_ascii_graphic() && c != b'\\')
    };
    path == "/" || path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(name))
}
