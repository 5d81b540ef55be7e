//! What roles need of their networks.

use super::Resolver;
use super::machine::MachineDraft;
use super::network::NetworkDraft;
use crate::diag::{Code, Diagnostic, Place};
use crate::site::{Role, Segment};

impl Resolver<'_> {
    pub(super) fn role_networks(&mut self, machines: &[MachineDraft], networks: &[NetworkDraft]) {
        let mut groups: Vec<&MachineDraft> = Vec::new();
        for draft in machines {
            if groups.last().is_none_or(|last| last.path != draft.path) {
                groups.push(draft);
            }
        }
        for draft in groups {
            self.role_network(draft, networks);
        }
        let mut gateways = machines.iter().filter(|draft| draft.machine.role == Role::Gateway);
        if let (Some(first), Some(second)) = (gateways.next(), gateways.next()) {
            let message = format!("{} would be a second gateway", second.machine.name);
            let mut diagnostic =
                Diagnostic::new(Code::ManyGateways, Place::Value(second.path.key("role")), message)
                    .note("one machine routes between the networks and holds their router addresses");
            diagnostic = if first.path == second.path {
                diagnostic.help("remove `count:`, or write `count: 1`")
            } else {
                let other = Place::Value(first.path.key("role"));
                diagnostic
                    .other(other, format!("{} is the first", first.machine.name))
                    .help("remove one of the two")
            };
            self.report(diagnostic);
        }
    }

    fn role_network(&mut self, draft: &MachineDraft, networks: &[NetworkDraft]) {
        // An unknown network has been reported already and may be the one that is missing.
        let known = |name: &String| networks.iter().any(|network| network.name == *name);
        let written =
            self.blueprint.machines.iter().find(|(name, _)| {
                draft.path.steps().last() == Some(&crate::diag::Step::Key((*name).clone()))
            });
        if written.is_some_and(|(_, group)| !group.networks.iter().all(known)) {
            return;
        }
        let role = draft.machine.role;
        let nat = draft.machine.nics.iter().any(|nic| nic.segment == Segment::Nat);
        let wired = draft.machine.nics.iter().any(|nic| nic.segment != Segment::Nat);
        let missing = match (role, nat, wired) {
            (Role::Gateway, false, _) => "a network with `attach: nat`, its way out",
            (_, _, false) => "a network with addresses, where the others find it",
            _ => return,
        };
        let message = format!("the role {} needs {missing}", role.as_str());
        let place = Place::Key(draft.path.key("networks"));
        let fitting: Vec<&str> = networks
            .iter()
            .filter(|network| (network.segment == Segment::Nat) == (role == Role::Gateway && !nat))
            .map(|network| network.name.as_str())
            .collect();
        let help = match fitting.as_slice() {
            [] => "add such a network under `networks:`, and list it here".to_owned(),
            [one] => format!("add `{one}` to this list"),
            many => format!("add one of these: {}", many.join(", ")),
        };
        self.report(Diagnostic::new(Code::RoleNeedsNetwork, place, message).help(help));
    }
}
