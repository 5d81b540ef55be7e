//! What values and types are called in messages.

use serde_json::Value as Schema;

use super::walk::has_type;
use crate::diag::{Path, Step};
use crate::source::{Node, Value};

/// The last key of a path: what a message calls the value.
pub(super) fn last(path: &Path) -> &str {
    let keys = path.steps().iter().rev().filter_map(|step| match step {
        Step::Key(key) => Some(key.as_str()),
        Step::Index(_) => None,
    });
    keys.into_iter().next().unwrap_or("blueprint")
}

/// What a schema takes.
pub(super) fn expected(schemas: &[&Schema], words: &[&str]) -> String {
    if !words.is_empty() {
        return format!("one of {}", words.join(", "));
    }
    let names = [
        ("object", "a mapping of keys"),
        ("array", "a list"),
        ("string", "a text"),
        ("integer", "a whole number"),
    ];
    let fitting: Vec<&str> = names
        .iter()
        .filter(|(name, _)| schemas.iter().any(|schema| has_type(schema, name)))
        .map(|(_, words)| *words)
        .collect();
    fitting.join(" or ")
}

/// What a value is.
pub(super) fn found(node: &Node) -> String {
    match &node.value {
        Value::Map(_) => "a mapping of keys".to_owned(),
        Value::Seq(_) => "a list".to_owned(),
        Value::Scalar { .. } | Value::Refused => match node.to_yaml() {
            serde_yaml::Value::Null => "empty".to_owned(),
            serde_yaml::Value::Bool(truth) => format!("the truth value {truth}"),
            serde_yaml::Value::Number(_) => format!("the number {}", written(node)),
            _ => "a text".to_owned(),
        },
    }
}

/// A scalar as it was written: 1.30 is not 1.3.
fn written(node: &Node) -> &str {
    match &node.value {
        Value::Scalar { text, .. } => text,
        _ => "",
    }
}
