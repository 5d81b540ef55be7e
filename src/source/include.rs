//! Fragments: `include:` lists files whose keys a blueprint builds on.

use std::collections::BTreeMap;

use super::node::{Node, Value};
use super::parse::parse;
use crate::diag::{Code, Diagnostic, FileId, Files, Place, Span, normalize};

/// Files that may include one another in a row.
const MAX_DEPTH: usize = 16;
/// Files that one blueprint may be made of.
const MAX_FILES: usize = 100;

/// A file that was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Its name, relative to the blueprint's folder.
    pub name: String,
    /// Why not.
    pub reason: Reason,
}

/// Why a file was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It could not be, in the system's words.
    System(String),
    /// It must not be: its path leads out of this, in words for people.
    Outside(String),
}

/// How a user lets a blueprint name files elsewhere.
pub(crate) const ALLOW: &str = "keep what a blueprint names inside; or, if you trust it: `--allow-path DIR`";

/// The names of all included files that are not in `files` yet.
#[must_use]
pub fn wanted(files: &Files) -> Vec<String> {
    let mut names = Vec::new();
    if files.count() > MAX_FILES {
        return names;
    }
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
    files: &'a Files,
    unreadable: &'a [Unreadable],
    diagnostics: &'a mut Vec<Diagnostic>,
    /// What has been read already: a fragment may be included from several places.
    done: BTreeMap<FileId, Option<Node>>,
    /// Whether it has been said that there are too many files.
    full: bool,
}

impl<'a> Merge<'a> {
    pub(super) fn new(
        files: &'a Files,
        unreadable: &'a [Unreadable],
        diagnostics: &'a mut Vec<Diagnostic>,
    ) -> Self {
        Self { files, unreadable, diagnostics, done: BTreeMap::new(), full: false }
    }

    /// Reads `file` and all that it includes; `open` holds the files that led here.
    pub(super) fn file(&mut self, file: FileId, open: &[FileId]) -> Option<Node> {
        if let Some(done) = self.done.get(&file) {
            return done.clone();
        }
        let merged = self.read(file, open);
        self.done.insert(file, merged.clone());
        merged
    }

    fn read(&mut self, file: FileId, open: &[FileId]) -> Option<Node> {
        let mut node = parse(self.files, file, self.diagnostics)?;
        let included = entries(self.files, file, &node, self.diagnostics);
        if node.value == Value::Refused {
            return None;
        }
        let Value::Map(keys) = &mut node.value else {
            let start = node.span.range.start;
            let place = Place::Span(Span { file, range: start..start });
            let message = "a blueprint is a mapping of keys, this is not";
            self.diagnostics
                .push(Diagnostic::new(Code::WrongType, place, message).help("start with `blueprint: 1`"));
            return None;
        };
        keys.retain(|(key, _)| key.text != "include");
        let open: Vec<FileId> = open.iter().copied().chain([file]).collect();
        let mut merged: Option<Node> = None;
        for (name, span) in included {
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
        if self.files.count() > MAX_FILES {
            self.too_many_files(place);
            return None;
        }
        let Some(file) = self.files.find(name) else {
            let reason = self.unreadable.iter().find(|file| file.name == name);
            self.diagnostics.push(match reason.map(|file| &file.reason) {
                Some(Reason::Outside(what)) => {
                    let message = format!("the included file `{name}` is outside of {what}");
                    Diagnostic::new(Code::OutsidePath, place, message).help(ALLOW)
                }
                Some(Reason::System(reason)) => unreadable(name, reason, place),
                None => unreadable(name, "there is no such file", place),
            });
            return None;
        };
        if let Some(first) = open.iter().position(|known| *known == file) {
            let circle = open.iter().skip(first).chain([&file]).map(|file| self.files.name(*file));
            let message = format!("files that include each other: {}", circle.collect::<Vec<_>>().join(", "));
            self.diagnostics
                .push(Diagnostic::new(Code::IncludeCycle, place, message).help("remove one of the includes"));
            return None;
        }
        if open.len() > MAX_DEPTH {
            let message = format!("more than {MAX_DEPTH} files that include one another");
            self.diagnostics
                .push(Diagnostic::new(Code::TooLarge, place, message).help("include the last one directly"));
            return None;
        }
        self.file(file, open)
    }
}

fn unreadable(name: &str, reason: &str, place: Place) -> Diagnostic {
    let message = format!("cannot read the included file `{name}`: {reason}");
    Diagnostic::new(Code::IncludeUnreadable, place, message)
        .help("a path is relative to the file that includes")
}

impl Merge<'_> {
    /// Said once, at the first include.
    fn too_many_files(&mut self, place: Place) {
        if !std::mem::replace(&mut self.full, true) {
            let message = format!("a blueprint of more than {MAX_FILES} files");
            self.diagnostics
                .push(Diagnostic::new(Code::TooLarge, place, message).help("join some of its fragments"));
        }
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
    let mut refuse = |span: &Span, message: &str, help: String| {
        let place = Place::Span(span.clone());
        diagnostics.push(Diagnostic::new(Code::Include, place, message).help(help));
    };
    let items = match &include.value {
        Value::Seq(items) => items,
        Value::Refused => return Vec::new(),
        Value::Scalar { text, .. } => {
            refuse(&include.span, "`include` takes a list of paths", format!("write `include: [{text}]`"));
            return Vec::new();
        }
        Value::Map(_) => {
            let start = Span { file, range: include.span.range.start..include.span.range.start };
            refuse(
                &start,
                "`include` takes a list of paths",
                "write `include: [fragments/lan.yaml]`".to_owned(),
            );
            return Vec::new();
        }
    };
    let folder = files.name(file).rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut names = Vec::new();
    for item in items {
        let (message, help) = match &item.value {
            Value::Scalar { text, .. } => {
                let Some(refusal) = refusal(text) else {
                    let path = if folder.is_empty() { text.clone() } else { format!("{folder}/{text}") };
                    names.push((normalize(&path), item.span.clone()));
                    continue;
                };
                refusal
            }
            Value::Refused => continue,
            Value::Seq(_) | Value::Map(_) => {
                ("`include` takes paths, this is none", "write each as `fragments/lan.yaml`")
            }
        };
        refuse(&item.span, message, help.to_owned());
    }
    names
}

/// Why a path cannot be included, and what to write instead.
fn refusal(path: &str) -> Option<(&'static str, &'static str)> {
    if path.is_empty() {
        Some(("`include` takes paths, this is none", "write a path, or remove the item"))
    } else if path.starts_with('/') {
        let help = "write the path from the folder of this file: a project lies elsewhere on another machine";
        Some(("an included path cannot be absolute", help))
    } else if path.contains('\\') {
        Some(("an included path has no backslashes", "write `/` between folders"))
    } else if path.contains("${") {
        Some((
            "an included path cannot have variables",
            "files are read before variables: write the path out",
        ))
    } else {
        None
    }
}

/// `over` on top of `base`: mappings are joined key by key, anything else is replaced.
fn merge(base: Node, over: Node) -> Node {
    match (base.value, over.value) {
        (Value::Map(mut entries), Value::Map(winning)) => {
            let known = entries.iter().enumerate().map(|(position, (key, _))| (key.text.clone(), position));
            let known: BTreeMap<String, usize> = known.collect();
            for (key, node) in winning {
                match known.get(&key.text).and_then(|&position| entries.get_mut(position)) {
                    Some(entry) => {
                        let earlier = std::mem::replace(&mut entry.1.value, Value::Refused);
                        let earlier = Node { span: entry.1.span.clone(), value: earlier };
                        *entry = (key, merge(earlier, node));
                    }
                    None => entries.push((key, node)),
                }
            }
            Node { span: over.span, value: Value::Map(entries) }
        }
        (_, value) => Node { span: over.span, value },
    }
}
