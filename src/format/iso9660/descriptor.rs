//! Volume descriptors.

use super::{
    SECTOR,
    directory::{DirectoryRecord, Extent, SELF},
    field::{Date, NO_DATE, both_16, both_32, zeros},
    image::VolumeIdentifier,
};

/// The standard identifier of every volume descriptor (ECMA-119 8.1.2).
pub(super) const STANDARD_IDENTIFIER: &[u8] = b"CD001";

/// Volume descriptor types (ECMA-119 8.1.1).
pub(super) const PRIMARY: u8 = 1;
pub(super) const SUPPLEMENTARY: u8 = 2;
pub(super) const TERMINATOR: u8 = 255;

/// The escape sequence of UCS-2 level 3, by which readers know Joliet.
pub(super) const JOLIET_ESCAPE: &[u8; 3] = b"%/E";

/// Which tree a descriptor is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tree {
    Primary,
    Joliet,
}

/// A primary (ECMA-119 8.4) or supplementary (8.5) volume descriptor. They differ in the flags, the escape sequences
/// and the character set of their text.
#[derive(Debug)]
pub(super) struct VolumeDescriptor<'d> {
    pub(super) tree: Tree,
    pub(super) identifier: &'d VolumeIdentifier,
    pub(super) space_size: u32,
    pub(super) path_table_size: u32,
    pub(super) path_table_l: u32,
    pub(super) path_table_m: u32,
    pub(super) root: Extent,
    pub(super) date: Date,
}

impl VolumeDescriptor<'_> {
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.push(if self.tree == Tree::Primary { PRIMARY } else { SUPPLEMENTARY }); // 8.4.1 descriptor type
        out.extend(STANDARD_IDENTIFIER); // 8.4.2 standard identifier
        out.push(1); // 8.4.3 descriptor version
        out.push(0); // 8.4.4 unused; 8.5.3 volume flags: only registered escape sequences
        self.text(out, "", 32); // 8.4.5 system identifier
        self.text(out, &self.identifier.to_string(), 32); // 8.4.6 volume identifier
        zeros(out, 8); // 8.4.7 unused
        both_32(out, self.space_size); // 8.4.8 volume space size
        self.escape_sequences(out); // 8.4.9 unused; 8.5.6 escape sequences
        both_16(out, 1); // 8.4.10 volume set size
        both_16(out, 1); // 8.4.11 volume sequence number
        both_16(out, 2048); // 8.4.12 logical block size
        both_32(out, self.path_table_size); // 8.4.13 path table size
        out.extend(self.path_table_l.to_le_bytes()); // 8.4.14 type L path table
        zeros(out, 4); // 8.4.15 optional type L path table
        out.extend(self.path_table_m.to_be_bytes()); // 8.4.16 type M path table
        zeros(out, 4); // 8.4.17 optional type M path table
        let root = DirectoryRecord { extent: self.root, is_directory: true, identifier: SELF, system_use: 0 };
        root.write(out, self.date); // 8.4.18 directory record for root directory
        self.text(out, "", 128); // 8.4.19 volume set identifier
        self.text(out, "", 128); // 8.4.20 publisher identifier
        self.text(out, "", 128); // 8.4.21 data preparer identifier
        self.text(out, "", 128); // 8.4.22 application identifier
        self.text(out, "", 37); // 8.4.23 copyright file identifier
        self.text(out, "", 37); // 8.4.24 abstract file identifier
        self.text(out, "", 37); // 8.4.25 bibliographic file identifier
        out.extend(self.date.long()); // 8.4.26 volume creation date and time
        out.extend(self.date.long()); // 8.4.27 volume modification date and time
        out.extend(NO_DATE); // 8.4.28 volume expiration date and time
        out.extend(NO_DATE); // 8.4.29 volume effective date and time
        out.push(1); // 8.4.30 file structure version
        out.resize(start + SECTOR, 0); // 8.4.31 to 8.4.33 reserved, application use, reserved
    }

    fn escape_sequences(&self, out: &mut Vec<u8>) {
        match self.tree {
            Tree::Primary => zeros(out, 32),
            Tree::Joliet => {
                out.extend(JOLIET_ESCAPE);
                zeros(out, 29);
            }
        }
    }

    /// A text field, filled with spaces of its character set; the odd byte of a UCS-2 field is zero.
    fn text(&self, out: &mut Vec<u8>, text: &str, width: usize) {
        let end = out.len() + width;
        match self.tree {
            Tree::Primary => out.extend(text.bytes().chain(std::iter::repeat(b' ')).take(width)),
            Tree::Joliet => {
                let units = text.encode_utf16().chain(std::iter::repeat(u16::from(b' ')));
                out.extend(units.take(width / 2).flat_map(u16::to_be_bytes));
            }
        }
        out.resize(end, 0);
    }
}

/// Writes the volume descriptor set terminator (ECMA-119 8.3).
pub(super) fn write_terminator(out: &mut Vec<u8>) {
    let start = out.len();
    out.push(TERMINATOR); // 8.3.1 descriptor type
    out.extend(STANDARD_IDENTIFIER); // 8.3.2 standard identifier
    out.push(1); // 8.3.3 descriptor version
    out.resize(start + SECTOR, 0); // 8.3.4 reserved
}
