//! The `bpc` command as people and programs meet it.

mod formats;
mod help;
mod paths;
mod streams;
mod vault;
