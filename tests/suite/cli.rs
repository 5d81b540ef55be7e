//! The `bpc` command as people and programs meet it.

mod certificates;
mod changes;
mod formats;
mod help;
mod init;
mod limits;
mod paths;
mod secrets;
mod streams;
mod vault;
mod vault_commands;
