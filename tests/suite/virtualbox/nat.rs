//! VirtualBox's NAT, as the real one takes it: a machine there asks VirtualBox's own name server, never one of the host's,
//! whose address may be that of a machine.

use std::fs;
use std::path::Path;

use bpc::site::{Machine, Segment};

use super::lab::World;
use super::real::{UP, disk};
use super::tiny;
use crate::built;

/// How many adapters of a machine are on NAT.
fn on_nat(machine: &Machine) -> usize {
    machine.nics.iter().filter(|nic| nic.segment == Segment::Nat).count()
}

/// How many adapters have that name server, by the settings that VirtualBox has written.
fn with_name_server(settings: &Path) -> usize {
    let text = fs::read_to_string(settings).unwrap();
    let adapters = text.split("<Adapter ").skip(1).filter_map(|rest| rest.split("</Adapter>").next());
    let on = adapters.filter(|adapter| !adapter.contains("enabled=\"false\"") && adapter.contains("<NAT"));
    on.filter(|adapter| adapter.contains("<DNS") && adapter.contains("use-proxy=\"true\"")).count()
}

#[test]
fn a_machine_on_nat_asks_the_name_server_of_virtualbox() {
    // One machine has NAT on its second adapter, the other on its first.
    let built = built::changed_in("blueprints", "tiny", |text| {
        let (worker, other) = ("kube-node: {role: worker, cpus: 2, memory: 2GiB, networks: [", "lan, wan]");
        assert!(text.contains(&format!("{worker}{other}")));
        text.replace(&format!("{worker}{other}"), &format!("{worker}wan, lan]"))
    });
    let Some(world) = World::real(&built) else { return };
    disk(&world, 64);
    world.succeed("dash", "up.sh", &UP);
    let mut found = 0;
    for machine in &built.site.machines {
        let folder = format!("home/VirtualBox VMs/{0}/{0}-{1}/{0}-{1}.vbox", built.site.name, machine.name);
        assert_eq!(with_name_server(&world.path(folder)), on_nat(machine), "{}", machine.name);
        found += on_nat(machine);
    }
    assert!(found >= 2);
}

#[test]
fn so_does_one_that_is_imported() {
    let built = tiny();
    let Some(world) = World::real(&built) else { return };
    let mut found = 0;
    for machine in &built.site.machines {
        let folder = format!("machines/{}/", machine.name);
        for file in built.artifacts.files.iter().filter(|file| file.path.starts_with(&folder)) {
            world.write(&format!("home/{}", file.path), file.content.bytes());
        }
        let ovf = world.path(format!("home/{folder}machine.ovf"));
        world.ask(&["import", ovf.to_str().unwrap(), "--options", "keepallmacs"]);
        let settings = format!("home/VirtualBox VMs/{0}/{0}.vbox", machine.name);
        assert_eq!(with_name_server(&world.path(settings)), on_nat(machine), "{}", machine.name);
        found += on_nat(machine);
    }
    assert!(found >= 1);
}
