//! `${name}` in a value stands for an entry of `variables:`.

use std::collections::BTreeMap;

use super::node::{Node, Value};
use crate::diag::{Code, Diagnostic, Place, Span, did_you_mean};

/// Bytes that all references of a blueprint may become together: far above any blueprint, far below harm.
const MAX_TEXT: usize = 1 << 20;
/// Variables that may stand for each other in a row.
const MAX_DEPTH: usize = 16;

/// Puts the values of `variables:` in place of all references to them, and takes `variables:` away.
///
/// A value that is nothing but one reference takes the variable's type with its text, so that `count: ${n}` is a
/// number. `$${` stands for a literal `${`. Keys are left as they are.
pub(super) fn substitute(root: &mut Node, diagnostics: &mut Vec<Diagnostic>) {
    let definitions = take_definitions(root);
    // Definitions that are no mapping are still there: they may have been meant to define anything.
    let lost = root.get("variables").is_some();
    let mut table = Table { known: BTreeMap::new(), lost, depth: 0, budget: Some(MAX_TEXT), diagnostics };
    let definitions = definitions.as_ref().map_or(&[][..], Node::entries);
    for (key, node) in definitions {
        let definition = table.definition(&key.text, node);
        table.known.insert(key.text.clone(), definition);
    }
    for (key, node) in definitions {
        table.lookup(&key.text, &node.span);
    }
    table.node(root);
}

/// Takes `variables:` away if it is a mapping; what else it may be is left for the check of types to report.
fn take_definitions(root: &mut Node) -> Option<Node> {
    let Value::Map(entries) = &mut root.value else { return None };
    let written = entries.iter().position(|(key, _)| key.text == "variables")?;
    let is_mapping = matches!(entries.get(written), Some((_, Node { value: Value::Map(_), .. })));
    is_mapping.then(|| entries.remove(written).1)
}

/// A scalar: its text, and whether it was written plain.
type Scalar = (String, bool);

/// A variable.
#[derive(Clone)]
enum Variable {
    /// As it was written, with references in it, and where.
    Written(Scalar, Span),
    /// Being resolved: a reference to it from here is a cycle.
    Open(Span),
    /// Without references.
    Resolved(Scalar),
    /// What has been reported.
    Refused,
}

struct Table<'a> {
    known: BTreeMap<String, Variable>,
    /// Whether definitions could not be understood.
    lost: bool,
    /// Variables that are being resolved.
    depth: usize,
    /// Bytes that references may still become; none once that has been reported.
    budget: Option<usize>,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl Table<'_> {
    fn definition(&mut self, name: &str, node: &Node) -> Variable {
        let what = match &node.value {
            Value::Scalar { text, plain } if !(*plain && text.is_empty()) => {
                return Variable::Written((text.clone(), *plain), node.span.clone());
            }
            Value::Refused => return Variable::Refused,
            Value::Scalar { .. } => {
                let message = format!("the variable `{name}` has no value");
                self.report(Code::VariableSyntax, &node.span, message, "write one, or remove the variable");
                return Variable::Refused;
            }
            Value::Seq(_) => "a list",
            Value::Map(_) => "a mapping of keys",
        };
        let message = format!("the variable `{name}` is {what}, not a single value");
        self.report(
            Code::VariableSyntax,
            &node.span,
            message,
            "share whole parts of a blueprint with `include:`",
        );
        Variable::Refused
    }

    fn node(&mut self, node: &mut Node) {
        match &mut node.value {
            Value::Map(entries) => {
                entries.retain(|(key, _)| {
                    let fixed = !key.text.contains("${");
                    if !fixed {
                        let message = format!("the key `{}` has a variable in it", key.text);
                        self.report(
                            Code::VariableSyntax,
                            &key.span,
                            message,
                            "variables stand in values only: write the key out",
                        );
                    }
                    fixed
                });
                for (_, node) in entries {
                    self.node(node);
                }
            }
            Value::Seq(items) => {
                for item in items {
                    self.node(item);
                }
            }
            Value::Scalar { text, plain } if text.contains("${") => {
                node.value = match self.scalar(text, *plain, &node.span) {
                    Some((text, plain)) => Value::Scalar { text, plain },
                    None => Value::Refused,
                };
            }
            Value::Scalar { .. } | Value::Refused => {}
        }
    }

    /// A scalar with all references replaced; `None` if one of them was refused.
    fn scalar(&mut self, text: &str, plain: bool, span: &Span) -> Option<Scalar> {
        match only_reference(text) {
            Some(name) => self.lookup(name, span),
            None => Some((self.expand(text, span)?, plain)),
        }
    }

    fn expand(&mut self, text: &str, span: &Span) -> Option<String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            let (before, reference) = rest.split_at(start);
            if let Some(before) = before.strip_suffix('$') {
                out.push_str(before);
                out.push_str("${");
                rest = reference.get(2..)?;
                continue;
            }
            out.push_str(before);
            let Some(end) = reference.find('}') else {
                let help = "write `${name}`, or `$${` for a literal `${`";
                self.report(Code::VariableSyntax, span, "`${` without its `}`", help);
                return None;
            };
            out.push_str(&self.lookup(reference.get(2..end)?, span)?.0);
            rest = reference.get(end + 1..)?;
        }
        out.push_str(rest);
        Some(out)
    }

    /// A variable's value, its own references resolved.
    fn lookup(&mut self, name: &str, span: &Span) -> Option<Scalar> {
        match self.known.get(name).cloned() {
            Some(Variable::Resolved(value)) => {
                self.spend(value.0.len(), span)?;
                Some(value)
            }
            Some(Variable::Written((text, plain), place)) => {
                self.known.insert(name.to_owned(), Variable::Open(place.clone()));
                self.depth += 1;
                let value = if self.depth > MAX_DEPTH {
                    let message = format!("more than {MAX_DEPTH} variables that stand for each other");
                    self.report(Code::TooLarge, &place, message, "write its value out");
                    None
                } else {
                    self.scalar(&text, plain, &place)
                };
                self.depth -= 1;
                let resolved = value.clone().map_or(Variable::Refused, Variable::Resolved);
                self.known.insert(name.to_owned(), resolved);
                value
            }
            Some(Variable::Open(place)) => {
                let message = format!("the variable `{name}` is defined by itself");
                self.report(Code::VariableCycle, &place, message, "write its value out");
                None
            }
            Some(Variable::Refused) => None,
            None if self.lost => None,
            None => {
                let near = did_you_mean(name, self.known.keys().map(String::as_str));
                let help = match near {
                    Some(near) => format!("did you mean `${{{near}}}`?"),
                    None => "define it under `variables:`, or write `$${` for a literal `${`".to_owned(),
                };
                self.report(Code::UnknownVariable, span, format!("there is no variable `{name}`"), &help);
                None
            }
        }
    }

    fn spend(&mut self, bytes: usize, span: &Span) -> Option<()> {
        let left = self.budget?.checked_sub(bytes);
        if left.is_none() {
            let message = format!("with this the variables become more than {MAX_TEXT} bytes of text");
            let help = "no blueprint needs so much: look for variables made of variables";
            self.report(Code::TooLarge, span, message, help);
        }
        self.budget = left;
        left.map(drop)
    }

    fn report(&mut self, code: Code, span: &Span, message: impl Into<String>, help: &str) {
        self.diagnostics.push(Diagnostic::new(code, Place::Span(span.clone()), message).help(help));
    }
}

/// The name, if `text` is one reference and nothing else.
fn only_reference(text: &str) -> Option<&str> {
    let name = text.strip_prefix("${")?.strip_suffix('}')?;
    (!name.contains(['{', '}', '$'])).then_some(name)
}
