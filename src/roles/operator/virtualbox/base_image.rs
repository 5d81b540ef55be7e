//! The machine on which the distribution's installer makes the system disk, where the blueprint says how it is divided.
//!
//! `VBoxManage unattended install` prepares such a medium, too, but of Debian's for amd64 it changes the menu for BIOS only,
//! so that with EFI the installer waits for somebody (`UnattendedInstaller.cpp` of VirtualBox 7.2), and it wants a user and
//! a password that no answer here has a place for. The script does what that does: it writes a VISO, a list of files by
//! which VirtualBox shows an ISO with some files replaced (VirtualBox manual, "VISO file format").

use crate::credentials::Credentials;
use crate::format::shell;
use crate::setup::File;
use crate::site::{Architecture, Distribution, Site};
use crate::value::{Size, Uuid};

use super::machine;

/// Processors of that machine; more would make nothing faster.
const CPUS: u32 = 2;

/// What an installer is started with.
struct Installer {
    /// The release as its media call it.
    version: &'static str,
    /// Kernel and initrds on the medium; the folder `/bpc` is ours.
    kernel: &'static str,
    initrds: &'static str,
    parameters: &'static str,
    /// What answers its questions, in the tree; and the files for `/bpc`, as `NAME=PATH`.
    answers: &'static str,
    files: &'static str,
    memory: Size,
}

/// Debian's loads the answers with its initrd, before it asks anything. As text, it can be read on the serial console.
const fn debian(version: &'static str, architecture: Architecture) -> Installer {
    // ISOLINUX knows the short names of ISO 9660 only.
    let (kernel, initrds) = match architecture {
        Architecture::Amd64 => ("/install.amd/vmlinuz", "/install.amd/initrd.gz /bpc/answers.gz"),
        Architecture::Arm64 => ("/install.a64/vmlinuz", "/install.a64/initrd.gz /bpc/answers.gz"),
    };
    Installer {
        version,
        kernel,
        initrds,
        parameters: "auto=true priority=critical DEBIAN_FRONTEND=text",
        answers: "installer/preseed.cfg",
        files: "answers.gz=installer/initrd-overlay.cpio.gz",
        memory: Size::mib(2048),
    }
}

/// Ubuntu's is a live system, where cloud-init finds the answers; `noprompt` has it end without a word about the medium.
const UBUNTU: Installer = Installer {
    version: "24.04",
    kernel: "/casper/vmlinuz",
    initrds: "/casper/initrd",
    parameters: "autoinstall ds=nocloud;s=/cdrom/bpc/ noprompt",
    answers: "installer/user-data",
    files: "user-data=installer/user-data meta-data=installer/meta-data",
    memory: Size::mib(4096),
};

/// The installer of the blueprint; none if the disk is not divided.
fn installer(site: &Site) -> Option<Installer> {
    let image = &site.image;
    image.lvm.as_ref()?;
    Some(match (image.distribution, image.release.as_str()) {
        (Distribution::Debian, "bookworm") => debian("12", image.architecture),
        (Distribution::Debian, "trixie") => debian("13", image.architecture),
        (Distribution::Debian, _) => debian("", image.architecture),
        (Distribution::Ubuntu, "noble") => UBUNTU,
        (Distribution::Ubuntu, _) => Installer { version: "", ..UBUNTU },
    })
}

/// What answers the installer's questions, in the tree; empty if there is no installer.
pub(super) fn answers(site: &Site) -> &'static str {
    installer(site).map_or("", |installer| installer.answers)
}

/// By which VirtualBox knows the machine. It is there without an installer, too, for the blueprint may have had one.
pub(super) fn uuid(site: &Site, credentials: &Credentials) -> Uuid {
    Uuid::derive(&[&site.name, "base-image", "installer", credentials.fingerprint()])
}

/// The definition that `base-image.sh` reads; none if there is no installer.
pub(super) fn definition(site: &Site) -> Option<File> {
    let installer = installer(site)?;
    let serial = match site.image.architecture {
        Architecture::Amd64 => "ttyS0",
        Architecture::Arm64 => "ttyAMA0",
    };
    // The first thing that starts is the installer, also if it crashes and starts again.
    let mut settings = machine::hardware(site, (CPUS, installer.memory), "--boot1 dvd --boot2 disk");
    settings.push_str(&machine::nat(1));
    settings.push_str(" --cableconnected1 on --nictype1 ");
    settings.push_str(machine::model(site.virtualbox.adapter));
    let (controller, options) = machine::controller(site);
    let parameters = format!("{} console=tty0 console={serial},115200n8", installer.parameters);
    let variables = [
        ("VERSION", installer.version.to_owned()),
        ("CPUS", CPUS.to_string()),
        ("MEMORY", installer.memory.as_mib().to_string()),
        ("SETTINGS", settings),
        ("HOST_ONLY", String::new()),
        ("CONTROLLER_TYPE", controller.to_owned()),
        ("CONTROLLER_OPTIONS", options.to_owned()),
        ("KERNEL", installer.kernel.to_owned()),
        ("INITRDS", installer.initrds.to_owned()),
        ("PARAMETERS", parameters),
        ("FILES", installer.files.to_owned()),
    ];
    Some(File::text("virtualbox/base-image.conf", shell::assignments(&variables)))
}
