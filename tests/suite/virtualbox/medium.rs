//! The medium that an installer starts from, and the disk that it leaves, in the real VirtualBox.

use std::fs;
use std::path::Path;
use std::process::Command;

use bpc::Compiled;
use sha2::{Digest as _, Sha256};

use super::lab::World;
use super::real::{Info, assert_as_planned, info};
use crate::built;
use crate::support::project::said;
use crate::support::tools::{On, Tool, tool};

/// What a medium of Debian for amd64 has that matters: what VirtualBox knows it by, two menus, and something to load.
const FILES: [(&str, &str); 8] = [
    (
        ".disk/info",
        "Debian GNU/Linux 12.11.0 \"Bookworm\" - Official amd64 NETINST with firmware 20250517-09:51\n",
    ),
    ("README.diskdefines", "#define DISKNAME  Debian\n"),
    ("isolinux/isolinux.cfg", "path \ninclude menu.cfg\ndefault vesamenu.c32\nprompt 0\ntimeout 0\n"),
    ("isolinux/isolinux.bin", "a loader with a table of its own place in it"),
    ("isolinux/txt.cfg", "label install\n\tkernel /install.amd/vmlinuz\n\tappend vga=788 --- quiet\n"),
    ("boot/grub/grub.cfg", "menuentry Install {\n linux /install.amd/vmlinuz vga=788 --- quiet\n}\n"),
    ("boot/grub/efi.img", "a file system with a loader"),
    ("install.amd/initrd.gz", "an initrd"),
];

/// A kernel that is larger than a few sectors.
const KERNEL: (&str, usize) = ("install.amd/vmlinuz", 300_000);

/// Makes the medium as Debian does, with a loader for BIOS and one for EFI.
fn make_iso(world: &World, xorriso: &Tool) {
    for (path, text) in FILES {
        let content = format!("{text:2048}");
        let content = if text.ends_with('\n') { text } else { &content };
        world.write(&format!("medium/{path}"), content.as_bytes());
    }
    world.write(&format!("medium/{}", KERNEL.0), &b"kernel!".repeat(KERNEL.1 / 7));
    let mut command = xorriso.command();
    command.args(["-as", "mkisofs", "-quiet", "-r", "-J", "-V", "Debian 12.11.0 amd64 n"]);
    command.args(["-b", "isolinux/isolinux.bin", "-c", "isolinux/boot.cat", "-no-emul-boot"]);
    command.args(["-boot-load-size", "4", "-boot-info-table", "-eltorito-alt-boot"]);
    command.args(["-e", "boot/grub/efi.img", "-no-emul-boot", "-o"]);
    let made = said(command.arg(world.path("installer.iso")).arg(world.path("medium")));
    assert_eq!(made.status, 0, "{made:?}");
}

fn sha256(path: &Path) -> String {
    base16ct::lower::encode_string(&Sha256::digest(fs::read(path).unwrap()))
}

/// What `xorriso` says of an image.
fn reported(xorriso: &Tool, image: &Path, arguments: &[&str]) -> String {
    let mut command = xorriso.command();
    let output = command.arg("-indev").arg(image).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Asserts that what the machine sees is the ISO, but for the menus and a folder of ours.
fn assert_shown(world: &World, xorriso: &Tool, built: &Compiled, list: &str) {
    let image = world.path("shown.iso");
    world.ask(&["clonemedium", "dvd", list, image.to_str().unwrap(), "--format", "RAW"]);
    let out = world.path("shown");
    let mut command: Command = xorriso.command();
    command.args(["-osirrox", "on", "-indev"]).arg(&image).args(["-extract", "/"]).arg(&out);
    assert_eq!(said(&mut command).status, 0);
    let read = |path: &str| fs::read(out.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let same = FILES.iter().map(|(path, _)| *path).chain([KERNEL.0]);
    // The loader's table says where it is on this medium.
    let other = ["isolinux/isolinux.cfg", "boot/grub/grub.cfg", "isolinux/isolinux.bin"];
    for path in same.filter(|path| !other.contains(path)) {
        assert!(read(path) == fs::read(world.path(format!("medium/{path}"))).unwrap(), "{path}");
    }
    let overlay = built.artifacts.files.iter().find(|file| file.path.ends_with("/initrd-overlay.cpio.gz"));
    assert!(read("bpc/answers.gz") == overlay.unwrap().content.bytes());
    let parameters = "auto=true priority=critical DEBIAN_FRONTEND=text console=tty0 console=ttyS0,115200n8";
    for (path, expected) in [
        (
            "isolinux/isolinux.cfg",
            format!("append initrd=/install.amd/initrd.gz,/bpc/answers.gz {parameters}\n"),
        ),
        ("boot/grub/grub.cfg", format!("  linux /install.amd/vmlinuz {parameters}\n")),
    ] {
        let text = String::from_utf8(read(path)).unwrap();
        assert!(text.contains(&expected) && !text.contains("quiet"), "{path}: {text}");
    }
    // Both loaders are where the medium says that they are; and ISOLINUX finds by their short names what it loads.
    let boot = reported(xorriso, &image, &["-report_el_torito", "plain"]);
    for path in ["/isolinux/isolinux.bin", "/boot/grub/efi.img"] {
        assert!(
            boot.lines().any(|line| line.starts_with("El Torito img path") && line.ends_with(path)),
            "{boot}"
        );
    }
    assert!(
        boot.contains("  BIOS  y ") && boot.contains("  UEFI  y ") && boot.contains("boot-info-table"),
        "{boot}"
    );
    let Some(bsdtar) = tool(On::Host, "bsdtar") else { return };
    let mut command = bsdtar.command();
    let listed = said(command.args(["--options", "!rockridge,!joliet", "-tf"]).arg(&image));
    assert_eq!(listed.status, 0, "{listed:?}");
    for name in ["ISOLINUX/ISOLINUX.CFG", "INSTALL.AMD/VMLINUZ", "INSTALL.AMD/INITRD.GZ", "BPC/ANSWERS.GZ"] {
        assert!(listed.out.lines().any(|line| line == name), "{name} in {}", listed.out);
    }
    world.ask(&["closemedium", "dvd", image.to_str().unwrap()]);
}

/// The machine that the installer runs on.
fn installer(world: &World) -> String {
    let definition = world.read(&format!("out/{}/virtualbox/blueprint.conf", world.site.name));
    let uuid = definition.lines().find_map(|line| line.strip_prefix("INSTALLER="));
    uuid.unwrap().to_owned()
}

/// Asserts that the machine starts the installer, and has one adapter and one disk.
fn assert_hardware(machine: &Info, folder: &str) {
    for (key, expected) in [
        ("name", "volumes.base-image"),
        ("groups", "/volumes"),
        ("memory", "2048"),
        ("cpus", "2"),
        ("boot1", "dvd"),
        ("nic1", "nat"),
        ("nic2", "none"),
        ("disks-0-0", &format!("{folder}/system.vdi")),
        ("disks-1-0", &format!("{folder}/installer.viso")),
        ("uartmode1", &format!("file,{folder}/console.log")),
    ] {
        assert_eq!(machine.get(key).map(String::as_str), Some(expected), "{key} in {machine:#?}");
    }
}

/// As if the installer had run on the machine in this folder, and ended.
fn end(folder: &str) {
    let said = "\u{1b}[1;24rbpc: base-image ready\r\n[  901.2] reboot: Power down\r\n";
    fs::write(format!("{folder}/console.log"), said).unwrap();
}

#[test]
fn an_installer_starts_from_it_and_its_disk_is_kept() {
    let mut seen = Vec::new();
    for change in ["firmware: efi", "firmware: bios"] {
        let built = built::changed("volumes", |text| text.replace("firmware: efi", change));
        let Some(world) = World::real_with(&built, &["xorriso"]) else { return };
        let xorriso = tool(On::Host, "xorriso").unwrap();
        make_iso(&world, &xorriso);
        let digest = format!("--sha256={}", sha256(&world.path("installer.iso")));
        let arguments = [digest.as_str(), "../installer.iso"];
        // All but the start, for which the kernel driver is missing.
        let said = world.run("busybox", "base-image.sh", &arguments);
        assert!(said.status == 1 && said.err.contains("base-image: cannot start it: "), "{said:?}");
        assert_eq!(
            said.err.matches("warning  ").count() + said.err.matches("problem  ").count(),
            0,
            "{said:?}"
        );
        let machine = info(&world, &installer(&world));
        let folder = world.path("home/VirtualBox VMs/volumes/volumes.base-image").display().to_string();
        let firmware = machine["firmware"].clone();
        assert_hardware(&machine, &folder);
        assert_shown(&world, &xorriso, &built, &machine["disks-1-0"]);
        end(&folder);
        world.succeed("dash", "base-image.sh", &arguments);
        assert_eq!((world.ask(&["list", "vms"]), world.ask(&["list", "dvds"])), Default::default());
        assert_eq!(world.ask(&["list", "hdds"]), "");
        assert!(!fs::exists(&folder).unwrap());
        let lock = world.read("home/VirtualBox VMs/volumes/base/installed.lock");
        let disk = lock.lines().find_map(|line| line.strip_prefix("disk ")).unwrap();
        let file = world.path(format!("home/VirtualBox VMs/volumes/base/installed-{}.vdi", &disk[..16]));
        assert_eq!(sha256(&file), disk);
        world.succeed("dash", "up.sh", &["--no-start"]);
        assert_as_planned(&world, &built);
        world.succeed("dash", "up.sh", &["--no-start", "--recreate", "node"]);
        assert_eq!(sha256(&file), disk, "a disk that is linked to it changes it");
        let system = format!("{}/system.vdi", folder.replace("volumes.base-image", "volumes-node"));
        let medium = world.ask(&["showmediuminfo", "disk", &system]);
        assert!(!medium.contains("Parent UUID:    base"), "{medium}");
        // Another disk takes its place, not that of what is linked to it.
        let said = world.run("dash", "base-image.sh", &[&["--recreate"], &arguments[..]].concat());
        assert!(said.err.contains("base-image: cannot start it: "), "{said:?}");
        end(&folder);
        world.succeed("bash", "base-image.sh", &["--timeout=60", &digest, "../installer.iso"]);
        let now = world.read("home/VirtualBox VMs/volumes/base/installed.lock");
        assert!(now != lock && !file.exists(), "{now}");
        assert_eq!(medium, world.ask(&["showmediuminfo", "disk", &system]));
        let base = world.path(format!("home/VirtualBox VMs/volumes/base/{}-4096.vdi", &disk[..16]));
        assert_eq!(sha256(&base), disk);
        world.succeed("dash", "up.sh", &["--no-start", "--recreate", "node"]);
        world.succeed("dash", "destroy.sh", &["--yes"]);
        assert_eq!((world.ask(&["list", "hdds"]), world.ask(&["list", "vms"])), Default::default());
        assert!(!world.path("home/VirtualBox VMs/volumes").exists());
        seen.push(firmware);
    }
    assert_eq!(seen, ["EFI", "BIOS"]);
}

/// What `docs/installer.md` says of `unattended install`: the answers are on VirtualBox's own medium as they are, and its menu
/// for BIOS, but not the one for EFI, leads to them.
#[test]
fn virtualbox_can_apply_the_answers_by_itself() {
    let built = built::changed("volumes", |text| text.replace("firmware: efi", "firmware: bios"));
    let Some(world) = World::real_with(&built, &["xorriso"]) else { return };
    let xorriso = tool(On::Host, "xorriso").unwrap();
    make_iso(&world, &xorriso);
    let path = |name: &str| world.path(name).display().to_string();
    world.write("by-hand/password", b"unused\n");
    world.ask(&["createvm", "--name", "by-hand", "--ostype", "Debian_64", "--register"]);
    world.ask(&["storagectl", "by-hand", "--name", "disks", "--add", "sata"]);
    world.ask(&["createmedium", "disk", "--filename", &path("by-hand/disk.vdi"), "--size", "4096"]);
    let disk = path("by-hand/disk.vdi");
    world.ask(&[
        "storageattach",
        "by-hand",
        "--storagectl",
        "disks",
        "--port",
        "0",
        "--type",
        "hdd",
        "--medium",
        &disk,
    ]);
    world.ask(&[
        "unattended",
        "install",
        "by-hand",
        &format!("--iso={}", path("installer.iso")),
        &format!("--script-template={}", path("out/volumes/installer/preseed.cfg")),
        &format!("--auxiliary-base-path={}/", path("by-hand")),
        "--hostname=image.volumes.example",
        &format!("--user-password-file={}", path("by-hand/password")),
    ]);
    let preseed = built.artifacts.files.iter().find(|file| file.path == "installer/preseed.cfg").unwrap();
    assert_eq!(world.read("by-hand/preseed.cfg").as_bytes(), preseed.content.bytes());
    let menu = world.read("by-hand/isolinux-txt.cfg") + &world.read("by-hand/isolinux-isolinux.cfg");
    assert!(menu.contains("preseed/file=/cdrom/preseed.cfg") && menu.contains("auto=true"), "{menu}");
    let list = world.read("by-hand/aux-iso.viso");
    assert!(list.contains("preseed.cfg") && !list.contains("grub.cfg"), "{list}");
    world.ask(&["unregistervm", "by-hand", "--delete"]);
}

#[test]
fn destroy_leaves_nothing_of_an_unfinished_installer() {
    let built = built::changed("volumes", |text| text);
    let Some(world) = World::real_with(&built, &["xorriso"]) else { return };
    let xorriso = tool(On::Host, "xorriso").unwrap();
    make_iso(&world, &xorriso);
    let digest = format!("--sha256={}", sha256(&world.path("installer.iso")));
    let said = world.run("dash", "base-image.sh", &[&digest, "../installer.iso"]);
    assert!(said.err.contains("base-image: cannot start it: "), "{said:?}");
    // Another release is not installed by mistake.
    world.build(&built::changed("volumes", |text| text.replace("bookworm", "trixie")));
    let said = world.run("dash", "base-image.sh", &[&digest, "../installer.iso"]);
    assert!(said.err.contains("installs Debian12_64 12.11.0, as VirtualBox sees it"), "{said:?}");
    assert!(world.ask(&["list", "vms"]).contains("volumes.base-image"));
    let said = world.succeed("dash", "destroy.sh", &["--yes"]);
    assert!(!said.out.contains("left, "), "{}", said.out);
    for list in ["vms", "hdds", "dvds"] {
        assert_eq!(world.ask(&["list", list]), "", "{list}");
    }
    assert!(!world.path("home/VirtualBox VMs/volumes").exists());
    assert!(world.path("installer.iso").exists());
}
