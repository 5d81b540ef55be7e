//! Finds blueprints.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::diag::{Code, Diagnostic, Place};

/// The name of a blueprint in its folder.
const NAME: &str = "blueprint.yaml";

/// The blueprints at `paths`, each once: files, and every `blueprint.yaml` in and below folders, in the order of their
/// names; without paths those below `blueprints/`.
pub(super) fn blueprints(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Vec<Diagnostic>> {
    let default = [PathBuf::from("blueprints")];
    let paths = if paths.is_empty() { &default } else { paths };
    let (mut found, mut refused) = (Vec::new(), Vec::new());
    for path in paths {
        match at(path) {
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

fn at(path: &Path) -> Result<Vec<PathBuf>, Vec<Diagnostic>> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => below(path),
        Ok(_) => Ok(vec![path.to_path_buf()]),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(vec![refusal(format!("there is no `{}` here", path.display()))])
        }
        Err(error) => Err(vec![refusal(format!("cannot read {}: {error}", path.display()))]),
    }
}

fn below(folder: &Path) -> Result<Vec<PathBuf>, Vec<Diagnostic>> {
    let (mut found, mut refused) = (Vec::new(), Vec::new());
    for entry in WalkDir::new(folder).sort_by_file_name() {
        match entry {
            // A symbolic link to a file counts as the file; links to folders are not followed, as they may lead in circles.
            Ok(entry) if entry.file_name() == NAME && entry.path().is_file() => found.push(entry.into_path()),
            Ok(_) => {}
            Err(error) => {
                let path = error.path().unwrap_or(folder).display().to_string();
                let reason = error.io_error().map_or_else(|| error.to_string(), ToString::to_string);
                refused.push(refusal(format!("cannot read {path}: {reason}")));
            }
        }
    }
    if found.is_empty() && refused.is_empty() {
        refused.push(refusal(format!("there is no {NAME} in or below `{}`", folder.display())));
    }
    if refused.is_empty() { Ok(found) } else { Err(refused) }
}

fn refusal(message: String) -> Diagnostic {
    let help = "name a blueprint or a folder that holds some, or run bpc beside the folder `blueprints`";
    Diagnostic::new(Code::BlueprintUnreadable, Place::Outside, message).help(help)
}
