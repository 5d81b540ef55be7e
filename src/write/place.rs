//! The names that one blueprint's tree goes by below `out/`.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::Error;
use super::path;

/// `out/` and the three folders in it that belong to one blueprint.
#[derive(Debug)]
pub(super) struct Place {
    /// The folder that holds the trees of all blueprints.
    pub(super) out: PathBuf,
    /// `out/demo`: the tree that people use.
    pub(super) live: PathBuf,
    /// `out/.demo.staging`: a tree being assembled.
    pub(super) staging: PathBuf,
    /// `out/.demo.swap`: a finished tree about to go live, or the one that was live before.
    pub(super) swap: PathBuf,
}

impl Place {
    /// The place of the blueprint `name`; touches nothing.
    pub(super) fn new(out: &Path, name: &str) -> Result<Self, Error> {
        if name.starts_with('.') || name.contains('/') || path::fault(name).is_some() {
            return Err(Error::Bug { path: name.to_owned(), fault: "is no name for a folder" });
        }
        Ok(Self {
            out: out.to_owned(),
            live: out.join(name),
            staging: out.join(format!(".{name}.staging")),
            swap: out.join(format!(".{name}.swap")),
        })
    }

    /// The failure of `doing` something to `path` while the live tree, if there is one, is still whole.
    pub(super) fn failed(&self, doing: &'static str, path: &Path, source: std::io::Error) -> Error {
        // People know the file by the path that it was to have, not by the one it has while the tree is assembled.
        let path = match path.strip_prefix(&self.staging) {
            Ok(inside) if !inside.as_os_str().is_empty() => self.live.join(inside),
            _ => path.components().collect(),
        };
        Error::Failed { doing, path, source, whole: exists(&self.live), left: None }
    }
}

/// Whether anything at all, even a dangling symbolic link, has this path.
pub(super) fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}
