//! Three ways to show diagnostics: for a person, for an editor, for a program.

use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};
use serde::Serialize;

use super::{Diagnostic, FileId, Files, LineColumn, Locate, Place, Severity, Span};
use crate::format::terminal;

/// How to show diagnostics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// The text around each place, with carets; in colour or not.
    #[default]
    Human,
    /// The same in colour.
    Color,
    /// One line each: `file:line:column: error[BPC0203]: message`.
    Short,
    /// One JSON object each, one a line.
    Json,
}

/// Diagnostics that a person is shown: each carries a piece of the text, so that more would only hide the first ones.
const MOST_FOR_PEOPLE: usize = 200;

/// Shows `diagnostics`, errors and warnings in the order of their places, each followed by a line break.
pub fn render(diagnostics: &[Diagnostic], files: &Files, locate: &dyn Locate, style: Style) -> String {
    let mut located: Vec<(Option<Span>, &Diagnostic)> =
        diagnostics.iter().map(|diagnostic| (diagnostic.place.locate(locate), diagnostic)).collect();
    located.sort_by_key(|(span, diagnostic)| {
        (span.as_ref().map(|span| (span.file, span.range.start)), diagnostic.code)
    });
    let shown = match style {
        Style::Human | Style::Color => located.len().min(MOST_FOR_PEOPLE),
        Style::Short | Style::Json => located.len(),
    };
    let text: String = located
        .iter()
        .take(shown)
        .map(|(span, diagnostic)| match style {
            Style::Human => human(diagnostic, files, locate, &Renderer::plain()),
            Style::Color => human(diagnostic, files, locate, &Renderer::styled()),
            Style::Short => short(diagnostic, files, span.as_ref()),
            Style::Json => json(diagnostic, files, locate),
        })
        .collect();
    let text = without_passwords(&text);
    let text = match style {
        // Each part has been made fit for a terminal where it was put in.
        Style::Human | Style::Color => text,
        Style::Short => terminal::lines(&text),
        Style::Json => terminal::json(&text),
    };
    match located.len() - shown {
        0 => text,
        more => text + &format!("{more} more are not shown here; `--format short` shows all\n\n"),
    }
}

/// The same with asterisks for each password: what is shown ends up in logs. One stands in an address,
/// `http://user:password@host`, or behind a key of that name, `password: secret`.
fn without_passwords(text: &str) -> String {
    let text: String = text
        .split_inclusive(|c: char| c.is_whitespace() || "\"`".contains(c))
        .map(without_password)
        .collect();
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(start) = PASSWORD_KEYS.iter().filter_map(|key| Some(rest.find(key)? + key.len())).min() {
        let (before, value) = rest.split_at(start);
        shown.push_str(before);
        let quote = value.chars().next().filter(|c| "\"'".contains(*c));
        let (ends, skip) = quote.map_or((",}\n".to_owned(), 0), |quote| (format!("{quote}\n"), 1));
        let length = value[skip..].find(|c| ends.contains(c)).map_or(value.len(), |end| skip + end);
        shown.push_str(&value[..skip]);
        shown.extend(value[skip..length].chars().map(|_| '*'));
        rest = &value[length..];
    }
    shown + rest
}

/// What a value that is a password stands behind.
const PASSWORD_KEYS: [&str; 3] = ["password: ", "passwd: ", "passphrase: "];

/// A word, which may be an address: with its scheme, or without one by mistake.
fn without_password(word: &str) -> String {
    let address = word.split_once(":/").map_or(word, |(_, rest)| rest.trim_start_matches('/'));
    let authority = address.split('/').next().unwrap_or(address);
    let parts = authority.rsplit_once('@').and_then(|(login, _)| {
        let (user, password) = login.split_once(':')?;
        Some((word.strip_suffix(address)?, user, password, address.strip_prefix(login)?))
    });
    match parts {
        Some((scheme, user, password, rest)) => {
            format!("{scheme}{user}:{}{rest}", "*".repeat(password.chars().count()))
        }
        None => word.to_owned(),
    }
}

fn human(diagnostic: &Diagnostic, files: &Files, locate: &dyn Locate, renderer: &Renderer) -> String {
    let level = match diagnostic.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(terminal::line(&diagnostic.message)).id(diagnostic.code.as_str());
    let mut group = Group::with_title(title);
    group = group.elements(snippets(diagnostic, files, locate));
    for note in &diagnostic.notes {
        group = group.element(Level::NOTE.message(terminal::line(note)));
    }
    for help in &diagnostic.help {
        group = group.element(Level::HELP.message(terminal::line(help)));
    }
    renderer.render(&[group]) + "\n\n"
}

/// One snippet a file, the one with the caret first.
fn snippets<'a>(diagnostic: &'a Diagnostic, files: &'a Files, locate: &dyn Locate) -> Vec<Element<'a>> {
    let primary = (diagnostic.place.locate(locate), AnnotationKind::Primary, diagnostic.label.as_str());
    let others = diagnostic
        .others
        .iter()
        .map(|(place, label)| (place.locate(locate), AnnotationKind::Context, label.as_str()));
    let all: Vec<_> = std::iter::once(primary)
        .chain(others)
        .filter_map(|(span, kind, label)| Some((span?, kind, label)))
        .collect();
    let mut order: Vec<FileId> = Vec::new();
    for (span, ..) in &all {
        if !order.contains(&span.file) {
            order.push(span.file);
        }
    }
    order
        .into_iter()
        .map(|file| snippet(files, &all.iter().filter(|(span, ..)| span.file == file).collect::<Vec<_>>()))
        .collect()
}

/// A place in a file: what kind of one, and what is said there.
type Annotated<'a> = (Span, AnnotationKind, &'a str);

/// Text that is shown around the places of one diagnostic, in bytes: a longer one helps nobody.
const LONGEST_EXCERPT: usize = 1 << 16;

/// The lines that places of one file are on, fit for a terminal; only where the first is if they are too long.
fn snippet<'a>(files: &Files, places: &[&Annotated<'a>]) -> Element<'a> {
    let file = places.first().map(|(span, ..)| span.file).unwrap_or_default();
    let text = files.text(file);
    let name = terminal::line(&files.display_name(file)).into_owned();
    let first = places.iter().map(|(span, ..)| span.range.start).min().unwrap_or(0).min(text.len());
    let last = places.iter().map(|(span, ..)| span.range.end).max().unwrap_or(0).clamp(first, text.len());
    let start = text.get(..first).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
    let end =
        text.get(last..).and_then(|rest| rest.find('\n')).map_or(text.len(), |length| last + length + 1);
    let place = files.line_column(file, first);
    if end - start > LONGEST_EXCERPT {
        return Origin::path(name).line(place.line).char_column(place.column).into();
    }
    let (shown, bytes) = terminal::mapped(text.get(start..end).unwrap_or(""));
    let at = |byte: usize| bytes.get(byte.saturating_sub(start)).copied().unwrap_or(shown.len());
    let annotations = places.iter().map(|(span, kind, label)| {
        let annotation = kind.span(at(span.range.start)..at(span.range.end));
        if label.is_empty() { annotation } else { annotation.label(terminal::line(label)) }
    });
    let annotations: Vec<_> = annotations.collect();
    Snippet::source(shown).line_start(place.line).path(name).annotations(annotations).into()
}

fn short(diagnostic: &Diagnostic, files: &Files, span: Option<&Span>) -> String {
    let place = span.map_or_else(String::new, |span| {
        let LineColumn { line, column } = files.line_column(span.file, span.range.start);
        format!("{}:{line}:{column}: ", files.display_name(span.file))
    });
    let severity = diagnostic.severity().as_str();
    format!("{place}{severity}[{}]: {}\n", diagnostic.code.as_str(), diagnostic.message)
}

#[derive(Serialize)]
struct JsonDiagnostic<'a> {
    severity: &'a str,
    code: &'a str,
    message: &'a str,
    place: Option<JsonPlace<'a>>,
    others: Vec<JsonPlace<'a>>,
    notes: &'a [String],
    help: &'a [String],
}

#[derive(Serialize)]
struct JsonPlace<'a> {
    file: String,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    label: &'a str,
}

fn json<'a>(diagnostic: &'a Diagnostic, files: &Files, locate: &dyn Locate) -> String {
    let place = |place: &Place, label: &'a str| Some(json_place(files, &place.locate(locate)?, label));
    let others = diagnostic.others.iter().filter_map(|(other, label)| place(other, label));
    let object = JsonDiagnostic {
        severity: diagnostic.severity().as_str(),
        code: diagnostic.code.as_str(),
        message: &diagnostic.message,
        place: place(&diagnostic.place, &diagnostic.label),
        others: others.collect(),
        notes: &diagnostic.notes,
        help: &diagnostic.help,
    };
    // A struct of strings and numbers always becomes JSON.
    serde_json::to_string(&object).unwrap_or_default() + "\n"
}

fn json_place<'a>(files: &Files, span: &Span, label: &'a str) -> JsonPlace<'a> {
    let start = files.line_column(span.file, span.range.start);
    let end = files.line_column(span.file, span.range.end);
    JsonPlace {
        file: files.display_name(span.file),
        line: start.line,
        column: start.column,
        end_line: end.line,
        end_column: end.column,
        label,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_become_asterisks_of_the_same_length() {
        for (text, shown) in [
            ("a http://me:secret@proxy:1/x b", "a http://me:******@proxy:1/x b"),
            ("`me:secret@proxy:1` is", "`me:******@proxy:1` is"),
            ("\"http:/me:sécret@h\"", "\"http:/me:******@h\""),
            ("http://me:it's:@@h,", "http://me:******@h,"),
            ("https://a:b@c\n  ftp://d:ef@g", "https://a:*@c\n  ftp://d:**@g"),
            ("{ip: a, password: it's, x: b}", "{ip: a, password: ****, x: b}"),
            ("password: \"a, b\"\nuser: c", "password: \"****\"\nuser: c"),
            ("  passwd: sécret", "  passwd: ******"),
        ] {
            assert_eq!(without_passwords(text), shown);
        }
    }

    #[test]
    fn all_else_stays() {
        for text in [
            "",
            "ops@kube.demo: at 10:30",
            "http://h:443/a@b",
            "https://h/x ops@host",
            "docker.io/library/nginx:1.29@sha256:abc",
            "blueprint.yaml:3:16: error[BPC0420]",
            "a\n\n  b",
            "the value of `password`",
            "{password_script: /usr/local/bin/x}",
        ] {
            assert_eq!(without_passwords(text), text);
        }
    }
}
