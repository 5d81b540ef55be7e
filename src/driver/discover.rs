//! Finds blueprints.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::Sources;
use super::boundary::Boundary;
use crate::diag::{Code, Diagnostic, Place};
use crate::format::terminal::path as shown_path;

/// The name of a blueprint in its folder.
const NAME: &str = "blueprint.yaml";

/// The blueprints at `paths`, each once: files, and every `blueprint.yaml` in and below folders, in the order of their
/// names; without paths those below `blueprints/`.
pub(super) fn blueprints(sources: Sources<'_>) -> Result<Vec<PathBuf>, Vec<Diagnostic>> {
    let Sources { paths, allowed } = sources;
    let default = [PathBuf::from("blueprints")];
    let paths = if paths.is_empty() { &default } else { paths };
    let (mut found, mut refused) = (Vec::new(), Vec::new());
    for path in paths {
        match at(path, allowed) {
            Ok(more) => found.extend(more),
            Err(diagnostics) => refused.extend(diagnostics),
        }
    }
    if !refused.is_empty() {
        return Err(refused);
    }
    let mut seen = Vec::new();
    found.retain(|path| {
        let identity = fs::canonicalize(path).unwrap_or_else(|_| path.clone());
        let new = !seen.contains(&identity);
        seen.push(identity);
        new
    });
    Ok(found)
}

fn at(path: &Path, allowed: &[PathBuf]) -> Result<Vec<PathBuf>, Vec<Diagnostic>> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => below(path, allowed),
        Ok(_) => Ok(vec![path.to_path_buf()]),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(vec![refusal(format!("there is no `{}` here", shown_path(path)))])
        }
        Err(error) => Err(vec![refusal(format!("cannot read {}: {error}", shown_path(path)))]),
    }
}

fn below(folder: &Path, allowed: &[PathBuf]) -> Result<Vec<PathBuf>, Vec<Diagnostic>> {
    let (mut found, mut refused) = (Vec::new(), Vec::new());
    for entry in WalkDir::new(folder).sort_by_file_name() {
        match entry {
            // A symbolic link to a file counts as the file; links to folders are not followed, as they may lead in circles.
            Ok(entry) if entry.file_name() == NAME && entry.path().is_file() => {
                refused.extend(outside(entry.path(), allowed));
                found.push(entry.into_path());
            }
            Ok(_) => {}
            Err(error) => {
                let path = shown_path(error.path().unwrap_or(folder));
                let reason = error.io_error().map_or_else(|| error.to_string(), ToString::to_string);
                refused.push(refusal(format!("cannot read {path}: {reason}")));
            }
        }
    }
    if found.is_empty() && refused.is_empty() {
        refused.push(refusal(format!("there is no {NAME} in or below `{}`", shown_path(folder))));
    }
    if refused.is_empty() { Ok(found) } else { Err(refused) }
}

/// The refusal of a blueprint that nobody named and that is a link out of its repository.
fn outside(path: &Path, allowed: &[PathBuf]) -> Option<Diagnostic> {
    let left = Boundary::around(path.parent().unwrap_or(path), allowed).left_by(path)?;
    let message = format!("{} is a link out of {left}", shown_path(path));
    let help = "name the file that it leads to; or, if you trust it: `--allow-path DIR`";
    Some(Diagnostic::new(Code::OutsidePath, Place::Outside, message).help(help))
}

fn refusal(message: String) -> Diagnostic {
    let help = "name a blueprint or a folder that holds some, or run bpc beside the folder `blueprints`";
    Diagnostic::new(Code::BlueprintUnreadable, Place::Outside, message).help(help)
}
