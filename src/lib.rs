//! bpc, the blueprint compiler.

pub mod artifact;
pub mod bootstrap;
pub mod format;
pub mod setup;
pub mod value;
pub mod write;
