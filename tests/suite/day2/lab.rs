//! A cluster of files, whose machines are reached by a stub for `ssh`: all that the scripts do passes by there.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use bpc::Compiled;
use bpc::site::{Role, Site};
use tempfile::TempDir;

use crate::built;
use crate::support::project::{Said, said};
use crate::support::shells::{self, Fault};

/// The programs of machines that have a stub.
const REMOTE: [&str; 10] = [
    "sudo",
    "kubectl",
    "kubeadm",
    "systemctl",
    "etcdutl",
    "cksum",
    "bpc-etcdctl",
    "bpc-etcd-snapshot",
    "bpc-etcd-restore",
    "bpc-renew-token",
];

/// The cluster of a blueprint, and the folder that was built for it.
pub(super) struct World {
    folder: TempDir,
    pub(super) site: Site,
}

/// The blueprint `blueprints/NAME`, which is compiled once.
pub(super) fn blueprint(name: &str) -> Arc<Compiled> {
    static KNOWN: Mutex<BTreeMap<String, Arc<Compiled>>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let compile = || Arc::new(built::changed_in("blueprints", name, |text| text));
    Arc::clone(known.entry(name.to_owned()).or_insert_with(compile))
}

impl World {
    /// A cluster of this version, all of it well.
    pub(super) fn new(built: &Compiled, version: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let world = Self { folder, site: built.site.clone() };
        for file in &built.artifacts.files {
            if file.path.starts_with("day-2/") || file.path == "ssh/config" {
                world.write(&format!("tree/{}", file.path), file.content.bytes());
            }
        }
        let remote = include_str!("remote.sh");
        for (path, text) in
            [("bin/ssh", include_str!("ssh.sh")), ("bin/sleep", "#!/bin/sh\n"), ("remote/stub", remote)]
        {
            world.write(path, text.as_bytes());
            fs::set_permissions(world.path(path), fs::Permissions::from_mode(0o755)).unwrap();
        }
        world.write("remote/lib.sh", include_bytes!("lib.sh"));
        for name in REMOTE {
            symlink("stub", world.path(&format!("remote/{name}"))).unwrap();
        }
        world.write("api", version.as_bytes());
        fs::create_dir_all(world.path("home")).unwrap();
        world.populate(version);
        world
    }

    /// Its machines, nodes and members of etcd.
    fn populate(&self, version: &str) {
        let site = &self.site;
        let member =
            if site.with_role(Role::Etcd).next().is_some() { Role::Etcd } else { Role::ControlPlane };
        let (mut members, mut health) = (String::new(), String::new());
        for machine in &site.machines {
            for folder in ["run", "var/lib/bpc"] {
                fs::create_dir_all(self.path(&format!("machines/{}/{folder}", machine.name))).unwrap();
            }
            if matches!(machine.role, Role::ControlPlane | Role::Worker) {
                self.node(&machine.name, "version", version);
                self.node(&machine.name, "ready", "True");
            }
            if machine.role == Role::ControlPlane {
                self.node(&machine.name, "plane", "");
            }
            if machine.role == member {
                self.write(&format!("machines/{}/member", machine.name), b"");
                let (name, address) = (&machine.name, machine.address());
                let (peer, client) = (format!("https://{address}:2380"), format!("https://{address}:2379"));
                writeln!(members, "id{name}, started, {name}, {peer}, {client}, false").unwrap();
                writeln!(health, "{client} is healthy: successfully committed proposal: took = 9ms").unwrap();
            }
        }
        self.write("members", members.as_bytes());
        self.write("health", health.as_bytes());
    }

    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub(super) fn write(&self, path: &str, content: &[u8]) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// What a file says; nothing if there is none.
    pub(super) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_default()
    }

    /// Sets what the API says of a node.
    pub(super) fn node(&self, name: &str, what: &str, value: &str) {
        self.write(&format!("nodes/{name}/{what}"), value.as_bytes());
    }

    /// A script that is run in a folder of its own: `home`.
    pub(super) fn command(&self, shell: &str, script: &str, arguments: &[&str]) -> Command {
        let mut command = shells::command(shell, &self.path("bin"));
        command.arg(Path::new("../tree/day-2").join(script)).args(arguments);
        command.current_dir(self.path("home")).stdin(Stdio::null());
        command.env("WORLD", self.path("")).env("FAULT", "");
        command
    }

    /// Runs a script.
    pub(super) fn run(&self, shell: &str, script: &str, arguments: &[&str]) -> Said {
        said(&mut self.command(shell, script, arguments))
    }

    /// Runs a script while something goes wrong.
    pub(super) fn disturbed(&self, script: &str, arguments: &[&str], fault: Fault) -> Said {
        let _ = fs::remove_file(self.path("count"));
        said(self.command("dash", script, arguments).env("FAULT", fault.to_string()))
    }

    /// What a script must do without a fault, and what it said.
    pub(super) fn succeed(&self, shell: &str, script: &str, arguments: &[&str]) -> Said {
        let said = self.run(shell, script, arguments);
        assert_eq!(said.status, 0, "{shell} {script} {arguments:?}: {said:?}");
        said
    }

    /// All commands that ssh was to run.
    pub(super) fn calls(&self) -> Vec<String> {
        self.read("calls").lines().map(str::to_owned).collect()
    }

    /// All changes since the last time.
    pub(super) fn events(&self) -> Vec<String> {
        let events = self.read("events").lines().map(str::to_owned).collect();
        let _ = fs::remove_file(self.path("events"));
        events
    }

    /// For each node its version, and whether it is closed or marked.
    pub(super) fn nodes(&self) -> Vec<(String, String, bool)> {
        let mut nodes: Vec<_> = fs::read_dir(self.path("nodes"))
            .unwrap()
            .map(|entry| {
                let folder = entry.unwrap().path();
                let version = fs::read_to_string(folder.join("version")).unwrap();
                let closed = folder.join("closed").exists() || folder.join("mark").exists();
                (folder.file_name().unwrap().to_str().unwrap().to_owned(), version.trim().to_owned(), closed)
            })
            .collect();
        nodes.sort();
        nodes
    }
}
