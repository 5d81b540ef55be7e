//! Spans of time in configurations.

use std::fmt;
use std::str::FromStr;

/// A number of milliseconds, written with a unit: `500ms`, `2s`, `1m`, `24h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Duration(u64);

/// The units, largest first, as HAProxy knows them too ("Time format" in its configuration manual).
const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

impl Duration {
    /// So many milliseconds.
    #[must_use]
    pub const fn millis(count: u64) -> Self {
        Self(count)
    }

    /// So many seconds.
    #[must_use]
    pub const fn seconds(count: u64) -> Self {
        Self(count * 1000)
    }

    /// So many hours.
    #[must_use]
    pub const fn hours(count: u64) -> Self {
        Self(count * 3_600_000)
    }

    /// In milliseconds.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }
}

/// Not a whole number followed by one of `ms`, `s`, `m`, `h`, or too large for 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotADuration;

impl FromStr for Duration {
    type Err = NotADuration;

    fn from_str(text: &str) -> Result<Self, NotADuration> {
        let end = text.find(|c: char| !c.is_ascii_digit()).ok_or(NotADuration)?;
        let (number, unit) = text.split_at(end);
        let (_, length) = UNITS.iter().find(|(name, _)| *name == unit).ok_or(NotADuration)?;
        let count: u64 = number.parse().map_err(|_| NotADuration)?;
        count.checked_mul(*length).map(Self).ok_or(NotADuration)
    }
}

/// With the largest unit that leaves a whole number.
impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fitting = UNITS.iter().find(|(_, unit)| self.0 >= *unit && self.0.is_multiple_of(*unit));
        match fitting {
            Some((name, unit)) => write!(f, "{}{name}", self.0 / unit),
            None => write!(f, "{}ms", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_its_units() {
        for text in ["500ms", "2s", "1m", "24h", "90s", "0ms"] {
            assert_eq!(text.parse::<Duration>().unwrap().to_string(), text);
        }
        assert_eq!("120s".parse::<Duration>().unwrap().to_string(), "2m");
    }

    #[test]
    fn refuses_what_is_no_duration() {
        for text in
            ["", "s", "5", "-1s", "+1s", "1.5s", "1 s", "1S", "99999999999999999999h", "9999999999999999h"]
        {
            assert_eq!(text.parse::<Duration>(), Err(NotADuration), "{text}");
        }
    }
}
