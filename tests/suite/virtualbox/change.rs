//! A blueprint that changes while its machines are there.

use std::fs;

use bpc::Compiled;

use super::lab::World;
use super::tiny;
use crate::built;

fn changed(changes: &[(&str, &str)]) -> Compiled {
    built::changed_in("blueprints", "tiny", |mut text| {
        for (old, new) in changes {
            assert!(text.contains(old), "{old}");
            text = text.replace(old, new);
        }
        text
    })
}

/// What makes of the worker another machine.
const NODE: &str = "publish: [\"2223:22\"]";

#[test]
fn only_the_machine_that_changed_is_touched() {
    let world = World::new(&tiny());
    world.up(&[]);
    for (what, new) in [
        ("memory", "publish: [\"2223:22\"], packages: [htop]"),
        ("a port", "publish: [\"2224:22\"]"),
        ("no port", "publish: []"),
        ("a disk", "publish: [\"2223:22\"], disks: {data: {size: 1GiB}}"),
        ("a larger disk", "publish: [\"2223:22\"], disks: {data: {size: 2GiB}}"),
        ("a second disk", "publish: [\"2223:22\"], disks: {other: {size: 1GiB}, data: {size: 2GiB}}"),
        ("one disk less", "publish: [\"2223:22\"], disks: {data: {size: 2GiB}}"),
        ("as it was", NODE),
    ] {
        let one = changed(&[(NODE, new)]);
        world.build(&one);
        world.calls();
        world.up(&[]);
        assert_eq!(world.changed(), ["kube-node"], "{what}");
        super::as_planned(&world, &one.site);
    }
}

#[test]
fn another_controller_is_for_machines_that_are_there_too() {
    let world = World::new(&tiny());
    world.up(&[]);
    world.build(&changed(&[("\nnetworks:\n", "\nvirtualbox: {controller: virtio-scsi}\nnetworks:\n")]));
    world.up(&[]);
    assert_eq!(world.of("kube-node", "controller"), "VirtioSCSI\n");
    assert!(world.of("kube-node", "ports/0").contains("system.vdi"));
}

#[test]
fn a_machine_whose_memory_was_saved_goes_on() {
    let world = World::new(&tiny());
    world.up(&[]);
    let console = world.folder("kube-node") + "/console.log";
    let said = world.read(&console);
    world.write(&format!("vms/{}/state", world.uuid("kube-node")), b"saved\n");
    fs::remove_file(world.path(format!("vms/{}/session", world.uuid("kube-node")))).unwrap();
    world.write("consoles/tiny-kube-node", said.as_bytes());
    world.up(&[]);
    assert!(!world.path(world.folder("kube-node") + "/console.previous.log").exists());
}

#[test]
fn a_clone_is_not_taken_for_a_machine_that_left_the_blueprint() {
    let world = World::new(&tiny());
    world.up(&[]);
    let clone = "vms/11111111-1111-4111-8111-111111111111";
    let own = format!("vms/{}", world.uuid("kube-mast"));
    for file in ["extra", "settings", "forwards", "snapshots"] {
        world.write(&format!("{clone}/{file}"), world.read(&format!("{own}/{file}")).as_bytes());
    }
    world.write(&format!("{clone}/name"), b"tiny-kube-mast-backup\n");
    world.write(&format!("{clone}/folder"), format!("{}\n", world.path("clone").display()).as_bytes());
    world.write(&format!("{clone}/state"), b"poweroff\n");
    world.write("clone/tiny-kube-mast-backup.vbox", b"");
    let status = world.run("dash", "status.sh", &[]);
    assert!(!status.out.contains("backup"), "{}", status.out);
    world.succeed("dash", "destroy.sh", &["--yes"]);
    assert!(world.path(clone).exists());
}

#[test]
fn a_running_machine_is_shut_down_gets_its_new_seed_and_starts() {
    let world = World::new(&tiny());
    world.up(&[]);
    let old = world.of("kube-node", "ports/1");
    world.build(&changed(&[(NODE, "publish: [\"2223:22\"], packages: [htop]")]));
    let status = world.run("dash", "status.sh", &[]);
    assert!(status.out.contains("kube-node            running      changed"), "{}", status.out);
    world.calls();
    let kept = world.up(&["--no-start"]);
    assert!(kept.out.contains("kube-node: has changed, but runs"), "{}", kept.out);
    assert_eq!(world.changes(), Vec::<String>::new());
    world.up(&[]);
    let calls = world.changes();
    let order = ["controlvm", "modifyvm", "storageattach", "startvm"];
    let places = order.map(|name| calls.iter().position(|call| call.starts_with(name)).unwrap());
    assert!(places.is_sorted(), "{calls:?}");
    assert_ne!(world.of("kube-node", "ports/1"), old);
    assert!(!fs::exists(old.trim_end()).unwrap(), "the old seed holds keys");
    assert!(world.read(&(world.folder("kube-node") + "/console.previous.log")).contains("ready"));
}

#[test]
fn what_was_on_a_disk_stays() {
    let with_disk = changed(&[(NODE, "publish: [\"2223:22\"], disks: {data: {size: 1GiB}}")]);
    let world = World::new(&with_disk);
    world.up(&[]);
    let disk = world.folder("kube-node") + "/disk-data.vdi";
    world.write(&disk, b"capacity 1024\nphotographs\n");
    world.build(&tiny());
    let said = world.up(&[]);
    assert!(said.out.contains("disk-data.vdi is detached, and stays"), "{}", said.out);
    world.build(&changed(&[(NODE, "publish: [\"2223:22\"], disks: {data: {size: 512MiB}}")]));
    let said = world.up(&[]);
    assert!(said.out.contains("kube-node: disk data keeps its 1024 MiB"), "{}", said.out);
    assert!(world.read(&disk).contains("photographs"));
    assert!(world.of("kube-node", "ports/2").contains("disk-data.vdi"));
}

#[test]
fn another_system_disk_is_for_machines_that_are_made_anew() {
    let world = World::new(&tiny());
    world.up(&[]);
    world.write("new.raw", b"capacity 4096\n");
    world.calls();
    let said = world.succeed("dash", "up.sh", &["--disk=../new.raw"]);
    assert!(said.err.contains("warning  kube-node keeps its system disk"), "{}", said.err);
    assert_eq!(world.changes(), Vec::<String>::new());
    let refused = world.run("dash", "up.sh", &["--recreate"]);
    assert_eq!(refused.status, 2, "{}", refused.err);
    world.succeed("dash", "up.sh", &["--disk=../new.raw", "--recreate", "kube-node"]);
    assert_eq!(world.changed(), ["kube-node"]);
    let extra = |machine: &str| world.of(machine, "extra");
    let system =
        |machine: &str| extra(machine).lines().find(|it| it.starts_with("bpc/system")).unwrap().to_owned();
    assert_ne!(system("kube-node"), system("kube-mast"));
    world.succeed("dash", "up.sh", &["kube-node"]);
    assert_eq!(world.changed(), Vec::<String>::new(), "what was chosen is remembered");
}

#[test]
fn a_machine_that_left_the_blueprint_stays_until_it_is_destroyed() {
    // Behind the others, so that these keep their addresses.
    let more = |count: usize| {
        let group =
            format!("  kube-more: {{role: worker, count: {count}, networks: [lan, wan]}}\n\nkubernetes:");
        changed(&[("\nkubernetes:", &group)])
    };
    let world = World::new(&more(2));
    world.up(&[]);
    world.build(&more(1));
    let said = world.up(&[]);
    assert!(said.out.contains("tiny-kube-more02 is not in the blueprint any more"), "{}", said.out);
    let status = world.run("dash", "status.sh", &[]);
    assert!(status.out.contains("tiny-kube-more02     -            removed"), "{}", status.out);
    world.succeed("dash", "destroy.sh", &["--yes", "tiny-kube-more02"]);
    assert!(!world.path(world.folder("kube-more02")).exists());
    assert!(world.path(world.folder("kube-more01")).exists());
}

#[test]
fn destroy_spares_what_is_not_ours() {
    let world = World::new(&tiny());
    world.up(&[]);
    let before = world.state();
    let foreign = "11111111-1111-4111-8111-111111111111";
    for (path, text) in
        [("name", "tiny-kube-mastx"), ("folder", "Virtual Machines"), ("state", "poweroff"), ("extra", "")]
    {
        let folder = world.path("Virtual Machines").display().to_string();
        let text = format!("{}\n", if path == "folder" { folder.as_str() } else { text });
        world.write(&format!("vms/{foreign}/{path}"), text.as_bytes());
    }
    for file in ["settings", "forwards", "snapshots"] {
        world.write(&format!("vms/{foreign}/{file}"), b"");
    }
    world.write("Virtual Machines/tiny-kube-mastx.vbox", b"");
    // A disk of the user's, attached to one of ours; and a file of theirs in its folder.
    world.write("mine.vdi", b"capacity 5\n");
    let disk = world.path("mine.vdi");
    let port = format!("vms/{}/ports/7", world.uuid("kube-node"));
    world.write(&port, format!("{}\n", disk.display()).as_bytes());
    world.write(&(world.folder("kube-node") + "/notes.txt"), b"mine");
    let refused = world.run("dash", "destroy.sh", &[]);
    assert_eq!(refused.status, 1);
    assert!(refused.err.contains("say --yes"), "{}", refused.err);
    let said = world.succeed("dash", "destroy.sh", &["--yes"]);
    for left in ["mine.vdi", "notes.txt"] {
        assert!(said.out.contains(left), "{}", said.out);
    }
    assert!(disk.exists() && world.path(format!("vms/{foreign}")).exists());
    let left: Vec<_> = world.state().into_keys().filter(|path| before.contains_key(path)).collect();
    let folders = ["vms", "media", "host-only", "global", "Virtual Machines", "Virtual Machines/tiny"];
    let allowed = |path: &std::path::PathBuf| {
        folders.iter().any(|it| path == std::path::Path::new(it)) || path.ends_with("tiny-kube-node")
    };
    assert!(left.iter().all(allowed), "{left:?}");
}
