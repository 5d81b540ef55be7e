//! `SparseExtentHeader`, field by field; the footer is the same.

use super::error::Malformed;
use super::{GRAIN_SECTORS, SECTOR, TABLE_ENTRIES};

/// `SPARSE_MAGICNUMBER`, the letters KDMV.
const MAGIC: u32 = 0x564d_444b;
/// The version of headers whose extents have compressed grains and markers.
const VERSION: u32 = 3;
/// `flags`: the newline test is there, grains are compressed, markers are there.
const FLAGS: u32 = 1 | 1 << 16 | 1 << 17;
/// `gdOffset` of a header whose footer says it (`GD_AT_END`).
pub(super) const AT_END: u64 = u64::MAX;
/// `singleEndLineChar`, `nonEndLineChar`, `doubleEndLineChar1` and `2`: what a transfer as text would change.
const NEWLINES: [u8; 4] = *b"\n \r\n";
/// `COMPRESSION_DEFLATE`.
const DEFLATE: u16 = 1;

/// Where the descriptor starts, in sectors.
pub(super) const DESCRIPTOR_OFFSET: u64 = 1;
/// How many sectors are kept for it: all other writers keep as many.
pub(super) const DESCRIPTOR_SIZE: u64 = 20;
/// Where grains start: all other writers start at the border of a grain.
pub(super) const OVERHEAD: u64 = GRAIN_SECTORS;

/// The first sector of an extent, and its last but one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SparseExtentHeader {
    /// The length of the disk, in sectors.
    pub(super) capacity: u64,
    /// The length of a grain, in sectors.
    pub(super) grain_size: u64,
    /// Where the descriptor is, in sectors.
    pub(super) descriptor_offset: u64,
    /// How many sectors are kept for it.
    pub(super) descriptor_size: u64,
    /// Where the grain directory is, in sectors, or [`AT_END`].
    pub(super) gd_offset: u64,
    /// Where the grains start, in sectors.
    pub(super) over_head: u64,
}

impl SparseExtentHeader {
    /// The header of an extent that is written.
    pub(super) const fn new(capacity: u64, gd_offset: u64) -> Self {
        Self {
            capacity,
            grain_size: GRAIN_SECTORS,
            descriptor_offset: DESCRIPTOR_OFFSET,
            descriptor_size: DESCRIPTOR_SIZE,
            gd_offset,
            over_head: OVERHEAD,
        }
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(SECTOR);
        bytes.extend(MAGIC.to_le_bytes());
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(FLAGS.to_le_bytes());
        bytes.extend(self.capacity.to_le_bytes());
        bytes.extend(self.grain_size.to_le_bytes());
        bytes.extend(self.descriptor_offset.to_le_bytes());
        bytes.extend(self.descriptor_size.to_le_bytes());
        bytes.extend(TABLE_ENTRIES.to_le_bytes()); // numGTEsPerGT
        bytes.extend(0_u64.to_le_bytes()); // rgdOffset: there is no second grain directory
        bytes.extend(self.gd_offset.to_le_bytes());
        bytes.extend(self.over_head.to_le_bytes());
        bytes.push(0); // uncleanShutdown
        bytes.extend(NEWLINES);
        bytes.extend(DEFLATE.to_le_bytes());
        bytes.resize(SECTOR, 0);
        bytes
    }

    /// Reads a sector as a header, wherever it comes from.
    pub(super) fn from_bytes(sector: &[u8; SECTOR], at: u64) -> Result<Self, Malformed> {
        let mut fields = Fields(sector);
        let wrong = |problem| Err(Malformed { at, problem });
        if fields.u32() != MAGIC {
            return wrong("not a sparse VMDK: the magic number is missing");
        }
        if !(1..=VERSION).contains(&fields.u32()) {
            return wrong("a version of VMDK that is not known");
        }
        if fields.u32() & FLAGS != FLAGS {
            return wrong(
                "a VMDK that is not stream-optimized: its grains are not compressed or have no markers",
            );
        }
        let (capacity, grain_size) = (fields.u64(), fields.u64());
        let (descriptor_offset, descriptor_size) = (fields.u64(), fields.u64());
        let table_entries = fields.u32();
        let (_rgd_offset, gd_offset, over_head) = (fields.u64(), fields.u64(), fields.u64());
        let _unclean = fields.take::<1>();
        if fields.take::<4>() != NEWLINES {
            return wrong("a VMDK that was transferred as text: its newlines are other ones");
        }
        if u16::from_le_bytes(fields.take()) != DEFLATE {
            return wrong("a compression that is not deflate");
        }
        if table_entries != TABLE_ENTRIES {
            return wrong("grain tables do not have 512 entries");
        }
        Ok(Self { capacity, grain_size, descriptor_offset, descriptor_size, gd_offset, over_head })
    }
}

/// Reads little-endian numbers one after the other; behind the end are zeros.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl Fields<'_> {
    pub(super) fn take<const N: usize>(&mut self) -> [u8; N] {
        let (field, rest) = self.0.split_first_chunk().unwrap_or((&[0; N], &[]));
        self.0 = rest;
        *field
    }

    pub(super) fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    pub(super) fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }
}
