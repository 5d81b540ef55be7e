//! `load_balancer:`

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::Resolver;
use super::address::Owner;
use super::failover::{holders, role};
use super::machine::MachineDraft;
use super::network::NetworkDraft;
use crate::diag::{Code, Diagnostic, Path, Place};
use crate::model::{HeldBy, LoadBalancer};
use crate::site::{Failover, FloatingAddress, Machine, Role, Segment};

impl Resolver<'_> {
    /// The address that moves between machines, taken before any machine gets one, and what moves it.
    pub(super) fn floating(
        &mut self,
        machines: &[MachineDraft],
        networks: &mut [NetworkDraft],
    ) -> Option<(FloatingAddress, Option<Failover>)> {
        let blueprint = self.blueprint;
        let balancers = machines.iter().find(|draft| draft.machine.role == Role::LoadBalancer);
        let Some(written) = &blueprint.load_balancer else {
            if let Some(first) = balancers {
                self.half(
                    Place::Key(first.path.clone()),
                    "load balancers need the address that they hold",
                    "add `load_balancer: {address: ...}` with an address on one of their networks",
                );
            }
            return None;
        };
        let path = Path::root().key("load_balancer");
        let holders = holders(written, machines);
        if holders.is_empty() {
            let role = role(written).as_str();
            let other = match written.held_by {
                HeldBy::LoadBalancer => ", write `held_by: control-plane`",
                HeldBy::ControlPlane => "",
            };
            self.half(
                Place::Key(path),
                format!("`load_balancer` has an address, and no machine has the role {role}"),
                format!("add machines with `role: {role}`{other}, or remove the section"),
            );
            return None;
        }
        if let (HeldBy::ControlPlane, Some(idle)) = (written.held_by, balancers) {
            self.half(
                Place::Value(idle.path.key("role")),
                format!("{} would balance nothing: control planes hold the address", idle.machine.name),
                "remove `held_by: control-plane`, or these machines",
            );
        }
        self.floating_name(written, machines);
        let floating = self.floating_address(written, &holders, networks)?;
        let failover = self.failover(written, &holders, &floating.network);
        Some((floating, failover))
    }

    fn half(&mut self, place: Place, message: impl Into<String>, help: impl Into<String>) {
        self.report(Diagnostic::new(Code::LoadBalancerMissing, place, message).help(help));
    }

    /// Its name stands beside those of the machines in the domain.
    fn floating_name(&mut self, written: &LoadBalancer, machines: &[MachineDraft]) {
        let path = Path::root().key("load_balancer");
        let name = floating_name(written);
        let place = Place::Value(path.key("name"));
        self.label(name, "a load balancer's name", place.clone());
        if let Some(draft) = machines.iter().find(|draft| draft.machine.name == name) {
            let message = format!("a machine and the floating address are both called '{name}'");
            self.report(
                Diagnostic::new(Code::NameTaken, place, message)
                    .other(Place::Key(draft.path.clone()), "the machine comes from here")
                    .help("rename one of them; for the address: `load_balancer: {name: ...}`"),
            );
        }
    }

    fn floating_address(
        &mut self,
        written: &LoadBalancer,
        holders: &[&MachineDraft],
        networks: &mut [NetworkDraft],
    ) -> Option<FloatingAddress> {
        let path = Path::root().key("load_balancer").key("address");
        let address = self.address(&written.address, &path)?;
        let place = Place::Value(path);
        if let Some(refusal) = nowhere(address, place.clone(), holders, networks) {
            self.report(refusal);
            return None;
        }
        let network = networks.iter_mut().find(|network| contains(network, address))?;
        let what = "the floating address".to_owned();
        let owner = Owner { why: what.clone(), what, place, way_out: None };
        if let Err(refusal) = network.space.as_mut()?.claim(&network.name, address, owner) {
            self.report(refusal);
            return None;
        }
        Some(FloatingAddress {
            name: floating_name(written).to_owned(),
            address,
            network: network.name.clone(),
            role: role(written),
        })
    }
}

/// With one machine that can hold it, the address never moves: it is one more of that machine's own.
pub(super) fn keep(floating: &FloatingAddress, machines: &mut [Machine]) {
    let holders = machines.iter_mut().filter(|machine| machine.role == floating.role);
    let attachments = holders.flat_map(|machine| &mut machine.nics).flat_map(|nic| &mut nic.attachments);
    for on in attachments.filter(|on| on.network == floating.network) {
        let kept = on.addresses.first().and_then(|own| Ipv4Net::new(floating.address, own.prefix_len()).ok());
        on.addresses.extend(kept);
    }
}

fn floating_name(written: &LoadBalancer) -> &str {
    written.name.as_deref().unwrap_or("api")
}

fn contains(network: &NetworkDraft, address: Ipv4Addr) -> bool {
    network.space.as_ref().is_some_and(|space| space.cidr.contains(&address))
}

/// Why no network has the address, or why not all load balancers can hold it there.
fn nowhere(
    address: Ipv4Addr,
    place: Place,
    holders: &[&MachineDraft],
    networks: &[NetworkDraft],
) -> Option<Diagnostic> {
    let missing =
        |network: &NetworkDraft| holders.iter().find(|draft| draft.machine.on(&network.name).is_none());
    let shared: Vec<String> = networks
        .iter()
        .filter(|network| missing(network).is_none())
        .filter_map(|network| Some(format!("'{}' ({})", network.name, network.space.as_ref()?.cidr)))
        .collect();
    let help = match shared.as_slice() {
        [] => "put all machines that hold it on one network, and choose an address on that".to_owned(),
        shared => format!("choose an address on a network of all that hold it: {}", shared.join(", ")),
    };
    let refuse = |message: String| Diagnostic::new(Code::LoadBalancerNetwork, place, message);
    let Some(network) = networks.iter().find(|network| contains(network, address)) else {
        // A network whose range was refused may be the one.
        let understood = |network: &NetworkDraft| network.space.is_some() || network.segment == Segment::Nat;
        let message = format!("{address} is in none of the networks");
        return networks.iter().all(understood).then(|| refuse(message).help(help));
    };
    let name = &missing(network)?.machine.name;
    let path = missing(network)?.path.key("networks");
    let message = format!("{address} is on network '{}', and {name} is not", network.name);
    Some(
        refuse(message)
            .other(Place::Key(path), format!("{name} could never take the address over"))
            .help(format!("add `{}` to these networks", network.name))
            .help(help),
    )
}
