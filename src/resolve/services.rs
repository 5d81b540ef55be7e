//! `dns:`, `load_balancer:` and `kubernetes:`

use std::net::Ipv4Addr;

use super::Resolver;
use super::address::Owner;
use super::machine::MachineDraft;
use super::network::NetworkDraft;
use crate::assets::{self, Version};
use crate::diag::{Code, Diagnostic, Path, Place};
use crate::model::LoadBalancer;
use crate::site::{FloatingAddress, Role};

impl Resolver<'_> {
    pub(super) fn forwarders(&mut self) -> Vec<Ipv4Addr> {
        let blueprint = self.blueprint;
        let path = Path::root().key("dns").key("forwarders");
        let forwarders = blueprint.dns.forwarders.iter().enumerate();
        forwarders.filter_map(|(index, text)| self.address(text, &path.index(index))).collect()
    }

    /// Addresses that move between machines; they are taken before any machine gets one.
    pub(super) fn floating(
        &mut self,
        machines: &[MachineDraft],
        networks: &mut [NetworkDraft],
    ) -> Vec<FloatingAddress> {
        let blueprint = self.blueprint;
        let path = Path::root().key("load_balancer");
        let holders: Vec<&MachineDraft> =
            machines.iter().filter(|draft| draft.machine.role == Role::LoadBalancer).collect();
        match (&blueprint.load_balancer, holders.first()) {
            (None, None) => Vec::new(),
            (Some(_), None) => {
                let message = "`load_balancer` has an address, and no machine has the role load-balancer";
                self.report(
                    Diagnostic::new(Code::LoadBalancerMissing, Place::Key(path), message)
                        .help("add machines with `role: load-balancer`, or remove the section"),
                );
                Vec::new()
            }
            (None, Some(first)) => {
                let message = "load balancers need the address that they hold";
                self.report(
                    Diagnostic::new(Code::LoadBalancerMissing, Place::Key(first.path.clone()), message)
                        .help("add `load_balancer: {address: ...}` with an address on one of their networks"),
                );
                Vec::new()
            }
            (Some(written), Some(_)) => {
                self.floating_address(written, &holders, networks).into_iter().collect()
            }
        }
    }

    fn floating_address(
        &mut self,
        written: &LoadBalancer,
        holders: &[&MachineDraft],
        networks: &mut [NetworkDraft],
    ) -> Option<FloatingAddress> {
        let path = Path::root().key("load_balancer");
        let name = written.name.clone().unwrap_or_else(|| "api".to_owned());
        self.label(&name, "a load balancer's name", Place::Value(path.key("name")));
        let address = self.address(&written.address, &path.key("address"))?;
        let place = Place::Value(path.key("address"));
        let on_all =
            |network: &NetworkDraft| holders.iter().all(|draft| draft.machine.on(&network.name).is_some());
        let shared: Vec<String> =
            networks.iter().filter(|network| on_all(network)).map(|network| network.name.clone()).collect();
        let contains = |network: &NetworkDraft| {
            network.space.as_ref().is_some_and(|space| space.cidr.contains(&address))
        };
        let help = format!("networks of all load balancers: {}", shared.join(", "));
        let Some(network) = networks.iter_mut().find(|network| contains(network)) else {
            let message = format!("{address} is in none of the networks");
            self.report(Diagnostic::new(Code::LoadBalancerNetwork, place, message).help(help));
            return None;
        };
        if !shared.contains(&network.name) {
            let missing = holders.iter().find(|draft| draft.machine.on(&network.name).is_none())?;
            let message =
                format!("{address} is on network '{}', {} is not", network.name, missing.machine.name);
            self.report(
                Diagnostic::new(Code::LoadBalancerNetwork, place, message)
                    .other(Place::Key(missing.path.key("networks")), "the load balancers' networks")
                    .help(help),
            );
            return None;
        }
        let space = network.space.as_mut()?;
        let owner = Owner { name: "the load balancers' floating address".to_owned(), place };
        if let Err(refusal) = space.claim(&network.name, address, owner) {
            self.report(refusal);
            return None;
        }
        if let Some(draft) = self.blueprint.machines.contains_key(&name).then_some(&name) {
            let message = format!("'{draft}' is the name of a machine and of the floating address");
            self.report(
                Diagnostic::new(
                    Code::NameTaken,
                    Place::Key(Path::root().key("machines").key(draft)),
                    message,
                )
                .help("rename one of them: `load_balancer: {name: ...}`"),
            );
        }
        Some(FloatingAddress { name, address, network: network.name.clone(), role: Role::LoadBalancer })
    }

    pub(super) fn kubernetes(&mut self) -> Option<Version> {
        let blueprint = self.blueprint;
        let path = Path::root().key("kubernetes").key("version");
        let Some(kubernetes) = &blueprint.kubernetes else {
            let needs = |role: Role| matches!(role, Role::ControlPlane | Role::Worker);
            if let Some((name, group)) = blueprint.machines.iter().find(|(_, group)| needs(group.role)) {
                let message = format!("the role {} needs a Kubernetes version", group.role.as_str());
                let place = Place::Value(Path::root().key("machines").key(name).key("role"));
                let newest = assets::versions("kubectl").last().map_or_else(String::new, minor);
                self.report(
                    Diagnostic::new(Code::KubernetesMissing, place, message)
                        .help(format!("add `kubernetes: {{version: \"{newest}\"}}`")),
                );
            }
            return None;
        };
        let versions = assets::versions("kubectl");
        let wanted = &kubernetes.version;
        let found =
            versions.iter().rev().find(|version| version.to_string() == *wanted || minor(version) == *wanted);
        if found.is_none() {
            let known: Vec<String> =
                versions.iter().flat_map(|version| [minor(version), version.to_string()]).collect();
            let message = format!("bpc does not have Kubernetes `{wanted}`");
            self.report(
                Diagnostic::new(Code::KubernetesVersion, Place::Value(path), message)
                    .help(format!("one of: {}", known.join(", "))),
            );
        }
        found.copied()
    }
}

fn minor(version: &Version) -> String {
    format!("{}.{}", version.major, version.minor)
}
