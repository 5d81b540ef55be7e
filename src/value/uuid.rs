//! Identities of virtual machines and disks.

use std::fmt;

use sha2::{Digest, Sha256};

/// A UUID of version 8 (RFC 9562, section 5.8): all but its version and variant is a digest of what it identifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Uuid(u128);

impl Uuid {
    /// The identity of the thing that these words lead to, from the blueprint's name inwards. None holds a `/`.
    ///
    /// It depends on nothing but them: no other thing's identity changes when one is added.
    #[must_use]
    pub fn derive(words: &[&str]) -> Self {
        let digest = Sha256::digest(format!("bpc uuid/{}", words.join("/")));
        let number = digest.iter().take(16).fold(0, |number, byte| number << 8 | u128::from(*byte));
        let version_and_variant = 0xf << 76 | 0b11 << 62;
        Self(number & !version_and_variant | 8 << 76 | 0b10 << 62)
    }
}

/// Lower case with hyphens, as VirtualBox prints it: `f81d4fae-7dec-81d0-a765-00a0c91e6bf6`.
impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.to_be_bytes().iter().enumerate() {
            let hyphen = if matches!(index, 4 | 6 | 8 | 10) { "-" } else { "" };
            write!(f, "{hyphen}{byte:02x}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_its_version_and_variant_and_never_changes() {
        let uuid = Uuid::derive(&["kube-demo", "kube-mast01", "machine"]).to_string();
        insta::assert_snapshot!(uuid, @"9602e63d-a870-8fee-90aa-091a1d245c07");
    }

    #[test]
    fn another_word_gives_another_one() {
        let all = [["a", "b", "disk"], ["a", "c", "disk"], ["d", "b", "disk"], ["a", "b", "machine"]];
        let distinct: std::collections::BTreeSet<Uuid> =
            all.iter().map(|words| Uuid::derive(words)).collect();
        assert_eq!(distinct.len(), all.len());
        for uuid in distinct {
            let text = uuid.to_string();
            assert_eq!(text.len(), 36);
            assert_eq!(text.as_bytes()[14], b'8', "the version");
            assert!(b"89ab".contains(&text.as_bytes()[19]), "the variant");
        }
    }
}
