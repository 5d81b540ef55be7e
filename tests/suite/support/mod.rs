//! What the tests stand on.

pub(crate) mod namespaces;
pub(crate) mod project;
pub(crate) mod shells;
pub(crate) mod tools;
pub(crate) mod vault;
