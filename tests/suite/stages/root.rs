//! Root folders of machines: a Debian with stubs for programs, and a layer for what each stage changes.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use bpc::setup::File;
use sha2::{Digest as _, Sha256};
use walkdir::WalkDir;

use super::stubs;
use crate::support::namespaces::Namespaces;
use crate::support::tools::On;

/// Where the layers are, as the namespace sees it.
const LAYERS: &str = "/run/layers";

/// Makes the few devices that scripts use.
const DEVICES: &str = "
mkdir /run/dev /run/layers
for device in null zero full random urandom; do
  : >/run/dev/$device
  mount --bind /dev/$device /run/dev/$device
done
mkdir -p /run/dev/disk/by-path
port=0
for letter in a b c d e f g h i j; do
  : >/run/dev/sd$letter
  port=$((port + 1))
  ln -s ../../sd$letter /run/dev/disk/by-path/pci-0000:00:0d.0-ata-$port
done";

/// Makes a root of the layer `$1` and runs stages there: each further argument is `STAGE FAULT`, or `boot` for a power
/// cut. Each stage runs in a session of its own, so that its processes can be killed together; all of them end with this,
/// and this not after `timeout`.
const RUN: &str = r#"
cd "$1"
mount --all --fstab mounts
shift
setsid=$(command -v setsid)
chroot=$(command -v chroot)
for step; do
  rm -rf log/*
  if [ "$step" = boot ]; then
    rm -rf run/* run/.[!.]* tmp/* tmp/.[!.]*
    chroot root /opt/boot
    continue
  fi
  file=${step%% *}
  code=0
  BPC_STAGE=${file#*-} FAULT=${step#* } PATH=/opt/stubs \
    "$setsid" --fork --wait "$chroot" root "/usr/local/lib/bpc/stages/$file" || code=$?
  echo "$code" >>codes
done
"#;

/// What a root is made of, as fstab(5) has it: the layer `HERE` above those that are `BELOW`.
const MOUNTS: &str = "
overlay HERE/root overlay lowerdir=BELOW,upperdir=HERE/changes,workdir=HERE/work
/run/dev HERE/root/dev none rbind
proc HERE/root/proc proc ro
HERE/run HERE/root/run none bind
HERE/tmp HERE/root/tmp none bind
HERE/log HERE/root/opt/log none bind
";

/// What goes wrong in a run, and at which call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The call does nothing and exits 1.
    Fail(usize),
    /// The power goes before the call.
    Cut(usize),
    /// The power goes in the middle of the call, at this one of the places where it can, from 1.
    Half(usize, usize),
}

impl Fault {
    /// The number of the call, from 1.
    pub(super) const fn call(self) -> usize {
        match self {
            Self::Fail(call) | Self::Cut(call) | Self::Half(call, _) => call,
        }
    }

    /// As the stubs are told of it.
    fn text(self) -> String {
        match self {
            Self::Fail(call) => format!("fail {call}"),
            Self::Cut(call) => format!("cut {call}"),
            Self::Half(call, place) => format!("half {call} {place}"),
        }
    }
}

/// What the last of some runs did.
#[derive(Debug)]
pub(super) struct Ran {
    /// How each of the runs exited.
    codes: Vec<String>,
    /// Whether the last one exited 0.
    pub(super) good: bool,
    /// Stdout and stderr of all.
    pub(super) said: String,
    /// The calls of programs that have stubs.
    pub(super) calls: Vec<String>,
    /// Which of them changed something, by number from 1.
    pub(super) changes: Vec<usize>,
    /// Where they can stop half way.
    pub(super) halves: Vec<Fault>,
    /// Those that no stub knows.
    pub(super) unknown: Vec<String>,
}

/// For each path that is not as the layer below has it: mode, owner, and what is there.
pub(super) type Tree = BTreeMap<PathBuf, String>;

/// Namespaces without a network, in which machines have their roots.
pub(super) struct Lab {
    namespaces: Namespaces,
    next: AtomicUsize,
}

/// The root of a machine: all that its topmost layer changes can be looked at.
pub(super) struct Root<'a> {
    lab: &'a Lab,
    /// Its folder in the namespace.
    folder: String,
    /// The layers below, from the topmost.
    below: Vec<String>,
}

impl Lab {
    /// An empty one, for machines of both releases.
    pub(super) fn new() -> Option<Self> {
        let releases = [On::Bookworm, On::Trixie];
        let roots = ["sh", "systemd-analyze"].map(|program| releases.map(|on| (on, program))).concat();
        let namespaces = Namespaces::with(&[&[(On::Host, "setsid")], roots.as_slice()].concat())?;
        namespaces.sh(DEVICES);
        Some(Self { namespaces, next: AtomicUsize::new(0) })
    }

    /// A machine with these files.
    pub(super) fn machine(&self, on: On, files: &[File]) -> Root<'_> {
        let root = self.layer(vec![on.root().display().to_string()]);
        for file in files {
            root.write(&file.path, file.content.bytes(), file.mode);
        }
        stubs::install(&root);
        root.boot();
        root
    }

    fn layer(&self, below: Vec<String>) -> Root<'_> {
        let folder = format!("{LAYERS}/{}", self.next.fetch_add(1, Ordering::Relaxed));
        let root = Root { lab: self, folder, below };
        for name in ["changes", "work", "root", "run", "tmp", "log"] {
            fs::create_dir_all(root.path(name)).unwrap();
        }
        fs::set_permissions(root.path("tmp"), fs::Permissions::from_mode(0o1777)).unwrap();
        let mounts = MOUNTS.replace("HERE", &root.folder).replace("BELOW", &root.below.join(":"));
        fs::write(root.path("mounts"), mounts).unwrap();
        root
    }
}

impl<'a> Root<'a> {
    /// Another one, as this one is now.
    pub(super) fn above(&self) -> Root<'a> {
        let mut below = vec![format!("{}/changes", self.folder)];
        below.extend_from_slice(&self.below);
        let root = self.lab.layer(below);
        for name in ["run", "tmp"] {
            // With the times of the files, which stages compare.
            let copied = Command::new("cp").args(["-aT"]).arg(self.path(name)).arg(root.path(name)).status();
            assert!(copied.unwrap().success());
        }
        root
    }

    /// Something in the folder of the root, as this process sees it.
    fn path(&self, name: &str) -> PathBuf {
        self.lab.namespaces.files().join(self.folder.trim_start_matches('/')).join(name)
    }

    /// Writes a file of the machine, which is not running.
    pub(super) fn write(&self, path: &str, content: &[u8], mode: u32) {
        let path = self.path(&format!("changes{path}"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Makes a symbolic link on the machine.
    pub(super) fn link(&self, path: &str, target: &str) {
        std::os::unix::fs::symlink(target, self.path(&format!("changes{path}"))).unwrap();
    }

    /// Has these files of `/run` be of long ago.
    pub(super) fn outdate(&self, paths: &[&str]) {
        for path in paths {
            let path = self.path("").join(path.trim_start_matches('/'));
            fs::write(&path, "older\n").unwrap();
            fs::File::options()
                .append(true)
                .open(path)
                .unwrap()
                .set_modified(SystemTime::UNIX_EPOCH)
                .unwrap();
        }
    }

    /// Runs a stage.
    pub(super) fn run(&self, stage: &str, fault: Option<Fault>) -> Ran {
        self.steps(&[step(stage, fault)])
    }

    /// Has the power go and come back: what is enabled starts.
    pub(super) fn boot(&self) {
        self.steps(&["boot".to_owned()]);
    }

    /// Runs a stage that is disturbed, and then once more; returns whether the first of the two exited 0, and what the
    /// second did.
    pub(super) fn repair(&self, stage: &str, fault: Fault) -> (bool, Ran) {
        let mut steps = vec![step(stage, Some(fault)), step(stage, None)];
        if !matches!(fault, Fault::Fail(_)) {
            steps.insert(1, "boot".to_owned());
        }
        let ran = self.steps(&steps);
        (ran.codes[0] == "0", ran)
    }

    /// Runs stages one after the other.
    fn steps(&self, steps: &[String]) -> Ran {
        let mut command = self.lab.namespaces.enter();
        command.args([
            "unshare",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "timeout",
            "-s",
            "KILL",
            "60",
        ]);
        command.args(["sh", "-euc", RUN, "sh", &self.folder]).args(steps);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.env("HOME", "/root").env("LC_ALL", "C.UTF-8");
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{steps:?}: {said}");
        let lines = |name: &str| -> Vec<String> {
            let text = fs::read_to_string(self.path(name)).unwrap_or_default();
            text.lines().map(str::to_owned).collect()
        };
        let numbers = |name: &str| lines(name).iter().map(|line| line.parse().unwrap()).collect();
        let half = |line: &String| {
            let (call, place) = line.split_once(' ').unwrap();
            Fault::Half(call.parse().unwrap(), place.parse().unwrap())
        };
        let codes = lines("codes");
        let ran = Ran {
            good: codes.last().is_some_and(|code| code == "0"),
            codes,
            said,
            calls: lines("log/calls"),
            changes: numbers("log/changes"),
            halves: lines("log/halves").iter().map(half).collect(),
            unknown: lines("log/unknown"),
        };
        let _ = fs::remove_file(self.path("codes"));
        ran
    }

    /// What is not as the layer below has it.
    pub(super) fn tree(&self) -> Tree {
        let mut tree = Tree::new();
        for (part, place) in [("changes", "/"), ("run", "/run"), ("tmp", "/tmp")] {
            let root = self.path(part);
            for entry in WalkDir::new(&root).min_depth(1).into_iter().map(Result::unwrap) {
                let path = Path::new(place).join(entry.path().strip_prefix(&root).unwrap());
                tree.insert(path, describe(entry.path()));
            }
        }
        tree
    }
}

impl Drop for Root<'_> {
    fn drop(&mut self) {
        // It is gone at the latest with the namespace.
        let _ = fs::remove_dir_all(self.path(""));
    }
}

/// The run of a stage as an argument of [`RUN`].
fn step(stage: &str, fault: Option<Fault>) -> String {
    format!("{stage} {}", fault.map_or_else(String::new, Fault::text))
}

/// Mode, owner, and what is there, its content as a digest: it may be secret.
fn describe(path: &Path) -> String {
    let metadata = fs::symlink_metadata(path).unwrap();
    let kind = metadata.file_type();
    let what = if kind.is_dir() {
        "folder".to_owned()
    } else if kind.is_symlink() {
        format!("link to {}", fs::read_link(path).unwrap().display())
    } else if kind.is_file() {
        format!("file {}", base16ct::lower::encode_string(&Sha256::digest(fs::read(path).unwrap())))
    } else if kind.is_char_device() && metadata.rdev() == 0 {
        // A whiteout of the overlay.
        "removed".to_owned()
    } else {
        format!("{kind:?}")
    };
    format!("{:04o} {}:{} {what}", metadata.mode() & 0o7777, metadata.uid(), metadata.gid())
}
