//! One build at a time below one `out/`.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use rustix::io::Errno;

use super::error::Error;
use super::place::Place;

/// Waits for the lock on `out/`, which is made if need be; held until dropped, or until the process ends.
pub(super) fn lock(place: &Place) -> Result<File, Error> {
    fs::create_dir_all(&place.out).map_err(|error| place.failed("make the folder", &place.out, error))?;
    folder(&place.out).map_err(|error| place.failed("lock", &place.out, error))
}

/// Waits for the lock on a folder, held until it is dropped, or until the process ends.
///
/// The folder itself is locked (`flock(2)`), so that no lock file is left behind. A file system without locks
/// (some network file systems) is used without.
pub(super) fn folder(path: &Path) -> io::Result<File> {
    let folder = File::open(path)?;
    loop {
        match folder.lock() {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if has_no_locks(&error) => return Ok(folder),
            Err(error) => return Err(error),
        }
    }
}

/// NFS needs a descriptor open for writing (`EBADF`), which a folder cannot have; others lack `flock` altogether.
fn has_no_locks(error: &io::Error) -> bool {
    let missing = [Errno::BADF, Errno::NOLCK, Errno::NOSYS, Errno::NOTSUP, Errno::OPNOTSUPP, Errno::INVAL];
    Errno::from_io_error(error).is_some_and(|errno| missing.contains(&errno))
}
