//! A host of files, with a stand-in for `VBoxManage`: all that the scripts do passes by there.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use bpc::Compiled;
use bpc::site::Site;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use walkdir::WalkDir;

use crate::support::project::{Said, said};
use crate::support::shells::{self, Fault};
use crate::support::tools::{On, as_root, need};

/// The calls of `VBoxManage` that change nothing.
pub(super) const QUESTIONS: [&str; 6] =
    ["--version", "list ", "showvminfo ", "getextradata ", "showmediuminfo ", "unattended detect "];

/// A host with VirtualBox, and the folder that was built.
pub(super) struct World {
    folder: TempDir,
    pub(super) site: Site,
    /// Where the real `VBoxManage` runs, if it is not the stand-in.
    virtualbox: Option<VirtualBox>,
}

/// A namespace in which the chroot of VirtualBox sees a world under the path that it has here. All that runs in it, such as
/// VirtualBox's server, ends with this.
struct VirtualBox(Child);

impl Drop for VirtualBox {
    fn drop(&mut self) {
        // Whether it has ended already is all the same.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Makes the namespace, says its process id, and stays until it is killed: `sh -c ENTER sh ROOT WORLD`.
const ENTER: &str = r#"
read -r id rest </proc/self/stat
echo "$id"
mount -t proc proc "$1/proc"
mount -t tmpfs tmpfs "$1/tmp"
mkdir -p "$1$2"
mount --bind "$2" "$1$2"
echo ready
exec sleep 86400
"#;

/// In place of the stand-in: writes the call down, and has the real one carry it out.
const CALL: &str = r#"#!/bin/sh
echo "$*" >>"$WORLD/calls"
exec nsenter --target PID USER --mount --pid -- /usr/sbin/chroot ROOT /usr/bin/env -i HOME="$WORLD/home" USER=root \
  LC_ALL=C.UTF-8 PATH=/usr/bin:/bin VBOX_USER_HOME="$WORLD/vbox" VBOX_IPC_SOCKETID="${WORLD##* }" \
  /usr/lib/virtualbox/VBoxManage "$@"
"#;

/// A disk for the stand-in, divided as the blueprint says.
pub(super) fn disk(site: &Site) -> String {
    let group = site.image.lvm.as_ref().map(|lvm| format!("{} {{\n", lvm.group));
    format!("capacity 2048\n{}", group.unwrap_or_default())
}

impl World {
    /// A host without machines, and with the disk file of the blueprint, if it names one.
    pub(super) fn new(built: &Compiled) -> Self {
        let folder = tempfile::Builder::new().prefix("bpc world ").tempdir().unwrap();
        let world = Self { folder, site: built.site.clone(), virtualbox: None };
        for (path, text) in [
            ("bin/VBoxManage", include_str!("vboxmanage.sh")),
            ("bin/sleep", "#!/bin/sh\n"),
            ("bin/ss", "#!/bin/sh\ncat \"$WORLD/ports\"\n"),
            ("bin/uname", "#!/bin/sh\ncat \"$WORLD/uname$1\"\n"),
            ("bin/ip", "#!/bin/sh\ncat \"$WORLD/routes\"\n"),
            ("bin/ssh", "#!/bin/sh\nprintf '<%s>' \"$@\"\n"),
        ] {
            world.write(path, text.as_bytes());
            fs::set_permissions(world.path(path), fs::Permissions::from_mode(0o755)).unwrap();
        }
        let architecture =
            if built.site.image.architecture.as_str() == "arm64" { "aarch64" } else { "x86_64" };
        let detected = match built.site.image.release.as_str() {
            "bookworm" => "OSTypeId=\"Debian12_64\"\nOSVersion=\"12.11.0 \\\"Bookworm\\\"\"\n",
            "trixie" => "OSTypeId=\"Debian13_64\"\nOSVersion=\"13.1.0 \\\"Trixie\\\"\"\n",
            _ => "OSTypeId=\"Ubuntu24_LTS_64\"\nOSVersion=\"24.04.3 LTS \\\"Noble Numbat\\\"\"\n",
        };
        for (path, text) in [
            ("detected", detected),
            ("version", "7.2.22_Debianr175245"),
            ("memory", "64000"),
            ("cpus", "8"),
            ("ports", ""),
            ("uname-m", architecture),
            ("uname-s", "Linux"),
            ("uname-r", "6.1.0-40-amd64"),
            ("global", ""),
            ("networks.conf", "* 10.0.0.0/8 192.168.0.0/16\n* 2001::/64\n"),
            ("disk.raw", disk(&built.site).as_str()),
            ("routes", ""),
            ("resolv.conf", ""),
        ] {
            world.write(path, text.as_bytes());
        }
        world.reset();
        for machine in &built.site.machines {
            world.write(&format!("hosts/{}-{}", built.site.name, machine.name), machine.name.as_bytes());
        }
        world.build(built);
        world
    }

    /// The same with the real VirtualBox, whose machines are below `home`; `None` if it is not there.
    pub(super) fn real(built: &Compiled) -> Option<Self> {
        Self::real_with(built, &[])
    }

    /// The same for a test that needs more programs of this machine.
    pub(super) fn real_with(built: &Compiled, more: &[&str]) -> Option<Self> {
        let own =
            ["nsenter", "dash", "bash", "busybox"].iter().chain(more).map(|program| (On::Host, *program));
        let virtualbox = [(On::Sid, "/usr/lib/virtualbox/VBoxManage")];
        need(&virtualbox.into_iter().chain(own).collect::<Vec<_>>())?;
        let mut world = Self::new(built);
        let root = On::Sid.root();
        let mut command = Command::new("unshare");
        command.args(as_root()).args([
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "sh",
            "-euc",
            ENTER,
            "sh",
        ]);
        command.arg(&root).arg(world.folder.path()).stdout(Stdio::piped());
        let mut keeper = command.spawn().unwrap();
        let mut lines = BufReader::new(keeper.stdout.take().unwrap()).lines().map(Result::unwrap);
        let (id, ready) = (lines.next().unwrap(), lines.next().unwrap());
        assert_eq!(ready, "ready");
        world.virtualbox = Some(VirtualBox(keeper));
        let user = if as_root().is_empty() { "" } else { "--user" };
        let call = CALL.replace("PID", &id).replace("USER --mount", &format!("{user} --mount"));
        world.write("bin/VBoxManage", call.replace("ROOT", &root.display().to_string()).as_bytes());
        let folder = world.path("home/VirtualBox VMs");
        world.ask(&["setproperty", "machinefolder", folder.to_str().unwrap()]);
        Some(world)
    }

    /// What the real VirtualBox answers.
    pub(super) fn ask(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(self.path("bin/VBoxManage"));
        let said = said(command.args(arguments).env("WORLD", self.folder.path()));
        assert_eq!(said.status, 0, "{arguments:?}: {said:?}");
        said.out
    }

    /// Takes all machines and disks away.
    pub(super) fn reset(&self) {
        for folder in ["vms", "media", "host-only", "home", "Virtual Machines"] {
            let _ = fs::remove_dir_all(self.path(folder));
            fs::create_dir_all(self.path(folder)).unwrap();
        }
        self.write("global", b"");
        self.calls();
    }

    /// Puts a tree in place of the one that is there.
    pub(super) fn build(&self, built: &Compiled) {
        let tree = self.path(format!("out/{}", built.site.name));
        let _ = fs::remove_dir_all(&tree);
        let mut digests = String::new();
        for file in &built.artifacts.files {
            let needed =
                ["virtualbox/", "ssh/config", "installer/"].iter().any(|start| file.path.starts_with(start));
            if needed || file.path.ends_with("/seed.iso") {
                self.write(&format!("out/{}/{}", built.site.name, file.path), file.content.bytes());
                let digest = base16ct::lower::encode_string(&Sha256::digest(file.content.bytes()));
                writeln!(digests, "{digest}  {}", file.path).unwrap();
            }
        }
        self.write(&format!("out/{}/SHA256SUMS", built.site.name), digests.as_bytes());
    }

    pub(super) fn path(&self, path: impl AsRef<Path>) -> PathBuf {
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

    pub(super) fn command(&self, shell: &str, script: &str, arguments: &[&str]) -> Command {
        let mut command = shells::command(shell, &self.path("bin"));
        command.arg(format!("../out/{}/virtualbox/{script}", self.site.name)).args(arguments);
        command.current_dir(self.path("home")).stdin(Stdio::null());
        command.env("WORLD", self.folder.path()).env("FAULT", "").env("BPC_POLL", "0");
        if self.path("only-windows").exists() {
            command.env("BPC_VBOXMANAGE", "VBoxManage.exe");
        }
        command.env("BPC_NOW", "2026-06-02T00:00:00Z").env("BPC_RESOLV_CONF", self.path("resolv.conf"));
        command.env("BPC_MEMINFO", self.path("meminfo"));
        command.env("BPC_NETWORKS_CONF", self.path("networks.conf")).env("BPC_VBOXDRV", "/dev/null");
        command
    }

    /// Runs a script.
    pub(super) fn run(&self, shell: &str, script: &str, arguments: &[&str]) -> Said {
        said(&mut self.command(shell, script, arguments))
    }

    /// Runs a script on a terminal; what it says is both streams.
    pub(super) fn on_a_terminal(&self, script: &str, arguments: &[&str]) -> Said {
        let inner = self.command("dash", script, arguments);
        let mut outer = Command::new("script");
        let words = [inner.get_program()].into_iter().chain(inner.get_args());
        let line: Vec<String> = words.map(|word| format!("'{}'", word.to_str().unwrap())).collect();
        outer.args(["--quiet", "--return", "--command", &line.join(" "), "/dev/null"]);
        let environment = inner.get_envs().filter_map(|(name, value)| Some((name, value?)));
        outer.env_clear().envs(environment).current_dir(self.path("home")).stdin(Stdio::null());
        said(&mut outer)
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

    /// What `up.sh` must do with the disk that is here.
    pub(super) fn up(&self, arguments: &[&str]) -> Said {
        self.succeed("dash", "up.sh", &[&["--disk=../disk.raw"], arguments].concat())
    }

    /// All calls of `VBoxManage` since the last time.
    pub(super) fn calls(&self) -> Vec<String> {
        let calls = self.read("calls").lines().map(str::to_owned).collect();
        for file in ["calls", "events", "count"] {
            let _ = fs::remove_file(self.path(file));
        }
        calls
    }

    /// Those that are to change something.
    pub(super) fn changes(&self) -> Vec<String> {
        let is_question = |call: &String| QUESTIONS.iter().any(|start| call.starts_with(start));
        self.calls().into_iter().filter(|call| !is_question(call)).collect()
    }

    /// The machines that calls since the last time have changed, by their names.
    pub(super) fn changed(&self) -> Vec<String> {
        let events = self.read("events");
        self.calls();
        let mut changed: Vec<String> = Vec::new();
        for machine in &self.site.machines {
            if events.contains(&self.uuid(&machine.name)) {
                changed.push(machine.name.clone());
            }
        }
        changed
    }

    /// All that VirtualBox has: its machines, disks and notes, and the files in its folder.
    pub(super) fn state(&self) -> BTreeMap<PathBuf, String> {
        let mut state = BTreeMap::new();
        for folder in ["vms", "media", "host-only", "global", "Virtual Machines"] {
            for entry in WalkDir::new(self.path(folder)).into_iter().filter_map(Result::ok) {
                let path = entry.path().strip_prefix(self.path("")).unwrap().to_owned();
                // What the machine wrote before is no matter of the scripts.
                if path.ends_with("console.previous.log") {
                    continue;
                }
                let content = fs::read(entry.path()).unwrap_or_default();
                let mut lines: Vec<_> = content.split(|byte| *byte == b'\n').collect();
                lines.sort_unstable();
                let mode = entry.metadata().unwrap().permissions().mode();
                state.insert(path, format!("{mode:o} {:?}", Sha256::digest(lines.join(&b'\n'))));
            }
        }
        state
    }

    /// The folder of a machine in VirtualBox, below its own.
    pub(super) fn folder(&self, machine: &str) -> String {
        let name = &self.site.name;
        format!("Virtual Machines/{name}/{name}-{machine}")
    }

    /// One of the files that the stand-in has for a machine.
    pub(super) fn of(&self, machine: &str, what: &str) -> String {
        self.read(&format!("vms/{}/{what}", self.uuid(machine)))
    }

    /// By which VirtualBox knows a machine.
    pub(super) fn uuid(&self, machine: &str) -> String {
        let definition = self.read(&format!("out/{}/virtualbox/machines/{machine}.conf", self.site.name));
        definition.lines().next().unwrap_or_default().trim_start_matches("UUID=").to_owned()
    }
}
