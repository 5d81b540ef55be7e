//! The ISO that an installer comes from, and what `base-image.sh` makes of it before the installer starts.

use std::fs;

use super::base_image::{ISO, SCRIPT, lock, machines, refused, sha256, volumes, world};
use super::lab::World;
use crate::built::{self, changed};

#[test]
fn the_iso_must_be_the_one_that_is_meant() {
    let (world, digest) = world(&volumes());
    let digest = digest.trim_start_matches("--sha256=").to_owned();
    let other = sha256(b"another installer");
    let said = world.run("dash", SCRIPT, &[ISO]);
    assert_eq!(said.status, 2, "{said:?}");
    assert!(said.err.contains("say which SHA-256 the ISO is to have"), "{}", said.err);
    for (option, expected) in [("abc", "wants 64 digits"), (&"G".repeat(64), "0 to 9 and a to f")] {
        let said = world.run("dash", SCRIPT, &[&format!("--sha256={option}"), ISO]);
        assert!(said.status == 2 && said.err.contains(expected), "{said:?}");
    }
    let said = world.run("dash", SCRIPT, &["--sha256", ISO]);
    assert!(said.status == 2 && said.err.contains("--sha256 needs a value"), "{said:?}");
    let expected = format!("its SHA-256 is\n  {digest}, not\n  {other}\n");
    refused(&world, SCRIPT, &[&format!("--sha256={other}"), ISO], &expected);
    let name = ISO.trim_start_matches("../");
    for (file, text) in [
        ("SHA256SUMS", format!("{digest}  x{name}\n{other}  {name}\n")),
        ("SHA256SUMS", format!("{other} *./{name}\r\n")),
        (&format!("{name}.sha256"), format!("{other}\n")),
    ] {
        world.write(file, text.as_bytes());
        refused(&world, SCRIPT, &[ISO], &expected);
    }
    refused(&world, SCRIPT, &["../missing.iso"], "there is no file ");
    assert_eq!((world.changes(), machines(&world)), (vec![], vec![]));
    fs::remove_file(world.path(format!("{name}.sha256"))).unwrap();
    world.write("SHA256SUMS", format!("{other}  {name}.zsync\n{digest}  {name}\n").as_bytes());
    world.succeed("dash", SCRIPT, &[ISO]);
}

#[test]
fn virtualbox_sees_what_the_iso_installs() {
    let (world, digest) = world(&volumes());
    let arguments = [digest.as_str(), ISO];
    for found in [
        "OSTypeId=\"Debian13_64\"\nOSVersion=\"13.1.0\"\n",
        "OSTypeId=\"Debian12_arm64\"\nOSVersion=\"12.1.0\"\n",
        "OSTypeId=\"Ubuntu24_LTS_64\"\nOSVersion=\"24.04.1 LTS\"\n",
        "OSTypeId=\"Debian_64\"\nOSVersion=\"120\"\n",
    ] {
        world.write("detected", found.as_bytes());
        let said =
            refused(&world, SCRIPT, &arguments, "and the blueprint says Debian bookworm (12) for amd64");
        assert!(said.err.contains("; --force goes on all the same"), "{}", said.err);
    }
    assert_eq!((world.changes(), machines(&world)), (vec![], vec![]));
    world.succeed("dash", SCRIPT, &["--force", &digest, ISO]);
    for found in ["", "OSTypeId=\"Unknown\"\n"] {
        world.write("detected", found.as_bytes());
        let said = world.succeed("dash", SCRIPT, &["--recreate", &digest, ISO]);
        assert!(said.err.contains("VirtualBox does not know what "), "{}", said.err);
    }
}

/// The blueprint as one of Ubuntu's.
fn ubuntu() -> (World, String) {
    world(&changed("volumes", |text| text.replace("debian\n", "ubuntu\n").replace("bookworm", "noble")))
}

#[test]
fn the_medium_asks_nothing() {
    let debian = "auto=true priority=critical DEBIAN_FRONTEND=text console=tty0 console=ttyS0,115200n8";
    let noble = "autoinstall ds=nocloud;s=/cdrom/bpc/ noprompt console=tty0 console=ttyS0,115200n8";
    let overlay = &[("answers.gz", "initrd-overlay.cpio.gz")][..];
    let documents = &[("user-data", "user-data"), ("meta-data", "meta-data")];
    for ((world, digest), kernel, initrds, parameters, files) in [
        (
            world(&volumes()),
            "/install.amd/vmlinuz",
            "/install.amd/initrd.gz /bpc/answers.gz",
            debian,
            overlay,
        ),
        (ubuntu(), "/casper/vmlinuz", "/casper/initrd", noble, documents),
    ] {
        world.write("installer", b"paused");
        refused(&world, SCRIPT, &[&digest, ISO], "is paused");
        let file = |name: &str| world.read(&format!("Virtual Machines/volumes/volumes.base-image/{name}"));
        let bios = file("installer-isolinux.cfg");
        let append = format!("  append initrd={} {parameters}\n", initrds.replace(' ', ","));
        assert!(bios.starts_with("default bpc\nprompt 0\n") && bios.ends_with(&append), "{bios}");
        let grub = file("installer-grub.cfg");
        let quoted = parameters.replace("ds=nocloud;s=/cdrom/bpc/", "'ds=nocloud;s=/cdrom/bpc/'");
        assert!(grub.contains(&format!("\n  linux {kernel} {quoted}\n  initrd {initrds}\n")), "{grub}");
        let list = file("installer.viso");
        let iso = world.path("home").join(ISO).display().to_string().replace('\'', "'\\''");
        assert!(list.contains(&format!("--import-iso '{iso}' ")), "{list}");
        for (name, built) in files {
            assert!(list.contains(&format!("\n/bpc/{name}=installer-{name}\n")), "{list}");
            let built = fs::read(world.path(format!("out/volumes/installer/{built}"))).unwrap();
            let folder = world.path("Virtual Machines/volumes/volumes.base-image");
            assert!(fs::read(folder.join(format!("installer-{name}"))).unwrap() == built, "{name}");
        }
    }
}

#[test]
fn the_host_must_have_room() {
    let (world, digest) = world(&volumes());
    world.write("memory", b"2047");
    let said = refused(&world, SCRIPT, &[&digest, ISO], "need 2048 MiB of memory, 2047 MiB are free");
    assert!(said.err.contains("nothing was changed"), "{}", said.err);
    world.write("version", b"6.1.50r161033");
    refused(&world, SCRIPT, &["--force", &digest, ISO], "is too old");
    world.write("version", b"7.0.20r163906");
    world.succeed("dash", SCRIPT, &["--force", &digest, ISO]);
    let built = built::changed_in("blueprints", "kube-demo", |text| text);
    let (demo, digest) = self::world(&built);
    demo.succeed("dash", SCRIPT, &[&digest, ISO]);
    assert_eq!(lock(&demo)["size"], "32768");
}
