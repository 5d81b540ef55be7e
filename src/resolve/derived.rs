//! Mistakes that only follow from others: what looks at several parts of a blueprint cannot judge where one of them is wrong.
//!
//! What follows from values that could not be read at all is left out before (`Read::explains` of `crate::model`); here the
//! values were read, and are wrong.

use crate::diag::{Code, Diagnostic, Path, Place, Severity, Step};

/// Takes out the errors that another one may have made.
pub(crate) fn without_derived(diagnostics: &mut Vec<Diagnostic>) {
    let errors = diagnostics.iter().filter(|it| it.severity() == Severity::Error && !looks_across(it.code));
    let causes: Vec<Path> = errors.filter_map(|it| path(it).cloned()).collect();
    diagnostics.retain(|it| {
        let may_come_of =
            |effect: &Path| causes.iter().any(|cause| cause != effect && may_come_of(it.code, effect, cause));
        it.severity() != Severity::Error || !path(it).is_some_and(may_come_of)
    });
}

const fn path(diagnostic: &Diagnostic) -> Option<&Path> {
    match &diagnostic.place {
        Place::Key(path) | Place::Value(path) => Some(path),
        Place::Span(_) | Place::Outside => None,
    }
}

/// Whether mistakes of this kind are always about several parts, so that none of them makes another.
const fn looks_across(code: Code) -> bool {
    matches!(code, Code::VolumesTooLarge | Code::VolumeGroup)
}

/// Whether a mistake of this kind at `effect` may be there only because of another one at `cause`.
fn may_come_of(code: Code, effect: &Path, cause: &Path) -> bool {
    let keys: Vec<&str> = cause
        .steps()
        .iter()
        .filter_map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Index(_) => None,
        })
        .collect();
    let of_same_machine = || cause.steps().get(..2) == effect.steps().get(..2);
    match (code, keys.as_slice()) {
        // What is mounted in the image, and what its group holds.
        (Code::MountPoint, ["image", ..]) => !effect.is_within(cause) && !is_leaf_of_image(effect),
        (Code::VolumesTooLarge | Code::VolumeGroup, ["machines", _, "disks" | "volumes", ..]) => {
            of_same_machine()
        }
        // Who is on which network, and how many they are.
        (
            Code::UnknownNetwork | Code::TooManyPins | Code::KeyDoesNotApply,
            ["machines", _, part @ ("networks" | "role" | "count"), ..],
        ) => of_same_machine() && effect.steps().get(2) != Some(&Step::Key((*part).to_owned())),
        (Code::VolumesTooLarge | Code::VolumeGroup, ["image", ..])
        | (
            Code::GatewayMissing | Code::LoadBalancerNetwork,
            ["machines", _, "networks" | "role" | "count", ..],
        ) => true,
        _ => false,
    }
}

/// Whether it is a mount point that the image itself names.
fn is_leaf_of_image(path: &Path) -> bool {
    path.steps().first() == Some(&Step::Key("image".to_owned()))
        && path.steps().last() == Some(&Step::Key("mount".to_owned()))
}

#[cfg(test)]
mod tests {
    use crate::diag::{FileId, Files, Severity};
    use crate::source::{Node, Value};
    use crate::{Inputs, plan_site, source};

    const BLUEPRINTS: [&str; 4] = [
        include_str!("../../tests/blueprints/everything/blueprint.yaml"),
        include_str!("../../tests/blueprints/storage/blueprint.yaml"),
        include_str!("../../tests/blueprints/routed/blueprint.yaml"),
        include_str!("../../blueprints/kube-full/blueprint.yaml"),
    ];
    const FRAGMENT: (&str, &str) =
        ("networks.yaml", include_str!("../../tests/blueprints/everything/networks.yaml"));

    /// The places of all values below the top: scalars, lists and mappings.
    fn places(node: &Node, found: &mut Vec<std::ops::Range<usize>>) {
        let mut each = |child: &Node| {
            // What a fragment says is in another file.
            if child.span.file == FileId::default() {
                found.push(child.span.range.clone());
            }
            places(child, found);
        };
        match &node.value {
            Value::Seq(items) => items.iter().for_each(&mut each),
            Value::Map(entries) => entries.iter().for_each(|(_, child)| each(child)),
            Value::Scalar { .. } | Value::Refused => {}
        }
    }

    fn inputs(text: &str) -> Inputs {
        let mut inputs = Inputs { files: Files::new(""), ..Inputs::default() };
        inputs.files.add("blueprint.yaml", text);
        if text.contains(FRAGMENT.0) {
            inputs.files.add(FRAGMENT.0, FRAGMENT.1);
        }
        inputs
    }

    fn errors(text: &str) -> Vec<String> {
        let (_, report) = plan_site(&inputs(text));
        let errors = report.diagnostics.iter().filter(|it| it.severity() == Severity::Error);
        errors.map(|it| format!("{}: {}", it.code.as_str(), it.message)).collect()
    }

    #[test]
    fn one_broken_value_is_one_mistake() {
        let mut broken = 0;
        for text in BLUEPRINTS {
            assert_eq!(errors(text), [""; 0]);
            let document = source::load(&inputs(text).files, &[], &mut Vec::new()).unwrap();
            let mut found = Vec::new();
            places(&document.root, &mut found);
            for range in found {
                let (before, value, after) = (&text[..range.start], &text[range.clone()], &text[range.end..]);
                let space = &value[value.trim_end().len()..];
                let said = errors(&format!("{before}\"zz!\"{space}{after}"));
                assert!(said.len() <= 1, "{value:?}: {said:#?}");
                broken += said.len();
            }
        }
        assert!(broken > 300, "{broken}");
    }
}
