//! Makes a user's own repository.

use std::path::Path;

use super::{Status, Terminal};
use crate::repository::{STARTS, Start, files};
use crate::value::is_dns_label;
use crate::write;

/// The blueprints that a repository can start from.
pub fn starts() -> impl Iterator<Item = &'static str> {
    STARTS.iter().map(|start| start.name)
}

/// Puts into `folder` what a repository starts with: the blueprint `from` under the name `name`, or its own.
///
/// Nothing is overwritten: if one of the files is there and differs, none is written.
pub fn init(terminal: &mut Terminal<'_>, folder: &Path, name: Option<&str>, from: &str) -> Status {
    let Some(start) = Start::find(from) else {
        return terminal.fail(&format!("there is no blueprint `{from}` to start from"));
    };
    let name = name.unwrap_or(start.name);
    if !is_dns_label(name) {
        let message = format!("a blueprint's name must be a DNS label, `{name}` is not");
        return terminal.fail(&format!("{message}: use small letters, digits and hyphens"));
    }
    let files = files(start, name);
    match write::add(&files, folder) {
        Ok(added) => {
            terminal.begun(folder, name, &added);
            Status::Success
        }
        Err(error @ write::Error::Refused { .. }) => {
            terminal.fail(&error.to_string());
            Status::Findings
        }
        Err(error) => terminal.fail(&error.to_string()),
    }
}
