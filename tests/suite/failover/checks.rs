//! What the checks take for alive.

use super::lab::{Lab, Node};
use super::moves::today;
use crate::support::tools::On;

/// Asks the check of a control plane as keepalived does: as its user.
fn is_ready(node: &mut Node) -> bool {
    node.does(
        "setpriv --reuid keepalived_script --regid keepalived_script --clear-groups \
         /usr/local/lib/bpc/check-apiserver",
    )
}

/// Whether it says so within a few times: on a busy machine an answer may take longer than the check waits.
fn becomes_ready(node: &mut Node) -> bool {
    (0..5).any(|_| is_ready(node))
}

fn only_a_ready_api_server_may_hold_the_address(on: On) {
    // A stacked etcd, for its certificates among those of kubeadm.
    let built = today("kube-compact", |text| text.replace("etcd: colocated", "etcd: stacked"));
    let Some(mut lab) = Lab::new(on, built) else { return };
    let node = &mut lab.nodes[0];
    node.run("/usr/local/lib/bpc/stages/08-keepalived-user");
    assert!(!is_ready(node), "nobody listens");
    for (address, certificate, code, ready) in [
        ("0.0.0.0", "apiserver", "200", true),
        // Strangers are told nothing.
        ("0.0.0.0", "apiserver", "401", true),
        ("0.0.0.0", "apiserver", "403", false),
        ("0.0.0.0", "apiserver", "500", false),
        // Of another authority.
        ("0.0.0.0", "etcd/server", "200", false),
        ("10.86.1.2", "apiserver", "200", true),
    ] {
        node.api(address, certificate, code);
        let found = if ready { becomes_ready(node) } else { is_ready(node) };
        assert_eq!(found, ready, "{on:?} {address} {certificate} {code}");
        if address != "0.0.0.0" {
            node.run("ip addr add 10.86.1.100/24 dev mast");
            assert!(!is_ready(node), "not at the floating address");
        }
        node.signal("api", "KILL");
    }
    node.api("0.0.0.0", "apiserver", "200");
    assert!(becomes_ready(node), "at both addresses");
    node.signal("api", "STOP");
    assert!(!is_ready(node), "it hangs");
}

#[test]
fn only_a_ready_api_server_may_hold_the_address_of_debian_12() {
    only_a_ready_api_server_may_hold_the_address(On::Bookworm);
}

#[test]
fn only_a_ready_api_server_may_hold_the_address_of_debian_13() {
    only_a_ready_api_server_may_hold_the_address(On::Trixie);
}
