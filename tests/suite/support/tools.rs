//! The real programs that judge what bpc makes: found on this machine or in the Debian chroots that
//! `tests/lab/checkers.sh` builds.
//!
//! A test asks here, at its beginning and at once, for all that it cannot do without ([`need`]), or for each of several
//! judges of which every one is enough by itself ([`tool`]). What lacks it is skipped and noted, and `tests/summary.rs`
//! counts and lists it when all tests have run; with `BPC_REQUIRE_TOOLS=1` it fails instead.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock};

use tempfile::TempDir;

/// The search path inside a chroot.
const CHROOT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Makes the interfaces named before `--` (`NAME` or `NAME=ADDRESS/LENGTH`), then becomes the command after it.
///
/// Each interface is one end of a veth pair, whose other end is up: so it has a carrier. Other kinds of links
/// (dummy, vlan) are missing from some kernels.
const NETWORK: &str = r#"
ip link set lo up
pair=0
while [ "$1" != -- ]; do
  name=${1%%=*}
  ip link show dev "$name" >/dev/null 2>&1 || {
    ip link add dev "$name" type veth peer name "peer$pair"
    ip link set dev "peer$pair" up
    ip link set dev "$name" up
    pair=$((pair + 1))
  }
  case $1 in
    *=*:*) ip addr add "${1#*=}" dev "$name" nodad ;;
    *=*) ip addr add "${1#*=}" dev "$name" ;;
  esac
  shift
done
shift
exec "$@"
"#;

/// Where a checker runs: this machine, or a Debian chroot below `$BPC_CHECKERS/<suite>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum On {
    /// This machine.
    Host,
    /// Debian 12.
    Bookworm,
    /// Debian 13.
    Trixie,
    /// Debian 14 in the making, with a few programs that Debian 13 has only older.
    Forky,
    /// Debian unstable, for VirtualBox.
    Sid,
}

impl On {
    /// The root folder that the program sees.
    pub(crate) fn root(self) -> PathBuf {
        match self {
            Self::Host => PathBuf::from("/"),
            Self::Bookworm => checkers().join("bookworm"),
            Self::Trixie => checkers().join("trixie"),
            Self::Forky => checkers().join("forky"),
            Self::Sid => checkers().join("sid"),
        }
    }
}

/// A program that is installed.
pub(crate) struct Tool {
    on: On,
    /// Its path, as it is called in its root.
    program: PathBuf,
}

/// In place of a program's name: the right to make namespaces with a network in them, which needs root.
pub(crate) const NAMESPACES: &str = "the right to make namespaces";

/// The tool `program`, or `None` if it is not there: see [`need`].
pub(crate) fn tool(on: On, program: &str) -> Option<Tool> {
    need(&[(on, program)])
}

/// The first of these programs, if all of them are there: a test that needs several asks for them at once.
///
/// A program is a name, or an absolute path for what is not on `PATH`; `python3 -m yaml,json` is a Python that has these
/// modules. What is missing is noted, all of it.
///
/// # Panics
/// If one is missing and `BPC_REQUIRE_TOOLS` is 1: the message says what to install.
pub(crate) fn need(programs: &[(On, &str)]) -> Option<Tool> {
    let found: Vec<Result<Tool, String>> = programs.iter().map(|(on, program)| find(*on, program)).collect();
    let missing: Vec<&str> = found.iter().filter_map(|it| it.as_ref().err()).map(String::as_str).collect();
    if missing.is_empty() {
        note("found", "");
        return found.into_iter().next()?.ok();
    }
    skip(&missing.join("; "));
    None
}

/// Notes why a test is skipped.
///
/// # Panics
/// If `BPC_REQUIRE_TOOLS` is 1.
pub(crate) fn skip(reason: &str) {
    assert!(std::env::var("BPC_REQUIRE_TOOLS").as_deref() != Ok("1"), "{reason}");
    eprintln!("skipped: {reason}");
    note("missing", reason);
}

/// Writes a line of `tests/summary.rs`'s list: what a test has found, or why it is skipped, once each.
///
/// Both programs are started by the same cargo, after whose process id the list is named.
fn note(what: &str, reason: &str) {
    static KNOWN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let thread = std::thread::current();
    // The harness names a test's thread after it.
    let line = format!("{what}\t{}\t{reason}\n", thread.name().unwrap_or("a part of a test"));
    let mut known = KNOWN.lock().unwrap();
    let (first, path) = (known.is_empty(), list(std::os::unix::process::parent_id()));
    if known.insert(line.clone()) {
        let file = fs::File::options().create(true).append(!first).write(true).truncate(first).open(&path);
        // The folder may belong to somebody else.
        let _ = file.and_then(|mut file| file.write_all(line.as_bytes()));
    }
}

/// Where the list of that cargo is.
fn list(cargo: u32) -> PathBuf {
    let folder = std::env::var_os("BPC_TEST_LISTS").unwrap_or_else(|| env!("CARGO_TARGET_TMPDIR").into());
    Path::new(&folder).join(format!("skipped.{cargo}"))
}

/// A program, or what is missing and the way to get it.
fn find(on: On, program: &str) -> Result<Tool, String> {
    let message = |advice: String| Err(format!("{program} is missing on {on:?}: {advice}"));
    let root = on.root();
    if program == NAMESPACES {
        let tool = Tool { on, program: PathBuf::new() };
        return if may_make_networks() { Ok(tool) } else { Err(format!("{NAMESPACES} is missing")) };
    }
    let path = match on {
        On::Host => std::env::var_os("PATH").unwrap_or_default(),
        On::Bookworm | On::Trixie | On::Forky | On::Sid => CHROOT_PATH.into(),
    };
    let (name, modules) = program.split_once(" -m ").unwrap_or((program, ""));
    let found = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|candidate| {
        // A chroot's absolute link (/etc/alternatives) does not lead anywhere from here, so links are not followed.
        candidate.strip_prefix("/").is_ok_and(|inside| root.join(inside).symlink_metadata().is_ok())
    });
    let Some(path) = found else {
        return message(match on {
            On::Host => format!("install the package '{}'", package_of(name)),
            On::Bookworm | On::Trixie | On::Forky | On::Sid => "run tests/lab/checkers.sh".to_owned(),
        });
    };
    if on != On::Host && !may_enter() {
        return message("this user may not make the namespaces in which its chroot is entered".to_owned());
    }
    if program == "strace" && !may_trace() {
        return message("this user may not trace processes".to_owned());
    }
    let tool = Tool { on, program: path };
    if !modules.is_empty() && !succeeds(tool.command().args(["-c", &format!("import {modules}")])) {
        return message(format!("install python3-{}", modules.replace(',', " and python3-")));
    }
    Ok(tool)
}

/// Whether this user may enter a chroot in namespaces of its own.
fn may_enter() -> bool {
    static MAY: OnceLock<bool> = OnceLock::new();
    *MAY.get_or_init(|| {
        let mut command = Command::new("unshare");
        command.args(as_root()).args(["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]);
        succeeds(command.arg("true"))
    })
}

/// Whether this user is root, and may use its rights: not so in most containers.
fn may_make_networks() -> bool {
    static MAY: OnceLock<bool> = OnceLock::new();
    *MAY.get_or_init(|| as_root().is_empty() && may_enter())
}

/// Whether `strace` may do its work: not so in some containers.
fn may_trace() -> bool {
    static MAY: OnceLock<bool> = OnceLock::new();
    *MAY.get_or_init(|| succeeds(Command::new("strace").args(["-o", "/dev/null", "true"])))
}

/// Whether a command can be started and exits 0.
fn succeeds(command: &mut Command) -> bool {
    let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// The Debian package of a program, where the two names differ.
fn package_of(program: &str) -> &str {
    match program {
        "7z" | "7zz" => "7zip",
        "blkid" | "nsenter" | "script" | "setsid" | "unshare" => "util-linux",
        "bsdtar" => "libarchive-tools",
        "certtool" => "gnutls-bin",
        "checkbashisms" => "devscripts",
        "/usr/bin/python3" => "python3",
        "cloud-localds" => "cloud-image-utils",
        "dnsmasq" => "dnsmasq-base",
        "ip" => "iproute2",
        "isoinfo" => "genisoimage",
        "netplan" => "netplan.io",
        "nft" => "nftables",
        "qemu-img" => "qemu-utils",
        "ssh" | "ssh-keygen" => "openssh-client",
        "/usr/sbin/sshd" => "openssh-server",
        "systemd-analyze" => "systemd",
        other => other,
    }
}

/// The folder that holds the chroots.
fn checkers() -> PathBuf {
    match std::env::var_os("BPC_CHECKERS") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("target/checkers"),
    }
}

impl Tool {
    /// The command, its program already set.
    ///
    /// On the host it runs as it is. In a chroot it has a clean environment, a `/proc`, and its own process
    /// namespace: whatever it starts ends with it.
    pub(crate) fn command(&self) -> Command {
        if self.on == On::Host {
            return Command::new(&self.program);
        }
        let mut command = Command::new("unshare");
        command.args(as_root()).args(self.enter()).arg(&self.program);
        clean(&mut command);
        command
    }

    /// The same in a fresh network that has `lo` and these interfaces: `NAME` or `NAME=ADDRESS/LENGTH`, an interface
    /// with several addresses once for each.
    pub(crate) fn command_in_network(&self, interfaces: &[&str]) -> Command {
        let mut command = Command::new("unshare");
        command.args(as_root()).args(["--net", "sh", "-euc", NETWORK, "sh"]).args(interfaces).arg("--");
        if self.on != On::Host {
            command.arg("unshare").args(self.enter());
        }
        command.arg(&self.program);
        clean(&mut command);
        command
    }

    /// Arguments of `unshare` that enter the chroot.
    fn enter(&self) -> Vec<String> {
        let root = format!("--root={}", self.on.root().display());
        ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", &root, "--"].map(String::from).to_vec()
    }

    /// A fresh folder with these files (name, content), which the program can see; it is removed on drop.
    pub(crate) fn stage(&self, files: &[(&str, &[u8])]) -> Staged {
        let root = self.on.root();
        let above = if self.on == On::Host { std::env::temp_dir() } else { root.join("tmp") };
        let folder = tempfile::Builder::new()
            .prefix("bpc-")
            .permissions(fs::Permissions::from_mode(0o755))
            .tempdir_in(&above)
            .unwrap_or_else(|error| panic!("no folder in {}: {error}", above.display()));
        let inside =
            Path::new("/").join(folder.path().strip_prefix(&root).expect("the folder is below the root"));
        for (name, content) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder for the file");
            fs::write(&path, content).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
        Staged { folder, inside }
    }
}

/// Files that a program can see.
pub(crate) struct Staged {
    folder: TempDir,
    inside: PathBuf,
}

impl Staged {
    /// The path of a file or folder (`""`: the folder itself) as the program sees it.
    pub(crate) fn path_for(&self, name: &str) -> PathBuf {
        self.inside.join(name)
    }

    /// The folder as this machine sees it.
    pub(crate) fn host_path(&self) -> &Path {
        self.folder.path()
    }

    /// Sets a file's mode; a fresh one's is 0644, less what the umask takes.
    pub(crate) fn set_mode(&self, name: &str, mode: u32) {
        let path = self.folder.path().join(name);
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("the file's mode can be set");
    }
}

/// Arguments of `unshare` that give an ordinary user the rights of root over the namespaces it makes.
pub(crate) fn as_root() -> &'static [&'static str] {
    let root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    if root { &[] } else { &["--map-root-user"] }
}

/// Leaves the command nothing of this process's environment.
fn clean(command: &mut Command) {
    command.env_clear().env("HOME", "/root").env("PATH", CHROOT_PATH).env("LC_ALL", "C.UTF-8");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stdout(command: &mut Command) -> String {
        let output = command.output().expect("the command starts");
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("the output is text")
    }

    #[test]
    fn a_staged_file_is_seen_where_the_program_runs() {
        for on in [On::Host, On::Bookworm, On::Trixie] {
            let Some(cat) = tool(on, "cat") else { continue };
            let staged = cat.stage(&[("etc/motd", b"hello\n")]);
            assert_eq!(stdout(cat.command().arg(staged.path_for("etc/motd"))), "hello\n");
        }
    }

    #[test]
    fn staged_files_go_when_they_are_dropped() {
        for on in [On::Host, On::Bookworm, On::Trixie] {
            let Some(cat) = tool(on, "cat") else { continue };
            let staged = cat.stage(&[("a", b"")]);
            let folder = staged.host_path().to_owned();
            assert!(folder.join("a").is_file());
            drop(staged);
            assert!(!folder.exists());
        }
    }

    #[test]
    fn a_chroot_is_the_debian_it_says() {
        for (on, codename) in [(On::Bookworm, "bookworm"), (On::Trixie, "trixie"), (On::Forky, "forky")] {
            let Some(cat) = tool(on, "cat") else { continue };
            let release = stdout(cat.command().arg("/etc/os-release"));
            assert!(release.contains(&format!("VERSION_CODENAME={codename}\n")), "{release}");
        }
    }

    #[test]
    fn a_chroot_has_a_clean_environment() {
        let Some(env) = tool(On::Bookworm, "env") else { return };
        let mut lines: Vec<_> = stdout(&mut env.command()).lines().map(String::from).collect();
        lines.sort();
        assert_eq!(lines, ["HOME=/root", "LC_ALL=C.UTF-8", &format!("PATH={CHROOT_PATH}")]);
    }

    #[test]
    fn a_network_has_the_interfaces_that_were_asked_for() {
        for on in [On::Host, On::Bookworm, On::Trixie] {
            let Some(ip) = need(&[(on, "ip"), (On::Host, "ip"), (On::Host, NAMESPACES)]) else { continue };
            let mut command =
                ip.command_in_network(&["mast=192.168.1.1/24", "mast=192.168.1.2/24", "dmz.41"]);
            let links = stdout(command.args(["-brief", "addr"]));
            let mast = links.lines().find(|line| line.starts_with("mast@")).expect("there is a mast");
            assert!(mast.contains("UP") && mast.contains("192.168.1.1/24 192.168.1.2/24"), "{links}");
            assert!(links.lines().any(|line| line.starts_with("dmz.41@")), "{links}");
            assert!(!links.contains("eth0"), "{links}");
        }
    }

    #[test]
    fn netplan_takes_a_private_file() {
        for on in [On::Bookworm, On::Trixie] {
            let Some(netplan) = tool(on, "netplan") else { continue };
            let config = b"network: {version: 2, ethernets: {mast: {addresses: [192.168.1.1/24]}}}\n";
            let staged = netplan.stage(&[("etc/netplan/50.yaml", config)]);
            staged.set_mode("etc/netplan/50.yaml", 0o600);
            stdout(netplan.command().args(["generate", "--root-dir"]).arg(staged.path_for("")));
            assert!(staged.host_path().join("run/systemd/network/10-netplan-mast.network").is_file());
        }
    }
}
