//! Small types that are checked once, where they are made, and trusted from there on.

mod secret;

pub use secret::Secret;
