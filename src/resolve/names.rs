//! Names: of the data centre, its networks and its machines.

use super::Resolver;
use super::machine::MachineDraft;
use crate::diag::{Code, Diagnostic, Path, Place};
use crate::site::{FloatingAddress, Machine, Role};
use crate::value::{is_dns_label, is_dns_name};

/// Characters of a DNS label (RFC 1035, section 2.3.4).
const LABEL: usize = 63;
/// Characters of a whole DNS name as text (RFC 1035, section 2.3.4: 255 octets with their lengths).
const FULL_NAME: usize = 253;
/// Characters of a Kubernetes node's name: `system:node:NAME` is the common name of its certificate, which holds 64
/// (RFC 5280, appendix A.1, ub-common-name).
const NODE_NAME: usize = 52;

/// Domains that mean something else, and what (RFC 6761, RFC 6762).
const RESERVED_DOMAINS: [(&str, &str); 4] = [
    ("local", "is for multicast DNS: macOS and many Linux desktops never ask a name server for it"),
    ("localhost", "always stands for the machine itself"),
    ("invalid", "stands for names that do not exist"),
    ("onion", "is for Tor: resolvers refuse it"),
];

impl Resolver<'_> {
    pub(super) fn names(&mut self) {
        let root = Path::root();
        let blueprint = self.blueprint;
        self.label(&blueprint.name, "the blueprint's name", Place::Value(root.key("name")));
        self.domain();
        for (name, network) in &blueprint.networks {
            let path = root.key("networks").key(name);
            self.label(name, "a network's name", Place::Key(path.clone()));
            if let Some(trunk) = &network.trunk {
                self.label(trunk, "a trunk's name", Place::Value(path.key("trunk")));
            }
        }
        for name in blueprint.machines.keys() {
            self.label(name, "a machine's name", Place::Key(root.key("machines").key(name)));
        }
    }

    fn domain(&mut self) {
        let domain = self.blueprint.domain.as_str();
        let place = Place::Value(Path::root().key("domain"));
        let top = domain.rsplit('.').next().unwrap_or_default();
        let numeric = !top.is_empty() && top.bytes().all(|c| c.is_ascii_digit());
        if !is_dns_name(domain) {
            let message = format!("`{domain}` is not a DNS domain");
            self.report(Diagnostic::new(Code::DomainSyntax, place, message).help(
                "write labels of lower-case letters, digits and hyphens, with dots between them: `kube.demo`",
            ));
        } else if numeric {
            let message = format!("`{domain}` ends with a number, as only addresses do");
            self.report(
                Diagnostic::new(Code::DomainSyntax, place, message).help("end it with a word: `kube.demo`"),
            );
        } else if let Some((_, what)) = RESERVED_DOMAINS.iter().find(|(reserved, _)| *reserved == top) {
            let message = format!("the domain `{top}` {what}");
            self.report(
                Diagnostic::new(Code::DomainReserved, place, message)
                    .help("choose one that is yours, or one that never exists elsewhere, as `lab.internal`"),
            );
        }
    }

    /// Reports a name that is not a DNS label, with one that would be.
    pub(super) fn label(&mut self, name: &str, what: &str, place: Place) {
        if is_dns_label(name) {
            return;
        }
        let near: String = name
            .to_lowercase()
            .replace('ä', "ae")
            .replace('ö', "oe")
            .replace('ü', "ue")
            .replace('ß', "ss")
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect::<String>()
            .trim_matches('-')
            .chars()
            .take(LABEL)
            .collect();
        let near = near.trim_end_matches('-');
        let help = if is_dns_label(near) {
            format!("for instance `{near}`")
        } else {
            "for instance `node`".to_owned()
        };
        let message = if name.len() > LABEL {
            format!("{what} has {} characters, a DNS label has {LABEL} at most", name.len())
        } else {
            format!("{what} must be a DNS label, `{name}` is not")
        };
        self.report(
            Diagnostic::new(Code::NameSyntax, place, message)
                .note("1 to 63 lower-case letters, digits and hyphens, a letter or digit at both ends (RFC 1123)")
                .help(help),
        );
    }

    /// What a machine's name must not be although it is a label, and how long it may be with its number.
    pub(super) fn machine_name(&mut self, group: &str, draft: &MachineDraft) {
        // A group has one name: what is wrong with its first machine is wrong with all.
        if !is_dns_label(group) || !draft.is_first() {
            return;
        }
        let name = draft.machine.name.as_str();
        let node = matches!(draft.machine.role, Role::ControlPlane | Role::Worker);
        let refuse = |code, message: String| Diagnostic::new(code, Place::Key(draft.path.clone()), message);
        let refusal = if name.bytes().all(|c| c.is_ascii_digit()) {
            let message =
                format!("a machine cannot be called `{name}`: programs take a number for an address");
            refuse(Code::NameSyntax, message).help(format!("for instance `node{name}`"))
        } else if name == "localhost" {
            let message = "every machine calls itself `localhost`, so none can have the name".to_owned();
            refuse(Code::NameSyntax, message).help("for instance `node`")
        } else if name.len() > LABEL {
            let message = format!("with its number `{name}` has {} characters", name.len());
            refuse(Code::NameLength, message).help(format!(
                "a DNS label has {LABEL} at most: shorten the group's name by {}",
                name.len() - LABEL
            ))
        } else if node && name.len() > NODE_NAME {
            let message = format!("the node's name `{name}` has {} characters", name.len());
            refuse(Code::NameLength, message)
                .note("`system:node:NAME` is the common name of its certificate, which holds 64 (RFC 5280)")
                .help(format!("shorten it to {NODE_NAME}"))
        } else {
            return;
        };
        self.report(refusal);
    }

    /// The gateway's DNS answers each machine by `<machine>.<network>.<domain>`, its longest name.
    pub(super) fn full_names(&mut self, machines: &[Machine], floating: &[FloatingAddress]) {
        let domain = &self.blueprint.domain;
        if !is_dns_name(domain) {
            return;
        }
        let of_machine = |machine: &Machine| {
            let networks = machine.attachments().filter(|on| on.network != machine.primary);
            let names = networks.map(|on| format!("{}.{}.{domain}", machine.name, on.network));
            names.chain([format!("{}.{domain}", machine.name)]).collect::<Vec<_>>()
        };
        let names = machines.iter().flat_map(of_machine);
        let names = names.chain(floating.iter().map(|floating| format!("{}.{domain}", floating.name)));
        let Some(longest) = names.max_by_key(String::len).filter(|name| name.len() > FULL_NAME) else {
            return;
        };
        let message = format!("with this domain the longest name has {} characters", longest.len());
        self.report(
            Diagnostic::new(Code::NameLength, Place::Value(Path::root().key("domain")), message)
                .note(format!("`{longest}`"))
                .help(format!("DNS takes {FULL_NAME}: shorten the domain by {}", longest.len() - FULL_NAME)),
        );
    }
}
