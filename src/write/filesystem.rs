//! The calls that not every file system has; tests put failing ones in their place.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd as _;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, RenameFlags, linkat, openat, renameat_with};
use rustix::io::Errno;

/// How two trees change places, how a file gets a second name, and how one gets its first name when it is finished.
#[derive(Clone, Copy, Debug)]
pub(super) struct FileSystem {
    /// Makes two paths change places in one step.
    pub(super) exchange: fn(&Path, &Path) -> io::Result<()>,
    /// Makes the second path another name of the first, without following a symbolic link.
    pub(super) link: fn(&Path, &Path) -> io::Result<()>,
    /// Makes a file in a folder that has no name there yet, with this mode.
    pub(super) unnamed: fn(&Path, u32) -> io::Result<File>,
    /// Gives such a file its name, which nothing may have.
    pub(super) name: fn(&File, &Path) -> io::Result<()>,
    /// Renames a file to a name that nothing may have.
    pub(super) rename_new: fn(&Path, &Path) -> io::Result<()>,
}

impl FileSystem {
    /// The system's own calls.
    pub(super) const NATIVE: Self = Self { exchange, link, unnamed, name, rename_new };
}

fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    Ok(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
}

fn link(existing: &Path, new: &Path) -> io::Result<()> {
    fs::hard_link(existing, new)
}

fn unnamed(folder: &Path, mode: u32) -> io::Result<File> {
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    Ok(openat(CWD, folder, flags, Mode::from_raw_mode(mode))?.into())
}

/// `open(2)`, on `O_TMPFILE`: by its descriptor, because `AT_EMPTY_PATH` is for the superuser only.
fn name(file: &File, path: &Path) -> io::Result<()> {
    let descriptor = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(linkat(CWD, descriptor, CWD, path, AtFlags::SYMLINK_FOLLOW)?)
}

fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    Ok(renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)?)
}

/// Whether `error` says that the file system lacks the call, or has run out of links (`link(2)`, `rename(2)`).
///
/// `EPERM` is the answer of file systems without hard links, and of `protected_hardlinks` (`proc_sys_fs(5)`).
pub(super) fn is_unsupported(error: &io::Error) -> bool {
    let missing = [Errno::INVAL, Errno::NOSYS, Errno::NOTSUP, Errno::OPNOTSUPP, Errno::PERM, Errno::MLINK];
    Errno::from_io_error(error).is_some_and(|errno| missing.contains(&errno))
}

/// Makes a file, or the list of names in a folder, durable; a file system that has no such call answers `EINVAL`.
pub(super) fn sync(path: &Path) -> io::Result<()> {
    match File::open(path)?.sync_all() {
        Err(error) if Errno::from_io_error(&error) == Some(Errno::INVAL) => Ok(()),
        result => result,
    }
}
