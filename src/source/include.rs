//! Fragments: `include:` lists files whose keys a blueprint builds on.

use super::node::{Node, Value};
use super::parse::parse;
use crate::diag::{Code, Diagnostic, FileId, Files, Place, Span, normalize};

/// A file that could not be read, and what the system said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Its name, relative to the blueprint's folder.
    pub name: String,
    /// The system's reason.
    pub reason: String,
}

/// The names of all included files that are not in `files` yet.
#[must_use]
pub fn wanted(files: &Files) -> Vec<String> {
    let mut names = Vec::new();
    let mut seen: Vec<FileId> = Vec::new();
    let mut todo = vec![files.root()];
    while let Some(file) = todo.pop() {
        if seen.contains(&file) {
            continue;
        }
        seen.push(file);
        let Some(node) = parse(files, file, &mut Vec::new()) else { continue };
        for (name, _) in entries(files, file, &node, &mut Vec::new()) {
            match files.find(&name) {
                Some(known) => todo.push(known),
                None => names.push(name),
            }
        }
    }
    names.sort();
    names.dedup();
    names
}

/// A blueprint with its fragments merged in: the including file wins, then the fragment that is listed later.
pub(super) struct Merge<'a> {
    pub(super) files: &'a Files,
    pub(super) unreadable: &'a [Unreadable],
    pub(super) diagnostics: &'a mut Vec<Diagnostic>,
}

impl Merge<'_> {
    /// Reads `file` and all that it includes; `open` holds the files that led here.
    pub(super) fn file(&mut self, file: FileId, open: &[FileId]) -> Option<Node> {
        let node = parse(self.files, file, self.diagnostics)?;
        if !matches!(node.value, Value::Map(_)) {
            let place = Place::Span(node.span);
            let message = "a blueprint is a mapping of keys, this is not";
            self.diagnostics
                .push(Diagnostic::new(Code::WrongType, place, message).help("start with `blueprint: 1`"));
            return None;
        }
        let mut merged: Option<Node> = None;
        let mut open = open.to_vec();
        open.push(file);
        for (name, span) in entries(self.files, file, &node, self.diagnostics) {
            if let Some(fragment) = self.fragment(&name, span, &open) {
                merged = Some(match merged {
                    Some(earlier) => merge(earlier, fragment),
                    None => fragment,
                });
            }
        }
        Some(match merged {
            Some(fragments) => merge(fragments, node),
            None => node,
        })
    }

    fn fragment(&mut self, name: &str, span: Span, open: &[FileId]) -> Option<Node> {
        let place = Place::Span(span);
        let Some(file) = self.files.find(name) else {
            let reason =
                self.unreadable.iter().find(|file| file.name == name).map(|file| file.reason.as_str());
            let message =
                format!("cannot read the included file `{name}`: {}", reason.unwrap_or("not found"));
            let help = "paths are relative to the file that includes";
            self.diagnostics.push(Diagnostic::new(Code::IncludeUnreadable, place, message).help(help));
            return None;
        };
        if open.contains(&file) {
            let message = format!("`{name}` includes itself, directly or through another file");
            self.diagnostics
                .push(Diagnostic::new(Code::IncludeCycle, place, message).help("remove one of the includes"));
            return None;
        }
        self.file(file, open)
    }
}

/// The files that `node` includes, by name, and where it says so.
fn entries(
    files: &Files,
    file: FileId,
    node: &Node,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<(String, Span)> {
    let Some(include) = node.get("include") else { return Vec::new() };
    let mut refuse = |span: &Span| {
        let message = "`include` takes a list of paths, relative to this file";
        let place = Place::Span(span.clone());
        diagnostics
            .push(Diagnostic::new(Code::Include, place, message).help("include: [../fragments/lan.yaml]"));
    };
    let Value::Seq(items) = &include.value else {
        refuse(&include.span);
        return Vec::new();
    };
    let folder = files.name(file).rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut names = Vec::new();
    for item in items {
        match &item.value {
            Value::Scalar { text, .. }
                if !text.is_empty() && !text.starts_with('/') && !text.contains('\\') =>
            {
                let name =
                    if folder.is_empty() { normalize(text) } else { normalize(&format!("{folder}/{text}")) };
                names.push((name, item.span.clone()));
            }
            _ => refuse(&item.span),
        }
    }
    names
}

/// `over` on top of `base`: mappings are joined key by key, anything else is replaced.
fn merge(base: Node, over: Node) -> Node {
    match (base.value, over.value) {
        (Value::Map(mut entries), Value::Map(winning)) => {
            for (key, node) in winning {
                match entries.iter().position(|(known, _)| known.text == key.text) {
                    Some(position) => {
                        let (_, earlier) = entries.remove(position);
                        entries.insert(position, (key, merge(earlier, node)));
                    }
                    None => entries.push((key, node)),
                }
            }
            Node { span: over.span, value: Value::Map(entries) }
        }
        (_, value) => Node { span: over.span, value },
    }
}
