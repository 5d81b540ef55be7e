//! Ranges that machines know already, whatever the blueprint says: no network of machines, pods or services overlaps them.
//!
//! dockerd has none of them: its bridge, 172.17.0.0/16 elsewhere, is switched off on nodes.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::Resolver;
use super::machine::MachineDraft;
use super::network::NetworkDraft;
use crate::diag::{Code, Diagnostic, Place};
use crate::site::{Role, Segment};

/// Ranges that no machine can have an address in (RFC 6890).
const SPECIAL_USE: [([u8; 4], u8, &str); 4] = [
    ([0, 0, 0, 0], 8, "stands for this network itself"),
    ([127, 0, 0, 0], 8, "never leaves a machine (loopback)"),
    ([169, 254, 0, 0], 16, "is for link-local addresses"),
    ([224, 0, 0, 0], 3, "is for multicast and future use"),
];
/// The adapter whose NAT no network may have, even if no machine is on NAT: a machine most likely gets it there.
const FIRST_SLOT: usize = 1;

impl Resolver<'_> {
    /// The range of a network of machines, unless machines cannot use it.
    pub(super) fn usable(&mut self, cidr: Ipv4Net, place: Place) -> Option<Ipv4Net> {
        let first = nat_range(FIRST_SLOT).filter(|range| overlap(cidr, *range));
        let refusal = special_use(cidr).or_else(|| {
            Some(format!("{cidr} overlaps {}, which VirtualBox's NAT uses on every machine", first?))
        });
        let Some(message) = refusal else { return Some(cidr) };
        let help = if first.is_some() {
            "choose another range, for instance in 192.168.0.0/16 or from 10.1.0.0 on"
        } else {
            "use a private range: 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16 (RFC 1918)"
        };
        self.report(Diagnostic::new(Code::SpecialUse, place, message).help(help));
        None
    }

    /// Reports networks over the NAT of an adapter that is not the first one: each adapter has a range of its own.
    pub(super) fn networks_over_nat(&mut self, machines: &[MachineDraft], networks: &[NetworkDraft]) {
        for network in networks {
            let Some(space) = &network.space else { continue };
            let Some((range, draft)) = nat_of(space.cidr, machines) else { continue };
            let message = format!(
                "network '{}' ({}) overlaps {range}, which VirtualBox's NAT gives {}",
                network.name, space.cidr, draft.machine.name
            );
            let refusal = Diagnostic::new(Code::SpecialUse, Place::Value(space.path.clone()), message)
                .other(Place::Value(draft.path.key("networks")), "its networks, an adapter each")
                .note(
                    "VirtualBox's NAT on adapter 1 is 10.0.2.0/24, on adapter 2 it is 10.0.3.0/24, and so on",
                )
                .help("choose another range, or put the NAT network first there");
            self.report(refusal);
        }
    }

    /// Whether pods or services, `what`, can have a range: what nodes know already they cannot.
    pub(super) fn usable_in_cluster(
        &mut self,
        (what, help): (&str, &str),
        cidr: Ipv4Net,
        machines: &[MachineDraft],
        place: Place,
    ) -> bool {
        let nodes = || machines.iter().filter(|draft| is_node(draft.machine.role));
        let over_nat = || {
            let (range, draft) = nat_of(cidr, nodes())?;
            let name = &draft.machine.name;
            Some((format!("{cidr} overlaps {range}, which VirtualBox's NAT gives {name}"), Some(draft)))
        };
        let refusal = special_use(cidr).map(|message| (message, None)).or_else(over_nat);
        let Some((message, draft)) = refusal else { return true };
        let mut refusal =
            Diagnostic::new(Code::SpecialUse, place, format!("the network of {what}: {message}")).help(help);
        if let Some(draft) = draft {
            refusal = refusal.other(Place::Value(draft.path.key("networks")), "NAT is one of its networks");
        }
        self.report(refusal);
        false
    }
}

const fn is_node(role: Role) -> bool {
    matches!(role, Role::ControlPlane | Role::Worker)
}

/// Why no machine can have an address in the range, if so.
fn special_use(cidr: Ipv4Net) -> Option<String> {
    SPECIAL_USE.iter().find_map(|(address, prefix, what)| {
        let range = Ipv4Net::new((*address).into(), *prefix).ok()?;
        overlap(cidr, range).then(|| format!("{cidr} overlaps {range}, which {what}"))
    })
}

/// The first NAT adapter of these machines whose range overlaps this one.
fn nat_of<'a>(
    cidr: Ipv4Net,
    machines: impl IntoIterator<Item = &'a MachineDraft>,
) -> Option<(Ipv4Net, &'a MachineDraft)> {
    machines.into_iter().find_map(|draft| {
        let mut nat = draft.machine.nics.iter().filter(|nic| nic.segment == Segment::Nat);
        let range = nat.find_map(|nic| nat_range(nic.slot).filter(|range| overlap(cidr, *range)))?;
        Some((range, draft))
    })
}

/// The network behind which VirtualBox's NAT puts a machine, by the adapter's number from 1: 10.0.2.0/24 on the first, and
/// one more on each that follows (manual, section 6.3; `ConsoleImplConfigCommon.cpp` counts adapters, not those on NAT).
fn nat_range(slot: usize) -> Option<Ipv4Net> {
    let third = u8::try_from(slot + 1).ok()?;
    Ipv4Net::new(Ipv4Addr::new(10, 0, third, 0), 24).ok()
}

fn overlap(one: Ipv4Net, other: Ipv4Net) -> bool {
    one.contains(&other) || other.contains(&one)
}
