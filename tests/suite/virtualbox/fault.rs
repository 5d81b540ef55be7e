//! A call that fails, each of them in turn: the script says so, and the next run completes.

use super::lab::{QUESTIONS, World};
use super::tiny;
use crate::built;
use crate::support::shells::Fault;

/// Asserts that a run that is disturbed at every call in turn says what it could not do, and that the next one ends where
/// an undisturbed one does.
pub(super) fn assert_repaired(world: &World, prepare: impl Fn(&World), script: &str, arguments: &[&str]) {
    prepare(world);
    world.calls();
    world.succeed("dash", script, arguments);
    let expected = world.state();
    let calls = world.calls();
    assert!(calls.len() > 10, "{calls:?}");
    for (index, call) in calls.iter().enumerate() {
        let number = index + 1;
        let mut faults = vec![Fault::Before(number)];
        if !QUESTIONS.iter().any(|question| call.starts_with(question)) {
            faults.push(Fault::After(number));
        }
        for fault in faults {
            world.reset();
            prepare(world);
            let said = world.disturbed(script, arguments, fault);
            // What may have been done before may fail.
            let may_fail = ["closemedium", "dhcpserver", "unregistervm", "unattended"]
                .iter()
                .any(|it| call.starts_with(it));
            if said.status == 0 {
                assert!(may_fail, "{fault:?} {call}: {said:?}");
            } else {
                assert_eq!(said.status, 1, "{fault:?} {call}: {said:?}");
                let message = said.err.lines().rev().take(4).collect::<Vec<_>>().join("\n");
                assert!(message.contains("cannot "), "{fault:?} {call}: {said:?}");
                assert!(message.contains("injected: "), "{fault:?} {call}: {said:?}");
                let machine = world.site.machines.iter().find(|it| call.contains(&world.uuid(&it.name)));
                if let Some(machine) = machine {
                    assert!(
                        message.contains(&format!("{script}: {}: cannot ", machine.name)),
                        "{call}: {said:?}"
                    );
                }
            }
            world.succeed("dash", script, arguments);
            let state = world.state();
            let differs = state.iter().find(|(path, what)| expected.get(*path) != Some(what));
            let lacks = expected.keys().find(|path| !state.contains_key(*path));
            assert_eq!((differs, lacks), (None, None), "{fault:?} {call}");
            world.calls();
        }
    }
}

#[test]
fn up_goes_on_where_it_stopped() {
    let one = built::changed_in("blueprints", "tiny", |text| {
        text.replace(
            "networks: [lan, wan], publish: [\"2222:22\"]",
            "networks: [lan, wan, desk], publish: [\"2222:22\"], disks: {data: {size: 1GiB}}",
        )
        .replace(
            "  wan: {attach: nat}",
            "  wan: {attach: nat}\n  desk: {attach: host-only, cidr: 192.168.56.0/24}",
        )
    });
    let world = World::new(&one);
    assert_repaired(&world, |_| (), "up.sh", &["--disk=../disk.raw"]);
}

#[test]
fn destroy_goes_on_where_it_stopped() {
    let world = World::new(&tiny());
    assert_repaired(&world, |world| drop(world.up(&[])), "destroy.sh", &["--yes"]);
}

#[test]
fn down_goes_on_where_it_stopped() {
    let world = World::new(&tiny());
    assert_repaired(&world, |world| drop(world.up(&[])), "down.sh", &[]);
}
