//! Reads a blueprint, the fragments that it includes and the files that it names.

#![expect(clippy::disallowed_methods, reason = "the driver is the reader")]

use std::path::Path;
use std::{fs, io};

use crate::diag::{Code, Diagnostic, Files, Place};
use crate::plan::{BOUND_FILE, Earlier};
use crate::source::{self, Unreadable};
use crate::{Inputs, named_files};

/// A blueprint with all of its fragments and files.
///
/// # Errors
/// If the blueprint itself cannot be read. A fragment or file that cannot be read is an error at the line that names it.
pub fn inputs(path: &Path) -> Result<Inputs, Diagnostic> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let text = read(path).map_err(|reason| {
        let message = format!("cannot read {}: {reason}", path.display());
        Diagnostic::new(Code::BlueprintUnreadable, Place::Outside, message)
            .help("a blueprint is a YAML file that you may read")
    })?;
    let mut inputs = Inputs { files: Files::new(folder.to_string_lossy()), ..Inputs::default() };
    inputs.files.add(name, text);
    loop {
        let mut wanted = source::wanted(&inputs.files);
        wanted.retain(|name| !inputs.unreadable.iter().any(|file| file.name == *name));
        if wanted.is_empty() {
            break;
        }
        for name in wanted {
            match read(&folder.join(&name)) {
                Ok(text) => drop(inputs.files.add(name, text)),
                Err(reason) => inputs.unreadable.push(Unreadable { name, reason }),
            }
        }
    }
    // Most blueprints name none, which a look at their text tells.
    if inputs.files.texts().any(|text| text.contains("manifest")) {
        let names = named_files(&inputs.files, &inputs.unreadable).into_iter();
        inputs.named = names.map(|name| (name.clone(), read(&folder.join(name)))).collect();
    }
    Ok(inputs)
}

/// What the `SHA256SUMS` of a tree says: nothing where there is no tree.
pub(super) fn digests(tree: &Path) -> Result<Earlier, String> {
    let path = tree.join("SHA256SUMS");
    match fs::read_to_string(&path) {
        Ok(text) => {
            let lines = text.lines().filter_map(|line| line.split_once("  "));
            Ok(lines.map(|(digest, path)| (path.to_owned(), digest.to_owned())).collect())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Earlier::new()),
        Err(error) => Err(format!("cannot read {}: {error}", path.display())),
    }
}

/// What the machines of a tree are bound to: nothing where there is no tree, or an older one.
pub(super) fn bound(tree: &Path) -> Result<String, String> {
    let path = tree.join(BOUND_FILE);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(format!("cannot read {}: {error}", path.display())),
    }
}

/// A file's text; what is not UTF-8 in it becomes U+FFFD, which `source` reports with its place.
fn read(path: &Path) -> Result<String, String> {
    let bytes = fs::read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        _ => error.to_string(),
    })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
