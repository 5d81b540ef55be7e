//! Properties of the plan on random blueprints: what it decides is sound, and what is added at the end moves nobody.

mod lab;

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::net::Ipv4Addr;
use std::path::Path;

use bpc::diag::{Diagnostic, Place, Severity, Step};
use bpc::driver::inputs;
use bpc::plan_site;
use bpc::repository::STARTS;
use bpc::site::{Machine, Network, Nic, Site};
use ipnet::Ipv4Net;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use lab::{Lab, group, lab, network};

/// A thing that must be there once.
fn assert_unique<T: Ord + Debug>(things: impl IntoIterator<Item = T>) {
    let mut seen = BTreeSet::new();
    for thing in things {
        assert!(!seen.contains(&thing), "twice: {thing:?}");
        seen.insert(thing);
    }
}

fn planned(lab: &Lab) -> (Option<Site>, Vec<Diagnostic>) {
    let (site, report) = plan_site(&lab.inputs());
    let errors = report.diagnostics.into_iter().filter(|one| one.severity() == Severity::Error);
    (site.map(with_own_addresses), errors.collect())
}

/// The site as it is while none of its machines holds a floating address: one that is alone has it for good.
fn with_own_addresses(mut site: Site) -> Site {
    let floating: Vec<Ipv4Addr> = site.floating.iter().map(|floating| floating.address).collect();
    let nics = site.machines.iter_mut().flat_map(|machine| &mut machine.nics);
    for attachment in nics.flat_map(|nic| &mut nic.attachments) {
        attachment.addresses.retain(|address| !floating.contains(&address.addr()));
    }
    site
}

fn assert_sound(site: &Site) {
    assert_addresses_are_sound(site);
    assert_unique(site.machines.iter().map(|machine| &machine.name));
    assert_unique(site.machines.iter().flat_map(|machine| &machine.nics).map(|nic| nic.mac));
    for machine in &site.machines {
        assert_adapters_are_sound(machine);
        assert!(machine.on(&machine.primary).is_some(), "{machine:?}");
        assert!(machine.name.len() <= 63, "{}", machine.name);
        assert!(site.floating.iter().all(|floating| floating.name != machine.name), "{}", machine.name);
    }
}

fn assert_addresses_are_sound(site: &Site) {
    let mut addresses: Vec<(&str, Ipv4Addr)> = Vec::new();
    for machine in &site.machines {
        for on in machine.attachments() {
            assert!(!on.addresses.is_empty(), "{machine:?}");
            let cidr = site.network(&on.network).unwrap().cidr;
            assert!(on.addresses.iter().all(|address| address.trunc() == cidr), "{on:?}");
            addresses.extend(on.addresses.iter().map(|address| (on.network.as_str(), address.addr())));
        }
    }
    let floating = site.floating.iter().map(|floating| (floating.network.as_str(), floating.address));
    let hosts = site.networks.iter().filter_map(|network| Some((network.name.as_str(), network.host?)));
    addresses.extend(floating.chain(hosts));
    assert_unique(addresses.iter().map(|(_, address)| address));
    for (network, address) in addresses {
        let network = site.network(network).unwrap();
        assert!(network.cidr.contains(&address), "{address} {network:?}");
        assert_ne!(address, network.cidr.network());
        assert_ne!(address, network.cidr.broadcast());
        let reserved = network.pools.iter().map(|pool| pool.range).chain(network.dhcp);
        assert!(!reserved.into_iter().any(|range| range.contains(address)), "{address} {network:?}");
    }
}

fn assert_adapters_are_sound(machine: &Machine) {
    let slots: Vec<usize> = machine.nics.iter().map(|nic| nic.slot).collect();
    assert_eq!(slots, (1..=slots.len()).collect::<Vec<_>>());
    assert!(slots.len() <= 8, "{machine:?}");
    assert!(machine.nics.iter().all(|nic| nic.mac.to_string().starts_with("08:00:27:")));
    let vlans = machine.attachments().filter(|on| on.vlan.is_some()).map(|on| on.interface.as_str());
    let interfaces: Vec<&str> = machine.nics.iter().map(|nic| nic.interface.as_str()).chain(vlans).collect();
    assert!(interfaces.iter().all(|name| (1..=15).contains(&name.len())), "{interfaces:?}");
    assert_unique(interfaces);
}

/// Asserts that all errors are about what was added to the machines.
fn assert_blames(errors: &[Diagnostic], group: &str) {
    for error in errors {
        let (Place::Key(path) | Place::Value(path)) = &error.place else { panic!("{error:?}") };
        let place = [Step::Key("machines".to_owned()), Step::Key(group.to_owned())];
        assert!(path.steps().starts_with(&place), "{error:?}");
    }
}

/// Asserts that all that the smaller blueprint decides is the same in the larger one, save adapters of `grown`.
fn assert_nobody_moved(small: &Lab, large: &Lab, added: &str, grown: Option<&str>) {
    let (Some(before), _) = planned(small) else { return };
    let (after, errors) = planned(large);
    let Some(after) = after else { return assert_blames(&errors, added) };
    assert_sound(&after);
    assert_eq!(before.floating, after.floating);
    for (before, after) in before.networks.iter().zip(&after.networks) {
        // A network may get its gateway only now; its addresses were kept free.
        assert_eq!(*before, Network { gateway: before.gateway, ..after.clone() });
        assert!(before.gateway.is_none() || before.gateway == after.gateway);
    }
    for (before, after) in before.machines.iter().zip(&after.machines) {
        if grown.is_some_and(|group| small.makes(group, &before.name)) {
            assert_grew(before, after);
        } else {
            assert_eq!(before, after);
        }
    }
}

/// Asserts that a machine has what it had, and one network more at the end.
fn assert_grew(before: &Machine, after: &Machine) {
    // A VLAN may share an adapter, and NAT has no address.
    let adapters = after.nics.len() - before.nics.len();
    let attachments = after.attachments().count() - before.attachments().count();
    assert!(adapters <= 1 && attachments <= 1 && adapters + attachments > 0, "{before:?}\n{after:?}");
    for (before, after) in before.nics.iter().zip(&after.nics) {
        let kept = after.attachments[..before.attachments.len()].to_vec();
        assert_eq!(*before, Nic { attachments: kept, ..after.clone() });
    }
    assert_eq!(*before, Machine { nics: before.nics.clone(), ..after.clone() });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_decided_is_sound(lab in lab()) {
        if let (Some(site), _) = planned(&lab) {
            assert_sound(&site);
        }
    }

    #[test]
    fn a_machine_more_moves_nobody(small in lab(), group in group()) {
        let mut large = small.clone();
        let name = large.add_group(&group);
        assert_nobody_moved(&small, &large, &name, None);
    }

    #[test]
    fn a_larger_last_group_moves_nobody(small in lab(), more in 1u32..4) {
        let mut large = small.clone();
        if let Some(name) = large.raise_last_count(more) {
            assert_nobody_moved(&small, &large, &name, None);
        }
    }

    #[test]
    fn a_network_more_for_a_new_machine_moves_nobody(small in lab(), network in network(), group in group()) {
        let mut large = small.clone();
        let added = large.add_network(&network);
        let name = large.add_group(&group);
        large.put_on(&name, &added);
        assert_nobody_moved(&small, &large, &name, None);
    }

    #[test]
    fn a_network_more_for_a_machine_that_is_there_moves_nobody(
        small in lab(), network in network(), pick in any::<prop::sample::Index>()
    ) {
        let mut large = small.clone();
        let added = large.add_network(&network);
        let name = large.pick_group(pick);
        large.put_on(&name, &added);
        assert_nobody_moved(&small, &large, &name, Some(&name));
    }
}

/// The properties say nothing about blueprints with errors, so most of the random ones must have none.
#[test]
fn most_random_blueprints_have_no_errors() {
    let mut runner = TestRunner::deterministic();
    let labs = (0..256).map(|_| lab().new_tree(&mut runner).unwrap().current());
    let sites: Vec<Site> = labs.filter_map(|lab| planned(&lab).0).collect();
    assert!(sites.len() > 128, "{} of 256", sites.len());
    let some = |what: &str, has: &dyn Fn(&Site) -> bool| assert!(sites.iter().any(has), "none has {what}");
    some("a gateway", &|site| site.gateway().is_some());
    some("a floating address", &|site| !site.floating.is_empty());
    some("a pool", &|site| site.networks.iter().any(|network| !network.pools.is_empty()));
    some("a network of the host", &|site| site.networks.iter().any(|network| network.host.is_some()));
    some("two VLANs on an adapter", &|site| {
        site.machines.iter().flat_map(|machine| &machine.nics).any(|nic| nic.attachments.len() > 1)
    });
}

/// Ranges that the host is often in itself: its resolver there would be asked on the machine's own network (RFC 1918 ranges
/// as home routers, Docker, LXC, libvirt and VirtualBox ship them).
const RANGES_OF_HOSTS: [&str; 9] = [
    "192.168.0.0/22",
    "192.168.122.0/24",
    "192.168.178.0/24",
    "172.16.0.0/12",
    "10.0.0.0/20",
    "10.10.0.0/16",
    "10.42.0.0/15",
    "10.88.0.0/16",
    "169.254.0.0/16",
];

#[test]
fn shipped_blueprints_keep_off_the_ranges_of_hosts() {
    let hosts: Vec<Ipv4Net> = RANGES_OF_HOSTS.iter().map(|range| range.parse().unwrap()).collect();
    for start in STARTS {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("blueprints").join(start.name).join("blueprint.yaml");
        let site = plan_site(&inputs(&path, &[]).unwrap()).0.unwrap();
        let internal = site.networks.iter().filter(|network| network.host.is_none());
        assert!(internal.clone().count() > 0, "{}", start.name);
        for network in internal {
            let overlaps = |host: &&Ipv4Net| host.contains(&network.cidr) || network.cidr.contains(*host);
            assert_eq!(
                hosts.iter().find(overlaps),
                None,
                "{}: {} is {}",
                start.name,
                network.name,
                network.cidr
            );
        }
    }
}
