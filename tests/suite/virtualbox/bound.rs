//! Settings that machines which run cannot follow: `up.sh` says so before it touches anything, wherever the tree was built.

use std::process::Command;

use bpc::site::{BOUND, Effect, Rule};

use super::lab::World;
use super::tiny;
use crate::built::changed_in;
use crate::support::project::said;
use crate::support::shells::shells;

/// `blueprints/tiny` with these changes of its text.
fn changed(changes: &[(&str, &str)]) -> bpc::Compiled {
    changed_in("blueprints", "tiny", |mut text| {
        for (old, new) in changes {
            assert!(text.contains(old), "{old}");
            text = text.replace(old, new);
        }
        text
    })
}

const VERSION: &str = "version: \"1.36\"";

/// A change of each kind that can be made of `tiny`, and the setting that it is of.
const CHANGES: [(&str, &str, &str); 14] = [
    ("kubernetes.pod_cidr", VERSION, "version: \"1.36\"\n  pod_cidr: 10.55.0.0/16"),
    ("kubernetes.service_cidr", VERSION, "version: \"1.36\"\n  service_cidr: 10.56.0.0/16"),
    ("kubernetes.cluster_domain", VERSION, "version: \"1.36\"\n  cluster_domain: other.local"),
    ("kubernetes.cni", VERSION, "version: \"1.36\"\n  cni: calico"),
    ("kubernetes.runtime", VERSION, "version: \"1.36\"\n  runtime: docker"),
    ("kubernetes.version", VERSION, "version: \"1.35\""),
    ("kubernetes.etcd", VERSION, "version: \"1.36\"\n  etcd: colocated"),
    ("kubernetes.etcd_members", "kube-mast:", "kube-head:"),
    ("kubernetes.endpoint", "lan: {cidr: 10.86.1.0/24", "lan: {cidr: 10.87.1.0/24"),
    ("address", "lan: {cidr: 10.86.1.0/24", "lan: {cidr: 10.87.1.0/24"),
    ("domain", "domain: tiny.demo", "domain: other.demo"),
    ("pki.algorithm", "\nnetworks:", "\npki: {algorithm: ecdsa-p384}\nnetworks:"),
    ("pki.authority_keys", "\nnetworks:", "\npki: {authority_keys: vault}\nnetworks:"),
    ("rotate", "\nnetworks:", "\nrotate: {kubernetes-ca: 1}\nnetworks:"),
];

/// The same text for other pools, where the network is another one.
fn change(old: &str, new: &str) -> bpc::Compiled {
    if new.contains("10.87.1.0") {
        let pool = ("10.86.1.200-10.86.1.220", "10.87.1.200-10.87.1.220");
        return changed(&[(old, new), pool]);
    }
    changed(&[(old, new)])
}

#[test]
fn what_a_running_cluster_cannot_follow_is_refused_before_anything_is_touched() {
    let world = World::new(&tiny());
    world.up(&[]);
    for (index, (setting, old, new)) in CHANGES.iter().enumerate() {
        let shells = shells();
        let shell = shells[index % shells.len()];
        // A tree of another clone: nothing in it knows what was built before.
        world.build(&change(old, new));
        world.calls();
        let refused = world.run(shell, "up.sh", &[]);
        assert_eq!(refused.status, 1, "{setting}: {refused:?}");
        let line = format!("problem  {setting} was ");
        let start = format!("{setting} was ");
        let text = refused.err.split("problem  ").find(|it| it.starts_with(&start));
        let text = text.unwrap_or_else(|| panic!("{setting}: {}", refused.err));
        for part in
            [" and is to be ", ", on ", "\n         instead: ", &format!("--accept={setting} goes on")]
        {
            assert!(text.contains(part), "{setting}: {part} in {text}");
        }
        assert_eq!(world.changes(), Vec::<String>::new(), "{setting}");
        let doctor = world.run(shell, "doctor.sh", &[]);
        assert!(doctor.status == 1 && doctor.err.contains(&line), "{setting}: {doctor:?}");
    }
    world.build(&tiny());
    world.calls();
    world.up(&[]);
    assert_eq!(world.changes(), Vec::<String>::new());
}

#[test]
fn what_another_vault_made_is_refused() {
    let world = World::new(&tiny());
    world.up(&[]);
    world.build(&crate::built::with_another_vault("blueprints", "tiny"));
    world.calls();
    let refused = world.run("dash", "up.sh", &[]);
    assert!(refused.status == 1 && refused.err.contains("that is not ours"), "{refused:?}");
    assert_eq!(world.changes(), Vec::<String>::new());
}

#[test]
fn what_is_accepted_goes_on_and_is_not_asked_again() {
    let world = World::new(&tiny());
    world.up(&[]);
    world.build(&change(VERSION, "version: \"1.36\"\n  pod_cidr: 10.55.0.0/16"));
    let other = world.run("dash", "up.sh", &["--accept=kubernetes.service_cidr"]);
    assert_eq!(other.status, 1, "{other:?}");
    let said = world.up(&["--accept=kubernetes.pod_cidr"]);
    assert!(said.err.contains("warning  kubernetes.pod_cidr was 10.244.0.0/16"), "{}", said.err);
    world.calls();
    let again = world.up(&[]);
    assert!(!again.err.contains("pod_cidr"), "{}", again.err);
    assert_eq!(world.changes(), Vec::<String>::new());
}

#[test]
fn machines_that_are_made_anew_are_bound_to_nothing() {
    let world = World::new(&tiny());
    world.up(&[]);
    world.build(&change(VERSION, "version: \"1.36\"\n  pod_cidr: 10.55.0.0/16"));
    // The cluster of the other one is still the old one.
    let one = world.run("dash", "up.sh", &["--disk=../disk.raw", "--recreate", "kube-node"]);
    assert_eq!(one.status, 0, "{one:?}");
    let rest = world.run("dash", "up.sh", &[]);
    assert!(rest.status == 1 && rest.err.contains("on kube-mast:"), "{rest:?}");
    world.succeed("dash", "up.sh", &["--disk=../disk.raw", "--recreate", "kube-mast"]);
    world.up(&[]);
}

#[test]
fn a_disk_that_is_mounted_does_not_leave_in_silence() {
    let with = changed(&[(
        "publish: [\"2223:22\"]",
        "publish: [\"2223:22\"], disks: {data: {size: 1GiB, mount: /srv}}",
    )]);
    let world = World::new(&with);
    world.up(&[]);
    world.build(&tiny());
    let refused = world.run("dash", "up.sh", &[]);
    assert!(
        refused.status == 1 && refused.err.contains("disks was data and is to be -, on kube-node"),
        "{refused:?}"
    );
}

#[test]
fn what_stays_is_only_named() {
    let world = World::new(&tiny());
    world.up(&[]);
    world.build(&changed(&[("addons: [metallb, local-path]", "addons: [metallb]")]));
    let said = world.up(&[]);
    let line = "warning  kubernetes.addons was local-path,metallb and is to be metallb, on kube-mast:";
    assert!(said.err.contains(line) && said.err.contains("kubectl delete"), "{}", said.err);
}

#[test]
fn a_machine_of_an_older_bpc_is_noted_without_being_touched() {
    let world = World::new(&tiny());
    world.up(&[]);
    let extra = format!("vms/{}/extra", world.uuid("kube-node"));
    let without: String = world
        .read(&extra)
        .lines()
        .filter(|it| !it.contains("bpc/bound"))
        .map(|it| it.to_owned() + "\n")
        .collect();
    assert_ne!(without, world.read(&extra));
    world.write(&extra, without.as_bytes());
    world.calls();
    world.up(&[]);
    let calls = world.changes();
    assert!(calls.len() == 1 && calls[0].contains("bpc/bound"), "{calls:?}");
}

#[test]
fn what_moves_an_address_changes_on_all_of_its_machines_at_a_time() {
    let demo = |failover: &str| {
        changed_in("blueprints", "kube-demo", |text| {
            text.replace("failover: pacemaker", &format!("failover: {failover}"))
        })
    };
    for (one, other) in [("pacemaker", "keepalived"), ("keepalived", "pacemaker")] {
        let world = World::new(&demo(one));
        world.up(&[]);
        world.build(&demo(other));
        let alone = world.run("dash", "up.sh", &["hapx-node01"]);
        assert!(alone.status == 1 && alone.err.contains("name hapx-node02 too"), "{alone:?}");
        world.calls();
        let said = world.up(&[]);
        assert!(said.err.contains(&format!("load_balancer.failover was {one} and is to be {other}")));
        let calls = world.changes();
        let ids = ["hapx-node01", "hapx-node02"].map(|name| world.uuid(name));
        let place = |what: &str, id: &str| {
            calls
                .iter()
                .position(|it| it.contains(id) && it.starts_with(what))
                .unwrap_or_else(|| panic!("{calls:?}"))
        };
        let off = ids.each_ref().map(|id| place("controlvm", id));
        let on = ids.each_ref().map(|id| place("startvm", id));
        assert!(off.iter().max() < on.iter().min(), "{calls:?}");
        world.calls();
        world.up(&[]);
        assert_eq!(world.changes(), Vec::<String>::new());
    }
}

#[test]
fn both_ends_judge_by_the_same_rules() {
    let library = include_str!("../../../src/roles/operator/virtualbox/bound.sh");
    let versions = ["1.35.4", "1.35.9", "1.36.0", "1.37.1", "1.34.9", "1.9.0", "1.10.2", "-"];
    let lists = ["a", "b", "a,b", "a,b,c", "b,c", "c,d,e", "-"];
    for shell in shells() {
        let mut script = format!("{library}\n");
        let mut expected = Vec::new();
        for rule in [Rule::Same, Rule::Version, Rule::Majority, Rule::Every] {
            let values = if rule == Rule::Version { &versions[..] } else { &lists };
            let olds = values.iter().filter(|old| rule != Rule::Version || **old != "-");
            for (old, new) in olds.flat_map(|old| values.iter().map(move |new| (old, new))) {
                let rule_word = rule.as_str();
                let line =
                    ["if is_broken ", rule_word, " ", old, " ", new, "; then echo yes; else echo no; fi\n"];
                script.extend(line);
                expected.push((rule_word, *old, *new, rule.is_broken(old, new)));
            }
        }
        let applet = (shell == "busybox").then_some("sh");
        let said = said(Command::new(shell).args(applet).arg("-euc").arg(&script));
        assert_eq!(said.status, 0, "{said:?}");
        for (line, (rule, old, new, broken)) in said.out.lines().zip(&expected) {
            assert_eq!(line == "yes", *broken, "{shell}: {rule} {old} {new}");
        }
        assert_eq!(said.out.lines().count(), expected.len());
    }
}

#[test]
fn every_refusal_has_a_change_that_shows_it() {
    // Where `tiny` has no such thing: another role makes another machine of this name, a root is as the algorithm.
    let elsewhere = ["role", "disks", "pki.root"];
    for bound in BOUND.iter().filter(|bound| bound.effect == Effect::Refused) {
        let shown = CHANGES.iter().any(|(setting, ..)| *setting == bound.name);
        assert_ne!(shown, elsewhere.contains(&bound.name), "{}", bound.name);
    }
}
