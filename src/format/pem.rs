//! PEM as in RFC 7468: DER in base64 between two lines that say what it is.

use std::fmt;

use base64ct::{Base64, Encoding};

/// Characters of base64 in a line (RFC 7468 section 2).
const LINE_WIDTH: usize = 64;

/// What stands between one pair of boundary lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// What it is: `CERTIFICATE`, `EC PRIVATE KEY`, ...
    pub label: String,
    /// The bytes, decoded.
    pub der: Vec<u8>,
}

/// Text that is not PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotPem {
    /// The block with this label has no end line, or one with another label.
    Unended(String),
    /// The block with this label is not base64.
    NotBase64(String),
}

impl fmt::Display for NotPem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unended(label) => write!(f, "no line -----END {label}----- ends the block"),
            Self::NotBase64(label) => write!(f, "the block {label} is not base64"),
        }
    }
}

impl std::error::Error for NotPem {}

/// One block, lines of 64 characters, each ended by a line feed.
#[must_use]
pub fn encode(label: &str, der: &[u8]) -> String {
    let base64 = Base64::encode_string(der);
    let mut text = format!("-----BEGIN {label}-----\n");
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        // Base64 is ASCII: every index is between two characters.
        let (line, after) = rest.split_at(rest.len().min(LINE_WIDTH));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text + "-----END " + label + "-----\n"
}

/// All blocks of a text, in order; what stands outside of them is explanatory text (RFC 7468 section 5.2).
///
/// # Errors
/// [`NotPem`] if a block has no end or is not base64. A text without blocks gives none.
pub fn decode(text: &str) -> Result<Vec<Block>, NotPem> {
    let mut lines = text.lines().map(str::trim_end);
    let mut blocks = Vec::new();
    while let Some(line) = lines.next() {
        let Some(label) = boundary(line, "-----BEGIN ") else { continue };
        let mut base64 = String::new();
        loop {
            let line = lines.next().ok_or_else(|| NotPem::Unended(label.to_owned()))?;
            match boundary(line, "-----END ") {
                Some(end) if end == label => break,
                Some(_) => return Err(NotPem::Unended(label.to_owned())),
                None => base64.push_str(line),
            }
        }
        let der = Base64::decode_vec(&base64).map_err(|_| NotPem::NotBase64(label.to_owned()))?;
        blocks.push(Block { label: label.to_owned(), der });
    }
    Ok(blocks)
}

/// The label of a boundary line that starts with `opening`.
fn boundary<'a>(line: &'a str, opening: &str) -> Option<&'a str> {
    line.strip_prefix(opening)?.strip_suffix("-----")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_64_characters() {
        let text = encode("THING", &[0xff; 49]);
        let widths: Vec<usize> = text.lines().map(str::len).collect();
        assert_eq!(widths, [21, 64, 4, 19]);
        assert!(text.ends_with("\n-----END THING-----\n"));
    }

    #[test]
    fn every_length_comes_back() {
        for length in 0..200 {
            let der = vec![0xa5; length];
            let block = Block { label: "CERTIFICATE".into(), der: der.clone() };
            assert_eq!(decode(&encode("CERTIFICATE", &der)), Ok(vec![block]), "{length} bytes");
        }
    }

    #[test]
    fn a_text_may_hold_several_blocks_and_remarks() {
        let text =
            format!("subject: a\r\n{}and\n{}", encode("A", b"a").replace('\n', "\r\n"), encode("B", b"b"));
        let labels: Vec<_> =
            decode(&text).unwrap().into_iter().map(|block| (block.label, block.der)).collect();
        assert_eq!(labels, [("A".into(), b"a".to_vec()), ("B".into(), b"b".to_vec())]);
    }

    #[test]
    fn a_broken_block_is_refused() {
        assert_eq!(decode("-----BEGIN A-----\nAAAA\n"), Err(NotPem::Unended("A".into())));
        assert_eq!(decode("-----BEGIN A-----\n-----END B-----\n"), Err(NotPem::Unended("A".into())));
        assert_eq!(decode("-----BEGIN A-----\nA-A=\n-----END A-----\n"), Err(NotPem::NotBase64("A".into())));
        assert_eq!(decode("nothing here"), Ok(vec![]));
    }
}
