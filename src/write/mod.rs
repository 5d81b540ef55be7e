//! The only writer: puts a finished build in place, all of it or nothing.
//!
//! A build of the blueprint `demo` is assembled in a folder beside the live tree and takes its place in one
//! rename. Three names below `out/` tell how far a build came:
//!
//! | name | what it is | after a kill |
//! |---|---|---|
//! | `demo` | the live tree, whole at all times | stays |
//! | `.demo.staging` | a tree being assembled | deleted: whatever in it is not bpc's is only a second link |
//! | `.demo.swap` | a finished tree about to go live, or the one that was live before | cleared |
//!
//! One build, and what the next one finds if this one is killed there:
//!
//! 1. `out/` is locked with `flock(2)`; a second build waits. The lock dies with the process.
//! 2. What an earlier kill left is tidied up, as said below.
//! 3. The live tree is compared with the build. Nothing to do: nothing is written, not even a time stamp.
//!    Something of the user's in the way: everything that is, is reported, and nothing is written.
//! 4. The new tree is assembled in `.demo.staging`: files that stay the same are hard links to the live tree's, so
//!    are files that bpc did not write; the rest is written, `manifest.json` last; then all of it is fsynced.
//!    *Killed: live is the old tree; staging is deleted.*
//! 5. `.demo.staging` is renamed to `.demo.swap`. *Killed: live is the old tree; the swap folder holds a finished
//!    one that never went live; it is cleared like an old one, which finds nothing to rescue.*
//! 6. `.demo.swap` and `demo` are exchanged (`renameat2(2)`, `RENAME_EXCHANGE`). *Killed: live is the new tree.*
//!    Where the file system cannot exchange, `demo` is renamed to `.demo.swap` and `.demo.staging` to `demo`.
//!    *Killed between the two: there is no live tree, so the swap folder is renamed back to `demo`.*
//! 7. `out/` is fsynced, then the swap folder is cleared: what bpc did not write and the live tree lacks (it came
//!    while we were busy, or could not be linked) is moved over; then its files are deleted, then its folders,
//!    and `manifest.json` last, because it is what tells bpc's files from others. *Killed: cleared again.*
//!
//! Files and folders are fsynced one by one, from many threads, once all are written. `syncfs(2)` would be a single
//! call, but it also waits for whatever else the machine has not stored yet: on a virtual machine with 2 cores and
//! ext4, 130 files take 4 ms by `fsync` from 16 threads and 2 ms by `syncfs`, but with 400 MB of another program's
//! in the page cache 4 and 125 ms.

#![expect(clippy::disallowed_methods, reason = "this module is the writer")]

mod add;
mod bounded;
mod bundle;
mod clear;
mod error;
mod filesystem;
mod lock;
mod manifest;
mod path;
mod place;
mod plan;
mod scan;
mod stage;
mod swap;
mod whole;

#[cfg(test)]
mod tests;

use std::path::Path;

use crate::artifact::Artifacts;

pub use add::add;
pub use bounded::{Unread, open, read, read_start};
pub use bundle::{Bundle, Digesting};
pub use error::{Error, Obstacle, Refusal};
use filesystem::FileSystem;
pub use manifest::{MOST_BYTES, manifest};
use place::Place;
pub use whole::{Readers, put};

/// What a write did, counted in files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Files that are new, or had other bytes or another mode.
    pub written: usize,
    /// Files of an earlier build that are no longer made.
    pub removed: usize,
    /// Files that were there already, bit for bit and with the right mode.
    pub unchanged: usize,
    /// Folders of bpc's that had another mode than 0755.
    pub mended: usize,
    /// Bytes in the written files.
    pub bytes: u64,
}

impl Report {
    /// Whether the tree was left as it was.
    #[must_use]
    pub const fn is_unchanged(&self) -> bool {
        self.written == 0 && self.removed == 0 && self.mended == 0
    }
}

/// Makes `out/<name>/` hold exactly `artifacts`, their manifest and their digests, next to whatever else is there.
///
/// # Errors
///
/// [`Error::Refused`] if something that bpc did not write is in the way: then nothing was written.
/// [`Error::Failed`] if the system refuses a call (full disk, permissions): then the earlier tree is whole.
/// [`Error::Leftover`] and [`Error::Clash`] if the new tree is in place but the old one could not be cleared away.
/// [`Error::Bug`] if two artifacts cannot be in one tree.
pub fn write(artifacts: &Artifacts, out: &Path) -> Result<Report, Error> {
    write_on(FileSystem::NATIVE, artifacts, out)
}

fn write_on(system: FileSystem, artifacts: &Artifacts, out: &Path) -> Result<Report, Error> {
    let place = Place::new(out, &artifacts.name)?;
    let digests = manifest(artifacts);
    let wanted = path::sorted(artifacts.files.iter().chain(&digests))?;

    let _lock = lock::lock(&place)?;
    swap::recover(&place)?;
    let plan = plan::plan(&wanted, &place)?;
    if !plan.report.is_unchanged() {
        stage::build(system, &plan, &place).map_err(|error| stage::abandon(&place, error))?;
        swap::put_in_place(system, &place).map_err(|error| stage::abandon(&place, error))?;
        swap::clear_away(&place)?;
    }
    Ok(plan.report)
}
