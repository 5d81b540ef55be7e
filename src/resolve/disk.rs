//! `image: {disk_file: ..., firmware: ...}`, `disks:` of machines, and `virtualbox:`

use super::Resolver;
use super::downloads::{SHA256_HELP, is_url, sha256};
use super::volume::in_order;
use crate::diag::{Code, Diagnostic, Path, Place, normalize};
use crate::model::{DataDisk, MachineGroup};
use crate::site::{
    Architecture, Chipset, Controller, Disk, DiskFile, Firmware, Mounted, Purpose, VirtualBox,
};
use crate::value::Size;

/// What a disk's name may have: ATA keeps as much of a serial number (ATA8-ACS, words 10-19 of IDENTIFY DEVICE).
const LONGEST_NAME: usize = 20;
/// More disks than anybody has asked for, and fewer than a controller has ports.
const MOST_DISKS: usize = 16;
/// Disks that every machine has.
const OWN_DISKS: [&str; 2] = ["system", "seed"];

impl Resolver<'_> {
    /// The file of the system disk, which only the host ever reads.
    pub(super) fn disk_file(&mut self) -> Option<DiskFile> {
        let written = self.blueprint.image.disk_file.as_ref()?;
        let may_write = self.may_write(&written.path);
        let path = Path::root().key("image").key("disk_file");
        let mut refuse_as = |code, key: &str, message: String, help: &str| {
            let place = Place::Value(path.key(key));
            self.report(Diagnostic::new(code, place, message).help(help));
        };
        let name = written.path.as_str();
        if written.url.is_some() && !may_write {
            let help = "write a path inside the folder that `out` is in, nothing hidden: `images/debian-13.qcow2`; or an \
                        absolute one inside a folder that `--allow-path DIR` names";
            refuse_as(
                Code::OutsidePath,
                "path",
                format!("up.sh does not write to `{}`", name.escape_debug()),
                help,
            );
        }
        let mut refuse = |key: &str, message, help: &str| refuse_as(Code::DiskFile, key, message, help);
        if name.is_empty() || name.ends_with('/') || name.chars().any(char::is_control) {
            let help = "write the path of a file, from the folder that `out` is in: `images/debian-13.qcow2`";
            refuse("path", format!("`{}` is not the path of a file", name.escape_debug()), help);
        }
        let digest = sha256(&written.sha256);
        if digest.is_none() {
            refuse("sha256", format!("`{}` is not a SHA-256 in hex", written.sha256), SHA256_HELP);
        }
        if let Some(url) = written.url.as_ref().filter(|url| !is_url(url)) {
            let help = "write `http://` or `https://`, a host and a path, nothing else: `https://mirror.example/debian-13.qcow2`";
            refuse("url", format!("`{url}` is not an address to download from"), help);
        }
        Some(DiskFile { path: written.path.clone(), sha256: digest?, url: written.url.clone() })
    }

    /// Whether `up.sh` may put a file there: where everything is the user's own, no blueprint of somebody else's must have
    /// it make a `.bashrc` or a hook of git's.
    fn may_write(&self, path: &str) -> bool {
        let path = normalize(path);
        let names = |path: &str| !path.split('/').any(|name| name.starts_with('.'));
        match path.strip_prefix('/') {
            None => names(&path),
            Some(_) => self.allowed.iter().any(|folder| {
                let rest =
                    path.strip_prefix(folder.trim_end_matches('/')).and_then(|rest| rest.strip_prefix('/'));
                rest.is_some_and(names)
            }),
        }
    }

    /// What starts the machines.
    pub(super) fn firmware(&mut self) -> Firmware {
        let image = &self.blueprint.image;
        let usual = match image.architecture {
            Architecture::Amd64 => Firmware::Bios,
            Architecture::Arm64 => Firmware::Efi,
        };
        if image.architecture == Architecture::Arm64 && image.firmware == Some(Firmware::Bios) {
            let place = Place::Value(Path::root().key("image").key("firmware"));
            self.report(
                Diagnostic::new(Code::Firmware, place, "arm64 has no BIOS")
                    .help("remove `firmware`: arm64 starts by EFI"),
            );
        }
        image.firmware.unwrap_or(usual)
    }

    /// The disks of each machine of a group besides the system disk.
    pub(super) fn data_disks(&mut self, written: &MachineGroup, path: &Path) -> Vec<Disk> {
        if written.disks.len() > MOST_DISKS {
            let message = format!("{} disks, and a machine can have {MOST_DISKS}", written.disks.len());
            let help = "make fewer and larger ones";
            self.report(Diagnostic::new(Code::DataDisk, Place::Key(path.clone()), message).help(help));
        }
        let mut disks = Vec::new();
        for (name, disk) in &written.disks {
            let path = path.key(name);
            self.disk_name(name, &path);
            let purpose = self.purpose(disk, &path);
            if let Some(size) = self.size(&disk.size, &path.key("size"), Size::mib(64)..=Size::gib(2048)) {
                if let Purpose::FileSystem(mounted) = &purpose {
                    self.file_system(mounted.filesystem, size, &path);
                }
                disks.push(Disk { name: name.clone(), size, purpose });
            }
        }
        disks
    }

    /// What a machine makes of a disk.
    fn purpose(&mut self, disk: &DataDisk, path: &Path) -> Purpose {
        let mut refuse = |key: &str, message: &str, help: &str| {
            let place = Place::Key(path.key(key));
            self.report(Diagnostic::new(Code::DiskPurpose, place, message).help(help));
        };
        match (&disk.mount, &disk.group) {
            (Some(_), Some(_)) => refuse(
                "group",
                "the disk is mounted, so it cannot belong to a volume group",
                "remove `mount` or `group`; a volume group's disks are mounted by `volumes` of the machine",
            ),
            (None, _) => {
                let written =
                    [("filesystem", disk.filesystem.is_some()), ("options", !disk.options.is_empty())];
                for (key, _) in written.into_iter().filter(|(_, is_written)| *is_written) {
                    let message = format!("`{key}` means nothing for a disk that is not mounted");
                    refuse(key, &message, "add `mount: /srv/data`, or remove it");
                }
            }
            (Some(_), None) => {}
        }
        if let Some(group) = &disk.group {
            self.group_name(group, &path.key("group"));
            return Purpose::Group(group.clone());
        }
        let Some(mount) = disk.mount.clone() else { return Purpose::Nothing };
        self.mount_options(&disk.options, &mount, &path.key("options"));
        let filesystem = disk.filesystem.unwrap_or_default();
        Purpose::FileSystem(Mounted { mount, filesystem, options: in_order(&disk.options) })
    }

    fn disk_name(&mut self, name: &str, path: &Path) {
        let message = if OWN_DISKS.contains(&name) {
            format!("every machine has a disk of bpc's own that is called `{name}`")
        } else if name.len() > LONGEST_NAME {
            format!("`{name}` has {} characters, a disk's name {LONGEST_NAME} at most", name.len())
        } else {
            return self.label(name, "a disk's name", Place::Key(path.clone()));
        };
        let help = "name it after what it holds: `data`, `brick1`";
        self.report(Diagnostic::new(Code::DataDisk, Place::Key(path.clone()), message).help(help));
    }

    /// How VirtualBox makes the machines.
    pub(super) fn virtualbox(&mut self) -> VirtualBox {
        let (written, image) = (&self.blueprint.virtualbox, &self.blueprint.image);
        let (controller, chipset) = match image.architecture {
            Architecture::Amd64 => (Controller::Sata, Chipset::Piix3),
            Architecture::Arm64 => (Controller::VirtioScsi, Chipset::Armv8Virtual),
        };
        let controller = written.controller.unwrap_or(controller);
        let file = image.disk_file.as_ref().filter(|file| file.path.contains("genericcloud"));
        if let (Some(file), Controller::Sata) = (file, controller) {
            let name = file.path.rsplit('/').next().unwrap_or_default();
            let place = Place::Value(Path::root().key("image").key("disk_file").key("path"));
            self.report(
                Diagnostic::new(Code::NoDriver, place, format!("`{name}` looks like an image without a driver for SATA"))
                    .note("Debian's cloud kernel, which its genericcloud images have, lacks the module ahci")
                    .help("take the image `generic` in place of `genericcloud`, or add `virtualbox: {controller: virtio-scsi}`"),
            );
        }
        VirtualBox { system_disk: written.system_disk, controller, adapter: written.adapter, chipset }
    }
}
