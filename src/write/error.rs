//! Why a tree could not be written, and the way out.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::format::terminal;

/// What stands where bpc wants to write, or keeps it from carrying the user's files over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Obstacle {
    /// A regular file with other bytes than bpc would write.
    File,
    /// A file that a user may have changed.
    Changed,
    /// A folder, or one with files in it that bpc did not write, where a file must go.
    Folder,
    /// A symbolic link: bpc never writes through one.
    Symlink,
    /// A named pipe, socket or device.
    Special,
    /// A folder that this user may not read and change.
    Closed,
    /// A folder on which another file system is mounted.
    Mount,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "a file that bpc did not write; move or delete it",
            Self::Changed => "a file with another text; move or delete it",
            Self::Folder => "a folder where bpc writes a file; move or delete it",
            Self::Symlink => "a symbolic link, and bpc writes through none; replace or delete it",
            Self::Special => "neither a file nor a folder; move or delete it",
            Self::Closed => "a folder that you may not read and change; use chown or chmod u+rwx",
            Self::Mount => "a mounted file system; unmount it or mount it outside the tree",
        })
    }
}

/// One thing that is in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Where it is.
    pub path: PathBuf,
    /// What it is.
    pub obstacle: Obstacle,
}

/// Why a tree could not be written.
#[derive(Debug)]
pub enum Error {
    /// An artifact path that fits in no tree.
    Bug {
        /// The path.
        path: String,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// Something that bpc did not write is in the way; nothing was written.
    Refused {
        /// All that is in the way, by path.
        refusals: Vec<Refusal>,
        /// Set if bpc could not tell its own files from others, with the reason.
        unknown: Option<String>,
        /// The tree.
        live: PathBuf,
    },
    /// The system refused a call before the new tree was in place.
    Failed {
        /// What was tried: `write`, `lock`, ...
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
        /// Whether there is an earlier tree, which then is whole.
        whole: bool,
        /// What could not be deleted of the new tree.
        left: Option<PathBuf>,
    },
    /// The system refused a call after files may have been added.
    Unfinished {
        /// What was tried: `read` or `write`.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The live tree is whole, but another copy beside it could not be cleared away.
    Leftover {
        /// What was tried: `move`, `delete`, ...
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A file that bpc did not write came up, during the build, on a path that bpc writes.
    Clash {
        /// Where it is kept.
        kept: PathBuf,
        /// The path that it had.
        path: PathBuf,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bug { path, fault } => {
                write!(
                    f,
                    "the artifact path '{}' {fault}; this is a bug in bpc, nothing was written",
                    path.escape_debug()
                )
            }
            Self::Refused { refusals, unknown, live } => {
                write!(f, "{} is left as it was, because these are in the way:", terminal::path(live))?;
                for Refusal { path, obstacle } in refusals {
                    write!(f, "\n  {}: {obstacle}", terminal::path(path))?;
                }
                if let Some(reason) = unknown {
                    let live = terminal::path(live);
                    write!(f, "\n{reason}, so bpc cannot tell which files there are its own; ")?;
                    write!(f, "if you put nothing into {live}, it is safe to delete it and build again")?;
                }
                Ok(())
            }
            Self::Failed { doing, path, source, whole, left } => {
                write!(f, "cannot {doing} {}: {source}", terminal::path(path))?;
                if let Some(left) = left {
                    write!(f, "; {} is left, which the next build deletes", terminal::path(left))?;
                } else if !whole {
                    f.write_str("; nothing was left behind")?;
                }
                let earlier = if *whole { "; the earlier tree is whole" } else { "" };
                write!(f, "{earlier}{}", advice(source))
            }
            Self::Unfinished { doing, path, source } => {
                write!(
                    f,
                    "cannot {doing} {}: {source}; what was written before stays, ",
                    terminal::path(path)
                )?;
                write!(f, "and the next run goes on from there")
            }
            Self::Leftover { doing, path, source } => {
                write!(f, "cannot {doing} {}: {source}; ", terminal::path(path))?;
                write!(f, "the live tree is whole, and the next build tries again{}", advice(source))
            }
            Self::Clash { kept, path } => {
                write!(f, "{} came up while bpc was writing its own; ", terminal::path(path))?;
                write!(f, "yours is kept as {}: move or delete it and build again", terminal::path(kept))
            }
        }
    }
}

/// What the user can do about it, where the system's answer says enough.
fn advice(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "; free some space and build again",
        // EPERM, and not EACCES: no mode and no owner has to do with it.
        io::ErrorKind::PermissionDenied if source.raw_os_error() == Some(1) => {
            "; it may be immutable (`lsattr` shows that, `chattr -i` ends it), or its file system does not allow this"
        }
        io::ErrorKind::FileTooLarge => {
            "; files may not be longer (`ulimit -f` shows how long, or the file system says so)"
        }
        io::ErrorKind::PermissionDenied => "; check who owns it (chown, chmod) and build again",
        io::ErrorKind::ReadOnlyFilesystem => "; choose another folder with --out",
        _ => "",
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Failed { source, .. } | Self::Unfinished { source, .. } | Self::Leftover { source, .. } => {
                Some(source)
            }
            Self::Bug { .. } | Self::Refused { .. } | Self::Clash { .. } => None,
        }
    }
}
