//! Names as RFC 1123 has them.

/// Whether `text` is a DNS label: 1 to 63 lower-case letters, digits and hyphens, none of these at an end
/// (RFC 1123, section 2.1; lower case because tools differ on case).
#[must_use]
pub fn is_dns_label(text: &str) -> bool {
    let letters = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let ends = text.bytes().next().is_some_and(letters) && text.bytes().last().is_some_and(letters);
    ends && text.len() <= 63 && text.bytes().all(|c| letters(c) || c == b'-')
}

/// Whether `text` is a DNS name: labels with dots between them, 253 characters at most.
#[must_use]
pub fn is_dns_name(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_dns_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_follow_rfc_1123() {
        assert!(["a", "kube-mast01", "0a", &"a".repeat(63)].into_iter().all(is_dns_label));
        assert!(!["", "-a", "a-", "A", "a_b", "a.b", "ä", &"a".repeat(64)].into_iter().any(is_dns_label));
    }
}
