//! What comes in on a network is answered on it, also by a machine that is on several, also for a floating address.

use super::lab::Lab;
use crate::support::tools::{On, tool};

/// The interface and the gateway that a packet of a machine would take.
fn way(lab: &Lab, machine: &str, from: &str, to: &str) -> String {
    let ip = tool(lab.on, "ip").unwrap();
    let mut command = ip.command();
    command.args(["-oneline", "route", "get", to, "from", from]);
    let output = lab.command(machine, &command).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let words: Vec<&str> = text.split_whitespace().collect();
    let after = |key: &str| words.iter().position(|word| *word == key).map_or("", |at| words[at + 1]);
    format!("{} {}", after("dev"), after("via")).trim_end().to_owned()
}

#[test]
fn a_load_balancer_answers_where_it_was_asked() {
    let Some(lab) = Lab::new(On::Trixie) else { return };
    lab.sh("ip -n hapx01 addr add 10.2.0.20/32 dev vip");
    let node = "10.5.0.2";
    assert_eq!(way(&lab, "hapx01", "10.2.0.20", node), "vip 10.2.0.254");
    assert_eq!(way(&lab, "hapx01", "10.2.0.2", node), "vip 10.2.0.254");
    assert_eq!(way(&lab, "hapx01", "10.3.0.2", node), "lb 10.3.0.254");
    // Its own connections go out by its first network, to control planes too, and to neighbours directly.
    assert_eq!(way(&lab, "hapx01", "0.0.0.0", "10.4.0.2"), "lb 10.3.0.254");
    assert_eq!(way(&lab, "hapx01", "0.0.0.0", "10.2.0.3"), "vip");
    assert_eq!(way(&lab, "hapx01", "10.2.0.20", "10.2.0.3"), "vip");
}

#[test]
fn an_answer_to_a_network_that_it_is_on_goes_back_by_the_gateway() {
    let Some(lab) = Lab::new(On::Trixie) else { return };
    // Asked at its address on lb by someone on vip: a direct answer would pass the gateway's firewall by.
    assert_eq!(way(&lab, "hapx01", "10.3.0.2", "10.2.0.77"), "lb 10.3.0.254");
}

#[test]
fn networks_within_a_machine_are_answered_directly() {
    let Some(lab) = Lab::new(On::Trixie) else { return };
    // As a container network makes them, after the seed and without its knowledge.
    lab.sh("ip -n hapx01 link add cni0 type bridge; ip -n hapx01 addr add 10.244.0.1/24 dev cni0\n\
         ip -n hapx01 link set dev cni0 up");
    assert_eq!(way(&lab, "hapx01", "10.3.0.2", "10.244.0.7"), "cni0");
}
