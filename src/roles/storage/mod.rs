//! Volumes and disks of a machine, besides what its image has.
//!
//! The first boot makes them, before anything has files there. File systems have identities of their own, by which they
//! are mounted and known again; so a disk that holds something else is never written to.

use std::collections::BTreeSet;

use crate::format::shell;
use crate::setup::{Setup, Stage};
use crate::site::{Disk, FileSystem, Machine, MachineVolume, MountOption, Mounted, Purpose, Site};

/// Adds the stage that makes them, if there are any.
pub(super) fn add(site: &Site, machine: &Machine, setup: &mut Setup) {
    let calls = calls(site, machine);
    if calls.is_empty() {
        return;
    }
    let packages = packages(machine);
    setup.packages.extend(packages.iter().map(|package| (*package).to_owned()));
    let mut lines = vec![
        include_str!("storage.sh").to_owned(),
        "install_packages ".to_owned() + &shell::words(&packages),
    ];
    lines.extend(calls.iter().map(shell::words));
    lines.push(String::new());
    // Packages may bring files to where volumes are.
    setup.stages.push(Stage::new(8, "storage", &[], &lines.join("\n")));
}

/// Calls of the functions of the stage, in their order: what a folder is in is mounted before it.
fn calls(site: &Site, machine: &Machine) -> Vec<Vec<String>> {
    let mut physical = Vec::new();
    let mut mounts = Vec::new();
    for disk in &machine.disks {
        let [name, port, bytes] = found_by(site, machine, disk);
        match &disk.purpose {
            Purpose::Nothing => {}
            Purpose::Group(group) => physical.push(call("physical_volume", [&name, &port, &bytes, group])),
            Purpose::FileSystem(Mounted { mount, filesystem, options }) => {
                let [filesystem, uuid, options] = file_system(site, machine, (mount, *filesystem, options));
                let arguments = [mount, &name, &port, &bytes, &filesystem, &uuid, &options];
                mounts.push((mount.as_str(), call("use_disk", arguments)));
            }
        }
    }
    mounts.extend(machine.volumes.iter().map(|it| (it.volume.mount.as_str(), volume(site, machine, it))));
    mounts.sort();
    let groups: BTreeSet<&String> = groups(machine).collect();
    let of_image = site.image.lvm.iter().map(|lvm| &lvm.group).filter(|group| groups.contains(group));
    let of_image = of_image.map(|group| call("image_group", [group]));
    let grown = groups.iter().map(|group| call("volume_group", [*group]));
    of_image.chain(physical).chain(grown).chain(mounts.into_iter().map(|(_, call)| call)).collect()
}

/// The volume groups of what it makes.
fn groups(machine: &Machine) -> impl Iterator<Item = &String> {
    let of_disks = machine.disks.iter().filter_map(|disk| match &disk.purpose {
        Purpose::Group(group) => Some(group),
        Purpose::Nothing | Purpose::FileSystem(_) => None,
    });
    of_disks.chain(machine.volumes.iter().map(|it| &it.group))
}

fn call<'a>(function: &str, arguments: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    std::iter::once(function.to_owned()).chain(arguments.into_iter().cloned()).collect()
}

/// Its name, the port that it is attached to, and how many bytes it has at least.
fn found_by(site: &Site, machine: &Machine, disk: &Disk) -> [String; 3] {
    let port = site.media(machine).iter().position(|medium| medium.name == disk.name);
    [disk.name.clone(), port.unwrap_or_default().to_string(), disk.size.bytes().to_string()]
}

fn volume(
    site: &Site,
    machine: &Machine,
    MachineVolume { group, volume, in_image }: &MachineVolume,
) -> Vec<String> {
    let bytes = volume.size.bytes().to_string();
    if *in_image {
        return call("grow_volume", [&volume.mount, group, &bytes]);
    }
    let [filesystem, uuid, options] =
        file_system(site, machine, (&volume.mount, volume.filesystem, &volume.options));
    call("make_volume", [&volume.mount, group, &volume.name, &bytes, &filesystem, &uuid, &options])
}

/// What is made, its identity, and how it is mounted (fstab(5)).
fn file_system(site: &Site, machine: &Machine, it: (&str, FileSystem, &[MountOption])) -> [String; 3] {
    let (mount, filesystem, options) = it;
    let uuid = site.file_system_uuid(&machine.name, mount).to_string();
    let options = std::iter::once("defaults").chain(options.iter().map(|option| option.as_str()));
    [filesystem.as_str().to_owned(), uuid, options.collect::<Vec<_>>().join(",")]
}

/// What the stage calls, which a small image may lack.
fn packages(machine: &Machine) -> Vec<&'static str> {
    let of_disks = machine.disks.iter().filter_map(|disk| match &disk.purpose {
        Purpose::FileSystem(mounted) => Some(mounted.filesystem),
        Purpose::Nothing | Purpose::Group(_) => None,
    });
    let mut file_systems = of_disks.chain(machine.volumes.iter().map(|it| it.volume.filesystem));
    let mut packages = vec!["e2fsprogs"];
    if groups(machine).next().is_some() {
        packages.extend(["cloud-guest-utils", "lvm2"]);
    }
    if file_systems.any(|it| it == FileSystem::Xfs) {
        packages.push("xfsprogs");
    }
    packages
}
