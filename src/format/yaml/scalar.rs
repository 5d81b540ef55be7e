//! How one scalar is written: plain, in double quotes, or as a literal block (YAML 1.1, chapter 9).

use std::fmt::Write as _;

/// Words that some reader resolves to a boolean, a null or a number, in any mixture of case (YAML 1.1 type
/// repository; PyYAML leaves out `y` and `n`, others do not).
const RESOLVED: [&str; 14] =
    ["y", "n", "yes", "no", "true", "false", "on", "off", "null", "nil", "none", "nan", "inf", "infinity"];

/// The string on one line: plain if that is safe in every place, else in double quotes.
pub(super) fn inline(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { quoted(text) }
}

/// Whether the text may stand without quotes, as a key, as a value and inside `[...]`.
///
/// A word that starts with a letter or `/` is no number, date, merge key or indicator; of those, only the words of
/// `RESOLVED` mean something else than themselves.
fn is_plain(text: &str) -> bool {
    let mut characters = text.chars();
    let starts = characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '/');
    starts
        && characters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '/' | '-' | '+'))
        && !RESOLVED.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// The text in double quotes, on one line.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\0' => out.push_str("\\0"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\u{1b}' => out.push_str("\\e"),
            c if is_visible(c) => out.push(c),
            c => push_code(&mut out, c.into()),
        }
    }
    out.push('"');
    out
}

/// Appends the shortest numeric escape (YAML 1.1, section 5.6).
fn push_code(out: &mut String, code: u32) {
    // Writing to a String cannot fail.
    let _ = match code {
        0..=0xFF => write!(out, "\\x{code:02X}"),
        0x100..=0xFFFF => write!(out, "\\u{code:04X}"),
        _ => write!(out, "\\U{code:08X}"),
    };
}

/// What a reviewer does not see, or what changes the direction of the text: the soft hyphen, the marks and filler of
/// several scripts, spaces of odd width, line and paragraph separators, private use, the byte order mark.
const HIDDEN: [(char, char); 10] = [
    ('\u{AD}', '\u{AD}'),
    ('\u{61C}', '\u{61C}'),
    ('\u{180E}', '\u{180E}'),
    ('\u{2000}', '\u{200F}'),
    ('\u{2028}', '\u{202F}'),
    ('\u{205F}', '\u{206F}'),
    ('\u{3000}', '\u{3000}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{E000}', '\u{F8FF}'),
    ('\u{FEFF}', '\u{FEFF}'),
];

/// Whether a reviewer sees this character and every reader takes it as it is: c-printable of YAML 1.1, section 5.1,
/// without the line breaks and what is `HIDDEN`.
pub(super) fn is_visible(c: char) -> bool {
    let printable = match c {
        ' '..='~' | '\u{A1}'..='\u{FFEF}' => true,
        // Planes 1 to 3 hold letters and emoji, the planes above them tags and private use.
        _ => ('\u{10000}'..='\u{3FFFF}').contains(&c) && u32::from(c) & 0xFFFE != 0xFFFE,
    };
    printable && !HIDDEN.iter().any(|&(first, last)| (first..=last).contains(&c))
}

/// A literal block: its header (`|`, `|2-`, ...) and its lines, which stand two columns deeper than what holds it.
pub(super) struct Literal<'a> {
    /// `|`, an indentation indicator if the text starts with space, and how it ends.
    pub(super) header: String,
    /// The lines, the empty ones at the end included.
    pub(super) lines: Vec<&'a str>,
}

/// The text as a literal block, or `None` if it has one line only or characters that a block cannot carry.
pub(super) fn literal(text: &str) -> Option<Literal<'_>> {
    let body = text.trim_end_matches('\n');
    let carried = text.chars().all(|c| is_visible(c) || matches!(c, '\n' | '\t'));
    if body.is_empty() || !text.contains('\n') || !carried {
        return None;
    }
    // Readers take the indentation from the first line that is not empty, and libyaml refuses a tab there.
    let indicator = if body.trim_start_matches('\n').starts_with([' ', '\t']) { "2" } else { "" };
    let (chomping, content) = match text.strip_suffix('\n') {
        None => ("-", text),
        Some(rest) if rest.ends_with('\n') => ("+", rest),
        Some(rest) => ("", rest),
    };
    Some(Literal { header: format!("|{indicator}{chomping}"), lines: content.split('\n').collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_plain() {
        for word in
            ["debian", "network-config", "/etc/hosts", "x86_64", "eth0.41", "v1.35.0+k3s1", "Yesterday"]
        {
            assert_eq!(inline(word), word);
        }
    }

    #[test]
    fn what_a_reader_may_resolve_is_quoted() {
        for text in
            ["no", "On", "NULL", "y", "12:30", "2024-01-01", "1_000", "0o14", ".inf", "~", "=", "<<", ""]
        {
            assert_eq!(inline(text), format!("\"{text}\""));
        }
    }

    #[test]
    fn what_cannot_be_seen_is_escaped() {
        let text = "\0\u{7}\t\u{1b}\u{7f}\u{85}\u{a0}\u{2028}\u{202e}\u{feff}\u{1f600}\u{e0001}\\\"";
        let expected = r#""\0\x07\t\e\x7F\x85\xA0\u2028\u202E\uFEFF😀\U000E0001\\\"""#;
        assert_eq!(inline(text), expected);
    }

    #[test]
    fn a_literal_tells_how_it_starts_and_ends() {
        for (text, header, lines) in [
            ("a\nb", "|-", vec!["a", "b"]),
            ("a\nb\n", "|", vec!["a", "b"]),
            ("a\n\n\n", "|+", vec!["a", "", ""]),
            (" a\nb\n", "|2", vec![" a", "b"]),
            ("\n\ta\n", "|2", vec!["", "\ta"]),
        ] {
            let literal = literal(text).unwrap();
            assert_eq!((literal.header.as_str(), literal.lines), (header, lines), "{text:?}");
        }
    }

    #[test]
    fn a_literal_is_for_lines_that_can_be_seen() {
        for text in ["", "a", "\n", "\n\n", "a\r\nb\r\n", "a\u{85}\nb", "\u{feff}a\nb"] {
            assert!(literal(text).is_none(), "{text:?}");
        }
    }
}
