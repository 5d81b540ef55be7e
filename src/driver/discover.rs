//! Finds blueprints.

use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::diag::{Code, Diagnostic, Place};

/// The name of a blueprint in its folder.
const NAME: &str = "blueprint.yaml";

/// The blueprints at `paths`: files, or folders that hold a `blueprint.yaml`; without paths every one below
/// `blueprints/`, in the order of their names.
pub(super) fn blueprints(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Diagnostic> {
    if paths.is_empty() {
        return all(Path::new("blueprints"));
    }
    Ok(paths.iter().map(|path| if path.is_dir() { path.join(NAME) } else { path.clone() }).collect())
}

fn all(folder: &Path) -> Result<Vec<PathBuf>, Diagnostic> {
    let found: Vec<PathBuf> = WalkDir::new(folder)
        .sort_by_file_name()
        .into_iter()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file() && entry.file_name() == NAME)
        .map(walkdir::DirEntry::into_path)
        .collect();
    if found.is_empty() {
        let message = format!("there is no {NAME} below {}", folder.display());
        return Err(Diagnostic::new(Code::BlueprintUnreadable, Place::Outside, message)
            .help("run bpc where your `blueprints` folder is, or name a blueprint"));
    }
    Ok(found)
}
