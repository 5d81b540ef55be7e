//! Reads a blueprint, the fragments that it includes and the files that it names.

use std::path::{Path, PathBuf};

use super::boundary::Boundary;
use crate::diag::{Code, Diagnostic, Files, Place};
use crate::format::terminal::path as shown_path;
use crate::plan::{BOUND_FILE, Earlier};
use crate::source::{self, Reason, Unreadable};
use crate::write::{self, Unread};
use crate::{Inputs, named_files};

/// How long a file can be that a blueprint names, in bytes: manifests are the longest, and they go onto seed images.
const MOST_NAMED: usize = 16 << 20;

/// A blueprint with all of its fragments and files.
///
/// # Errors
/// If the blueprint itself cannot be read. A fragment or file that cannot be read, or is outside of the blueprint's
/// repository and the `allowed` folders, is an error at the line that names it.
pub fn inputs(path: &Path, allowed: &[PathBuf]) -> Result<Inputs, Diagnostic> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let text = text(path).map_err(|reason| {
        let message = format!("cannot read {}: {reason}", shown_path(path));
        Diagnostic::new(Code::BlueprintUnreadable, Place::Outside, message)
            .help("a blueprint is a YAML file that you may read")
    })?;
    let boundary = Boundary::around(folder, allowed);
    let allowed = allowed.iter().map(|folder| folder.to_string_lossy().into_owned()).collect();
    let mut inputs = Inputs { files: Files::new(folder.to_string_lossy()), allowed, ..Inputs::default() };
    inputs.files.add(name, text);
    loop {
        let mut wanted = source::wanted(&inputs.files);
        wanted.retain(|name| !inputs.unreadable.iter().any(|file| file.name == *name));
        if wanted.is_empty() {
            break;
        }
        for name in wanted {
            match boundary.read(&folder.join(&name), self::text) {
                Ok(text) => drop(inputs.files.add(name, text)),
                Err(reason) => inputs.unreadable.push(Unreadable { name, reason }),
            }
        }
    }
    // Most blueprints name none, which a look at their text tells.
    if inputs.files.texts().any(|text| text.contains("manifest")) {
        let names = named_files(&inputs.files, &inputs.unreadable).into_iter();
        inputs.named =
            names.map(|name| (name.clone(), boundary.read(&folder.join(name), self::named))).collect();
    }
    Ok(inputs)
}

/// What the `SHA256SUMS` of a tree says: nothing where there is no tree.
pub(super) fn digests(tree: &Path) -> Result<Earlier, String> {
    let path = tree.join("SHA256SUMS");
    match write::read(&path, write::MOST_BYTES) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            let lines = text.lines().filter_map(|line| line.split_once("  "));
            Ok(lines.map(|(digest, path)| (path.to_owned(), digest.to_owned())).collect())
        }
        Err(Unread::Missing) => Ok(Earlier::new()),
        Err(unread) => Err(format!("cannot read {}: {unread}", shown_path(&path))),
    }
}

/// What the machines of a tree are bound to: nothing where there is no tree, or an older one.
pub(super) fn bound(tree: &Path) -> Result<String, String> {
    let path = tree.join(BOUND_FILE);
    match write::read(&path, write::MOST_BYTES) {
        Ok(bytes) => Ok(lossy(bytes)),
        Err(Unread::Missing) => Ok(String::new()),
        Err(unread) => Err(format!("cannot read {}: {unread}", shown_path(&path))),
    }
}

impl Boundary {
    /// What `read` gives of a file, unless it lies outside.
    fn read(&self, path: &Path, read: fn(&Path) -> Result<String, String>) -> Result<String, Reason> {
        match self.left_by(path) {
            Some(what) => Err(Reason::Outside(what.to_owned())),
            None => read(path).map_err(Reason::System),
        }
    }
}

/// A blueprint's or a fragment's text; of one that is too long no more than what shows `source` that it is.
pub(super) fn text(path: &Path) -> Result<String, String> {
    write::read_start(path, source::MAX_BYTES).map(lossy).map_err(|unread| unread.to_string())
}

/// The text of a file that a blueprint names.
fn named(path: &Path) -> Result<String, String> {
    write::read(path, MOST_NAMED).map(lossy).map_err(|unread| unread.to_string())
}

/// What is not UTF-8 becomes U+FFFD, which `source` reports with its place.
fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
