//! Puts files where there are none, among files of a user's.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::{Error, Obstacle, Refusal};
use super::whole::{Readers, put};

/// Puts `files` (texts by paths) into a folder, which is made if need be, and returns the paths of those that were not
/// there. Files that are there with the same text stay as they are.
///
/// Each file is there whole or not at all, so after a kill the next call goes on.
///
/// # Errors
///
/// [`Error::Refused`] if something else is there, with all that is: then nothing was written.
/// [`Error::Unfinished`] if the system refuses a call.
pub fn add<'a>(files: &'a BTreeMap<String, String>, folder: &Path) -> Result<Vec<&'a str>, Error> {
    let (mut missing, mut refusals) = (Vec::new(), BTreeSet::new());
    for (path, text) in files {
        match look(&folder.join(path), text) {
            Ok(Found::Nothing) => missing.push((path, text)),
            Ok(Found::Same) => {}
            Ok(Found::Other(refusal)) => drop(refusals.insert(refusal)),
            Err(source) => return Err(Error::Unfinished { doing: "read", path: folder.join(path), source }),
        }
    }
    if !refusals.is_empty() {
        let refusals = refusals.into_iter().map(|(path, obstacle)| Refusal { path, obstacle }).collect();
        return Err(Error::Refused { refusals, unknown: None, live: folder.to_path_buf() });
    }
    for (path, text) in &missing {
        let path = folder.join(path);
        let made = path.parent().map_or(Ok(()), fs::create_dir_all);
        let put = made.and_then(|()| put(&path, text.as_bytes(), Readers::AsUmask));
        put.map_err(|source| Error::Unfinished { doing: "write", path, source })?;
    }
    Ok(missing.into_iter().map(|(path, _)| path.as_str()).collect())
}

/// What is at a path.
enum Found {
    Nothing,
    Same,
    Other((PathBuf, Obstacle)),
}

fn look(path: &Path, text: &str) -> io::Result<Found> {
    let other = |obstacle| Ok(Found::Other((path.to_path_buf(), obstacle)));
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        // A file stands where a folder is to be.
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            let file = path.ancestors().find(|above| above.is_file()).unwrap_or(path);
            return Ok(Found::Other((file.to_path_buf(), Obstacle::File)));
        }
        Err(error) => return Err(error),
    };
    if metadata.is_symlink() {
        other(Obstacle::Symlink)
    } else if metadata.is_dir() {
        other(Obstacle::Folder)
    } else if !metadata.is_file() {
        other(Obstacle::Special)
    } else if metadata.len() == text.len() as u64 && fs::read(path)? == text.as_bytes() {
        Ok(Found::Same)
    } else {
        other(Obstacle::Changed)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn files() -> BTreeMap<String, String> {
        [("a/b/one", "1"), ("a/two", "2"), ("three", "3")]
            .map(|(path, text)| (path.to_owned(), text.to_owned()))
            .into()
    }

    #[test]
    fn what_is_missing_is_added_and_what_is_the_same_stays() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("new/folder");
        let files = files();
        assert_eq!(add(&files, &inside).unwrap(), ["a/b/one", "a/two", "three"]);
        fs::remove_file(inside.join("a/two")).unwrap();
        assert_eq!(add(&files, &inside).unwrap(), ["a/two"]);
        assert_eq!(add(&files, &inside).unwrap(), [""; 0]);
        assert_eq!(fs::read_to_string(inside.join("a/two")).unwrap(), "2");
    }

    #[test]
    fn all_that_is_in_the_way_is_named_and_nothing_is_written() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), "a file where folders are to be").unwrap();
        symlink("nowhere", folder.path().join("three")).unwrap();
        let error = add(&files(), folder.path()).unwrap_err().to_string();
        let error = error.replace(folder.path().to_str().unwrap(), "lab");
        insta::assert_snapshot!(error, @r"
        lab is left as it was, because these are in the way:
          lab/a: a file that bpc did not write; move or delete it
          lab/three: a symbolic link, and bpc writes through none; replace or delete it
        ");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_a_failure() {
        let error = add(&files(), Path::new("/proc/version/lab")).unwrap_err().to_string();
        assert!(error.contains("/proc/version: a file that bpc did not write"), "{error}");
        let error = add(&files(), Path::new("/proc/lab")).unwrap_err().to_string();
        assert!(error.starts_with("cannot write /proc/lab/a/b/one: "), "{error}");
    }
}
