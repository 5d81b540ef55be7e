//! A machine that is a folder: the files of the bootstrap, programs that only note how they were called, a console.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use bpc::bootstrap::files;
use bpc::setup::Stage;

use crate::support::tools::{On, Staged, Tool, need};

/// A shell that may run a script, with the arguments that make it read one.
pub(crate) struct Shell {
    pub(crate) tool: Tool,
    pub(crate) arguments: &'static [&'static str],
    pub(crate) on: On,
}

/// The shells that the scripts must run in.
pub(crate) fn shells() -> Vec<Shell> {
    shells_beside(&[])
}

/// Those beside which these programs are, for a script that calls them.
pub(crate) fn shells_beside(programs: &[&str]) -> Vec<Shell> {
    let known: [(On, &str, &[&str]); 3] =
        [(On::Host, "dash", &[]), (On::Host, "bash", &["--posix"]), (On::Trixie, "busybox", &["sh"])];
    let found = |(on, name, arguments)| {
        let all: Vec<_> = [name].iter().chain(programs).map(|program| (on, *program)).collect();
        Some(Shell { tool: need(&all)?, arguments, on })
    };
    known.into_iter().filter_map(found).collect()
}

/// A stage from its order, its name and what follows `#!/bin/sh`.
pub(crate) fn stage(order: u8, name: &'static str, body: &str) -> Stage {
    Stage::scripted(order, name, format!("#!/bin/sh\nset -eu\n{body}\n"))
}

/// The scratch root of one machine.
pub(crate) struct Machine<'a> {
    shell: &'a Shell,
    root: Staged,
}

impl<'a> Machine<'a> {
    /// A machine with these stages, a console, a `sleep` that only notes how long, and a quick `sync`.
    pub(crate) fn new(shell: &'a Shell, stages: &[Stage]) -> Self {
        let machine = Self { shell, root: shell.tool.stage(&[("console", b""), ("calls", b"")]) };
        machine.install(stages);
        machine.stub("cloud-init", "");
        machine.stub("sync", "");
        machine.stub("sleep", "case $1 in 0.*) exec /bin/sleep \"$1\" ;; esac");
        machine
    }

    /// Puts the files of the bootstrap in place, as a new seed would.
    pub(crate) fn install(&self, stages: &[Stage]) {
        for file in files("gate-node01", stages) {
            self.write(file.path.trim_start_matches('/'), file.content.bytes(), file.mode);
        }
    }

    pub(crate) fn write(&self, path: &str, content: &[u8], mode: u32) {
        let target = self.host_path(path);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::write(&target, content).unwrap();
        self.root.set_mode(path, mode);
    }

    /// Puts a program before those of the system: it notes its name and arguments, then does what `body` says.
    pub(crate) fn stub(&self, name: &str, body: &str) {
        let script =
            format!("#!/bin/sh\nprintf '%s\\n' \"{name}${{*:+ $*}}\" >>\"$BPC_ROOT/calls\"\n{body}\n");
        self.write(&format!("bin/{name}"), script.as_bytes(), 0o755);
    }

    /// The calls of the programs that `stub` made, but for the short sleeps.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.read("calls").lines().filter(|call| !call.starts_with("sleep 0.")).map(String::from).collect()
    }

    /// A command of the shell with the machine's environment: `script` is a path on the machine.
    pub(crate) fn command(&self, script: &str) -> Command {
        let mut command = self.shell.tool.command();
        command.args(self.shell.arguments).arg(self.path(script));
        self.environment(&mut command);
        command
    }

    /// A command of the shell that sources `lib.sh` and runs this line.
    pub(crate) fn with_library(&self, line: &str) -> Command {
        let mut command = self.shell.tool.command();
        let script = format!("set -eu\n. \"$BPC_ROOT/usr/local/lib/bpc/lib.sh\"\n{line}");
        command.args(self.shell.arguments).args(["-c", &script, "sh"]);
        self.environment(&mut command);
        command
    }

    fn environment(&self, command: &mut Command) {
        let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", self.path("bin").display());
        command.env("PATH", path).env("BPC_ROOT", self.path("")).env("BPC_CONSOLE", self.path("console"));
        command.env_remove("BPC_RETRY_FIRST").env_remove("BPC_RETRY_MAX").env_remove("BPC_CLOUD_INIT_WAIT");
        command.env_remove("BPC_QUIET");
    }

    /// The engine, not started yet.
    pub(crate) fn engine(&self) -> Command {
        self.command("usr/local/lib/bpc/bootstrap")
    }

    /// Runs the engine to its end, which must be a good one, and returns what it printed.
    pub(crate) fn run(&self) -> String {
        succeed(&mut self.engine())
    }

    /// The text of a file of the machine, empty if it is not there.
    pub(crate) fn read(&self, path: &str) -> String {
        String::from_utf8_lossy(&fs::read(self.host_path(path)).unwrap_or_default()).into_owned()
    }

    /// What came to the console since this was last asked.
    pub(crate) fn console(&self) -> String {
        let text = self.read("console");
        fs::write(self.host_path("console"), "").unwrap();
        text
    }

    /// Waits until a file is there.
    pub(crate) fn wait_for(&self, path: &str) {
        let start = Instant::now();
        while !self.host_path(path).exists() {
            assert!(start.elapsed() < Duration::from_secs(20), "no {path} after 20 s");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// A path on the machine, as this process sees it.
    pub(crate) fn host_path(&self, path: &str) -> PathBuf {
        self.root.host_path().join(path)
    }

    /// A path on the machine, as the shell sees it.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root.path_for(path)
    }
}

/// Runs a command that must succeed without a word on stderr, and returns what it printed.
pub(crate) fn succeed(command: &mut Command) -> String {
    let output = output(command);
    let [said, complaint] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).expect("text"));
    assert!(
        output.status.success() && complaint.is_empty(),
        "{command:?}: {}\n{said}{complaint}",
        output.status
    );
    said
}

/// Runs a command to its end.
pub(crate) fn output(command: &mut Command) -> Output {
    command.output().expect("the command starts")
}
