//! Names: of the data centre, its networks and its machines.

use super::Resolver;
use crate::diag::{Code, Diagnostic, Path, Place};
use crate::value::{is_dns_label, is_dns_name};

impl Resolver<'_> {
    pub(super) fn names(&mut self) {
        let root = Path::root();
        let blueprint = self.blueprint;
        self.label(&blueprint.name, "the blueprint's name", Place::Value(root.key("name")));
        if !is_dns_name(&blueprint.domain) {
            let message = format!("`{}` is not a DNS domain", blueprint.domain);
            self.report(Diagnostic::new(Code::DomainSyntax, Place::Value(root.key("domain")), message).help(
                "labels of lower-case letters, digits and hyphens with dots between them: `kube.demo`",
            ));
        }
        for name in blueprint.networks.keys() {
            self.label(name, "a network's name", Place::Key(root.key("networks").key(name)));
        }
        for (name, network) in &blueprint.networks {
            if let Some(trunk) = &network.trunk {
                let place = Place::Value(root.key("networks").key(name).key("trunk"));
                self.label(trunk, "a trunk's name", place);
            }
        }
        for name in blueprint.machines.keys() {
            self.label(name, "a machine's name", Place::Key(root.key("machines").key(name)));
        }
    }

    /// Reports a name that is not a DNS label, with one that would be.
    pub(super) fn label(&mut self, name: &str, what: &str, place: Place) {
        if is_dns_label(name) {
            return;
        }
        let near: String = name
            .to_lowercase()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect::<String>()
            .trim_matches('-')
            .chars()
            .take(63)
            .collect();
        let near = near.trim_end_matches('-');
        let help = if is_dns_label(near) {
            format!("for instance `{near}`")
        } else {
            "for instance `node`".to_owned()
        };
        self.report(
            Diagnostic::new(Code::NameSyntax, place, format!("{what} must be a DNS label, `{name}` is not"))
                .note("1 to 63 lower-case letters, digits and hyphens, a letter or digit at both ends")
                .help(help),
        );
    }
}
