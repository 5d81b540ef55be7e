//! The `bpc` command as people and programs meet it.

mod boundary;
mod certificates;
mod changes;
mod formats;
mod help;
mod hostile;
mod init;
mod limits;
mod paths;
mod secrets;
mod streams;
mod vault;
mod vault_commands;
mod whole;
