//! The machines and networks that `load_balancer:` names: what is balanced to, and who may ask for it.

use super::Resolver;
use super::machine::names;
use super::network::NetworkDraft;
use crate::diag::{Code, Diagnostic, Path, Place, Severity, did_you_mean};
use crate::model::Blueprint;
use crate::site::{FloatingAddress, Machine, Role, Segment, Server};

/// What load balancers have around them.
pub(super) struct Surroundings<'a> {
    blueprint: &'a Blueprint,
    machines: &'a [Machine],
    networks: &'a [NetworkDraft],
    balancers: Vec<&'a Machine>,
    gateway: Option<&'a Machine>,
    floating: Option<&'a FloatingAddress>,
}

impl<'a> Surroundings<'a> {
    pub(super) fn new(
        blueprint: &'a Blueprint,
        machines: &'a [Machine],
        networks: &'a [NetworkDraft],
        floating: &'a [FloatingAddress],
    ) -> Self {
        let with_role = |role| machines.iter().filter(move |machine| machine.role == role);
        Self {
            blueprint,
            machines,
            networks,
            balancers: with_role(Role::LoadBalancer).collect(),
            gateway: with_role(Role::Gateway).next(),
            floating: floating.first(),
        }
    }

    pub(super) fn with_role(&self, role: Role) -> Vec<&'a Machine> {
        self.machines.iter().filter(|machine| machine.role == role).collect()
    }

    /// The machine as load balancers reach it: by the address that its name stands for, or, if nothing leads there, on
    /// a network that they are on too.
    pub(super) fn server(&self, machine: &Machine, port: u16) -> Option<Server> {
        let primary = machine.on(&machine.primary).filter(|on| self.leads_to(&on.network));
        let on = primary.or_else(|| machine.attachments().find(|on| self.all_on(&on.network)))?;
        Some(Server {
            machine: machine.name.clone(),
            network: on.network.clone(),
            address: on.address(),
            port,
        })
    }

    /// Whether every load balancer is on a network.
    fn all_on(&self, network: &str) -> bool {
        self.balancers.iter().all(|balancer| balancer.on(network).is_some())
    }

    /// Whether every load balancer gets to a network, by itself or through the gateway.
    fn leads_to(&self, network: &str) -> bool {
        let routed = |machine: &Machine| {
            self.routes(network) && machine.attachments().any(|on| self.routes(&on.network))
        };
        self.balancers.iter().all(|balancer| balancer.on(network).is_some() || routed(balancer))
    }

    fn routes(&self, network: &str) -> bool {
        self.gateway.is_some_and(|gateway| gateway.on(network).is_some())
    }

    /// Whether something leads from a network to the floating address, as far as that is known.
    fn comes_from(&self, network: &str) -> bool {
        self.floating.is_none_or(|floating| {
            floating.network == network || (self.routes(network) && self.routes(&floating.network))
        })
    }

    /// The machines of a group, or the one of that name.
    fn named(&self, word: &str) -> Vec<&'a Machine> {
        let group = self.blueprint.machines.get(word);
        let group = group.map_or_else(|| vec![word.to_owned()], |group| names(word, group.count));
        self.machines.iter().filter(|machine| group.contains(&machine.name)).collect()
    }

    /// What was meant by a word that names no machine.
    fn near_machine(&self, word: &str) -> String {
        let groups = || self.blueprint.machines.keys().map(String::as_str);
        let names = self.machines.iter().map(|machine| machine.name.as_str());
        did_you_mean(word, groups().chain(names)).map_or_else(
            || format!("groups here: {}", groups().collect::<Vec<_>>().join(", ")),
            |near| format!("did you mean `{near}`?"),
        )
    }
}

impl Resolver<'_> {
    /// The machines that `to` names, each once, as far as they fit.
    pub(super) fn targets<'a>(
        &mut self,
        to: &[String],
        path: &Path,
        surroundings: &Surroundings<'a>,
    ) -> Vec<&'a Machine> {
        if to.is_empty() {
            let message = "nothing serves this";
            self.unfit(Place::Value(path.clone()), message, "name a group or a machine: `to: [kube-node]`");
        }
        let mut targets: Vec<&Machine> = Vec::new();
        for (index, word) in to.iter().enumerate() {
            let place = Place::Value(path.index(index));
            let named = surroundings.named(word);
            let twice = named.iter().find(|machine| targets.contains(machine));
            if named.is_empty() {
                let message = format!("there is no machine and no group '{word}'");
                self.unfit(place, message, surroundings.near_machine(word));
            } else if let Some(twice) = twice {
                let message = format!("{} is among the servers already", twice.name);
                self.unfit(place, message, "remove one of the two");
            } else if named.iter().any(|machine| machine.role == Role::LoadBalancer) {
                let message = format!("'{word}' would balance to itself");
                self.unfit(place, message, "name the machines that serve it");
            } else if let Some(away) = named.iter().find(|one| surroundings.server(one, 0).is_none()) {
                self.out_of_reach(away, place);
            } else {
                targets.extend(named);
            }
        }
        targets
    }

    /// The networks that `from` names, as far as they fit.
    pub(super) fn sources(
        &mut self,
        from: &[String],
        path: &Path,
        surroundings: &Surroundings<'_>,
    ) -> Vec<String> {
        let mut sources: Vec<String> = Vec::new();
        for (index, name) in from.iter().enumerate() {
            let place = Place::Value(path.index(index));
            if !self.is_network(name, &place, surroundings) {
                continue;
            }
            if sources.contains(name) {
                let message = format!("network '{name}' is listed twice");
                self.unfit(place, message, "remove one of the two");
            } else if !surroundings.comes_from(name) {
                let message = format!("nothing leads from network '{name}' to the floating address");
                self.cut_off(place, message, format!("add `{name}` to the gateway's `networks:`"));
            } else {
                sources.push(name.clone());
            }
        }
        sources
    }

    /// All load balancers must be on the network of the statistics page.
    pub(super) fn stats_network(&mut self, name: &str, path: &Path, surroundings: &Surroundings<'_>) {
        let place = Place::Value(path.clone());
        if !self.is_network(name, &place, surroundings) {
            return;
        }
        let lonely = surroundings.balancers.iter().find(|balancer| balancer.on(name).is_none());
        let Some(lonely) = lonely else { return };
        let shared = lonely.attachments().map(|on| on.network.as_str());
        let shared: Vec<&str> = shared.filter(|network| surroundings.all_on(network)).collect();
        let help = format!("a network that all of them are on: {}", shared.join(", "));
        self.cut_off(place, format!("{} is not on network '{name}'", lonely.name), help);
    }

    /// Whether there is such a network, with addresses.
    fn is_network(&mut self, name: &str, place: &Place, surroundings: &Surroundings<'_>) -> bool {
        let addressed = || surroundings.networks.iter().filter(|network| network.segment != Segment::Nat);
        if addressed().any(|network| network.name == name) {
            return true;
        }
        let nat = surroundings.networks.iter().any(|network| network.name == name);
        let message = if nat {
            format!("network '{name}' is VirtualBox's NAT: no machine is found there")
        } else {
            format!("there is no network '{name}'")
        };
        let names = || addressed().map(|network| network.name.as_str());
        let help = match did_you_mean(name, names()).filter(|_| !nat) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("networks here: {}", names().collect::<Vec<_>>().join(", ")),
        };
        self.unfit(place.clone(), message, help);
        false
    }

    pub(super) fn out_of_reach(&mut self, machine: &Machine, place: Place) {
        let (name, network) = (&machine.name, &machine.primary);
        let message = format!("no load balancer gets to {name}");
        let help = format!("add `{network}` to the gateway's `networks:` or to those of the load balancers");
        self.cut_off(place, message, help);
    }

    /// A network that was not understood, and has been reported, may be the one that connects.
    fn cut_off(&mut self, place: Place, message: String, help: String) {
        let about_networks = |diagnostic: &Diagnostic| {
            diagnostic.severity() == Severity::Error && diagnostic.code.as_str().starts_with("BPC02")
        };
        if !self.diagnostics.iter().any(about_networks) {
            self.unfit(place, message, help);
        }
    }

    fn unfit(&mut self, place: Place, message: impl Into<String>, help: impl Into<String>) {
        self.report(Diagnostic::new(Code::BalancedMachine, place, message).help(help));
    }
}
