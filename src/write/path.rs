//! Artifact paths: a list that passes here can be written as one tree.

use std::collections::BTreeMap;
use std::path::Path;

use super::error::Error;
use crate::artifact::Artifact;

/// What is wrong with `path` as a path inside the output tree.
pub(super) fn fault(path: &str) -> Option<&'static str> {
    if path.is_empty() {
        return Some("is empty");
    }
    if path.starts_with('/') {
        return Some("is absolute");
    }
    if path.chars().any(char::is_control) {
        return Some("has a control character");
    }
    if path.split('/').any(|name| name.is_empty() || name == "." || name == "..") {
        return Some("has an empty name, '.' or '..' in it");
    }
    if path.split('/').any(|name| name.len() > 255) {
        return Some("has a name of more than 255 bytes in it");
    }
    None
}

/// All artifacts by path.
pub(super) fn sorted<'a>(artifacts: impl Iterator<Item = &'a Artifact>) -> Result<Vec<&'a Artifact>, Error> {
    let mut all = BTreeMap::new();
    for artifact in artifacts {
        let bug = |fault| Error::Bug { path: artifact.path.clone(), fault };
        if let Some(fault) = fault(&artifact.path) {
            return Err(bug(fault));
        }
        if all.insert(Path::new(&artifact.path), artifact).is_some() {
            return Err(bug("is made twice"));
        }
    }
    let file_and_folder =
        all.keys().flat_map(|path| path.ancestors().skip(1)).find_map(|folder| all.get(folder));
    if let Some(artifact) = file_and_folder {
        return Err(Error::Bug { path: artifact.path.clone(), fault: "is both a file and a folder" });
    }
    Ok(all.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::super::tests::file;
    use super::*;

    fn refusal(paths: &[&str]) -> String {
        let files: Vec<_> = paths.iter().map(|path| file(path, "x")).collect();
        sorted(files.iter()).unwrap_err().to_string()
    }

    #[test]
    fn paths_that_leave_the_tree_are_bugs() {
        for path in ["", "/etc/passwd", "../x", "a/../x", "a//b", "a/", "./a", "a/.", "a\nb", "a\0"] {
            assert!(refusal(&["ok", path]).contains("this is a bug in bpc"), "{path:?}");
        }
        assert!(refusal(&[&"n".repeat(256)]).contains("more than 255 bytes"));
    }

    #[test]
    fn two_files_cannot_share_a_path() {
        assert_eq!(
            refusal(&["a/b", "a/b"]),
            "the artifact path 'a/b' is made twice; this is a bug in bpc, nothing was written"
        );
    }

    #[test]
    fn a_file_cannot_be_a_folder_too() {
        // `a.b` sorts between `a` and `a/b` as a string: the check must not rely on neighbours.
        assert!(refusal(&["a", "a.b", "a/b/c"]).contains("'a' is both a file and a folder"));
    }

    #[test]
    fn unusual_names_are_fine() {
        let files = [file("dev-disk\\x2dlabel.mount", "x"), file("a b/ä", "x"), file("...", "x")];
        assert_eq!(sorted(files.iter()).unwrap().len(), 3);
    }
}
