//! `load_balancer.pacemaker.agents`: what is said of each fence agent.

use super::Resolver;
use crate::diag::{Code, Diagnostic, Path, Place};
use crate::model;
use crate::site::{Distribution, FenceAgent};

/// What Ubuntu has in fence-agents-base; all others are in fence-agents-extra.
const UBUNTU_BASE: [&str; 11] = [
    "fence_idrac",
    "fence_ilo3",
    "fence_ilo4",
    "fence_ilo5",
    "fence_imm",
    "fence_ipmilan",
    "fence_ipmilanplus",
    "fence_mpath",
    "fence_sbd",
    "fence_scsi",
    "fence_virsh",
];

impl Resolver<'_> {
    /// An agent whose words the cluster can be told: crm has no way to write any others.
    pub(super) fn fence_agent(
        &mut self,
        machine: &str,
        written: &model::FenceAgent,
        path: &Path,
    ) -> FenceAgent {
        let word = |text: &str| {
            !text.is_empty() && text.bytes().all(|c| c.is_ascii_alphanumeric() || b"_-".contains(&c))
        };
        if !word(&written.agent) {
            let message = format!("`{}` is not the name of a fence agent", written.agent);
            self.fence_mistake(Place::Value(path.key("agent")), message, "for instance `fence_virsh`");
        }
        let options = path.key("options");
        for (key, value) in &written.options {
            if !word(key) {
                let message = format!("`{key}` is not the name of a parameter");
                self.fence_mistake(Place::Key(options.key(key)), message, "letters, digits, `_` and `-`");
            }
            // crm takes quotes and backslashes alone, and stops at some sequences of them; of other letters it makes entities.
            let told = value.bytes().all(|c| matches!(c, b' '..=b'~') && !b"\"\\".contains(&c));
            if value.is_empty() || !told {
                let message = format!("the cluster cannot be told the value of `{key}`");
                let help = "write printable ASCII without `\"` and `\\`; a password can be what a program on the machine \
                            prints (`password_script`)";
                self.fence_mistake(Place::Value(options.key(key)), message, help);
            }
        }
        if let Some(package) = &written.package {
            self.package(package, &path.key("package"));
        }
        FenceAgent {
            machine: machine.to_owned(),
            agent: written.agent.clone(),
            package: written.package.clone().unwrap_or_else(|| self.fence_package(&written.agent).to_owned()),
            options: written.options.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
        }
    }

    fn fence_mistake(&mut self, place: Place, message: String, help: &str) {
        self.report(Diagnostic::new(Code::FenceAgents, place, message).help(help));
    }

    /// The package of the distribution that certainly has the agent.
    fn fence_package(&self, agent: &str) -> &'static str {
        match self.blueprint.image.distribution {
            Distribution::Debian => "fence-agents",
            Distribution::Ubuntu if UBUNTU_BASE.contains(&agent) => "fence-agents-base",
            Distribution::Ubuntu => "fence-agents-extra",
        }
    }
}
