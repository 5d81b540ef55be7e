//! ISO 9660 images: a writer that is a pure function from files to bytes, and a strict reader.
//!
//! One image holds two directory trees over the same file extents:
//!
//! * the primary tree: ECMA-119 names of interchange level 1 (`USER_DAT.;1`), with the real names and modes beside
//!   them as Rock Ridge entries (SUSP 1.12, RRIP 1.12). Linux, the BSDs and macOS read this one.
//! * the Joliet tree: the real names in UCS-2 level 3. Windows reads this one.
//!
//! Every date is the one the caller gives and every order follows from the names, so the same files give the same
//! bytes. Nothing is truncated: what either tree cannot hold as it is, is refused with an [`Error`].
//!
//! Where things lie, in sectors of 2048 bytes:
//!
//! | sector | what |
//! |---|---|
//! | 0 | system area, zeros (ECMA-119 6.2.1) |
//! | 16 | primary volume descriptor (8.4) |
//! | 17 | supplementary volume descriptor of Joliet (8.5) |
//! | 18 | volume descriptor set terminator (8.3) |
//! | 19 | path tables: type L and M of the primary tree, type L and M of Joliet |
//! | then | directories of the primary tree |
//! | then | their SUSP continuation areas: libarchive, which reads forwards, wants them behind the directories |
//! | then | directories of Joliet |
//! | then | the files, each from the start of a sector, in the order of their paths |
//!
//! There is no padding behind the last file: the 150 sectors that other writers add are for the read-ahead of real
//! drives, and an image file has no drive.

mod descriptor;
mod directory;
mod error;
mod field;
mod hierarchy;
mod image;
mod layout;
mod name;
mod read;
mod rock_ridge;
#[cfg(test)]
mod tests;
mod tree;

pub use error::Error;
pub use image::Image;
pub use read::{Content, Entry, Malformed, Volume, read};

/// The length of a logical sector and of a logical block (ECMA-119 6.1.2, 6.2.2).
pub const SECTOR: usize = 2048;
