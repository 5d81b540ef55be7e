//! `${name}` in a value stands for an entry of `variables:`.

use std::collections::BTreeMap;

use super::node::{Node, Value};
use crate::diag::{Code, Diagnostic, Place, Span, did_you_mean};

/// Puts the values of `variables:` in place of all references to them.
///
/// A value that is nothing but one reference takes the variable's type with its text, so that `count: ${n}` is a
/// number. `$${` stands for a literal `${`. Keys, `include:` and `variables:` itself are left as they are.
pub(super) fn substitute(root: &mut Node, diagnostics: &mut Vec<Diagnostic>) {
    let mut table = Table { written: BTreeMap::new(), diagnostics };
    if let Some(variables) = root.get("variables") {
        for (key, node) in variables.entries() {
            table.written.insert(key.text.clone(), node.clone());
        }
    }
    let Value::Map(entries) = &mut root.value else { return };
    for (key, node) in entries {
        if key.text != "include" && key.text != "variables" {
            table.node(node, &[]);
        }
    }
}

struct Table<'a> {
    written: BTreeMap<String, Node>,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl Table<'_> {
    fn node(&mut self, node: &mut Node, open: &[&str]) {
        match &mut node.value {
            Value::Map(entries) => entries.iter_mut().for_each(|(_, node)| self.node(node, open)),
            Value::Seq(items) => items.iter_mut().for_each(|item| self.node(item, open)),
            Value::Scalar { text, plain } => {
                if !text.contains("${") {
                    return;
                }
                if let Some(name) = only_reference(text) {
                    let name = name.to_owned();
                    if let Some((value, value_plain)) = self.lookup(&name, &node.span, open) {
                        *text = value;
                        *plain = value_plain;
                    }
                } else if let Some(expanded) = self.expand(&text.clone(), &node.span, open) {
                    *text = expanded;
                }
            }
        }
    }

    /// All references in `text` replaced; `None` if one of them was refused.
    fn expand(&mut self, text: &str, span: &Span, open: &[&str]) -> Option<String> {
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
                let message = "`${` without its `}`";
                let diagnostic = Diagnostic::new(Code::VariableSyntax, Place::Span(span.clone()), message);
                self.diagnostics.push(diagnostic.help("write `${name}`, or `$${` for a literal `${`"));
                return None;
            };
            let (value, _) = self.lookup(reference.get(2..end)?, span, open)?;
            out.push_str(&value);
            rest = reference.get(end + 1..)?;
        }
        out.push_str(rest);
        Some(out)
    }

    /// A variable's text and whether it was written plain, its own references resolved.
    fn lookup(&mut self, name: &str, span: &Span, open: &[&str]) -> Option<(String, bool)> {
        let Some(node) = self.written.get(name).cloned() else {
            let known = did_you_mean(name, self.written.keys().map(String::as_str));
            let help = match known {
                Some(known) => format!("did you mean `${{{known}}}`?"),
                None => "define it under `variables:`, or write `$${` for a literal `${`".to_owned(),
            };
            let message = format!("there is no variable `{name}`");
            self.diagnostics
                .push(Diagnostic::new(Code::UnknownVariable, Place::Span(span.clone()), message).help(help));
            return None;
        };
        if open.contains(&name) {
            let message = format!("the variable `{name}` is defined by itself");
            let diagnostic = Diagnostic::new(Code::VariableCycle, Place::Span(node.span), message);
            self.diagnostics.push(diagnostic.help("write its value out"));
            return None;
        }
        let mut resolved = node;
        let open: Vec<&str> = open.iter().copied().chain([name]).collect();
        let before = self.diagnostics.len();
        self.node(&mut resolved, &open);
        match resolved.value {
            Value::Scalar { text, plain } if self.diagnostics.len() == before => Some((text, plain)),
            Value::Scalar { .. } => None,
            Value::Seq(_) | Value::Map(_) => {
                let message = format!("the variable `{name}` is not a single value");
                let diagnostic = Diagnostic::new(Code::VariableSyntax, Place::Span(resolved.span), message);
                self.diagnostics.push(diagnostic.help("share whole parts with `include:`"));
                None
            }
        }
    }
}

/// The name, if `text` is one reference and nothing else.
fn only_reference(text: &str) -> Option<&str> {
    let name = text.strip_prefix("${")?.strip_suffix('}')?;
    (!name.contains(['{', '}', '$'])).then_some(name)
}
