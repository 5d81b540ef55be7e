//! The bytes of an image, with every access checked.

use super::{super::SECTOR, super::directory::Extent, Malformed};

/// An image that is being read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a>(pub(super) &'a [u8]);

impl<'a> Source<'a> {
    pub(super) fn slice(self, at: usize, length: usize) -> Result<&'a [u8], Malformed> {
        let end = at.checked_add(length);
        end.and_then(|end| self.0.get(at..end)).ok_or(Malformed { at, problem: "the image ends before this" })
    }

    pub(super) fn byte(self, at: usize) -> Result<u8, Malformed> {
        self.0.get(at).copied().ok_or(Malformed { at, problem: "the image ends before this" })
    }

    /// A 16-bit number in both byte orders (ECMA-119 7.2.3).
    pub(super) fn both_16(self, at: usize) -> Result<u16, Malformed> {
        let little = u16::from_le_bytes(self.array(at)?);
        agree(at, little, u16::from_be_bytes(self.array(at + 2)?))
    }

    /// A 32-bit number in both byte orders (ECMA-119 7.3.3).
    pub(super) fn both_32(self, at: usize) -> Result<u32, Malformed> {
        let little = u32::from_le_bytes(self.array(at)?);
        agree(at, little, u32::from_be_bytes(self.array(at + 4)?))
    }

    /// The bytes of an extent that a record at this offset names.
    pub(super) fn extent(self, at: usize, extent: Extent) -> Result<&'a [u8], Malformed> {
        let start = sector_start(extent.sector);
        let bytes =
            start.zip(usize::try_from(extent.length).ok()).map(|(start, length)| self.slice(start, length));
        bytes.and_then(Result::ok).ok_or(Malformed { at, problem: "the extent is outside the image" })
    }

    fn array<const N: usize>(self, at: usize) -> Result<[u8; N], Malformed> {
        let too_short = Malformed { at, problem: "the image ends before this" };
        self.slice(at, N)?.try_into().map_err(|_| too_short)
    }
}

/// The offset of a sector, if this machine can address it.
pub(super) fn sector_start(sector: u32) -> Option<usize> {
    usize::try_from(sector).ok()?.checked_mul(SECTOR)
}

fn agree<T: PartialEq + Copy>(at: usize, little: T, big: T) -> Result<T, Malformed> {
    if little == big {
        Ok(little)
    } else {
        Err(Malformed { at, problem: "the two byte orders of a number differ (ECMA-119 7.2.3, 7.3.3)" })
    }
}
