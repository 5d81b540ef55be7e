//! Order, readiness, and what is seen of a machine.

use super::lab::World;
use super::tiny;
use crate::built;
use crate::support::tools::{On, tool};

#[test]
fn the_gateway_is_ready_before_any_other_starts() {
    let one = built::changed_in("blueprints", "kube-demo", |text| text);
    let world = World::new(&one);
    world.up(&[]);
    let calls = world.calls();
    let started: Vec<_> = calls.iter().filter_map(|call| call.strip_prefix("startvm ")).collect();
    assert_eq!(started.len(), one.site.machines.len());
    assert!(started[0].starts_with(&world.uuid("gate-node01")), "{started:?}");
    world.succeed("dash", "down.sh", &[]);
    world.write(
        "consoles/kube-demo-gate-node01",
        b"bpc: gate-node01 dnsmasq failed (attempt 1, next in 2 s)\n",
    );
    world.calls();
    let said = world.run("dash", "up.sh", &["--timeout=1"]);
    assert!(said.err.contains("not ready after 1 seconds: gate-node01"), "{}", said.err);
    let calls = world.calls();
    assert_eq!(calls.iter().filter(|call| call.starts_with("startvm")).count(), 1, "{calls:?}");
}

#[test]
fn a_stage_that_fails_is_shown_with_what_it_said() {
    let world = World::new(&tiny());
    let console = "\
[    1.0] Linux\r
bpc: kube-node packages ok\r
bpc: kube-node containerd failed (attempt 1, next in 2 s)\r
bpc: kube-node containerd | curl: (6) Could not resolve host: mirror.example\r
bpc: kube-node containerd ok\r
bpc: kube-node ready\r
";
    world.write(
        "consoles/tiny-kube-node",
        console.replace("bpc: kube-node containerd ok\r\nbpc: kube-node ready\r\n", "").as_bytes(),
    );
    let said = world.run("dash", "up.sh", &["--disk=../disk.raw", "--timeout=1"]);
    assert_eq!(said.status, 1);
    let expected = "kube-node: containerd failed (attempt 1, next in 2 s)\n    curl: (6) Could not resolve host: mirror.example\n";
    assert!(said.out.contains(expected), "{}", said.out);
    assert!(said.err.contains("not ready after 1 seconds: kube-node"), "{}", said.err);
    let status = world.run("dash", "status.sh", &[]);
    assert_eq!(status.status, 1);
    assert!(
        status.out.contains("kube-node            running      current      containerd failed (attempt 1"),
        "{}",
        status.out
    );
    world.write(&(world.folder("kube-node") + "/console.log"), console.as_bytes());
    let said = world.succeed("dash", "up.sh", &[]);
    assert!(said.out.ends_with("kube-mast: ready\nkube-node: ready\n"), "{}", said.out);
}

#[test]
fn a_machine_that_stops_is_not_waited_for() {
    let world = World::new(&tiny());
    world.write("consoles/tiny-kube-node", b"Kernel panic - not syncing\n");
    world.run("dash", "up.sh", &["--disk=../disk.raw", "--timeout=1"]);
    world.write(&format!("vms/{}/state", world.uuid("kube-node")), b"aborted\n");
    world.write(&format!("vms/{}/state", world.uuid("kube-mast")), b"running\n");
    // It starts, and ends at once.
    world.write("dead/tiny-kube-node", b"");
    let said = world.run("dash", "up.sh", &[]);
    assert_eq!(said.status, 1);
    assert!(said.err.contains("up.sh: kube-node: cannot start it: "), "{}", said.err);
}

#[test]
fn a_machine_that_does_not_shut_down_is_switched_off() {
    let world = World::new(&tiny());
    world.up(&[]);
    world.write("stubborn/tiny-kube-node", b"");
    let said = world.succeed("dash", "down.sh", &["--timeout=1"]);
    assert!(
        said.out.contains("kube-node: did not shut down in 1 seconds, so it is switched off"),
        "{}",
        said.out
    );
    for machine in ["kube-mast", "kube-node"] {
        assert_eq!(world.of(machine, "state"), "poweroff\n");
    }
    let calls = world.changes();
    assert!(calls.iter().any(|call| call.ends_with("poweroff")), "{calls:?}");
    assert_eq!(world.succeed("dash", "down.sh", &[]).out, "");
}

#[test]
fn consoles_are_shown() {
    let world = World::new(&tiny());
    let said = world.run("dash", "console.sh", &["kube-node"]);
    assert!(said.err.contains("kube-node has no console yet"), "{}", said.err);
    world.up(&[]);
    let said = world.succeed("dash", "console.sh", &["kube-node"]);
    assert!(said.out.contains("bpc: kube-node ready"), "{}", said.out);
    let said = world.run("dash", "console.sh", &["--previous", "kube-node"]);
    assert_eq!(said.status, 1);
    world.succeed("dash", "down.sh", &[]);
    world.up(&[]);
    world.succeed("dash", "console.sh", &["--previous", "kube-node"]);
    let said = world.run("dash", "console.sh", &["nobody"]);
    assert!(said.err.contains("'nobody' is no machine of tiny: kube-mast kube-node"), "{}", said.err);
}

#[test]
fn ssh_gets_its_arguments_as_they_are() {
    let world = World::new(&tiny());
    let said = world.succeed("dash", "ssh.sh", &["kube-node", "echo", "a b", "it's"]);
    assert_eq!(said.out, "<-F><ssh/config><kube-node><echo><a b><it's>");
    let said = world.run("dash", "ssh.sh", &["nobody"]);
    assert_eq!(said.status, 2, "{said:?}");
}

#[test]
fn snapshots_are_of_one_moment() {
    let world = World::new(&tiny());
    world.up(&[]);
    let said = world.run("dash", "snapshot.sh", &["take", "one"]);
    assert!(said.err.contains("these run: kube-mast kube-node; shut them down first"), "{}", said.err);
    world.succeed("dash", "down.sh", &[]);
    world.calls();
    world.succeed("dash", "snapshot.sh", &["take", "one"]);
    assert_eq!(world.changed(), ["kube-mast", "kube-node"]);
    world.succeed("dash", "snapshot.sh", &["take", "one"]);
    assert_eq!(world.changed(), Vec::<String>::new());
    let list = world.succeed("dash", "snapshot.sh", &["list"]);
    assert_eq!(list.out, "kube-mast one\nkube-node one\n");
    let said = world.run("dash", "snapshot.sh", &["restore", "two"]);
    assert!(said.err.contains("these have no snapshot 'two': kube-mast kube-node"), "{}", said.err);
    world.succeed("dash", "snapshot.sh", &["restore", "one"]);
    world.succeed("dash", "snapshot.sh", &["delete", "one"]);
    world.calls();
    world.succeed("dash", "snapshot.sh", &["delete", "one"]);
    assert_eq!(world.changes(), Vec::<String>::new());
    let said = world.run("dash", "snapshot.sh", &["take", "a b"]);
    assert_eq!(said.status, 2, "{said:?}");
}

#[test]
fn a_terminal_has_a_line_for_each_machine() {
    if tool(On::Host, "script").is_none() {
        return;
    }
    let world = World::new(&tiny());
    let said = world.on_a_terminal("up.sh", &["--disk=../disk.raw"]);
    assert_eq!(said.status, 0, "{said:?}");
    let table = "kube-mast            ready\r\nkube-node            ready\r\n";
    assert!(said.out.ends_with(table), "{said:?}");
    // As long as one is not ready, the table is drawn over itself.
    world.succeed("dash", "down.sh", &[]);
    let console = "bpc: kube-node packages ok\nbpc: kube-node containerd failed (attempt 1, next in 2 s)\nbpc: kube-node containerd | no way\n";
    world.write("consoles/tiny-kube-node", console.as_bytes());
    let said = world.on_a_terminal("up.sh", &["--timeout=1"]);
    assert_eq!(said.status, 1, "{said:?}");
    let complaint = "kube-node: containerd failed (attempt 1, next in 2 s)\r\n    no way\r\nkube-mast            ready\r\n";
    assert!(said.out.contains(complaint), "{said:?}");
}
