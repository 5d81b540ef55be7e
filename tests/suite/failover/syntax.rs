//! The stage and keepalived take every configuration, and refuse one that is broken.

use bpc::Compiled;
use bpc::site::Failover;

use super::lab::Lab;
use crate::built::{blueprint, blueprints};
use crate::support::tools::On;

fn moves_by_keepalived(built: &Compiled) -> bool {
    let balancing = built.site.load_balancing.as_ref();
    matches!(balancing.and_then(|it| it.failover.as_ref()), Some(Failover::Keepalived(_)))
}

fn every_configuration_is_taken(on: On) {
    let mut names = Vec::new();
    for built in blueprints().into_iter().filter(moves_by_keepalived) {
        let name = built.site.name.clone();
        let Some(mut lab) = Lab::new(on, built) else { return };
        for node in &mut lab.nodes {
            for _ in 0..2 {
                node.run("/usr/local/lib/bpc/stages/08-keepalived-user");
                let said = node.run("BPC_STAGE=keepalived /usr/local/lib/bpc/stages/45-keepalived 2>&1");
                assert_eq!(said, "", "{on:?} {name} {}", node.name);
            }
            let told = node.run("sort -u /run/systemctl");
            assert_eq!(
                told,
                "daemon-reload\nenable keepalived\nreload-or-restart keepalived\nstart keepalived\n"
            );
        }
        names.push(name);
    }
    assert!(["kube-compact", "kube-keepalived"].iter().all(|name| names.iter().any(|it| it == name)));
}

#[test]
fn every_configuration_is_taken_by_debian_12() {
    every_configuration_is_taken(On::Bookworm);
}

#[test]
fn every_configuration_is_taken_by_debian_13() {
    every_configuration_is_taken(On::Trixie);
}

#[test]
fn the_stage_fails_on_what_keepalived_would_pass_over() {
    for on in [On::Bookworm, On::Trixie] {
        let Some(mut lab) = Lab::new(on, blueprint("routed")) else { continue };
        let node = &mut lab.nodes[0];
        node.run("/usr/local/lib/bpc/stages/08-keepalived-user");
        for (damage, repair) in [
            ("sed -i s/nopreempt/nopreemt/ keepalived.conf", "sed -i s/nopreemt/nopreempt/ keepalived.conf"),
            ("sed -i s/auth_pass/auth_pas/ password.conf", "sed -i s/auth_pas/auth_pass/ password.conf"),
            ("mv password.conf elsewhere", "mv elsewhere password.conf"),
            (
                "mv /usr/local/lib/bpc/check-haproxy elsewhere",
                "mv elsewhere /usr/local/lib/bpc/check-haproxy",
            ),
            ("ip link set vip down; ip link set vip name pip", "ip link set pip name vip"),
        ] {
            let stage = "/usr/local/lib/bpc/stages/45-keepalived >/run/said 2>&1";
            node.run(&format!("cd /etc/keepalived; {damage}"));
            assert!(!node.does(stage), "{on:?} {damage}");
            node.run(&format!("cd /etc/keepalived; {repair}"));
            assert!(node.does(stage), "{on:?} {repair}: {}", node.run("cat /run/said"));
        }
        assert!(!node.does("grep -q $(sed -n 's/.*auth_pass //p' /etc/keepalived/password.conf) /run/said"));
    }
}
