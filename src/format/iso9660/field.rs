//! Fields that every record shares: numbers, text and dates.

use jiff::{Timestamp, civil::DateTime, tz::Offset};

use super::{Error, SECTOR};

/// Appends a 16-bit number in both byte orders (ECMA-119 7.2.3).
pub(super) fn both_16(out: &mut Vec<u8>, number: u16) {
    out.extend(number.to_le_bytes());
    out.extend(number.to_be_bytes());
}

/// Appends a 32-bit number in both byte orders (ECMA-119 7.3.3).
pub(super) fn both_32(out: &mut Vec<u8>, number: u32) {
    out.extend(number.to_le_bytes());
    out.extend(number.to_be_bytes());
}

/// Appends a count of zero bytes.
pub(super) fn zeros(out: &mut Vec<u8>, count: usize) {
    out.resize(out.len() + count, 0);
}

/// Fills the sector that was begun with zeros.
pub(super) fn fill_sector(out: &mut Vec<u8>) {
    out.resize(out.len().next_multiple_of(SECTOR), 0);
}

/// The one date of an image, in UTC, known to fit every field that holds a date.
#[derive(Debug, Clone, Copy)]
pub(super) struct Date(DateTime);

impl Date {
    /// Refuses years that the one byte of a directory record cannot say.
    pub(super) fn new(timestamp: Timestamp) -> Result<Self, Error> {
        let civil = Offset::UTC.to_datetime(timestamp);
        if (1900..=2155).contains(&civil.year()) { Ok(Self(civil)) } else { Err(Error::Date(timestamp)) }
    }

    /// The seven bytes of a directory record (ECMA-119 9.1.5) and of a Rock Ridge TF entry.
    pub(super) fn short(self) -> [u8; 7] {
        let Self(civil) = self;
        let byte = |number: i8| number.unsigned_abs();
        [
            u8::try_from(civil.year() - 1900).unwrap_or(u8::MAX),
            byte(civil.month()),
            byte(civil.day()),
            byte(civil.hour()),
            byte(civil.minute()),
            byte(civil.second()),
            0, // offset from Greenwich, in quarters of an hour
        ]
    }

    /// The seventeen bytes of a volume descriptor (ECMA-119 8.4.26.1): sixteen digits and the offset from Greenwich.
    pub(super) fn long(self) -> [u8; 17] {
        let Self(civil) = self;
        let digits = format!(
            "{:04}{:02}{:02}{:02}{:02}{:02}{:02}\0",
            civil.year(),
            civil.month(),
            civil.day(),
            civil.hour(),
            civil.minute(),
            civil.second(),
            civil.subsec_nanosecond() / 10_000_000
        );
        let mut field = [0; 17];
        for (to, from) in field.iter_mut().zip(digits.bytes()) {
            *to = from;
        }
        field
    }
}

/// "Not specified", for the dates that an image does not have (ECMA-119 8.4.26.1).
pub(super) const NO_DATE: [u8; 17] = *b"0000000000000000\0";
