//! bpc, the blueprint compiler.

pub mod artifact;
pub mod assets;
pub mod diag;
pub mod format;
pub mod model;
mod resolve;
pub mod setup;
pub mod site;
pub mod source;
pub mod value;
pub mod write;
