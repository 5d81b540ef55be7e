//! Rock Ridge: POSIX names, modes and dates in the system use field of directory records.

use super::{
    SECTOR,
    directory::{RECORD_FIELDS, RECORD_LIMIT},
    field::{Date, both_32, fill_sector, zeros},
};

/// The file types of POSIX `st_mode` (RRIP 4.1.1).
pub(super) const REGULAR: u32 = 0o100_000;
pub(super) const DIRECTORY: u32 = 0o040_000;

/// The flag of an NM entry whose name goes on in the next one (RRIP 4.1.4).
pub(super) const CONTINUE: u8 = 1;

/// What a PX entry says of a file or folder (RRIP 4.1.1). Owner and group are always root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Attributes {
    pub(super) mode: u32,
    pub(super) links: u32,
    pub(super) serial: u32,
}

/// The system use field of a directory record (ECMA-119 9.1.13).
#[derive(Debug, Default)]
pub(super) struct SystemUse {
    entries: Vec<u8>,
    continuation: Option<Continuation>,
}

/// A continuation area (SUSP 5.1); its block is counted from the first sector of all such areas.
#[derive(Debug, Clone, Copy)]
struct Continuation {
    block: u32,
    offset: u32,
    length: u32,
}

impl SystemUse {
    pub(super) fn len(&self) -> usize {
        self.entries.len() + if self.continuation.is_some() { CE_LENGTH } else { 0 }
    }

    /// Writes the entries, for continuation areas that begin at this sector.
    pub(super) fn write(&self, out: &mut Vec<u8>, first_continuation: u32) {
        out.extend(&self.entries);
        if let Some(Continuation { block, offset, length }) = self.continuation {
            out.extend(header(*b"CE", CE_LENGTH));
            both_32(out, first_continuation + block); // (BP 5 to 12) location of the area
            both_32(out, offset); // (BP 13 to 20) offset in that block
            both_32(out, length); // (BP 21 to 28) length of the area
        }
    }
}

/// Makes the system use fields of one image, and the continuation areas of what does not fit there.
#[derive(Debug)]
pub(super) struct RockRidge {
    date: Date,
    continuation: Vec<u8>,
}

impl RockRidge {
    pub(super) fn new(date: Date) -> Self {
        Self { date, continuation: Vec::new() }
    }

    /// The field of the root's own record: it alone says that SUSP and Rock Ridge are in use (SUSP 5.3, 5.5).
    pub(super) fn root(&mut self, attributes: Attributes) -> SystemUse {
        let mut entries = sharing_protocol();
        entries.extend(self.attributes(attributes));
        SystemUse { entries, continuation: Some(self.continue_with(&extensions_reference())) }
    }

    /// The field of a record for the folder itself or its parent, which has no name.
    pub(super) fn unnamed(&self, attributes: Attributes) -> SystemUse {
        SystemUse { entries: self.attributes(attributes), continuation: None }
    }

    /// The field of a record beside an identifier of so many bytes. A name that is too long for the record ends in a
    /// continuation area.
    pub(super) fn named(&mut self, name: &str, identifier: usize, attributes: Attributes) -> SystemUse {
        let mut entries = self.attributes(attributes);
        let taken = (RECORD_FIELDS + identifier).next_multiple_of(2) + entries.len();
        let room = RECORD_LIMIT.saturating_sub(taken);
        let name = name.as_bytes();
        let mut continuation = None;
        if NM_FIELDS + name.len() <= room {
            entries.extend(alternate_name(0, name));
        } else {
            let (head, tail) = name.split_at(room.saturating_sub(NM_FIELDS + CE_LENGTH).min(name.len()));
            entries.extend(alternate_name(CONTINUE, head));
            continuation = Some(self.continue_with(&alternate_name(0, tail)));
        }
        SystemUse { entries, continuation }
    }

    /// All continuation areas, one after the other from the start of a sector.
    pub(super) fn continuation(&self) -> &[u8] {
        &self.continuation
    }

    /// Puts entries into a continuation area. Linux reads one sector for it, so no area crosses into the next.
    fn continue_with(&mut self, entries: &[u8]) -> Continuation {
        if self.continuation.len() % SECTOR + entries.len() > SECTOR {
            fill_sector(&mut self.continuation);
        }
        let end = self.continuation.len();
        self.continuation.extend(entries);
        Continuation {
            block: narrow(end / SECTOR),
            offset: narrow(end % SECTOR),
            length: narrow(entries.len()),
        }
    }

    /// PX and TF.
    fn attributes(&self, attributes: Attributes) -> Vec<u8> {
        let mut out = posix_attributes(attributes);
        out.extend(self.time_stamps());
        out
    }

    /// TF, the time stamps (RRIP 4.1.6), all the same.
    fn time_stamps(&self) -> Vec<u8> {
        const MODIFY_ACCESS_ATTRIBUTES: u8 = 0b1110;
        let mut out = header(*b"TF", 26);
        out.push(MODIFY_ACCESS_ATTRIBUTES); // (BP 5)
        for _ in 0..3 {
            out.extend(self.date.short());
        }
        out
    }
}

/// The length of a CE entry, and of an NM entry without the name.
const CE_LENGTH: usize = 28;
const NM_FIELDS: usize = 5;

/// Signature word, length and version, with which every entry begins (SUSP 4.1).
fn header(signature: [u8; 2], length: usize) -> Vec<u8> {
    vec![signature[0], signature[1], u8::try_from(length).unwrap_or(u8::MAX), 1]
}

/// SP: system use fields follow the sharing protocol, and begin without a gap (SUSP 5.3).
fn sharing_protocol() -> Vec<u8> {
    let mut out = header(*b"SP", 7);
    out.extend([0xBE, 0xEF, 0]); // (BP 5 to 7) check bytes, bytes skipped
    out
}

/// ER: the extension in use is Rock Ridge 1.12 (SUSP 5.5, RRIP 4.3).
fn extensions_reference() -> Vec<u8> {
    const IDENTIFIER: &[u8] = b"IEEE_P1282";
    const DESCRIPTOR: &[u8] = b"THE IEEE P1282 PROTOCOL PROVIDES SUPPORT FOR POSIX FILE SYSTEM SEMANTICS.";
    const SOURCE: &[u8] =
        b"PLEASE CONTACT THE IEEE STANDARDS DEPARTMENT, PISCATAWAY, NJ, USA FOR THE P1282 SPECIFICATION.";
    let mut out = header(*b"ER", 8 + IDENTIFIER.len() + DESCRIPTOR.len() + SOURCE.len());
    for text in [IDENTIFIER, DESCRIPTOR, SOURCE] {
        out.push(u8::try_from(text.len()).unwrap_or(u8::MAX)); // (BP 5 to 7) lengths
    }
    out.push(1); // (BP 8) extension version
    for text in [IDENTIFIER, DESCRIPTOR, SOURCE] {
        out.extend(text);
    }
    out
}

/// PX, the POSIX file attributes (RRIP 4.1.1).
fn posix_attributes(attributes: Attributes) -> Vec<u8> {
    let mut out = header(*b"PX", 44);
    both_32(&mut out, attributes.mode); // (BP 5 to 12) st_mode
    both_32(&mut out, attributes.links); // (BP 13 to 20) st_nlink
    zeros(&mut out, 16); // (BP 21 to 36) st_uid, st_gid
    both_32(&mut out, attributes.serial); // (BP 37 to 44) st_ino
    out
}

/// NM, the alternate name or a part of it (RRIP 4.1.4).
fn alternate_name(flags: u8, part: &[u8]) -> Vec<u8> {
    let mut out = header(*b"NM", NM_FIELDS + part.len());
    out.push(flags); // (BP 5)
    out.extend(part);
    out
}

/// Continuation areas are at most as long as all names, which are checked to fit the image's sector addresses.
fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
