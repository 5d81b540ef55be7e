//! A YAML document as a tree whose every node knows where it was written.

use crate::diag::Span;

/// A value with its place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    /// Where it was written; for an alias, where the alias stands.
    pub(crate) span: Span,
    /// What it is.
    pub(crate) value: Value,
}

/// The kinds of YAML node.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// A text; whether it is a number, a truth value or nothing is decided by its form if it is plain.
    Scalar {
        /// The text, escapes resolved.
        text: String,
        /// Written without quotes and not as a block.
        plain: bool,
    },
    /// Items in order.
    Seq(Vec<Node>),
    /// Keys in order, each once.
    Map(Vec<(Key, Node)>),
    /// What could not be understood: a diagnostic says why, so that no later one needs to.
    Refused,
}

/// A key with its place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Key {
    /// Where it was written.
    pub(crate) span: Span,
    /// Its text.
    pub(crate) text: String,
}

impl Node {
    /// The value of `key`, if this is a mapping that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|(known, _)| known.text == key).map(|(_, node)| node)
    }

    /// The entries of a mapping; none for anything else.
    pub(crate) fn entries(&self) -> &[(Key, Node)] {
        match &self.value {
            Value::Map(entries) => entries,
            Value::Scalar { .. } | Value::Seq(_) | Value::Refused => &[],
        }
    }

    /// The value as `serde_yaml` sees it: plain scalars by the core schema of YAML 1.2 (section 10.3.2).
    pub(crate) fn to_yaml(&self) -> serde_yaml::Value {
        match &self.value {
            Value::Scalar { text, plain: true } => plain_scalar(text),
            Value::Scalar { text, plain: false } => text.as_str().into(),
            Value::Refused => serde_yaml::Value::Null,
            Value::Seq(items) => items.iter().map(Self::to_yaml).collect(),
            Value::Map(entries) => {
                let entries = entries.iter().map(|(key, node)| (key.text.as_str().into(), node.to_yaml()));
                serde_yaml::Value::Mapping(entries.collect())
            }
        }
    }
}

fn plain_scalar(text: &str) -> serde_yaml::Value {
    let number = || text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'));
    match text {
        "" | "~" | "null" | "Null" | "NULL" => serde_yaml::Value::Null,
        "true" | "True" | "TRUE" => true.into(),
        "false" | "False" | "FALSE" => false.into(),
        _ if !number() => text.into(),
        _ => match (text.parse::<i64>(), text.parse::<f64>()) {
            (Ok(integer), _) => integer.into(),
            (Err(_), Ok(float)) => float.into(),
            (Err(_), Err(_)) => text.into(),
        },
    }
}
