//! What installs a system disk.

mod autoinstall;
mod preseed;

use std::process::Command;

use bpc::Compiled;
use bpc::site::{Distribution, Lvm};
use bpc::value::Size;
use proptest::prelude::*;

use crate::built::{blueprints, changed};
use crate::support::tools::On;

const SUITES: [On; 2] = [On::Bookworm, On::Trixie];

/// A file of a blueprint's installer.
fn document<'a>(built: &'a Compiled, name: &str) -> Option<&'a [u8]> {
    let file = built.artifacts.files.iter().find(|file| file.path == format!("installer/{name}"))?;
    Some(file.content.bytes())
}

fn lvm(built: &Compiled) -> &Lvm {
    built.site.image.lvm.as_ref().unwrap()
}

/// A blueprint of `tests/blueprints` with another disk and other volumes.
fn with_layout(name: &str, disk: Size, firmware: &str, lvm: &str) -> Compiled {
    changed(name, |text| {
        let (before, rest) = text.split_once("  disk: ").unwrap();
        let (_, after) = rest.split_once("access: ").unwrap();
        let mirror = "  mirror: http://mirror.example:8080\n";
        format!("{before}  disk: {disk}\n  firmware: {firmware}\n{mirror}  lvm: {lvm}\naccess: {after}")
    })
}

/// A layout, its firmware, and the smallest disk that it fits on.
fn layouts() -> impl Strategy<Value = (Size, &'static str, String)> {
    let sizes = prop::collection::vec((64_u64..50_000, 0..4_usize, any::<u8>()), 1..20);
    (sizes, prop::option::of(64_u64..8000), any::<bool>()).prop_map(|(sizes, swap, efi)| {
        let extents = |mib: u64| mib.next_multiple_of(4);
        let total: u64 = sizes.iter().map(|(mib, ..)| extents((*mib).max(304))).sum();
        let volume = |(index, (mib, file_system, options)): (usize, &(u64, usize, u8))| {
            let mount = if index == 0 { "/".to_owned() } else { format!("/srv/data-{index}") };
            let file_system = ["ext2", "ext3", "ext4", "xfs"][*file_system];
            // Of the first two Debian's installer knows that ext4 takes both.
            let words = ["discard", "nodiratime", "noatime", "relatime"];
            let words = if file_system == "ext4" { &words[..] } else { &words[2..] };
            let options: Vec<&str> = words
                .iter()
                .enumerate()
                .filter(|(bit, _)| options >> bit & 1 == 1)
                .map(|(_, it)| *it)
                .collect();
            let (mib, options) = ((*mib).max(304), options.join(", "));
            format!("{{mount: {mount}, size: {mib}MiB, filesystem: {file_system}, options: [{options}]}}")
        };
        let volumes: Vec<String> = sizes.iter().enumerate().map(volume).collect();
        let swap_key = swap.map_or_else(String::new, |mib| format!("swap: {mib}MiB, "));
        // No image is smaller than 2 GiB.
        let disk = Size::mib((total + swap.map_or(0, extents) + 1536).max(2048));
        let lvm = format!("{{group: vg0, {swap_key}volumes: [{}]}}", volumes.join(", "));
        (disk, if efi { "efi" } else { "bios" }, lvm)
    })
}

/// Success without a word on the standard error; the output.
fn quiet(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let [stdout, stderr] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(output.status.success() && stderr.is_empty(), "{stdout}{stderr}");
    stdout
}

#[test]
fn it_is_where_there_are_volumes() {
    let mut with = Vec::new();
    for one in blueprints() {
        let files = one.artifacts.files.iter().filter_map(|file| file.path.strip_prefix("installer/"));
        let expected: &[&str] = match (one.site.image.distribution, &one.site.image.lvm) {
            (_, None) => &[],
            (Distribution::Debian, _) => &["preseed.cfg", "initrd-overlay.cpio.gz"],
            (Distribution::Ubuntu, _) => &["user-data", "meta-data", "seed.iso"],
        };
        assert_eq!(files.collect::<Vec<_>>(), expected, "{}", one.site.name);
        with.extend((!expected.is_empty()).then_some(one.site.name));
    }
    with.sort();
    assert_eq!(with, ["kube-demo", "kube-full", "noble-volumes", "storage", "volumes"]);
}
