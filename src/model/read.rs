//! From a document to the structs, with every structural mistake reported.
//!
//! serde stops at the first mistake. So the document is walked with the JSON Schema of the structs first, which finds
//! all of them; what comes out of the walk goes through serde, which then has nothing to say.

use super::Blueprint;
use super::schema::complete;
use super::walk::Walk;
use crate::diag::{Code, Diagnostic, Path, Place, Step};
use crate::source::Document;

/// A blueprint, and what is not what its author wrote in it.
pub(crate) struct Read {
    pub(crate) blueprint: Blueprint,
    /// Whether all of its keys could be read.
    complete: bool,
    /// Values that were refused and replaced by placeholders.
    refused: Vec<Path>,
    /// Mappings with an unknown key.
    doubtful: Vec<Path>,
}

/// Reads the structs; `None` only if the schema and the structs do not agree, which is a bug.
pub(crate) fn read(document: &Document, diagnostics: &mut Vec<Diagnostic>) -> Option<Read> {
    let schema = complete();
    let mut walk = Walk::new(&schema, document.complete);
    let value = walk.node(&schema, &document.root, &Path::root());
    let Walk { refused, doubtful, diagnostics: mut found, .. } = walk;
    diagnostics.append(&mut found);
    match serde_yaml::from_value(value) {
        Ok(blueprint) => Some(Read { blueprint, complete: document.complete, refused, doubtful }),
        Err(error) => {
            diagnostics.push(
                Diagnostic::new(Code::WrongType, Place::Value(Path::root()), error.to_string())
                    .help("the schema let this pass: please report it as a bug in bpc"),
            );
            None
        }
    }
}

impl Read {
    /// Whether a later diagnostic is only about something that has been reported already.
    pub(crate) fn explains(&self, diagnostic: &Diagnostic) -> bool {
        let about_placeholder = match &diagnostic.place {
            Place::Key(path) | Place::Value(path) => {
                self.refused.iter().any(|refused| path.is_within(refused))
            }
            Place::Span(_) | Place::Outside => false,
        };
        about_placeholder || self.may_be_there(diagnostic.code)
    }

    /// Whether a mistake of this kind claims that something is missing which may be in what was not understood.
    fn may_be_there(&self, code: Code) -> bool {
        let sections = sections(code);
        let lost = |path: &Path| match path.steps().first() {
            Some(Step::Key(section)) => sections.contains(&section.as_str()),
            // A key that nobody knows at the top may stand for a section that need not be there.
            _ => sections.iter().any(|section| ["kubernetes", "load_balancer"].contains(section)),
        };
        !sections.is_empty() && (!self.complete || self.refused.iter().chain(&self.doubtful).any(lost))
    }
}

/// The sections of a blueprint in which a mistake of this kind did not find something.
const fn sections(code: Code) -> &'static [&'static str] {
    match code {
        Code::UnknownNetwork | Code::CidrMissing | Code::TrunkWithoutVlan => &["networks"],
        Code::NetworkUnused
        | Code::MachinesMissing
        | Code::ControlPlaneMissing
        | Code::EvenControlPlanes
        | Code::ControlPlaneSize => &["machines"],
        Code::RoleNeedsNetwork
        | Code::GatewayMissing
        | Code::LoadBalancerNetwork
        | Code::BalancedMachine
        | Code::BalancingSettings => &["networks", "machines"],
        Code::LoadBalancerMissing => &["machines", "load_balancer"],
        Code::KubernetesMissing | Code::EtcdTopology => &["machines", "kubernetes"],
        Code::Release | Code::SnapshotWithoutMirror => &["image"],
        Code::OnlyOperatorMayEnter => &["access"],
        _ => &[],
    }
}
