//! What the writer refuses.

use std::fmt;

use jiff::Timestamp;

/// Why an image cannot be written. Each is a limit of the format, named so that the caller can mend its input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The volume identifier is empty, too long for the Joliet descriptor, or not made of d-characters.
    VolumeIdentifier(String),
    /// The date has no place in a directory record, which counts years in one byte from 1900 (ECMA-119 9.1.5).
    Date(Timestamp),
    /// A path component is empty, `.` or `..`.
    Component {
        /// The path as it was given.
        path: String,
    },
    /// A name holds a character that Joliet has no place for.
    Character {
        /// The path as it was given.
        path: String,
        /// The first such character.
        character: char,
    },
    /// A name ends in a dot, which Linux and Windows drop when they read the Joliet tree.
    TrailingDot {
        /// The path as it was given.
        path: String,
    },
    /// A name is longer than a Joliet directory record can hold.
    JolietName {
        /// The path as it was given.
        path: String,
        /// The length of the name in UCS-2 units.
        units: usize,
    },
    /// A name is longer than Linux reads from Rock Ridge.
    RockRidgeName {
        /// The path as it was given.
        path: String,
        /// The length of the name in bytes.
        bytes: usize,
    },
    /// The folders are nested deeper than eight levels, the root among them (ECMA-119 6.8.2.1).
    TooDeep {
        /// The path as it was given.
        path: String,
    },
    /// A file of this path was added before.
    Duplicate {
        /// The path as it was given.
        path: String,
    },
    /// The path is a file here and a folder elsewhere.
    FileAndFolder {
        /// The part of the path that is both.
        path: String,
    },
    /// The mode has other bits than permissions (`0o7777`).
    Mode {
        /// The path as it was given.
        path: String,
        /// The mode as it was given.
        mode: u32,
    },
    /// A file is longer than the data length of a directory record can say: 4 GiB - 1 (ECMA-119 9.1.4).
    FileTooLarge {
        /// The path as it was given.
        path: String,
    },
    /// There are more folders than a path table can number: 65535 (ECMA-119 9.4.4).
    TooManyFolders,
    /// More files of one folder share an 8.3 name than its eight characters can tell apart.
    TooManyNames,
    /// The image has more sectors than its descriptor can say, or than the machine can address (ECMA-119 8.4.8).
    ImageTooLarge,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::VolumeIdentifier(identifier) => write!(
                f,
                "volume identifier '{}' must be 1 to 16 characters of A-Z, 0-9 and _",
                identifier.escape_debug()
            ),
            Self::Date(date) => write!(f, "{date} is not between the years 1900 and 2155"),
            Self::Component { path } => {
                write!(f, "'{}' has an empty, '.' or '..' component", path.escape_debug())
            }
            Self::Character { path, character } => write!(
                f,
                "'{}' has a character that Joliet cannot hold: {character:?} (U+{:04X})",
                path.escape_debug(),
                u32::from(*character)
            ),
            Self::TrailingDot { path } => {
                write!(
                    f,
                    "'{}' has a name that ends in a dot, which Joliet's readers drop",
                    path.escape_debug()
                )
            }
            Self::JolietName { path, units } => {
                write!(f, "'{}' has a name of {units} UCS-2 units: Joliet holds 103", path.escape_debug())
            }
            Self::RockRidgeName { path, bytes } => write!(
                f,
                "'{}' has a name of {bytes} bytes: Linux reads 253 from Rock Ridge",
                path.escape_debug()
            ),
            Self::TooDeep { path } => {
                write!(f, "'{}' has more than 7 folders: ISO 9660 holds no more", path.escape_debug())
            }
            Self::Duplicate { path } => write!(f, "'{}' is there already", path.escape_debug()),
            Self::FileAndFolder { path } => {
                write!(f, "'{}' is both a file and a folder", path.escape_debug())
            }
            Self::Mode { path, mode } => {
                write!(
                    f,
                    "'{}' has mode {mode:#o}: only permission bits (0o7777) are possible",
                    path.escape_debug()
                )
            }
            Self::FileTooLarge { path } => {
                write!(f, "'{}' is longer than 4 GiB - 1, the most ISO 9660 holds", path.escape_debug())
            }
            Self::TooManyFolders => write!(f, "more than 65535 folders, the most a path table numbers"),
            Self::TooManyNames => write!(f, "too many names that are the same in 8.3 form in one folder"),
            Self::ImageTooLarge => write!(f, "the image is too large for ISO 9660"),
        }
    }
}

impl std::error::Error for Error {}
