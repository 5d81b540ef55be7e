//! The scripts of `virtualbox/`, run by several shells on a host of files. What the stand-in for `VBoxManage` does was
//! measured with the real one, which `tests/lab/virtualbox.sh` runs the same scripts with.

mod base_image;
mod bound;
mod change;
mod fault;
mod hands;
mod hosts;
mod iso;
mod lab;
mod medium;
mod nat;
mod preflight;
mod real;
mod surroundings;
mod watch;

use bpc::artifact::Kind;
use bpc::site::{Adapter, Machine, PublishedPort, Role, Segment, Site};

use crate::built::{self, blueprints};
use crate::support::project::Said;
use crate::support::shells::shells;
use lab::World;

const SCRIPTS: [&str; 8] =
    ["console.sh", "destroy.sh", "doctor.sh", "down.sh", "snapshot.sh", "ssh.sh", "status.sh", "up.sh"];

/// The blueprint `blueprints/tiny`.
fn tiny() -> bpc::Compiled {
    built::changed_in("blueprints", "tiny", |text| text)
}

#[test]
fn they_are_there_and_executable() {
    for one in blueprints() {
        let scripts = one.artifacts.files.iter().filter(|file| file.path.starts_with("virtualbox/"));
        let mut scripts: Vec<_> = scripts
            .map(|file| (file.path["virtualbox/".len()..].to_owned(), file.kind, file.mode()))
            .collect();
        scripts.sort_unstable();
        let mut expected: Vec<_> =
            SCRIPTS.iter().map(|name| ((*name).to_owned(), Kind::Script, 0o755)).collect();
        let read = ["blueprint.conf", "bound", "lib.sh", "settings", "system-disk.conf"];
        expected.extend(read.map(|name| (name.to_owned(), Kind::Script, 0o644)));
        if one.site.image.lvm.is_some() {
            expected.push(("base-image.sh".to_owned(), Kind::Script, 0o755));
            expected.push(("base-image.conf".to_owned(), Kind::Script, 0o644));
        }
        let machines = one.site.machines.iter();
        expected.extend(machines.map(|it| (format!("machines/{}.conf", it.name), Kind::Script, 0o644)));
        expected.sort_unstable();
        assert_eq!(scripts, expected, "{}", one.site.name);
    }
}

#[test]
fn each_tells_how_it_is_used() {
    let world = World::new(&tiny());
    for shell in shells() {
        for script in SCRIPTS {
            let said = world.succeed(shell, script, &["--help"]);
            for part in [&format!("usage: {script} "), "\nexample: ", "\nexit status: "] {
                assert!(said.out.contains(part), "{script}: {part:?} in {}", said.out);
            }
            let wrong = world.run(shell, script, &["--frobnicate"]);
            assert_eq!((wrong.status, wrong.out.as_str()), (2, ""), "{script}: {}", wrong.err);
            assert!(wrong.err.contains("no option --frobnicate") && wrong.err.contains("--help"));
        }
    }
    assert_eq!(world.calls(), Vec::<String>::new());
}

#[test]
fn every_blueprint_comes_up_as_planned_and_stays_as_it_is() {
    for (index, one) in blueprints().iter().enumerate() {
        let shells = shells();
        let shell = shells[index % shells.len()];
        let world = World::new(one);
        if let Some(file) = &one.site.image.disk_file {
            world.write(&file.path, b"capacity 2048\n");
        }
        let arguments = ["--disk=../disk.raw"];
        // A disk file that the blueprint names has to be that one.
        let arguments = if one.site.image.disk_file.is_some() { &[][..] } else { &arguments };
        world.succeed(shell, "up.sh", arguments);
        as_planned(&world, &one.site);
        world.calls();
        let before = world.state();
        world.succeed(shell, "up.sh", &[]);
        assert_eq!(world.changes(), Vec::<String>::new(), "{}", one.site.name);
        assert_eq!(world.state(), before, "{}", one.site.name);
        let status = world.succeed(shell, "status.sh", &[]);
        assert_eq!(status.out.matches(" running      current      ready\n").count(), one.site.machines.len());
    }
}

/// The rules by which ports of the host lead to a machine, or to the gateway that hands them on.
fn published(site: &Site, machine: &Machine) -> Vec<String> {
    let gateway = machine.role == Role::Gateway;
    let mut rules = Vec::new();
    for one in &site.machines {
        let mine = one.name == machine.name && (gateway || one.nat().is_some());
        if mine || gateway && one.nat().is_none() {
            let inside = |port: &PublishedPort| if gateway { port.host } else { port.machine };
            let ports = one.published.iter();
            rules.extend(ports.map(|it| format!("tcp-{0},tcp,127.0.0.1,{0},,{1}", it.host, inside(it))));
        }
    }
    rules
}

/// Asserts that every machine has the hardware of the plan.
fn as_planned(world: &World, site: &Site) {
    for machine in &site.machines {
        let settings = world.of(&machine.name, "settings");
        let has = |key: &str, value: &str| {
            let line = format!("{key} {value}");
            assert!(settings.lines().any(|it| it == line), "{}: {line} in {settings}", machine.name);
        };
        has("cpus", &machine.cpus.to_string());
        has("memory", &machine.memory.as_mib().to_string());
        has("firmware", site.image.firmware.as_str());
        has("chipset", site.virtualbox.chipset.as_str());
        has("groups", &format!("/{}", site.name));
        let console = world.path(world.folder(&machine.name)).join("console.log");
        has("uartmode1", &format!("file,{}", console.display()));
        for slot in 1..=8 {
            let Some(nic) = machine.nics.iter().find(|nic| nic.slot == slot) else {
                has(&format!("nic{slot}"), "none");
                continue;
            };
            let model = if site.virtualbox.adapter == Adapter::Virtio { "virtio" } else { "82540EM" };
            has(&format!("nictype{slot}"), model);
            has(&format!("macaddress{slot}"), &nic.mac.to_string().replace(':', ""));
            match &nic.segment {
                Segment::Nat => has(&format!("nic{slot}"), "nat"),
                Segment::Internal(name) => {
                    has(&format!("nic{slot}"), "intnet");
                    has(&format!("intnet{slot}"), name);
                }
                Segment::HostOnly(address) => {
                    has(&format!("nic{slot}"), "hostonly");
                    has(&format!("hostonlyadapter{slot}"), "vboxnet0");
                    let (ip, mask) = (address.addr(), address.netmask());
                    assert_eq!(world.read("host-only/vboxnet0"), format!("{ip}\n{mask}\n"));
                }
            }
        }
        let forwards: Vec<String> = world.of(&machine.name, "forwards").lines().map(str::to_owned).collect();
        assert_eq!(forwards, published(site, machine), "{}", machine.name);
        let folder = world.path(world.folder(&machine.name));
        assert_eq!(world.of(&machine.name, "ports/0"), format!("{}\n", folder.join("system.vdi").display()));
        let seed = world.of(&machine.name, "ports/1");
        let built = format!("out/{}/machines/{}/seed.iso", site.name, machine.name);
        assert_eq!(std::fs::read(seed.trim_end()).unwrap(), std::fs::read(world.path(built)).unwrap());
        for (port, disk) in (2..).zip(&machine.disks) {
            let file = folder.join(format!("disk-{}.vdi", disk.name));
            assert_eq!(world.of(&machine.name, &format!("ports/{port}")), format!("{}\n", file.display()));
            assert_eq!(std::fs::read_to_string(file).unwrap(), format!("capacity {}\n", disk.size.as_mib()));
        }
    }
}

/// The commands that a dry run has printed, and the calls that a run has made. What may have been done before is not worth
/// a line.
fn printed_and_done(said: &Said, changes: Vec<String>) -> (Vec<String>, Vec<String>) {
    let printed = said.out.lines().filter_map(|line| line.strip_prefix("VBoxManage "));
    let printed = printed.map(|line| line.replace('\'', ""));
    let matters = |call: &String| !call.starts_with("closemedium");
    (printed.filter(matters).collect(), changes.into_iter().filter(matters).collect())
}

#[test]
fn a_dry_run_prints_what_a_run_does_and_does_nothing() {
    let world = World::new(&tiny());
    for script in ["up.sh", "down.sh", "destroy.sh"] {
        let before = world.state();
        let disk = if script == "up.sh" { &["--disk=../disk.raw"][..] } else { &[] };
        let printed = world.succeed("dash", script, &[&["--dry-run"], disk].concat());
        assert_eq!((world.changes(), world.state() == before), (vec![], true), "{script}");
        let more = if script == "destroy.sh" { &["--yes"][..] } else { &[] };
        world.succeed("dash", script, &[disk, more].concat());
        let (printed, done) = printed_and_done(&printed, world.changes());
        let differs = printed.iter().zip(&done).find(|(printed, done)| printed != done);
        assert_eq!(
            (differs, printed.len()),
            (None, done.len()),
            "{script}: {:?} {:?}",
            printed.last(),
            done.last()
        );
    }
}
