//! What every node has: judged by the programs that read it, and its stages run where a machine is a folder.

mod containerd;
mod docker;
mod kernel;
mod mirrors;
mod versions;

use std::process::Command;

use bpc::Compiled;

use crate::bootstrap::scratch::{Machine, Shell};
use crate::built::{artifact, changed};

/// A small data centre whose `kubernetes:` has these keys more.
fn with(more: &str) -> Compiled {
    changed("routed", |text| {
        let line = "kubernetes: {version: \"1.35\"";
        assert!(text.contains(line));
        text.replace(line, &format!("{line}, {more}"))
    })
}

/// The stage of a node, on a machine on which the functions of the library only note how they were called.
fn stage<'a>(shell: &'a Shell, built: &Compiled, name: &str) -> (Machine<'a>, Command) {
    let machine = Machine::new(shell, &[]);
    let text = artifact(built, "node01", &format!("files/usr/local/lib/bpc/stages/{name}"));
    machine.write("stage", text, 0o755);
    let library: String = ["fetch", "unpack", "enable_service", "log"]
        .map(|name| format!("{name}() {{ printf '%s\\n' \"{name} $*\" >>\"$BPC_ROOT/calls\"; }}\n"))
        .concat();
    machine.write("library/lib.sh", library.as_bytes(), 0o644);
    let mut command = machine.command("stage");
    command.env("BPC_LIB", machine.path("library"));
    (machine, command)
}
