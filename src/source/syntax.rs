//! What a YAML parser objects to, in the words of somebody who writes blueprints.

use crate::diag::{Code, Diagnostic, FileId, Place, Span};

/// What the parser says, what that means, and the way out.
///
/// The parser's sentences are those of libyaml, which speak of its own states; each row has a part of one.
const MEANINGS: [(&str, &str, &str); 17] = [
    (
        "simple key expect",
        "this line is neither a key with its `:` nor part of a value",
        "write `key: value`; indent a key as the keys beside it",
    ),
    (
        "found unexpected end of stream",
        "the quote that opens here is never closed",
        "close it on the same line",
    ),
    (
        "found unexpected document indicator",
        "the quote is not closed before the next document",
        "close it on the line on which it opens",
    ),
    (
        "expected ',' or ']'",
        "the list that opened with `[` does not go on",
        "separate its items with `,` and end it with `]`",
    ),
    (
        "expected ',' or '}'",
        "the mapping that opened with `{` does not go on",
        "separate its entries with `,` and end it with `}`",
    ),
    ("misplaced bracket", "this bracket closes nothing", "remove it, or open it first"),
    (
        "did not find expected key",
        "this line does not belong to the mapping above it",
        "indent it as the keys above it",
    ),
    (
        "did not find expected '-'",
        "this line does not belong to the list above it",
        "start it with `- `, indented as the items above it",
    ),
    (
        "block sequence entries are not allowed",
        "a list item cannot stand here",
        "start the list on a line of its own",
    ),
    (
        "unknown escape character",
        "a backslash in double quotes starts an escape, and there is none like this",
        "put the text into single quotes",
    ),
    (
        "invalid trailing content",
        "something stands behind the closing quote",
        "put the whole value into one pair of quotes",
    ),
    (
        "did not find expected node content",
        "a value is missing here",
        "write one, or remove the comma, colon or dash before it",
    ),
    (
        "found character that cannot start any token",
        "a value cannot start with this character",
        "put the value into quotes",
    ),
    ("unexpected character", "a value cannot start with this character", "put the value into quotes"),
    (
        "invalid indentation",
        "this line is not indented enough for what it belongs to",
        "indent it deeper than the line that opens it",
    ),
    (
        "comment intercepting",
        "a comment stands between the lines of one text",
        "put the text into quotes, or the comment above it",
    ),
    ("recursion limit", "more levels than a blueprint has", "no blueprint is so deep"),
];

/// The diagnostic for what the parser says at a byte.
pub(super) fn diagnostic(file: FileId, text: &str, byte: usize, said: &str) -> Diagnostic {
    let byte = byte.min(text.len());
    if let Some(tab) = tab_before(text, byte) {
        let place = Place::Span(Span { file, range: tab..tab + 1 });
        return Diagnostic::new(Code::Tab, place, "a tab indents this line")
            .help("YAML takes blanks only: most editors can convert tabs when they save");
    }
    if said.contains("mapping values are not allowed") {
        return misplaced_colon(file, text, byte);
    }
    if said.contains("unknown anchor") {
        return unknown_anchor(file, text, byte);
    }
    let known = MEANINGS.iter().find(|(part, ..)| said.contains(part));
    let (message, help) = known.map_or_else(
        || (format!("this is not YAML: {said}"), "check the indentation, quotes and brackets here and above"),
        |(_, meaning, help)| ((*meaning).to_owned(), *help),
    );
    Diagnostic::new(Code::Syntax, Place::Span(Span { file, range: point(text, byte) }), message).help(help)
}

/// A colon that would make a key where none can be: inside a text, or on a line of another indentation.
fn misplaced_colon(file: FileId, text: &str, byte: usize) -> Diagnostic {
    let start = text.get(..byte).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
    let end = text.get(byte..).and_then(|rest| rest.find('\n')).map_or(text.len(), |length| byte + length);
    let before = text.get(start..byte).unwrap_or("");
    let refuse =
        |range, message: String| Diagnostic::new(Code::Syntax, Place::Span(Span { file, range }), message);
    if let Some(colon) = before.find(": ") {
        let value = start + colon + 2;
        let written = text.get(value..end).unwrap_or("").trim();
        let message = "a text without quotes cannot have `: ` in it, which ends a key".to_owned();
        return refuse(byte..byte + 1, message).help(format!("put the text into quotes: \"{written}\""));
    }
    if let Some(colon) = tight_colon(text, start) {
        return refuse(colon..colon + 1, "a blank is missing behind this colon".to_owned())
            .help("write `key: value`: without the blank it is one word");
    }
    let indent = before.len() - before.trim_start().len();
    let message = format!("`{}` cannot be a key here: its line is indented like no other key", before.trim());
    refuse(start + indent..byte, message).help("indent it as the keys it belongs to")
}

/// The colon of `key:value` in the line before `start`, if that is all it has.
fn tight_colon(text: &str, start: usize) -> Option<usize> {
    let above = text.get(..start)?.trim_end();
    let line = above.rfind('\n').map_or(0, |newline| newline + 1);
    let content = above.get(line..)?;
    let colon = content.find(':')?;
    (!content.contains(": ") && !content.ends_with(':') && !content.trim_start().starts_with('#'))
        .then_some(line + colon)
}

/// An alias whose anchor is not there.
fn unknown_anchor(file: FileId, text: &str, byte: usize) -> Diagnostic {
    let rest = text.get(byte..).unwrap_or("");
    let length = rest.find([' ', '\n', ',', ']', '}']).unwrap_or(rest.len());
    let name = rest.get(1..length).unwrap_or("");
    let place = Place::Span(Span { file, range: byte..byte + length });
    Diagnostic::new(
        Code::Syntax,
        place,
        format!("`*{name}` stands for nothing: there is no `&{name}` before it"),
    )
    .help(format!("write `&{name}` before the value it stands for, or use `variables:`"))
}

/// The point at a byte. At the end of a file that is the end of its last text, because nobody sees an empty line.
fn point(text: &str, byte: usize) -> std::ops::Range<usize> {
    let rest = text.get(byte..).unwrap_or("");
    if rest.trim().is_empty() {
        let end = text.trim_end().len();
        return end..end;
    }
    byte..byte
}

/// The first tab in the indentation of the line of `byte`, or of the lines next to it.
fn tab_before(text: &str, byte: usize) -> Option<usize> {
    let line = text.get(..byte)?.matches('\n').count();
    let mut start = 0;
    for (number, content) in text.split_inclusive('\n').enumerate() {
        let indent = content.len() - content.trim_start_matches([' ', '\t']).len();
        let tab = content.get(..indent).and_then(|indent| indent.find('\t'));
        if let (true, Some(tab)) = (number.abs_diff(line) <= 1, tab) {
            return Some(start + tab);
        }
        start += content.len();
    }
    None
}
