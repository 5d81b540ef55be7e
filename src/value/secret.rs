//! Bytes that must never be printed.

use std::fmt;

/// A value that may reach only artifacts marked secret; its `Debug` form is `[secret]` and it has no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Wraps `value`; nothing prints it from here on.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself: each call is a place where a secret leaves its wrapper, so keep them few.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_hides_the_value() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "[secret]");
    }
}
