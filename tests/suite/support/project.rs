//! A project of a user: a temporary folder with blueprints, in which the `bpc` command runs.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;
use walkdir::WalkDir;

/// A folder that is removed when it is dropped.
pub(crate) struct Project(TempDir);

/// How a command ended, and what it said.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Files and folders below a folder: for each path its mode and bytes (none of a folder).
pub(crate) type Tree = BTreeMap<PathBuf, (u32, Option<Vec<u8>>)>;

impl Project {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A folder with a small blueprint for each of these names.
    pub(crate) fn with(names: &[&str]) -> Self {
        let project = Self::new();
        for name in names {
            project.write(&format!("blueprints/{name}/blueprint.yaml"), small(name));
        }
        project
    }

    /// A folder with the blueprints of this repository, and the vault of all tests beside each of them.
    pub(crate) fn of_this_repository() -> Self {
        let project = Self::new();
        let source = Path::new(env!("CARGO_MANIFEST_DIR"));
        for entry in WalkDir::new(source.join("blueprints")).into_iter().map(Result::unwrap) {
            if entry.file_type().is_file() && entry.file_name() != "vault.key" {
                let path = project.path(entry.path().strip_prefix(source).unwrap());
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::copy(entry.path(), &path).unwrap();
                if entry.file_name() == "blueprint.yaml" {
                    let vault = path.with_file_name("vault.key");
                    fs::write(&vault, super::vault::KEY).unwrap();
                    fs::set_permissions(vault, fs::Permissions::from_mode(0o600)).unwrap();
                }
            }
        }
        project
    }

    /// The path of something in the folder.
    pub(crate) fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(path)
    }

    /// Writes a file, and its folder if need be.
    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// A text of a file replaced by another one, which must be there.
    pub(crate) fn edit(&self, path: &str, old: &str, new: &str) {
        let text = fs::read_to_string(self.path(path)).unwrap();
        assert!(text.contains(old), "{path} lacks {old}");
        self.write(path, text.replace(old, new));
    }

    /// The `bpc` command in the folder, with an empty environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bpc"));
        command.args(arguments).current_dir(self.0.path()).env_clear();
        command
    }

    /// Runs `bpc` in the folder, with an empty environment.
    pub(crate) fn bpc(&self, arguments: &[&str]) -> Said {
        said(&mut self.command(arguments))
    }

    /// All that is below a path of the folder.
    pub(crate) fn tree(&self, path: &str) -> Tree {
        tree(&self.path(path))
    }
}

/// Runs a command to its end.
pub(crate) fn said(command: &mut Command) -> Said {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let status = status.code().unwrap_or_else(|| panic!("{command:?}: {status}"));
    Said { status, out: text(stdout), err: text(stderr) }
}

/// All that is below a folder.
pub(crate) fn tree(root: &Path) -> Tree {
    let mut tree = Tree::new();
    for entry in WalkDir::new(root).into_iter().map(Result::unwrap) {
        let mode = entry.metadata().unwrap().permissions().mode();
        let bytes = entry.file_type().is_file().then(|| fs::read(entry.path()).unwrap());
        tree.insert(entry.path().strip_prefix(root).unwrap().to_owned(), (mode, bytes));
    }
    tree
}

/// A blueprint of one machine.
pub(crate) fn small(name: &str) -> String {
    format!(
        "blueprint: 1
name: {name}
domain: lab.demo
epoch: 2026-01-01T00:00:00Z
image: {{distribution: debian, release: trixie}}
access:
  ssh_keys: [\"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKE1Y91XSnkg+Kq5dw5hiQW+RwWjHUrvP9zcknHHDQz5 ops@kube.demo\"]
networks:
  lan: {{cidr: 192.168.7.0/24}}
machines:
  node: {{role: bastion, networks: [lan]}}
"
    )
}

/// Lets a command run as a user to whom file modes mean something: as root nothing is closed.
pub(crate) fn without_privileges(project: &Project, command: &mut Command) {
    const NOBODY: u32 = 65534;
    if fs::metadata(project.path("")).unwrap().uid() != 0 {
        return;
    }
    for entry in WalkDir::new(project.path("")).into_iter().map(Result::unwrap) {
        std::os::unix::fs::chown(entry.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    // The program may lie in a folder that only root can enter. It is not copied here: a child that another test
    // starts in this moment would still have it open for writing, and nobody could run it (ETXTBSY).
    let program = project.path("bpc");
    assert!(
        Command::new("cp").args([Path::new(command.get_program()), &program]).status().unwrap().success()
    );
    let arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
    *command = Command::new(program);
    command.args(arguments).current_dir(project.path("")).env_clear().uid(NOBODY).gid(NOBODY);
}
