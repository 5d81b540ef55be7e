//! Failures that are not the user's.

use std::fmt;

/// Something that cannot happen after `resolve` has succeeded, and did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bug(pub String);

impl fmt::Display for Bug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this is a bug in bpc, please report it with the blueprint: {}", self.0)
    }
}

impl std::error::Error for Bug {}
