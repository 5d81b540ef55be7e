//! Directory records.

use super::{
    super::directory::{DIRECTORY_FLAG, Extent, RECORD_FIELDS},
    Malformed,
    source::Source,
};

/// A directory record (ECMA-119 9.1), as far as this reader needs it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'a> {
    pub(super) at: usize,
    pub(super) length: usize,
    pub(super) extent: Extent,
    pub(super) is_directory: bool,
    pub(super) identifier: &'a [u8],
    /// The offset of the system use field, which goes on to the end of the record.
    pub(super) system_use: usize,
}

impl<'a> Record<'a> {
    pub(super) fn read(source: Source<'a>, at: usize) -> Result<Self, Malformed> {
        let wrong = |problem| Err(Malformed { at, problem });
        let length = usize::from(source.byte(at)?); // 9.1.1
        let identifier_length = usize::from(source.byte(at + 32)?); // 9.1.10
        let fields = (RECORD_FIELDS + identifier_length).next_multiple_of(2);
        if identifier_length == 0 || fields > length {
            return wrong("a directory record is shorter than its fields (ECMA-119 9.1)");
        }
        let [flags, unit, gap] = [source.byte(at + 25)?, source.byte(at + 26)?, source.byte(at + 27)?];
        if flags & !DIRECTORY_FLAG != 0 || unit != 0 || gap != 0 || source.byte(at + 1)? != 0 {
            return wrong("a file that is hidden, interleaved or in several extents (ECMA-119 9.1.6)");
        }
        Ok(Self {
            at,
            length,
            extent: Extent { sector: source.both_32(at + 2)?, length: source.both_32(at + 10)? }, // 9.1.3, 9.1.4
            is_directory: flags == DIRECTORY_FLAG,
            identifier: source.slice(at + RECORD_FIELDS, identifier_length)?, // 9.1.11
            system_use: at + fields,                                          // 9.1.13
        })
    }

    /// Where the record sorts in its directory (ECMA-119 9.3): the version does not count, and a dot comes first.
    pub(super) fn order(&self, is_joliet: bool) -> Vec<u16> {
        let characters = if is_joliet {
            units(self.identifier)
        } else {
            self.identifier
                .split(|byte| *byte == b';')
                .next()
                .unwrap_or_default()
                .iter()
                .map(|b| (*b).into())
                .collect()
        };
        characters.into_iter().map(|unit| if unit == u16::from(b'.') { 0 } else { unit }).collect()
    }
}

/// The UCS-2 units of a Joliet text.
pub(super) fn units(text: &[u8]) -> Vec<u16> {
    text.chunks_exact(2).map(|pair| pair.iter().fold(0, |unit, byte| unit << 8 | u16::from(*byte))).collect()
}
