//! What is in a folder, without following symbolic links.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use rustix::io::Errno;

use super::error::Obstacle;

/// What an entry of a folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A regular file.
    File,
    /// A folder that could be looked into.
    Folder,
    /// A symbolic link.
    Symlink,
    /// A pipe, socket or device.
    Special,
    /// A folder that could not be looked into, or not be changed.
    Closed,
    /// A folder on another file system, not looked into.
    Mount,
}

impl Shape {
    /// What it is when it is in the way.
    pub(super) const fn obstacle(self) -> Obstacle {
        match self {
            Self::File => Obstacle::File,
            Self::Folder => Obstacle::Folder,
            Self::Symlink => Obstacle::Symlink,
            Self::Special => Obstacle::Special,
            Self::Closed => Obstacle::Closed,
            Self::Mount => Obstacle::Mount,
        }
    }
}

/// One entry: its shape and what `lstat(2)` says.
#[derive(Debug)]
pub(super) struct Node {
    /// What it is.
    pub(super) shape: Shape,
    /// What the system says about it.
    pub(super) metadata: Metadata,
}

impl Node {
    /// The node at `path`; of a folder, on the file system `device`, where that is known.
    pub(super) fn at(path: &Path, device: Option<u64>) -> io::Result<Self> {
        let metadata = fs::symlink_metadata(path)?;
        let kind = metadata.file_type();
        let shape = if kind.is_file() {
            Shape::File
        } else if kind.is_symlink() {
            Shape::Symlink
        } else if !kind.is_dir() {
            Shape::Special
        } else if device.is_some_and(|device| device != metadata.dev()) {
            Shape::Mount
        } else if access(path, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK) == Err(Errno::ACCESS) {
            Shape::Closed
        } else {
            Shape::Folder
        };
        Ok(Self { shape, metadata })
    }

    /// Whether it is a folder, of whatever kind.
    pub(super) fn is_folder(&self) -> bool {
        self.metadata.is_dir()
    }

    /// The permission bits.
    pub(super) fn mode(&self) -> u32 {
        self.metadata.permissions().mode() & 0o7777
    }

    /// What makes two names the same file.
    pub(super) fn identity(&self) -> (u64, u64) {
        (self.metadata.dev(), self.metadata.ino())
    }

    /// When its bytes last changed.
    pub(super) fn modified(&self) -> (i64, i64) {
        (self.metadata.mtime(), self.metadata.mtime_nsec())
    }
}

/// All entries below `root`, each folder before what is in it; a folder that vanishes meanwhile is empty.
pub(super) fn scan(root: &Path, device: u64) -> io::Result<BTreeMap<PathBuf, Node>> {
    let mut nodes = BTreeMap::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder))? {
            let path = folder.join(entry?.file_name());
            let node = match Node::at(&root.join(&path), Some(device)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                node => node?,
            };
            if node.shape == Shape::Folder {
                folders.push(path.clone());
            }
            nodes.insert(path, node);
        }
    }
    Ok(nodes)
}
