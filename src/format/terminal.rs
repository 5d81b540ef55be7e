//! Text for terminals and logs: what somebody else wrote must not move the cursor, hide or reorder what is shown, or give
//! a command to the service that reads the log.
//!
//! What is not shown as it is becomes an escape of Rust: `\n`, `\u{1b}`. Those are the control characters (C0, DEL, C1), the
//! marks, overrides and isolates of bidirectional text (Unicode Standard Annex 9, table 4), what separates lines and
//! paragraphs, and characters without a width, also the tags of plane 14.
//!
//! Runners of workflows take commands from the log: GitHub's where a line starts with `::`, and older forms of it and
//! Azure's after `##[` and `##vso[` anywhere (`ActionCommand.cs` of `actions/runner`).

use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::Path;

/// Whether a character shows something, in its place.
fn is_plain(c: char) -> bool {
    !c.is_control()
        && !matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
                | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

/// Text that becomes a part of a line.
#[must_use]
pub fn line(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_plain) && !text.contains(COMMAND) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut before = ' ';
    for c in text.chars() {
        push(&mut shown, before, c);
        before = c;
    }
    Cow::Owned(shown)
}

/// A path as a part of a line.
#[must_use]
pub fn path(path: &Path) -> String {
    line(&path.to_string_lossy()).into_owned()
}

/// Text of several lines, each of which may have tabs; none of them starts with a command.
#[must_use]
pub fn lines(text: &str) -> String {
    text.split_inclusive('\n').map(whole_line).collect()
}

fn whole_line(text: &str) -> String {
    let (content, end) = text.strip_suffix('\n').map_or((text, ""), |content| (content, "\n"));
    let blanks = content.len() - content.trim_start().len();
    let (blank, rest) = content.split_at(blanks);
    let blank: String = blank.split('\t').map(line).collect::<Vec<_>>().join("\t");
    let rest = match rest.strip_prefix("::") {
        Some(rest) => format!("\\u{{3a}}:{rest}"),
        None => rest.to_owned(),
    };
    let rest: String = rest.split('\t').map(line).collect::<Vec<_>>().join("\t");
    blank + &rest + end
}

/// A JSON text with JSON's own escapes for the same characters, which only its strings can have.
#[must_use]
pub fn json(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut before = ' ';
    for c in text.chars() {
        if (c == '\n' || is_plain(c)) && !(before == '#' && c == '#') {
            shown.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                // Writing to a text never fails.
                let _ = write!(shown, "\\u{unit:04x}");
            }
        }
        before = c;
    }
    shown
}

/// What commands anywhere in a line start with.
const COMMAND: &str = "##";

/// A text as [`line()`] shows it, but with its tabs, and where each of its bytes is then.
#[must_use]
pub fn mapped(text: &str) -> (String, Vec<usize>) {
    let mut shown = String::with_capacity(text.len());
    let mut places = Vec::with_capacity(text.len() + 1);
    let mut before = ' ';
    for c in text.chars() {
        places.extend(std::iter::repeat_n(shown.len(), c.len_utf8()));
        if matches!(c, '\t' | '\n') {
            shown.push(c);
        } else {
            push(&mut shown, before, c);
        }
        before = c;
    }
    places.push(shown.len());
    (shown, places)
}

fn push(shown: &mut String, before: char, c: char) {
    if before == '#' && c == '#' {
        shown.push_str("\\u{23}");
    } else if is_plain(c) {
        shown.push(c);
    } else {
        shown.extend(c.escape_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_of_any_language_stays() {
        for text in ["", "a: 'b' \\n", "Größe 寸法 حجم", "🙂", "# a # b", "a::b"] {
            assert_eq!(line(text), text);
            assert_eq!(lines(&format!("{text}\n\t{text}")), format!("{text}\n\t{text}"));
            assert_eq!(json(text), text);
        }
    }

    #[test]
    fn what_is_not_seen_is_escaped() {
        let all = "\0\u{7}\u{1b}[2J\r\n\t\u{7f}\u{85}\u{9b}\u{ad}\u{61c}\u{200b}\u{200e}\u{2028}\u{202e}\u{2066}\u{feff}\u{e0041}";
        let expected = r"\u{0}\u{7}\u{1b}[2J\r\n\t\u{7f}\u{85}\u{9b}\u{ad}\u{61c}\u{200b}\u{200e}\u{2028}\u{202e}\u{2066}\u{feff}\u{e0041}";
        assert_eq!(line(all), expected);
        assert_eq!(lines("a\u{1b}\n\tb\r\n"), "a\\u{1b}\n\tb\\r\n");
        assert_eq!(json("\"\u{9b}\u{202e}\u{e0041}\"\n"), "\"\\u009b\\u202e\\udb40\\udc41\"\n");
        assert_eq!(path(Path::new("a\nb")), "a\\nb");
    }

    #[test]
    fn no_line_is_a_command() {
        assert_eq!(
            lines("::error::x\n  ::warning::\na ::b\n"),
            "\\u{3a}:error::x\n  \\u{3a}:warning::\na ::b\n"
        );
        assert_eq!(lines("\u{85}::error::x"), "\\u{85}\\u{3a}:error::x");
        assert_eq!(line("a ##[error]b ##vso[task]"), "a #\\u{23}[error]b #\\u{23}vso[task]");
        assert_eq!(json("\"##[error]\""), "\"#\\u0023[error]\"");
    }

    #[test]
    fn places_follow_the_text() {
        let (shown, places) = mapped("ä\u{1b}b\tc");
        assert_eq!(shown, "ä\\u{1b}b\tc");
        assert_eq!((places[0], places[2], places[3], places[4], places[6]), (0, 2, 8, 9, 11));
    }

    #[test]
    fn json_stays_the_same_text() {
        let value = serde_json::json!({"a": "\u{1b}##[x]\u{9b}\u{e0041}\n"});
        let shown = json(&serde_json::to_string_pretty(&value).unwrap());
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }
}
