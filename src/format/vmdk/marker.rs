//! `Marker`: what says of each part of a stream what it is.

use super::SECTOR;
use super::header::Fields;

/// The length of a marker that data follows at once.
pub(super) const GRAIN_MARKER: usize = 12;

/// A marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marker {
    /// `MARKER_EOS`: the end of the stream.
    EndOfStream,
    /// `MARKER_GT`: a grain table of so many sectors follows.
    Table(u64),
    /// `MARKER_GD`: the grain directory of so many sectors follows.
    Directory(u64),
    /// `MARKER_FOOTER`: the footer follows, one sector.
    Footer,
    /// A grain: its first sector on the disk and the length of its compressed bytes, which follow in the same sector.
    Grain { lba: u64, size: u32 },
}

impl Marker {
    /// A sector for all but a grain's, whose marker its bytes follow.
    pub(super) fn to_bytes(self) -> Vec<u8> {
        let (value, size, kind) = match self {
            Self::Grain { lba, size } => (lba, size, None),
            Self::EndOfStream => (0, 0, Some(0_u32)),
            Self::Table(sectors) => (sectors, 0, Some(1)),
            Self::Directory(sectors) => (sectors, 0, Some(2)),
            Self::Footer => (1, 0, Some(3)),
        };
        let mut bytes = [value.to_le_bytes().as_slice(), size.to_le_bytes().as_slice()].concat();
        if let Some(kind) = kind {
            bytes.extend(kind.to_le_bytes());
            bytes.resize(SECTOR, 0);
        }
        bytes
    }

    /// The marker at the start of a sector.
    pub(super) fn from_bytes(sector: &[u8; SECTOR]) -> Option<Self> {
        let mut fields = Fields(sector);
        match (fields.u64(), fields.u32(), fields.u32()) {
            (lba, size, _) if size != 0 => Some(Self::Grain { lba, size }),
            (0, _, 0) => Some(Self::EndOfStream),
            (sectors, _, 1) => Some(Self::Table(sectors)),
            (sectors, _, 2) => Some(Self::Directory(sectors)),
            (1, _, 3) => Some(Self::Footer),
            _ => None,
        }
    }
}
