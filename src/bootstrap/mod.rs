//! The engine that brings a machine to its planned state: what every machine has, whatever its roles.
//!
//! cloud-init runs a command once and forgets how it went. So it only puts files in place and starts
//! `bpc-bootstrap.service`, and the engine behind that unit does the work, at every boot:
//!
//! * It waits for cloud-init to end, then runs the stages in order. A stage that succeeded leaves the SHA-256 of its
//!   file in `/var/lib/bpc/stamps/` and is not run again until the file changes; the digests of all files that it reads
//!   stand in it, so it changes with each of them. A stage that fails is tried again
//!   for ever, after 2, 4, ... 60 seconds, and the later ones wait: so machines may boot in any order. Only those of the
//!   order [`LAST`] and above wait for no other: all have their turn, and then those that failed have another one.
//! * The output of the stages is in the journal (`journalctl -t bpc`); `bpc-status` prints how far the machine is.
//! * The serial console has a line for what a script on the host wants to know, and nothing else:
//!
//! ```text
//! bpc: hapx-node01 packages failed (attempt 1, next in 2 s)
//! bpc: hapx-node01 packages | E: Failed to fetch http://mirror.example/debian/dists/trixie/InRelease
//! bpc: hapx-node01 packages still runs (attempt 2, nothing said for 120 s)
//! bpc: hapx-node01 packages ok
//! bpc: hapx-node01 ready
//! bpc: hapx-node01 floating address 10.86.4.20 here
//! ```
//!
//! `ok` says that the work of a stage is in place, so it comes at every boot. After the first failure of a stage the
//! last five lines of its output follow, with ` | ` before them; trouble of cloud-init is told in the same form. An attempt
//! that says nothing for minutes is mentioned, less and less often, so that nobody takes it for one that hangs. What
//! moves a floating address tells where it is at any later time. A
//! terminal ends lines with CR LF and may put a login prompt or a kernel message between them, so a reader looks for
//! lines that start with `bpc: `.
//!
//! * The first stage ([`former`]) ends what an earlier seed has put on the machine and this one does not: units that its
//!   stages have enabled, its files, and by a script that a stage may bring, what else it did.
//!
//! What a stage owes the engine: it is idempotent, it ends (the engine sets no limit, so a wait inside a stage has
//! one), and **it never prints a secret**, because its output goes to the journal and to a console whose text is a
//! file on the host.
//!
//! Packages are a stage too ([`packages`]), not cloud-init's `packages:`. cloud-init tries those once, early: on a
//! machine that boots before its gateway forwards packets they would be missing for good. A stage is tried again
//! until the network is up.
//!
//! The unit is of `Type=exec`. A oneshot would hold up `multi-user.target` until the bootstrap is done, the bootstrap
//! waits for cloud-init, and the last part of cloud-init waits for `multi-user.target`: none of them would ever end.

use std::collections::BTreeSet;

use crate::format::shell;
use crate::setup::{File, Setup, Stage};

/// Names of the files of stages that every machine has.
const FORMER: &str = "01-former";
const PACKAGES: &str = "10-packages";

/// The unit that runs the engine.
pub const UNIT: &str = "bpc-bootstrap.service";

/// From this order on, a stage that fails does not hold up those after it.
pub const LAST: u8 = 70;

/// Functions of sh that tell the serial console something: `find_console`, then `announce LINE`.
pub const CONSOLE: &str = include_str!("console.sh");

/// The files of the engine and of these stages on a machine with this host name.
#[must_use]
pub fn files(machine: &str, stages: &[Stage]) -> Vec<File> {
    let mut ordered: Vec<&Stage> = stages.iter().collect();
    ordered.sort_by_key(|stage| stage.file_name());
    let names = |last: bool| {
        let chosen = ordered.iter().filter(|stage| (stage.order >= LAST) == last);
        chosen.map(|stage| stage.file_name()).collect::<Vec<_>>().join(" ")
    };
    let variables =
        shell::assignments(&[("MACHINE", machine), ("STAGES", &names(false)), ("LAST", &names(true))]);
    let engine = format!("#!/bin/sh\nset -eu\n{variables}\n{CONSOLE}\n{}", include_str!("engine.sh"));
    let mut files = vec![
        File::script("/usr/local/lib/bpc/bootstrap", engine),
        File::text("/usr/local/lib/bpc/lib.sh", include_str!("lib.sh")),
        File::script("/usr/local/bin/bpc-status", include_str!("bpc-status.sh")),
        File::text(format!("/etc/systemd/system/{UNIT}"), include_str!("bpc-bootstrap.service")),
    ];
    for stage in ordered {
        let path = |folder: &str| format!("/usr/local/lib/bpc/{folder}/{}", stage.file_name());
        files.push(File::script(path("stages"), stage.script.as_str()));
        files.extend(stage.undo.iter().map(|undo| File::script(path("undo"), undo.as_str())));
    }
    files
}

/// The commands with which cloud-init starts the engine on a first boot (`runcmd`): neither waits for it to end.
#[must_use]
pub const fn start_commands() -> [&'static [&'static str]; 2] {
    [&["systemctl", "daemon-reload"], &["systemctl", "enable", "--now", "--no-block", UNIT]]
}

impl Stage {
    /// The same with a script of these variables and `body` that undoes it when a later seed does not have it.
    #[must_use]
    pub fn undone_by(mut self, variables: &[(&'static str, &str)], body: &str) -> Self {
        self.undo = Some(self::script(variables, body));
        self
    }

    /// A stage whose script is `body` below `variables`, with the functions of `lib.sh` at hand.
    #[must_use]
    pub fn new(order: u8, name: &'static str, variables: &[(&'static str, &str)], body: &str) -> Self {
        Self::scripted(order, name, self::script(variables, body))
    }
}

/// The script of a stage: these variables, the functions of `lib.sh` (`fetch`, `unpack`, `install_packages`,
/// `enable_service`, `log`), then the body; it ends at the first command that fails.
#[must_use]
pub fn script<V: AsRef<str>>(variables: &[(&'static str, V)], body: &str) -> String {
    format!(
        "#!/bin/sh\nset -eu\n{}# shellcheck source=/dev/null\n. \"${{BPC_LIB:-/usr/local/lib/bpc}}/lib.sh\"\n\n{body}",
        shell::assignments(variables)
    )
}

/// The stage that ends what an earlier seed has left and this one, with these files and stages, does not have.
///
/// It is the first one: what replaces something starts where that has ended. `seed` is another text whenever a file is
/// another one, so that the stage knows what is there.
#[must_use]
pub fn former(setup: &Setup, seed: &str) -> Stage {
    let mut files: Vec<&str> = setup.files.iter().map(|file| file.path.as_str()).collect();
    files.sort_unstable();
    let stages = setup.stages.iter().map(Stage::file_name).chain([FORMER.to_owned(), PACKAGES.to_owned()]);
    let mut stages: Vec<String> = stages.collect();
    stages.sort();
    let variables = [("SEED", seed.to_owned()), ("FILES", files.join(" ")), ("STAGES", stages.join(" "))];
    Stage::scripted(1, "former", script(&variables, include_str!("former.sh")))
}

/// The stage that installs these packages of the distribution, before all that need them.
#[must_use]
pub fn packages(names: &BTreeSet<String>) -> Stage {
    let variables = [("PACKAGES", shell::words(names))];
    Stage::scripted(10, "packages", script(&variables, include_str!("packages.sh")))
}
