//! Runs of consecutive addresses.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// All addresses from `first` to `last`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AddressRange {
    /// The lowest address.
    pub first: Ipv4Addr,
    /// The highest address.
    pub last: Ipv4Addr,
}

impl AddressRange {
    /// Whether `address` lies inside.
    #[must_use]
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        self.first <= address && address <= self.last
    }

    /// Whether the two share an address.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// Not `FIRST-LAST`, or the wrong way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotARange;

impl FromStr for AddressRange {
    type Err = NotARange;

    fn from_str(text: &str) -> Result<Self, NotARange> {
        let (first, last) = text.split_once('-').ok_or(NotARange)?;
        let first = first.trim().parse().map_err(|_| NotARange)?;
        let last = last.trim().parse().map_err(|_| NotARange)?;
        if first <= last { Ok(Self { first, last }) } else { Err(NotARange) }
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}
