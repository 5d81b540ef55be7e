//! `load_balancer:`: which machines hold the address, and what moves it between them.

use super::Resolver;
use super::machine::MachineDraft;
use crate::diag::{Code, Diagnostic, Path, Place, did_you_mean};
use crate::model::{self, FailoverChoice, Fencing, HeldBy, LoadBalancer};
use crate::site::{Failover, FenceAgent, Keepalived, Pacemaker, Role, TwoNode};

/// The machines that hold the floating address.
pub(super) fn holders<'a>(written: &LoadBalancer, machines: &'a [MachineDraft]) -> Vec<&'a MachineDraft> {
    let role = role(written);
    machines.iter().filter(|draft| draft.machine.role == role).collect()
}

/// The role of the machines that hold the floating address.
pub(super) fn role(written: &LoadBalancer) -> Role {
    match written.held_by {
        HeldBy::LoadBalancer => Role::LoadBalancer,
        HeldBy::ControlPlane => Role::ControlPlane,
    }
}

impl Resolver<'_> {
    /// What moves the address, if more than one machine holds it.
    pub(super) fn failover(
        &mut self,
        written: &LoadBalancer,
        holders: &[&MachineDraft],
        network: &str,
    ) -> Option<Failover> {
        self.settings_of_the_other(written);
        if holders.len() < 2 {
            return None;
        }
        Some(match written.failover {
            FailoverChoice::Keepalived => Failover::Keepalived(self.keepalived(written)),
            FailoverChoice::Pacemaker => Failover::Pacemaker(self.pacemaker(written, holders, network)),
        })
    }

    /// Settings that nothing would read are a mistake somewhere.
    fn settings_of_the_other(&mut self, written: &LoadBalancer) {
        let (key, chosen) = match written.failover {
            FailoverChoice::Keepalived if written.pacemaker.is_some() => ("pacemaker", "keepalived"),
            FailoverChoice::Pacemaker if written.keepalived.is_some() => ("keepalived", "pacemaker"),
            _ => return,
        };
        let message = format!("settings of {key}, and {chosen} moves the address");
        let place = Place::Key(Path::root().key("load_balancer").key(key));
        self.report(
            Diagnostic::new(Code::FailoverSettings, place, message)
                .help(format!("write `failover: {key}`, or remove these settings")),
        );
    }

    fn keepalived(&self, written: &LoadBalancer) -> Keepalived {
        let settings = written.keepalived.clone().unwrap_or_default();
        let own = || virtual_router_id(&self.blueprint.name, &written.address);
        Keepalived {
            preempt: settings.preempt,
            virtual_router_id: settings.virtual_router_id.unwrap_or_else(own),
        }
    }

    fn pacemaker(&mut self, written: &LoadBalancer, holders: &[&MachineDraft], network: &str) -> Pacemaker {
        let settings = written.pacemaker.clone().unwrap_or_default();
        let path = Path::root().key("load_balancer").key("pacemaker");
        let two_node = if holders.len() == 2 {
            Some(settings.two_node.unwrap_or_default())
        } else {
            self.not_two(settings.two_node, holders.len(), &path);
            None
        };
        let first = first_link(holders, network);
        let second = settings.second_link.as_ref();
        let second = second.filter(|second| self.second_link(second, &first, holders, &path));
        let agents = self.fence_agents(&settings, holders, &path);
        Pacemaker { two_node, links: [first].into_iter().chain(second.cloned()).collect(), agents }
    }

    fn not_two(&mut self, written: Option<TwoNode>, count: usize, path: &Path) {
        if written.is_none() {
            return;
        }
        let message = format!("`two_node` is for two machines, and {count} hold the address");
        let place = Place::Key(path.key("two_node"));
        self.report(
            Diagnostic::new(Code::FailoverSettings, place, message)
                .note("more than two decide by majority who may hold it")
                .help("remove `two_node`"),
        );
    }

    /// Whether all holders are on the network, and it is not the one that they use already.
    fn second_link(&mut self, second: &str, first: &str, holders: &[&MachineDraft], path: &Path) -> bool {
        let place = Place::Value(path.key("second_link"));
        let lonely = holders.iter().find(|draft| draft.machine.on(second).is_none());
        let message = match lonely {
            Some(draft) => format!("{} is not on network '{second}'", draft.machine.name),
            None if second == first => format!("'{first}' is the first link already"),
            None => return true,
        };
        let shared: Vec<&str> = shared(holders).filter(|name| *name != first).collect();
        let help = match shared.as_slice() {
            [] => "put all of these machines on a second network, or remove `second_link`".to_owned(),
            names => format!("a network that all of them are on: {}", names.join(", ")),
        };
        self.report(Diagnostic::new(Code::SecondLink, place, message).help(help));
        false
    }

    fn fence_agents(
        &mut self,
        settings: &model::Pacemaker,
        holders: &[&MachineDraft],
        path: &Path,
    ) -> Vec<FenceAgent> {
        if settings.fencing == Fencing::None {
            self.without_fencing(settings, path);
            return Vec::new();
        }
        let agents = path.key("agents");
        let names: Vec<&str> = holders.iter().map(|draft| draft.machine.name.as_str()).collect();
        for name in settings.agents.keys().filter(|name| !names.contains(&name.as_str())) {
            let near = did_you_mean(name, names.iter().copied());
            let help = near.map_or_else(
                || format!("one of: {}", names.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            let message = format!("'{name}' is no machine that holds the address");
            self.report(Diagnostic::new(Code::FenceAgents, Place::Key(agents.key(name)), message).help(help));
        }
        let without: Vec<&str> =
            names.iter().copied().filter(|name| !settings.agents.contains_key(*name)).collect();
        if !without.is_empty() {
            let message = format!("nothing can stop {}", without.join(" and "));
            self.report(
                Diagnostic::new(Code::FenceAgents, Place::Key(path.key("fencing")), message)
                    .note("Pacemaker moves nothing away from a machine that it could not stop")
                    .help("name a fence agent for each machine under `agents:`, or write `fencing: none`"),
            );
        }
        let described = settings.agents.iter();
        described.map(|(machine, agent)| self.fence_agent(machine, agent, &agents.key(machine))).collect()
    }

    fn without_fencing(&mut self, settings: &model::Pacemaker, path: &Path) {
        if let Some((machine, _)) = settings.agents.first() {
            let message = "fence agents that nothing uses";
            let place = Place::Key(path.key("agents").key(machine));
            self.report(
                Diagnostic::new(Code::FenceAgents, place, message)
                    .help("write `fencing: agents`, or remove them"),
            );
            return;
        }
        let message = "no fencing: after a network split two machines may hold the floating address";
        let place = Place::Value(Path::root().key("load_balancer").key("failover"));
        self.report(
            Diagnostic::new(Code::NoFencing, place, message)
                .note(
                    "without fencing, each machine that no longer sees the other takes the address until the network is whole again",
                )
                .help("`pacemaker: {fencing: agents, agents: {...}}` configures fence agents, which switch a lost machine off"),
        );
    }
}

/// The network of the first link: the one that carries the machines' names, if they share it, for the floating one is
/// what clients load; else the floating one.
fn first_link(holders: &[&MachineDraft], floating: &str) -> String {
    let mut primaries = holders.iter().map(|draft| draft.machine.primary.as_str());
    let shared = primaries.next().filter(|first| primaries.all(|other| other == *first));
    shared.unwrap_or(floating).to_owned()
}

/// Networks that all holders are on.
fn shared<'a>(holders: &[&'a MachineDraft]) -> impl Iterator<Item = &'a str> {
    let others: Vec<&MachineDraft> = holders.iter().skip(1).copied().collect();
    let networks = holders.first().into_iter().flat_map(|draft| draft.machine.attachments());
    networks
        .map(|on| on.network.as_str())
        .filter(move |name| others.iter().all(|draft| draft.machine.on(name).is_some()))
}

/// An id that another blueprint on the same network hardly has: 1 to 255, from what tells the two apart.
fn virtual_router_id(blueprint: &str, address: &str) -> u8 {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(format!("bpc vrid/{blueprint}/{address}"));
    let sum = digest.iter().fold(0_u32, |sum, byte| (sum * 256 + u32::from(*byte)) % 255);
    u8::try_from(sum + 1).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_virtual_router_id_depends_on_the_blueprint_and_is_never_0() {
        let ids: Vec<u8> =
            (0..2000).map(|number| virtual_router_id(&format!("lab-{number}"), "10.0.0.9")).collect();
        assert!(ids.iter().all(|id| *id > 0));
        assert!(ids.contains(&1) && ids.contains(&255));
        assert_ne!(virtual_router_id("a", "10.0.0.9"), virtual_router_id("b", "10.0.0.9"));
    }
}
