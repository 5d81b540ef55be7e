//! The shells that scripts for the operator's host are run by, and what goes wrong in a run.

use std::fmt;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use super::tools::{On, tool};

/// The shells on this machine.
pub(crate) fn shells() -> Vec<&'static str> {
    ["dash", "bash", "busybox"].into_iter().filter(|shell| tool(On::Host, shell).is_some()).collect()
}

/// One of them under the name `sh` in the folder `bin`, by which a script starts others: it has the programs in there and
/// the system's, and nothing else of this process's environment.
pub(crate) fn command(shell: &str, bin: &Path) -> Command {
    // Where there is no dash, any POSIX shell takes its place.
    let tool = tool(On::Host, shell).or_else(|| tool(On::Host, "sh")).unwrap();
    let program = tool.command().get_program().to_owned();
    let link = bin.join("sh");
    let _ = fs::remove_file(&link);
    symlink(program, &link).unwrap();
    let mut command = Command::new(link);
    command.env_clear().env("PATH", format!("{}:/usr/bin:/bin", bin.display()));
    command
}

/// What goes wrong in a run, and at which call of the program that has a stand-in, counted from 1. It is shown as the
/// stand-ins read it from `$FAULT`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// The call fails and does nothing.
    Before(usize),
    /// It does its work, and the script does not get to know.
    After(usize),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Before(call) => write!(f, "before {call}"),
            Self::After(call) => write!(f, "after {call}"),
        }
    }
}
