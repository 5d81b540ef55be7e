//! Stream-optimized VMDK: disk images that are written from front to back, grain by grain compressed, and read that way
//! from an OVA ("Virtual Disk Format 5.0", VMware 2011, section "Stream-Optimized Compressed Sparse Extents").
//!
//! Where things lie, in sectors of 512 bytes:
//!
//! | sector | what |
//! |---|---|
//! | 0 | header, which says that the grain directory is at the end |
//! | 1 | descriptor: text, zeros up to sector 21 |
//! | 128 | grains in order, each a marker and what 64 KiB are compressed to; those that hold nothing but zeros are left out |
//! | after every 512 grains | their grain table behind a marker, if any of them is there |
//! | then | the grain directory behind a marker |
//! | then | the footer behind a marker: the header again, with the place of the grain directory |
//! | last | the end-of-stream marker. VirtualBox wants it; qemu-img leaves it out and puts the directory in front |
//!
//! [`write()`] is deterministic and holds a few hundred grains at a time, whatever the size of the disk. [`Image`] reads
//! what it writes and what qemu-img writes, grain by grain too, and says what is wrong with anything else.

mod descriptor;
mod error;
mod grain;
mod header;
mod marker;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub use error::{Error, Malformed, Unreadable};
pub use grain::{Grain, Raw};
pub use read::{Grains, Image};
pub use write::{Disk, write};

/// The length of a sector.
pub const SECTOR: usize = 512;
/// The largest disk that one extent holds: 2 TiB, since grain tables count sectors in 32 bits.
pub const LARGEST: u64 = 1 << 41;
/// The length of a grain that is written, in sectors (the specification's default).
const GRAIN_SECTORS: u64 = 128;
/// The length of a grain that is written, in bytes.
pub const GRAIN: usize = 128 * SECTOR;
/// How many grains a grain table has, in every VMDK there is.
const TABLE_ENTRIES: u32 = 512;
