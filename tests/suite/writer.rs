//! The writer as a process: killed at every call and at random moments, on a full disk, under any umask.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use bpc::artifact::{Artifact, Artifacts, Content, Kind};
use bpc::value::Secret;
use bpc::write::{manifest, write};
use tempfile::{TempDir, tempdir};

use crate::support::tools::{NAMESPACES, On, need, tool};

/// Says to a test of this binary that it is the child of another one, and which `out/` to write to.
const CHILD: &str = "BPC_TEST_WRITE_TO";

fn artifact(path: &str, content: Content, executable: bool) -> Artifact {
    let origin = "blueprint.yaml:1".to_owned();
    Artifact { path: path.to_owned(), kind: Kind::MachineFile, content, executable, origin }
}

fn text(path: &str, content: &str) -> Artifact {
    artifact(path, content.into(), false)
}

/// The first of two builds of one blueprint.
fn one() -> Artifacts {
    let files = vec![
        text("machines/m1/user-data", "the same"),
        text("machines/m1/files/etc/old.conf", "no longer made"),
        text("machines/m2/user-data", "gone with its folder"),
        text("machines/m2/meta-data", "gone too"),
        artifact("pki/admin.conf", Content::Secret(Secret::new(b"key".to_vec())), false),
        artifact("up.sh", "first".into(), true),
    ];
    Artifacts { name: "demo".to_owned(), files }
}

/// The second one: of each kind something is the same, changed, new and gone.
fn two() -> Artifacts {
    let files = vec![
        text("machines/m1/user-data", "the same"),
        text("machines/m1/files/etc/new.conf", "new"),
        text("machines/m3/files/a/b/c", "new, deep down"),
        artifact("pki/admin.conf", Content::Secret(Secret::new(b"other key".to_vec())), false),
        artifact("up.sh", "second".into(), true),
    ];
    Artifacts { name: "demo".to_owned(), files }
}

/// Puts files beside bpc's, also into a folder that only the first build has, and says which they are.
fn litter(live: &Path) -> Vec<PathBuf> {
    fs::create_dir_all(live.join("vm/empty")).unwrap();
    fs::write(live.join("notes"), "mine").unwrap();
    fs::write(live.join("machines/m2/notes"), "mine").unwrap();
    fs::write(live.join("vm/disk"), "mine").unwrap();
    symlink("../up.sh", live.join("vm/link")).unwrap();
    std::os::unix::net::UnixListener::bind(live.join("vm/socket")).unwrap();
    ["notes", "machines/m2/notes", "vm/disk", "vm/link", "vm/socket"].map(PathBuf::from).to_vec()
}

/// An `out/` with the first build and files of others in it.
struct Tree {
    out: TempDir,
    live: PathBuf,
    /// The files that are not bpc's, with their inodes.
    foreign: BTreeMap<PathBuf, u64>,
}

impl Tree {
    fn new() -> Self {
        let out = tempdir().unwrap();
        let live = out.path().join("demo");
        write(&one(), out.path()).unwrap();
        let inode = |path: &Path| fs::symlink_metadata(live.join(path)).unwrap().ino();
        let foreign = litter(&live).into_iter().map(|path| (path.clone(), inode(&path))).collect();
        Self { out, live, foreign }
    }

    /// All files of the live tree with mode and bytes; of files that are not bpc's, mode 0 and the inode.
    fn files(&self) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
        let mut files = BTreeMap::new();
        for entry in walkdir::WalkDir::new(&self.live).into_iter().map(Result::unwrap) {
            let path = entry.path().strip_prefix(&self.live).unwrap().to_owned();
            let metadata = entry.metadata().unwrap();
            if self.foreign.contains_key(&path) {
                files.insert(path, (0, metadata.ino().to_string().into()));
            } else if !metadata.is_dir() {
                files.insert(path, (metadata.mode() & 0o7777, fs::read(entry.path()).unwrap()));
            }
        }
        files
    }

    fn expected(&self, artifacts: &Artifacts) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
        let made = manifest(artifacts);
        let own = artifacts.files.iter().chain(&made);
        let own = own.map(|file| (PathBuf::from(&file.path), (file.mode(), file.content.bytes().to_vec())));
        let foreign =
            self.foreign.iter().map(|(path, inode)| (path.clone(), (0, inode.to_string().into_bytes())));
        own.chain(foreign).collect()
    }

    /// Whether the live tree is exactly this build and the files of others.
    fn is(&self, artifacts: &Artifacts) -> bool {
        self.files() == self.expected(artifacts)
    }

    /// Whether it is, and `out/` holds nothing else.
    fn is_just(&self, artifacts: &Artifacts) -> bool {
        let names = fs::read_dir(self.out.path()).unwrap().map(|entry| entry.unwrap().file_name());
        self.is(artifacts) && names.eq(["demo"]) && self.live.join("vm/empty").is_dir()
    }
}

/// This test binary, about to run its test `name` as a child that writes to `out`.
fn child(name: &str, out: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("writer::{name}")]).env(CHILD, out);
    command
}

/// Where to write, if this process is a child.
fn task() -> Option<PathBuf> {
    std::env::var_os(CHILD).map(PathBuf::from)
}

fn quiet(command: &mut Command) -> ExitStatus {
    let output = command.output().unwrap();
    let log = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() || output.status.signal() == Some(9), "{command:?}: {log}");
    output.status
}

#[test]
fn child_writes_two() {
    if let Some(out) = task() {
        write(&two(), &out).unwrap();
    }
}

#[test]
fn child_writes_both_in_turn() {
    if let Some(out) = task() {
        loop {
            write(&two(), &out).unwrap();
            write(&one(), &out).unwrap();
        }
    }
}

#[test]
fn killed_at_random_moments_the_tree_is_whole() {
    let tree = Tree::new();
    let mut random: u64 = 20_260_101;
    let mut seen = [0, 0];
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(4) {
        let mut child =
            child("child_writes_both_in_turn", tree.out.path()).stdout(Stdio::null()).spawn().unwrap();
        // Knuth's MMIX generator: the same delays in every run.
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        sleep(Duration::from_micros(5_000 + (random >> 33) % 40_000));
        child.kill().unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(9));

        let is = [one(), two()].map(|build| tree.is(&build));
        assert!(is.contains(&true), "the live tree is neither build: {:#?}", tree.files());
        seen = [seen[0] + usize::from(is[0]), seen[1] + usize::from(is[1])];
        if random >> 63 == 0 {
            let next = if is[0] { two() } else { one() };
            write(&next, tree.out.path()).unwrap();
            assert!(tree.is_just(&next));
        }
    }
    assert!(seen[0] > 0 && seen[1] > 0, "too few rounds to hit both builds: {seen:?}");
}

/// A build under `strace`, with these faults injected into its system calls, is killed before the `number`th `call`.
///
/// `strace` counts in each thread by itself; the thread that first comes to `number` ends the process.
fn killed_before(call: &str, number: u32, faults: &[&str], tree: &Tree) -> Option<bool> {
    let exe = child("child_writes_two", tree.out.path());
    let mut strace = tool(On::Host, "strace")?.command();
    strace.args(["-f", "-qq", "-o", "/dev/null"]);
    for fault in faults {
        strace.args(["-e", &format!("inject={fault}")]);
    }
    strace.args(["-e", &format!("inject=?{call}:signal=KILL:when={number}")]);
    strace.arg(exe.get_program()).args(exe.get_args()).env(CHILD, tree.out.path());
    Some(quiet(&mut strace).signal() == Some(9))
}

/// A call to be killed before: which, and the how manieth.
type Kill = (&'static str, u32);

/// Kills builds before every call of these kinds, and checks the tree after each kill and after the next build.
///
/// Each killed build comes `upon` what an earlier one left that was killed there.
fn kill_before_every(calls: &[&'static str], upon: Option<Kill>, faults: &[&str], after: fn(&Tree)) {
    if tool(On::Host, "strace").is_none() {
        return;
    }
    let (tree, builds) = (Tree::new(), [one(), two()]);
    for call in calls {
        let mut kills = 0;
        loop {
            if let Some((call, number)) = upon {
                assert_eq!(killed_before(call, number, faults, &tree), Some(true));
            }
            if killed_before(call, kills + 1, faults, &tree) == Some(false) {
                break;
            }
            kills += 1;
            after(&tree);
            // Either the same build is tried again, or another one.
            for build in builds.iter().cycle().skip(kills as usize % 2).take(2) {
                write(build, tree.out.path()).unwrap();
                assert!(tree.is_just(build), "upon {upon:?} after {call} {kills}: {:#?}", tree.files());
            }
            write(&one(), tree.out.path()).unwrap();
        }
        // Other architectures have `unlinkat` and no `unlink`, and so on.
        assert!(kills > 0 || !cfg!(target_arch = "x86_64"), "{call} was never called");
        assert!(tree.is_just(&two()), "{call}: the last build was not killed");
        write(&one(), tree.out.path()).unwrap();
    }
}

fn is_whole(tree: &Tree) {
    assert!(tree.is(&one()) || tree.is(&two()), "{:#?}", tree.files());
}

#[test]
fn killed_before_any_call_the_tree_is_whole() {
    let calls = [
        "flock",
        "mkdir",
        "chmod",
        "linkat",
        "openat",
        "write",
        "fchmod",
        "fsync",
        "utimensat",
        "rename",
        "renameat2",
        "unlink",
        "rmdir",
    ];
    kill_before_every(&calls, None, &[], is_whole);
}

#[test]
fn killed_again_while_tidying_up_the_tree_is_whole() {
    // Upon an unfinished tree, a finished one that is not live yet, and old ones.
    kill_before_every(&["unlinkat"], Some(("fsync", 2)), &[], is_whole);
    for upon in [("renameat2", 1), ("unlink", 1), ("unlink", 7), ("rmdir", 2)] {
        kill_before_every(&["unlink", "rmdir"], Some(upon), &[], is_whole);
    }
}

#[test]
fn killed_where_folders_cannot_be_exchanged_the_next_build_brings_the_tree_back() {
    let faults = ["renameat2:error=EINVAL"];
    let check = |tree: &Tree| {
        if tree.live.exists() {
            is_whole(tree);
        }
    };
    kill_before_every(&["rename", "unlink", "rmdir"], None, &faults, check);
    kill_before_every(&["rename"], Some(("rename", 4)), &faults, check);
}

#[test]
fn killed_where_files_cannot_be_linked_the_next_build_brings_all_back() {
    let faults = ["linkat:error=EPERM"];
    kill_before_every(&["rename", "renameat2", "unlink", "rmdir"], None, &faults, |_| {});
    kill_before_every(&["rename", "unlink"], Some(("rename", 2)), &faults, |_| {});
}

#[test]
fn sha256sum_accepts_the_tree() {
    let Some(sha256sum) = tool(On::Host, "sha256sum") else { return };
    let out = tempdir().unwrap();
    let mut build = two();
    build.files.push(text("machines/m1/files/etc/systemd/system/dev-disk\\x2dlabel.mount", "a\\b"));
    write(&build, out.path()).unwrap();
    let output = sha256sum
        .command()
        .args(["--strict", "-c", "SHA256SUMS"])
        .current_dir(out.path().join("demo"))
        .output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), build.files.len() + 1);
}

#[test]
fn the_umask_has_no_say_in_modes() {
    for umask in ["000", "022", "077", "777"] {
        let tree = Tree::new();
        let exe = child("child_writes_two", tree.out.path());
        let mut shell = Command::new("sh");
        shell.args(["-c", "umask \"$1\"; shift; exec \"$@\"", "sh", umask]).arg(exe.get_program());
        quiet(shell.args(exe.get_args()).env(CHILD, tree.out.path()));
        assert!(tree.is_just(&two()), "umask {umask}: {:#?}", tree.files());
        for folder in ["", "machines", "machines/m3/files/a/b", "pki"] {
            let mode = fs::metadata(tree.live.join(folder)).unwrap().permissions().mode();
            assert_eq!(mode & 0o7777, 0o755, "umask {umask}: {folder}");
        }
    }
}

/// Runs in a mount namespace of its own, on a file system of 1 MiB.
#[test]
fn child_fills_the_disk() {
    let Some(out) = task() else { return };
    let small = Artifacts { files: vec![text("a/small", "small"), text("same", "same")], ..one() };
    let big = "x".repeat(200_000);
    let files =
        (0..8).map(|number| text(&format!("a/{number}"), &big)).chain([text("same", "same")]).collect();
    write(&small, &out).unwrap();
    fs::write(out.join("demo/notes"), "mine").unwrap();

    let error = write(&Artifacts { files, ..one() }, &out).unwrap_err().to_string();

    let start = format!("cannot write {}/demo/a/", out.display());
    let end =
        ": No space left on device (os error 28); the earlier tree is whole; free some space and build again";
    assert!(error.starts_with(&start) && error.ends_with(end), "{error}");
    assert_eq!(
        fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>(),
        ["demo"]
    );
    assert_eq!(fs::read(out.join("demo/notes")).unwrap(), b"mine");
    assert!(write(&small, &out).unwrap().is_unchanged());
}

/// Runs in a mount namespace of its own.
#[test]
fn child_meets_mounts() {
    let Some(out) = task() else { return };
    write(&one(), &out).unwrap();
    fs::create_dir(out.join("demo/volume")).unwrap();
    for folder in ["demo/volume", "demo"] {
        let folder = out.join(folder);
        let mount = Command::new("mount").args(["-t", "tmpfs", "none"]).arg(&folder).status().unwrap();
        assert!(mount.success());
        let text = write(&two(), &out).unwrap_err().to_string();
        let way_out = "a mounted file system; unmount it or mount it outside the tree";
        assert!(text.ends_with(&format!("\n  {}: {way_out}", folder.display())), "{text}");
    }
}

/// Runs the child `name` in a mount namespace of its own, where its `out/` is on a file system of 1 MiB.
fn on_a_small_disk(name: &str) {
    let Some(unshare) = need(&[(On::Host, "unshare"), (On::Host, NAMESPACES)]) else { return };
    let out = tempdir().unwrap();
    let exe = child(name, out.path());
    let mut command = unshare.command();
    command.args([
        "--mount",
        "sh",
        "-euc",
        "mount -t tmpfs -o size=1m none \"$1\"; shift; exec \"$@\"",
        "sh",
    ]);
    command.arg(out.path()).arg(exe.get_program()).args(exe.get_args()).env(CHILD, out.path());
    assert!(quiet(&mut command).success());
}

#[test]
fn a_full_disk_leaves_the_old_tree() {
    on_a_small_disk("child_fills_the_disk");
}

#[test]
fn a_tree_with_other_file_systems_in_it_is_left_alone() {
    on_a_small_disk("child_meets_mounts");
}
