//! Namespaces of the kernel in which a test builds a network of several machines.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use super::tools::{NAMESPACES, On, need};

/// Becomes the first process of namespaces in which everything else happens; all of it ends with this process, which ends
/// with its input, even if the test is killed.
const HOLDER: &str = "mount -t tmpfs tmpfs /run; mkdir /run/netns; echo ready; exec cat";

/// A network namespace that holds others by name: `ip netns add NAME` makes one.
pub(crate) struct Namespaces {
    holder: Child,
    /// The holder's process id.
    inside: String,
}

impl Namespaces {
    /// An empty one, for a test that needs these programs too; `None` if it cannot have all of that.
    pub(crate) fn with(programs: &[(On, &str)]) -> Option<Self> {
        let own = [(On::Host, "unshare"), (On::Host, "nsenter"), (On::Host, "ip"), (On::Host, NAMESPACES)];
        let unshare = need(&[&own, programs].concat())?;
        let mut command = unshare.command();
        command.args(["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]);
        command.args(["sh", "-euc", HOLDER]);
        let mut holder = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        assert_eq!(first_line(holder.stdout.take().unwrap()), "ready");
        let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", holder.id())).unwrap();
        let inside = children.trim().to_owned();
        Some(Self { holder, inside })
    }

    /// A command in the namespace of that name.
    pub(crate) fn command(&self, name: &str, command: &Command) -> Command {
        let mut inside = self.enter();
        inside.args(["ip", "netns", "exec", name]);
        inside.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            inside.env(name, value.unwrap_or_default());
        }
        inside
    }

    /// Runs shell commands where the others are held; `ip -n NAME` reaches them.
    pub(crate) fn sh(&self, script: &str) -> String {
        succeed(self.enter().args(["sh", "-euc", script]))
    }

    /// A command where the others are held, and what is mounted for them.
    pub(crate) fn enter(&self) -> Command {
        let mut inside = Command::new("nsenter");
        inside.args(["--target", &self.inside, "--mount", "--net", "--pid"]);
        inside
    }

    /// Where this process sees the files that are seen there.
    pub(crate) fn files(&self) -> PathBuf {
        format!("/proc/{}/root", self.inside).into()
    }

    /// Ends all that runs in it.
    pub(crate) fn end(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        self.end();
    }
}

/// The first line that a program prints.
pub(crate) fn first_line(stdout: ChildStdout) -> String {
    let mut reader = BufReader::new(stdout);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    // What comes later is not of interest, but must have somewhere to go.
    std::thread::spawn(move || std::io::copy(&mut reader, &mut std::io::sink()));
    line.trim_end().to_owned()
}

/// What a program printed; it must succeed.
pub(crate) fn succeed(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let stdout = String::from_utf8(stdout).unwrap();
    let last = command.get_args().last();
    assert!(status.success(), "{last:?}: {status}\n{stdout}{}", String::from_utf8_lossy(&stderr));
    stdout
}
