//! YAML documents for cloud-init (PyYAML, YAML 1.1) and netplan (libyaml).
//!
//! These readers take `no`, `on`, `12:30`, `2024-01-01`, `1_000` and `=` for something else than strings, so the
//! emitter writes a string plain only where no reader of YAML 1.1 or 1.2 can mistake it, as a literal block where
//! it has several lines that people will want to read, and in double quotes otherwise. Every Rust string comes back
//! unchanged, U+0000 (as `"\0"`) and U+FEFF included.
//!
//! A mapping keeps the order of its entries. A sequence of scalars stands on one line if it fits there:
//! `addresses: ["192.168.1.1/24"]`. There are no anchors, tags or time stamps: nothing here needs them.
//! What a user wrote comes in as [`serde_yaml::Value`].

mod emit;
mod scalar;
mod value;

use std::fmt;

/// A node of a YAML document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Yaml {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A decimal integer.
    Int(i64),
    /// Any other number, as it is written.
    Number(String),
    /// A string, whatever is in it.
    Str(String),
    /// A sequence.
    Seq(Vec<Yaml>),
    /// A mapping from strings, in this order; each key once (readers let the last one win, silently).
    Map(Vec<(String, Yaml)>),
}

impl Yaml {
    /// A mapping: `Yaml::map([("name", "gate".into()), ("mtu", 1500.into())])`.
    pub fn map<K: Into<String>>(entries: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::Map(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }

    /// A sequence: `Yaml::seq(["systemctl", "daemon-reload"])`.
    pub fn seq<T: Into<Self>>(items: impl IntoIterator<Item = T>) -> Self {
        Self::Seq(items.into_iter().map(Into::into).collect())
    }

    /// The document that has this node as its root, below comment lines.
    ///
    /// Each line of each comment follows a `#` directly: `cloud-config` becomes the `#cloud-config` that cloud-init
    /// wants as the first line, and a remark starts with a space. Characters that a YAML stream may not contain
    /// are left out of comments.
    #[must_use]
    pub fn document(&self, comments: &[&str]) -> String {
        emit::document(self, comments)
    }
}

/// The document that has this node as its root.
impl fmt::Display for Yaml {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.document(&[]))
    }
}

impl From<&str> for Yaml {
    fn from(text: &str) -> Self {
        Self::Str(text.to_owned())
    }
}

impl From<String> for Yaml {
    fn from(text: String) -> Self {
        Self::Str(text)
    }
}

impl From<bool> for Yaml {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Yaml {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<i32> for Yaml {
    fn from(value: i32) -> Self {
        Self::Int(value.into())
    }
}

impl From<u8> for Yaml {
    fn from(value: u8) -> Self {
        Self::Int(value.into())
    }
}

impl From<u16> for Yaml {
    fn from(value: u16) -> Self {
        Self::Int(value.into())
    }
}

impl From<u32> for Yaml {
    fn from(value: u32) -> Self {
        Self::Int(value.into())
    }
}

impl<T: Into<Self>> From<Vec<T>> for Yaml {
    fn from(items: Vec<T>) -> Self {
        Self::seq(items)
    }
}
