//! dnsmasq hands out what the plan says, to the adapters of the plan.

use std::collections::BTreeMap;
use std::process::Command;

use super::lab::Lab;
use crate::support::tools::{On, tool};

/// Prints what the client was given, and changes nothing.
const SCRIPT: &[u8] = b"#!/bin/sh\nif [ \"$1\" = bound ]; then\n  env\nfi\n";

/// What a DHCP client on a machine's interface is given: nothing, or the settings by name.
fn lease(lab: &Lab, machine: &str, interface: &str, arguments: &[&str]) -> Option<BTreeMap<String, String>> {
    let busybox = tool(On::Host, "busybox").unwrap();
    let staged = busybox.stage(&[("script", SCRIPT)]);
    staged.set_mode("script", 0o755);
    let mut client: Command = busybox.command();
    client.args(["udhcpc", "-f", "-q", "-n", "-t", "3", "-T", "2", "-O", "search", "-i", interface, "-s"]);
    client.arg(staged.path_for("script")).args(arguments);
    let output = lab.command(machine, &client).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let settings = text.lines().filter_map(|line| line.split_once('='));
    output
        .status
        .success()
        .then(|| settings.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

fn lab(on: On) -> Option<Lab> {
    let lab = Lab::new(on)?;
    lab.load_firewall();
    lab.start_dnsmasq();
    Some(lab)
}

fn every_adapter_gets_its_planned_address(on: On) {
    let Some(lab) = lab(on) else { return };
    let site = &lab.built.site;
    for machine in site.machines.iter().filter(|machine| machine.name != "gate") {
        for attachment in machine.attachments() {
            let network = site.network(&attachment.network).unwrap();
            let gateway = network.gateway.unwrap();
            let found = lease(&lab, &machine.name, &attachment.interface, &[])
                .unwrap_or_else(|| panic!("nothing for {} on {}", machine.name, network.name));
            let given =
                ["ip", "mask", "subnet", "broadcast", "router", "dns", "domain", "search", "hostname"]
                    .map(|key| found[key].as_str());
            assert_eq!(
                given,
                [
                    &attachment.address().to_string(),
                    &network.cidr.prefix_len().to_string(),
                    &network.cidr.netmask().to_string(),
                    &network.cidr.broadcast().to_string(),
                    &gateway.router.to_string(),
                    &gateway.resolver.to_string(),
                    "routed.example",
                    "routed.example",
                    &machine.name,
                ]
            );
        }
    }
}

#[test]
fn every_adapter_gets_its_planned_address_from_debian_12() {
    every_adapter_gets_its_planned_address(On::Bookworm);
}

#[test]
fn every_adapter_gets_its_planned_address_from_debian_13() {
    every_adapter_gets_its_planned_address(On::Trixie);
}

#[test]
fn a_cloned_client_id_changes_nothing() {
    let Some(lab) = lab(On::Trixie) else { return };
    // Two machines with one client id, as clones of one disk have, and then one of them with another.
    for (machine, id, address) in [
        ("node01", "0x3d:ff0102", "10.5.0.2"),
        ("node02", "0x3d:ff0102", "10.5.0.3"),
        ("node01", "0x3d:ff0304", "10.5.0.2"),
    ] {
        let found = lease(&lab, machine, "node", &["-x", id]).unwrap();
        assert_eq!((machine, found["ip"].as_str()), (machine, address));
    }
}

#[test]
fn a_stranger_gets_an_address_only_where_there_is_a_range() {
    let Some(lab) = lab(On::Trixie) else { return };
    let range = lab.built.site.network("node").unwrap().dhcp.unwrap();
    let found = lease(&lab, "stranger", "node", &[]).unwrap();
    assert!(range.contains(found["ip"].parse().unwrap()), "{found:?}");
    std::thread::scope(|scope| {
        for network in ["jump", "vip", "lb", "mast", "desk", "wan"] {
            let lab = &lab;
            scope.spawn(move || assert_eq!(lease(lab, "stranger", network, &[]), None, "{network}"));
        }
    });
}
