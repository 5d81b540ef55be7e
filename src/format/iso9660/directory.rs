//! Directories and path tables, record by record.

use super::{
    SECTOR,
    field::{Date, both_16, both_32},
};

/// The length of a directory record's fixed fields (ECMA-119 9.1).
pub(super) const RECORD_FIELDS: usize = 33;

/// The longest a directory record may be: its length is one byte, and even (ECMA-119 9.1.13).
pub(super) const RECORD_LIMIT: usize = 254;

/// The file flag of a directory (ECMA-119 9.1.6).
pub(super) const DIRECTORY_FLAG: u8 = 0b10;

/// The identifiers of the root or a directory itself, and of its parent (ECMA-119 7.6.2).
pub(super) const SELF: &[u8] = &[0];
pub(super) const PARENT: &[u8] = &[1];

/// Where a file or directory lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) sector: u32,
    /// In bytes.
    pub(super) length: u32,
}

/// A directory record (ECMA-119 9.1).
#[derive(Debug)]
pub(super) struct DirectoryRecord<'r> {
    pub(super) extent: Extent,
    pub(super) is_directory: bool,
    pub(super) identifier: &'r [u8],
    /// The length of the system use field, which the caller writes next.
    pub(super) system_use: usize,
}

impl DirectoryRecord<'_> {
    /// Writes all fields but the system use.
    pub(super) fn write(&self, out: &mut Vec<u8>, date: Date) {
        let length = record_length(self.identifier.len(), self.system_use);
        out.push(byte(length)); // 9.1.1 length of directory record
        out.push(0); // 9.1.2 extended attribute record length
        both_32(out, self.extent.sector); // 9.1.3 location of extent
        both_32(out, self.extent.length); // 9.1.4 data length
        out.extend(date.short()); // 9.1.5 recording date and time
        out.push(if self.is_directory { DIRECTORY_FLAG } else { 0 }); // 9.1.6 file flags
        out.push(0); // 9.1.7 file unit size
        out.push(0); // 9.1.8 interleave gap size
        both_16(out, 1); // 9.1.9 volume sequence number
        out.push(byte(self.identifier.len())); // 9.1.10 length of file identifier
        out.extend(self.identifier); // 9.1.11 file identifier
        if self.identifier.len().is_multiple_of(2) {
            out.push(0); // 9.1.12 padding field
        }
    }
}

/// The length of a record with identifier and system use of these lengths, both padded to be even.
pub(super) fn record_length(identifier: usize, system_use: usize) -> usize {
    (RECORD_FIELDS + identifier).next_multiple_of(2) + system_use.next_multiple_of(2)
}

/// Where the next record of a directory begins: a record never crosses into the next sector (ECMA-119 6.8.1.1).
pub(super) fn record_start(end: usize, length: usize) -> usize {
    if end % SECTOR + length > SECTOR { end.next_multiple_of(SECTOR) } else { end }
}

/// The byte order of a path table (ECMA-119 6.9.2).
#[derive(Debug, Clone, Copy)]
pub(super) enum ByteOrder {
    /// Type L: least significant byte first.
    Little,
    /// Type M: most significant byte first.
    Big,
}

/// A path table record (ECMA-119 9.4).
#[derive(Debug)]
pub(super) struct PathTableRecord<'r> {
    pub(super) sector: u32,
    pub(super) parent: u16,
    pub(super) identifier: &'r [u8],
}

impl PathTableRecord<'_> {
    pub(super) fn write(&self, out: &mut Vec<u8>, order: ByteOrder) {
        out.push(byte(self.identifier.len())); // 9.4.1 length of directory identifier
        out.push(0); // 9.4.2 extended attribute record length
        match order {
            ByteOrder::Little => out.extend(self.sector.to_le_bytes()), // 9.4.3 location of extent
            ByteOrder::Big => out.extend(self.sector.to_be_bytes()),
        }
        match order {
            ByteOrder::Little => out.extend(self.parent.to_le_bytes()), // 9.4.4 parent directory number
            ByteOrder::Big => out.extend(self.parent.to_be_bytes()),
        }
        out.extend(self.identifier); // 9.4.5 directory identifier
        if self.identifier.len() % 2 == 1 {
            out.push(0); // 9.4.6 padding field
        }
    }
}

/// The length of a path table record with an identifier of this length.
pub(super) fn path_table_record_length(identifier: usize) -> usize {
    8 + identifier.next_multiple_of(2)
}

/// A length that is known to fit its one byte: the limits on names see to it.
fn byte(length: usize) -> u8 {
    u8::try_from(length).unwrap_or(u8::MAX)
}
