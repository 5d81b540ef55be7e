//! The same scripts with the real VirtualBox, which does everything but start a machine where its kernel driver is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use bpc::Compiled;
use bpc::plan::Changes;
use bpc::site::{Adapter, Firmware, Machine, Segment};

use sha2::{Digest as _, Sha256};

use super::lab::World;
use super::{published, tiny};
use crate::built;
use crate::support::project::said;
use crate::support::shells::shells;
use crate::support::tools::{On, tool};

/// What VirtualBox says of a machine, key by key.
pub(super) type Info = BTreeMap<String, String>;

/// A raw disk of this many MiB, with something in it.
pub(super) fn disk(world: &World, mib: u64) {
    let file = fs::File::create(world.path("disk.raw")).unwrap();
    file.set_len(mib << 20).unwrap();
    let mut start = fs::read(world.path("disk.raw")).unwrap();
    start[..5].copy_from_slice(b"bpc\n\x55");
    if let Some(lvm) = &world.site.image.lvm {
        // As lvm(8) begins what it writes down, after the zeros before it.
        let group = format!("{} {{\n", lvm.group);
        start[1 << 20..][..group.len()].copy_from_slice(group.as_bytes());
    }
    fs::write(world.path("disk.raw"), start).unwrap();
}

pub(super) fn info(world: &World, uuid: &str) -> Info {
    let text = world.ask(&["showvminfo", uuid, "--machinereadable"]);
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    let bare = |text: &str| text.trim_matches('"').to_owned();
    // When it was changed is not what it is; and 7.2.22 makes an `off` of the other an `on` when it reads its own settings.
    let fleeting = ["VMStateChangeTime", "localhostReachable"];
    let pairs = pairs.map(|(key, value)| (bare(key), bare(value)));
    pairs.filter(|(key, _)| !fleeting.contains(&key.as_str())).collect()
}

/// What VirtualBox says of all machines, by their names.
fn infos(world: &World) -> BTreeMap<String, Info> {
    let machines = world.site.machines.iter();
    machines.map(|machine| (machine.name.clone(), info(world, &world.uuid(&machine.name)))).collect()
}

/// What VirtualBox says otherwise than before: `MACHINE: KEY`.
fn differing(before: &BTreeMap<String, Info>, after: &BTreeMap<String, Info>) -> Vec<String> {
    let mut lines = Vec::new();
    for (machine, info) in before {
        let keys: BTreeSet<&String> = info.keys().chain(after[machine].keys()).collect();
        let differ = keys.into_iter().filter(|key| info.get(*key) != after[machine].get(*key));
        lines.extend(differ.map(|key| format!("{machine}: {key}")));
    }
    lines
}

/// Asserts that every machine is as the plan says.
pub(super) fn assert_as_planned(world: &World, built: &Compiled) {
    let site = &built.site;
    for machine in &site.machines {
        let info = info(world, &world.uuid(&machine.name));
        let has = |key: &str, value: &str| {
            assert_eq!(
                info.get(key).map(String::as_str),
                Some(value),
                "{}: {key} in {info:#?}",
                machine.name
            );
        };
        has("name", &format!("{}-{}", site.name, machine.name));
        has("groups", &format!("/{}", site.name));
        has("cpus", &machine.cpus.to_string());
        has("memory", &machine.memory.as_mib().to_string());
        has("chipset", site.virtualbox.chipset.as_str());
        has("firmware", if site.image.firmware == Firmware::Bios { "BIOS" } else { "EFI" });
        has("rtcuseutc", "on");
        has("boot1", "disk");
        let folder = world.path(format!("home/VirtualBox VMs/{0}/{0}-{1}", site.name, machine.name));
        has("uart1", "0x03f8,4");
        has("uartmode1", &format!("file,{}", folder.join("console.log").display()));
        for slot in 1..=8 {
            let Some(nic) = machine.nics.iter().find(|nic| nic.slot == slot) else {
                has(&format!("nic{slot}"), "none");
                continue;
            };
            has(&format!("macaddress{slot}"), &nic.mac.to_string().replace(':', "").to_uppercase());
            has(&format!("cableconnected{slot}"), "on");
            let model = if site.virtualbox.adapter == Adapter::Virtio { "virtio" } else { "82540EM" };
            has(&format!("nictype{slot}"), model);
            match &nic.segment {
                Segment::Nat => has(&format!("nic{slot}"), "nat"),
                Segment::Internal(name) => {
                    has(&format!("nic{slot}"), "intnet");
                    has(&format!("intnet{slot}"), name);
                }
                Segment::HostOnly(_) => {
                    panic!("VirtualBox makes no host-only network without its kernel driver")
                }
            }
        }
        let rules = published(site, machine);
        for (index, rule) in rules.iter().enumerate() {
            has(&format!("Forwarding({index})"), rule);
        }
        assert!(!info.contains_key(&format!("Forwarding({})", rules.len())), "{info:?}");
        assert_disks(world, built, machine, &info);
    }
}

/// Asserts that a machine has its disks and its seed.
fn assert_disks(world: &World, built: &Compiled, machine: &Machine, info: &Info) {
    let site = &built.site;
    let folder = world.path(format!("home/VirtualBox VMs/{0}/{0}-{1}", site.name, machine.name));
    assert_eq!(info["disks-0-0"], folder.join("system.vdi").display().to_string());
    let seed = info["disks-1-0"].as_str();
    assert!(seed.starts_with(&format!("{}/seed-", folder.display())), "{seed}");
    let artifact = format!("machines/{}/seed.iso", machine.name);
    let artifact = built.artifacts.files.iter().find(|file| file.path == artifact).unwrap();
    assert_eq!(fs::read(seed).unwrap(), artifact.content.bytes());
    for (port, disk) in (2..).zip(&machine.disks) {
        let file = folder.join(format!("disk-{}.vdi", disk.name)).display().to_string();
        assert_eq!(info[&format!("disks-{port}-0")], file);
        let medium = world.ask(&["showmediuminfo", "disk", &file]);
        assert!(medium.contains(&format!("Capacity:       {} MBytes", disk.size.as_mib())), "{medium}");
    }
    let system = world.ask(&["showmediuminfo", "disk", &info["disks-0-0"]]);
    assert!(system.contains(&format!("Capacity:       {} MBytes", site.image.disk.as_mib())), "{system}");
}

/// Attaches a disk to a machine, as its user might, where bpc has none.
pub(super) fn attach(world: &World, machine: &str, disk: &str) {
    let to = ["storageattach", machine, "--storagectl", "disks", "--port", "9"];
    world.ask(&[&to[..], &["--type", "hdd", "--medium", disk]].concat());
}

/// Without a kernel driver nothing starts.
pub(super) const UP: [&str; 2] = ["--no-start", "--disk=../disk.raw"];

/// The blueprints in a folder of this repository.
fn names(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap();
    let folders = entries.map(|entry| entry.unwrap().path());
    let folders = folders.filter(|path| path.join("blueprint.yaml").is_file());
    let mut names: Vec<String> =
        folders.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    names.sort();
    assert!(names.len() >= 4, "{names:?}");
    names
}

#[test]
fn machines_are_as_planned_and_stay_so_and_go() {
    let shells = shells();
    for (index, name) in names("blueprints").iter().enumerate() {
        let built = built::changed_in("blueprints", name, |text| text);
        let Some(world) = World::real(&built) else { return };
        let shell = shells[index % shells.len()];
        disk(&world, 64);
        world.succeed(shell, "up.sh", &UP);
        assert_as_planned(&world, &built);
        let before = infos(&world);
        world.calls();
        world.succeed(shell, "up.sh", &UP);
        assert_eq!(world.changes(), Vec::<String>::new(), "{name}");
        assert_eq!(differing(&before, &infos(&world)), Vec::<String>::new(), "{name}");
        // A machine of somebody else's, whose name begins as one of ours does.
        let foreign = format!("{name}-{}x", world.site.machines[0].name);
        world.ask(&["createvm", "--name", &foreign, "--register"]);
        world.succeed(shell, "destroy.sh", &["--yes"]);
        let left = world.ask(&["list", "vms"]);
        assert!(left.lines().count() == 1 && left.contains(&format!("\"{foreign}\"")), "{left}");
        assert_eq!(
            (world.ask(&["list", "hdds"]), world.ask(&["list", "dvds"])),
            (String::new(), String::new())
        );
        assert!(!world.path(format!("home/VirtualBox VMs/{name}")).exists());
    }
}

#[test]
fn a_change_touches_only_its_machine() {
    let built = built::changed_in("blueprints", "kube-demo", |text| text);
    let Some(world) = World::real(&built) else { return };
    disk(&world, 64);
    world.succeed("dash", "up.sh", &UP);
    for (old, new) in [
        (
            "cpus: 2, memory: 2GiB, networks: [node]}",
            "cpus: 1, memory: 1GiB, networks: [node], disks: {brick: {size: 1GiB}}}",
        ),
        ("publish: [\"2222:22\"]", "publish: [\"2299:22\", \"8080:80\"]"),
    ] {
        let changed = built::changed_in("blueprints", "kube-demo", |text| {
            assert!(text.contains(old), "{old}");
            text.replace(old, new)
        });
        let before = infos(&world);
        world.build(&changed);
        let planned = changed_machines(&built, &changed);
        world.succeed("dash", "up.sh", &UP);
        assert_as_planned(&world, &changed);
        let mut touched: Vec<String> = differing(&before, &infos(&world));
        for line in &mut touched {
            line.truncate(line.find(':').unwrap());
        }
        touched.dedup();
        assert_eq!(touched, planned, "{new}");
        world.build(&built);
        world.succeed("dash", "up.sh", &UP);
    }
}

/// The machines that `bpc plan --changes` names.
fn changed_machines(old: &Compiled, new: &Compiled) -> Vec<String> {
    let digest = |bytes: &[u8]| base16ct::lower::encode_string(&Sha256::digest(bytes));
    let files = old.artifacts.files.iter();
    let earlier = files.map(|file| (file.path.clone(), digest(file.content.bytes()))).collect();
    let changes =
        serde_json::to_value(Changes::new(&new.site, &new.artifacts, (&earlier, ""), None)).unwrap();
    let machines = changes["machines"].as_array().unwrap().iter();
    let mut names: Vec<String> =
        machines.map(|machine| machine["name"].as_str().unwrap().to_owned()).collect();
    names.sort_unstable();
    names
}

#[test]
fn every_format_of_a_disk_is_brought_in() {
    let Some(world) = World::real_with(&tiny(), &["qemu-img"]) else { return };
    disk(&world, 64);
    let convert = tool(On::Host, "qemu-img").unwrap();
    for (format, more) in [
        ("qcow2", "compat=1.1"),
        ("vmdk", "subformat=streamOptimized"),
        ("vmdk", "subformat=monolithicSparse"),
        ("vdi", "static=off"),
    ] {
        let (from, to) = (world.path("disk.raw"), world.path(format!("disk.{format}")));
        let mut command: Command = convert.command();
        assert_eq!(said(command.args(["convert", "-O", format, "-o", more]).args([&from, &to])).status, 0);
        world.succeed("dash", "up.sh", &["--no-start", &format!("--disk=../disk.{format}")]);
        let base = fs::read_dir(world.path("home/VirtualBox VMs/tiny/base")).unwrap();
        let base = base.map(|entry| entry.unwrap().path()).find(|path| path.extension().is_some()).unwrap();
        let mut command: Command = convert.command();
        command.args(["convert", "-f", "vdi", "-O", "raw"]).arg(&base).arg(world.path("back.raw"));
        assert_eq!(said(&mut command).status, 0);
        let mut back = vec![0; 64 << 20];
        fs::File::open(world.path("back.raw")).unwrap().read_exact(&mut back).unwrap();
        assert!(back == fs::read(&from).unwrap(), "{format} {more}");
        world.succeed("dash", "destroy.sh", &["--yes"]);
        assert_eq!(world.ask(&["list", "hdds"]), "", "{format} {more}");
    }
}

#[test]
fn snapshots_and_disks_of_others_survive_what_they_should() {
    let built = built::changed_in("tests/blueprints", "lonely", |text| {
        let lines = text.lines().filter(|line| !line.contains("disk_file"));
        lines.map(|line| line.to_owned() + "\n").collect()
    });
    let Some(world) = World::real(&built) else { return };
    disk(&world, 64);
    world.succeed("busybox", "up.sh", &UP);
    assert_as_planned(&world, &built);
    world.succeed("busybox", "snapshot.sh", &["take", "one"]);
    world.calls();
    world.succeed("busybox", "snapshot.sh", &["take", "one"]);
    world.succeed("busybox", "up.sh", &UP);
    assert_eq!(world.changes(), Vec::<String>::new());
    assert_eq!(world.succeed("dash", "snapshot.sh", &["list"]).out, "control one\nnode01 one\n");
    world.succeed("busybox", "snapshot.sh", &["restore", "one"]);
    let mine = world.path("mine.vdi").display().to_string();
    world.ask(&["createmedium", "disk", "--filename", &mine, "--size", "8"]);
    attach(&world, &world.uuid("node01"), &mine);
    let said = world.succeed("dash", "destroy.sh", &["--yes"]);
    assert!(
        said.out.contains("left, for bpc did not make it: ") && world.path("mine.vdi").exists(),
        "{}",
        said.out
    );
    assert_eq!(world.ask(&["list", "vms"]), "");
    assert!(!world.path("home/VirtualBox VMs/lonely").exists());
    // The same with a snapshot of it, which would take it along.
    world.succeed("dash", "up.sh", &UP);
    attach(&world, &world.uuid("node01"), &mine);
    world.succeed("dash", "snapshot.sh", &["take", "two"]);
    let said = world.run("dash", "destroy.sh", &["--yes"]);
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.err.contains("delete the snapshots first"), "{}", said.err);
    world.succeed("dash", "snapshot.sh", &["delete", "two"]);
    world.succeed("dash", "destroy.sh", &["--yes"]);
    assert!(world.path("mine.vdi").exists());
}

#[test]
fn every_descriptor_is_imported_as_planned() {
    for folder in ["blueprints", "tests/blueprints"] {
        for name in names(folder) {
            assert_imports(&format!("{folder}/{name}"));
        }
    }
}

/// Asserts that VirtualBox makes what the plan says of the descriptors of a blueprint, and of one of its appliances.
fn assert_imports(path: &str) {
    let (folder, name) = path.rsplit_once('/').unwrap();
    let built = built::changed_in(folder, name, |text| text);
    let Some(world) = World::real(&built) else { return };
    let mut bpc = Command::new(env!("CARGO_BIN_EXE_bpc"));
    bpc.env_clear().current_dir(env!("CARGO_MANIFEST_DIR")).args(["plan", "--format", "json", path]);
    let plan = bpc.output().unwrap();
    assert!(plan.status.success(), "{plan:?}");
    world.write("plan.json", &plan.stdout);
    let tree = format!("tree/{name}");
    for file in &built.artifacts.files {
        if file.path.starts_with("machines/") && !file.path.contains("/files/") {
            world.write(&format!("{tree}/{}", file.path), file.content.bytes());
        }
    }
    world.write("vault.key", &crate::support::vault::KEY);
    fs::set_permissions(world.path("vault.key"), fs::Permissions::from_mode(0o600)).unwrap();
    let mut bpc = Command::new(env!("CARGO_BIN_EXE_bpc"));
    bpc.env_clear().current_dir(env!("CARGO_MANIFEST_DIR")).args(["bundle", "--ova", path, "--out"]);
    let bundled = said(bpc.arg(world.path("bundles")).arg("--vault").arg(world.path("vault.key")));
    assert_eq!(bundled.status, 0, "{bundled:?}");
    let ova = format!("bundles/{name}.bundle/{}.ova", built.site.machines[0].name);
    let mut script = Command::new("bash");
    script.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/virtualbox-import.sh"));
    script.args(["bin/VBoxManage", &tree, "plan.json", &ova].map(|path| world.path(path)));
    let said = said(script.env("WORLD", world.path("").display().to_string().trim_end_matches('/')));
    assert_eq!(said.status, 0, "{said:?}");
    eprintln!("{}", said.out.trim_end());
}
