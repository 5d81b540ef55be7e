//! What the writer refuses, and what is wrong with an image that is read.

use std::{fmt, io};

/// Why a disk cannot be written.
#[derive(Debug)]
pub enum Error {
    /// The disk has no sector, half a one, or more than [2 TiB](super::LARGEST).
    Capacity(u64),
    /// The UUID is not one.
    Uuid(String),
    /// A grain is longer than one, or reaches beyond the end of the disk: the offset of its first byte that does.
    BeyondEnd(u64),
    /// A grain comes after one that is behind it, or twice: its offset.
    Order(u64),
    /// The file would be longer than its tables can say: 2 TiB.
    FileTooLarge,
    /// The content cannot be read.
    Content(io::Error),
    /// The disk cannot be written.
    Io(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Capacity(bytes) => {
                write!(
                    f,
                    "a disk of {bytes} bytes: only whole sectors of 512 bytes, up to 2 TiB, are possible"
                )
            }
            Self::Uuid(text) => write!(f, "'{}' is no UUID", text.escape_debug()),
            Self::BeyondEnd(at) => write!(f, "the content goes on at byte {at}, where the disk has ended"),
            Self::Order(at) => write!(f, "the grain at byte {at} is not behind all others"),
            Self::FileTooLarge => f.write_str("the file would be longer than 2 TiB"),
            Self::Content(error) => write!(f, "cannot read the content: {error}"),
            Self::Io(error) => write!(f, "cannot write: {error}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Content(error) | Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// What is wrong with an image, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed {
    /// The offset in bytes.
    pub at: u64,
    /// What is there.
    pub problem: &'static str,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at byte {}: {}", self.at, self.problem)
    }
}

impl std::error::Error for Malformed {}

/// Why an image cannot be read.
#[derive(Debug)]
pub enum Unreadable {
    /// It is not as it should be.
    Malformed(Malformed),
    /// The system refused something.
    Io(io::Error),
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(malformed) => malformed.fmt(f),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Unreadable {}

impl From<Malformed> for Unreadable {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

/// As the content of a disk that is written.
impl From<Unreadable> for io::Error {
    fn from(unreadable: Unreadable) -> Self {
        match unreadable {
            Unreadable::Io(error) => error,
            Unreadable::Malformed(malformed) => Self::new(io::ErrorKind::InvalidData, malformed),
        }
    }
}
