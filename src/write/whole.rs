//! Puts single files in place, each whole or not at all; trees have a staging folder for the same purpose.
//!
//! | way | where | after a kill |
//! |---|---|---|
//! | a file without a name (`O_TMPFILE`, `open(2)`) that gets one at the end | most file systems of Linux | nothing is left |
//! | `.NAME.unfinished/NAME`, which is renamed to `NAME` | everywhere else: shared folders, FAT, no `/proc` | the next call removes it |
//!
//! The second way makes no hard link, so that there are never two names of one file. What must not get into a repository is
//! covered there under its own name: whatever ignores `vault.key` ignores the unfinished one, too. The folder is locked
//! meanwhile, as `out/` is for a build, so an unfinished file that is found there belongs to nobody.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use super::filesystem::{FileSystem, is_unsupported, sync};
use super::lock;
use super::place::exists;
use super::stage::make_folder;

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Nobody but its owner: mode 0600 from its first moment.
    Owner,
    /// Whoever the umask lets.
    AsUmask,
}

/// Puts a whole new file in place, or none; never over anything else, even if that came up just now.
///
/// # Errors
/// [`AlreadyExists`](io::ErrorKind::AlreadyExists) if something has that path, or the system's answer. Nothing is left then.
pub fn put(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    put_on(FileSystem::NATIVE, path, bytes, readers)
}

pub(super) fn put_on(system: FileSystem, path: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let file = New { system, path, bytes, readers };
    match file.without_name(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            let mut aside = OsString::from(".");
            aside.push(name);
            aside.push(".unfinished");
            file.beside(folder, &folder.join(aside))?;
        }
        result => result?,
    }
    sync(folder)
}

/// A file that is to be.
struct New<'a> {
    system: FileSystem,
    path: &'a Path,
    bytes: &'a [u8],
    readers: Readers,
}

impl New<'_> {
    fn without_name(&self, folder: &Path) -> io::Result<()> {
        let mut file = (self.system.unnamed)(folder, self.readers.mode())?;
        self.fill(&mut file)?;
        (self.system.name)(&file, self.path)
    }

    /// Makes it in the folder `aside`, then gives it its place.
    fn beside(&self, folder: &Path, aside: &Path) -> io::Result<()> {
        let _lock = lock::folder(folder)?;
        let unfinished = aside.join(self.path.file_name().unwrap_or_default());
        discard(aside, &unfinished)?;
        if exists(self.path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        make_folder(aside, 0o700)?;
        let moved = self.write(&unfinished).and_then(|()| self.rename(&unfinished));
        let discarded = discard(aside, &unfinished);
        moved.and(discarded)
    }

    fn write(&self, path: &Path) -> io::Result<()> {
        self.fill(&mut OpenOptions::new().write(true).create_new(true).mode(self.readers.mode()).open(path)?)
    }

    fn fill(&self, file: &mut File) -> io::Result<()> {
        if self.readers == Readers::Owner {
            set_mode(file, self.readers.mode())?;
        }
        file.write_all(self.bytes)?;
        file.sync_all()
    }

    fn rename(&self, from: &Path) -> io::Result<()> {
        match (self.system.rename_new)(from, self.path) {
            // Of those who lock the folder nobody has put anything there since it was looked at.
            Err(error) if is_unsupported(&error) => fs::rename(from, self.path),
            result => result,
        }
    }
}

impl Readers {
    const fn mode(self) -> u32 {
        match self {
            Self::Owner => 0o600,
            Self::AsUmask => 0o666,
        }
    }
}

/// Gives a file its mode, which the umask has no say in.
///
/// # Errors
/// If it is to be its owner's alone and the file system keeps no modes, as FAT and some shared folders do not.
pub(super) fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(mode))?;
    let closed = mode.trailing_zeros() >= 6;
    if closed && file.metadata()?.permissions().mode().trailing_zeros() < 6 {
        let reason = "this file system keeps no modes, so others could read what is secret: mount it with umask=077, \
                      or choose a folder on another one";
        return Err(io::Error::new(io::ErrorKind::Unsupported, reason));
    }
    Ok(())
}

/// Removes what a kill left, and nothing else that may be in the folder.
fn discard(aside: &Path, unfinished: &Path) -> io::Result<()> {
    let absent_is_fine = |result: io::Result<()>| match result {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    if fs::symlink_metadata(aside).is_ok_and(|metadata| metadata.is_dir()) {
        absent_is_fine(fs::remove_file(unfinished))?;
        absent_is_fine(fs::remove_dir(aside))
    } else {
        absent_is_fine(fs::remove_file(aside))
    }
}

#[cfg(test)]
mod tests {
    use tempfile::{TempDir, tempdir};

    use super::*;

    fn refuse<T>(errno: i32) -> io::Result<T> {
        Err(io::Error::from_raw_os_error(errno))
    }

    /// No `O_TMPFILE` (`EOPNOTSUPP`); no `/proc` to name such a file by (`ENOENT`); neither that nor a rename that
    /// refuses to replace (`EINVAL`).
    const SYSTEMS: [FileSystem; 4] = [
        FileSystem::NATIVE,
        FileSystem { unnamed: |_, _| refuse(95), ..FileSystem::NATIVE },
        FileSystem { name: |_, _| refuse(2), ..FileSystem::NATIVE },
        FileSystem { unnamed: |_, _| refuse(95), rename_new: |_, _| refuse(22), ..FileSystem::NATIVE },
    ];

    /// What is in a folder, names sorted, with each file's text.
    fn listing(folder: &TempDir) -> Vec<String> {
        let files = walkdir::WalkDir::new(folder.path()).min_depth(1).sort_by_file_name();
        let shown = |entry: walkdir::DirEntry| {
            let path = entry.path().strip_prefix(folder.path()).unwrap().display().to_string();
            fs::read_to_string(entry.path()).map(|text| format!("{path} {text}")).unwrap_or(path)
        };
        files.into_iter().map(|entry| shown(entry.unwrap())).collect()
    }

    #[test]
    fn a_file_is_put_where_there_is_none_on_any_file_system() {
        for system in SYSTEMS {
            let folder = tempdir().unwrap();
            let path = folder.path().join("key");
            put_on(system, &path, b"new", Readers::Owner).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
            let again = put_on(system, &path, b"newer", Readers::Owner).unwrap_err();
            assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
            assert_eq!(listing(&folder), ["key new"]);
        }
    }

    #[test]
    fn what_a_kill_left_is_removed_and_what_is_no_rest_stays() {
        let folder = tempdir().unwrap();
        let aside = folder.path().join(".key.unfinished");
        fs::create_dir(&aside).unwrap();
        fs::write(aside.join("key"), "half").unwrap();
        put_on(SYSTEMS[1], &folder.path().join("key"), b"new", Readers::Owner).unwrap();
        assert_eq!(listing(&folder), ["key new"]);

        fs::remove_file(folder.path().join("key")).unwrap();
        fs::create_dir(&aside).unwrap();
        fs::write(aside.join("notes"), "mine").unwrap();
        put_on(SYSTEMS[1], &folder.path().join("key"), b"new", Readers::Owner).unwrap_err();
        assert_eq!(listing(&folder), [".key.unfinished", ".key.unfinished/notes mine"]);
    }

    #[test]
    fn a_failure_at_any_step_leaves_nothing() {
        let broken: [FileSystem; 2] = [
            FileSystem { unnamed: |_, _| refuse(95), rename_new: |_, _| refuse(5), ..FileSystem::NATIVE },
            FileSystem { name: |_, _| refuse(28), rename_new: |_, _| refuse(28), ..FileSystem::NATIVE },
        ];
        for system in broken {
            let folder = tempdir().unwrap();
            put_on(system, &folder.path().join("key"), b"new", Readers::Owner).unwrap_err();
            assert_eq!(listing(&folder), [""; 0]);
        }
    }

    #[test]
    fn a_file_that_came_up_meanwhile_is_not_replaced() {
        let came_up: fn(&Path, &Path) -> io::Result<()> = |_, new| {
            fs::write(new, "mine").unwrap();
            refuse(17)
        };
        let system = FileSystem { unnamed: |_, _| refuse(95), rename_new: came_up, ..FileSystem::NATIVE };
        let folder = tempdir().unwrap();
        let error = put_on(system, &folder.path().join("key"), b"new", Readers::Owner).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(listing(&folder), ["key mine"]);
    }
}
