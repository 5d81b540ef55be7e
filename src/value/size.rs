//! Sizes of memory, disks and volumes.

use std::fmt;
use std::str::FromStr;

/// A number of bytes, written with a binary unit: `512MiB`, `32GiB`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(u64);

/// The units, largest first.
const UNITS: [(&str, u64); 4] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

impl Size {
    /// So many mebibytes (2^20 bytes).
    #[must_use]
    pub const fn mib(count: u64) -> Self {
        Self(count << 20)
    }

    /// So many gibibytes (2^30 bytes).
    #[must_use]
    pub const fn gib(count: u64) -> Self {
        Self(count << 30)
    }

    /// That many bytes.
    #[must_use]
    pub const fn bytes_of(count: u64) -> Self {
        Self(count)
    }

    /// In bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// In mebibytes, rounded down.
    #[must_use]
    pub const fn as_mib(self) -> u64 {
        self.0 >> 20
    }

    /// In the megabytes (10^6 bytes) of disk makers and of Debian's installer, rounded up.
    #[must_use]
    pub const fn to_megabytes(self) -> u64 {
        self.0.div_ceil(1_000_000)
    }

    /// The next multiple of another size, or the largest one that there is.
    #[must_use]
    pub const fn in_steps_of(self, step: Self) -> Self {
        match self.0.checked_next_multiple_of(step.0) {
            Some(bytes) => Self(bytes),
            None => Self(u64::MAX),
        }
    }

    /// Both together, or the largest size there is.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// What is left of this without the other, or nothing.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// Not a number followed by one of `KiB`, `MiB`, `GiB`, `TiB`, or too large for 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotASize;

impl FromStr for Size {
    type Err = NotASize;

    fn from_str(text: &str) -> Result<Self, NotASize> {
        let (number, unit) = UNITS
            .iter()
            .find_map(|(name, unit)| text.strip_suffix(name).map(|number| (number, *unit)))
            .ok_or(NotASize)?;
        if number.is_empty() || !number.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(NotASize);
        }
        let count: u64 = number.parse().map_err(|_| NotASize)?;
        count.checked_mul(unit).map(Self).ok_or(NotASize)
    }
}

/// With the largest unit that leaves a whole number.
impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fitting = UNITS.iter().find(|(_, unit)| self.0 >= *unit && self.0.is_multiple_of(*unit));
        match fitting {
            Some((name, unit)) => write!(f, "{}{name}", self.0 / unit),
            None => write!(f, "{} bytes", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_binary_units() {
        for text in ["512MiB", "32GiB", "1TiB", "4KiB", "1536MiB"] {
            assert_eq!(text.parse::<Size>().unwrap().to_string(), text);
        }
        assert_eq!("2048MiB".parse::<Size>().unwrap().to_string(), "2GiB");
    }

    #[test]
    fn refuses_what_is_no_size() {
        for text in ["", "GiB", "5", "5GB", "-1GiB", "+1GiB", "1.5GiB", "99999999999TiB"] {
            assert_eq!(text.parse::<Size>(), Err(NotASize), "{text}");
        }
    }
}
