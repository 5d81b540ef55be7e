//! Reads files that anybody may have put where they are: regular ones only, and never more than a limit.
//!
//! A device such as `/dev/zero` has no end, a pipe may never have a beginning, and to open some devices does something.

use std::fmt;
use std::fs::{self, File, FileType, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;

/// Why a file was not read.
#[derive(Debug)]
pub enum Unread {
    /// Nothing is there.
    Missing,
    /// Something that is no regular file is there: what it is.
    Irregular(&'static str),
    /// It is longer than this, in bytes.
    TooLarge(usize),
    /// The system's answer.
    System(io::Error),
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("there is no such file"),
            Self::Irregular(what) => write!(f, "it is {what}"),
            Self::TooLarge(limit) => write!(f, "it has more than {limit} bytes"),
            Self::System(error) => error.fmt(f),
        }
    }
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        // Nothing is below what is no folder.
        let missing = matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory);
        if missing { Self::Missing } else { Self::System(error) }
    }
}

/// Opens a regular file, or one that a symbolic link leads to; waits for nothing.
///
/// # Errors
/// [`Unread`], but not [`TooLarge`](Unread::TooLarge).
pub fn open(path: &Path) -> Result<File, Unread> {
    // Before it is opened, because that has consequences for some devices; and after, because it may be another one then.
    regular(fs::metadata(path)?.file_type())?;
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    regular(file.metadata()?.file_type())?;
    Ok(file)
}

/// Reads a whole file of at most `limit` bytes.
///
/// # Errors
/// [`Unread`]; of a longer file no more than one byte more is read.
pub fn read(path: &Path, limit: usize) -> Result<Vec<u8>, Unread> {
    let bytes = read_start(path, limit)?;
    if bytes.len() > limit { Err(Unread::TooLarge(limit)) } else { Ok(bytes) }
}

/// Reads the first bytes of a file: all of it if it has at most `limit`, else one byte more than that.
///
/// # Errors
/// [`Unread`], but not [`TooLarge`](Unread::TooLarge).
pub fn read_start(path: &Path, limit: usize) -> Result<Vec<u8>, Unread> {
    let mut bytes = Vec::new();
    open(path)?.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn regular(kind: FileType) -> Result<(), Unread> {
    if kind.is_file() {
        return Ok(());
    }
    Err(Unread::Irregular(if kind.is_dir() {
        "a folder"
    } else if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use rustix::fs::{CWD, FileType as Made, Mode, mknodat};

    use super::*;

    fn refusal(path: &Path) -> String {
        read(path, 4).unwrap_err().to_string()
    }

    #[test]
    fn no_more_than_the_limit_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for (content, result) in
            [("", Ok("")), ("1234", Ok("1234")), ("12345", Err("it has more than 4 bytes"))]
        {
            fs::write(&path, content).unwrap();
            let found = read(&path, 4).map_err(|unread| unread.to_string());
            assert_eq!(found, result.map(|text| text.as_bytes().to_vec()).map_err(str::to_owned));
        }
        fs::write(&path, [7; 100]).unwrap();
        assert_eq!(read_start(&path, 4).unwrap().len(), 5);
    }

    #[test]
    fn what_is_no_regular_file_is_not_even_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        // To open a pipe that nobody writes to would wait for ever.
        mknodat(CWD, path("pipe"), Made::Fifo, Mode::RWXU, 0).unwrap();
        drop(std::os::unix::net::UnixListener::bind(path("socket")).unwrap());
        symlink("/dev/zero", path("zero")).unwrap();
        symlink("nowhere", path("dangling")).unwrap();
        assert_eq!(refusal(&path("pipe")), "it is a pipe");
        assert_eq!(refusal(&path("socket")), "it is a socket");
        assert_eq!(refusal(&path("zero")), "it is a device");
        assert_eq!(refusal(folder.path()), "it is a folder");
        assert_eq!(refusal(&path("dangling")), "there is no such file");
    }
}
