//! Parts of a processor.

use std::fmt;
use std::str::FromStr;

/// An amount of processor time, in thousandths of a processor (Kubernetes' "CPU resource units").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cpu(u32);

impl Cpu {
    /// That many thousandths of a processor.
    #[must_use]
    pub const fn milli(count: u32) -> Self {
        Self(count)
    }

    /// In thousandths of a processor.
    #[must_use]
    pub const fn as_milli(self) -> u32 {
        self.0
    }

    /// Both together, or the largest amount there is.
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

/// Neither a number of thousandths, as in `250m`, nor a whole number of processors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotACpu;

impl FromStr for Cpu {
    type Err = NotACpu;

    fn from_str(text: &str) -> Result<Self, NotACpu> {
        let (number, unit) = text.strip_suffix('m').map_or((text, 1000), |number| (number, 1));
        if number.is_empty() || !number.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(NotACpu);
        }
        let count: u32 = number.parse().map_err(|_| NotACpu)?;
        count.checked_mul(unit).map(Self).ok_or(NotACpu)
    }
}

/// As Kubernetes writes it: `250m`, `2`.
impl fmt::Display for Cpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_multiple_of(1000) { write!(f, "{}", self.0 / 1000) } else { write!(f, "{}m", self.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_thousandths_and_processors() {
        for (text, milli) in [("250m", 250), ("1", 1000), ("1500m", 1500), ("0", 0)] {
            assert_eq!(text.parse(), Ok(Cpu::milli(milli)));
            assert_eq!(Cpu::milli(milli).to_string(), text);
        }
        assert_eq!("2000m".parse::<Cpu>().unwrap().to_string(), "2");
    }

    #[test]
    fn refuses_what_is_no_amount() {
        for text in ["", "m", "-1", "+1", "0.5", "1 m", "250M", "99999999999"] {
            assert_eq!(text.parse::<Cpu>(), Err(NotACpu), "{text}");
        }
    }
}
