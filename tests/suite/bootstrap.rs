//! The bootstrap engine and its functions, run by real shells in a scratch root.

mod archives;
mod engine;
mod former;
mod last;
mod library;
pub(crate) mod scratch;
mod server;
mod unit;
