//! Text to a document: YAML with fragments and variables, every value still knowing where it was written.

mod include;
mod node;
mod parse;
mod syntax;
#[cfg(test)]
mod tests;
mod variables;

pub(crate) use include::ALLOW;
pub use include::{Reason, Unreadable, wanted};
pub(crate) use node::{Node, Value};
pub use parse::MAX_BYTES;

use crate::diag::{Code, Diagnostic, Files, Locate, Path, Span, Step};

/// A blueprint as it was written, its fragments merged and its variables replaced.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    /// The top mapping.
    pub(crate) root: Node,
    /// Whether nothing is missing in it that its author wrote, because it could not be read.
    pub(crate) complete: bool,
    files: Files,
}

/// Reads the blueprint in `files`; a document comes back even if parts of it were refused.
pub(crate) fn load(
    files: &Files,
    unreadable: &[Unreadable],
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Document> {
    let mut found = Vec::new();
    let root = include::Merge::new(files, unreadable, &mut found).file(files.root(), &[]);
    let root = root.map(|mut root| {
        variables::substitute(&mut root, &mut found);
        root
    });
    let complete = found.iter().all(|diagnostic| keeps_all_keys(diagnostic.code));
    diagnostics.append(&mut found);
    root.map(|root| Document { root, complete, files: files.clone() })
}

/// Whether a blueprint with this mistake still has all the keys that its author gave it.
const fn keeps_all_keys(code: Code) -> bool {
    matches!(code, Code::DuplicateKey | Code::Tag | Code::UnknownVariable | Code::VariableCycle)
}

impl Document {
    /// The line that a path's key stands on, as the manifest names it: `blueprint.yaml:12`.
    pub(crate) fn origin(&self, path: &Path) -> String {
        self.files.origin(&self.key(path))
    }

    /// Whether something was written at `path`.
    pub(crate) fn has(&self, path: &Path) -> bool {
        self.nearest(path).2
    }

    /// The node at `path` with the span of its key, or those of the nearest ancestor that was written.
    fn nearest(&self, path: &Path) -> (Option<&Span>, &Node, bool) {
        let mut key_span = None;
        let mut node = &self.root;
        for step in path.steps() {
            let found = match (step, &node.value) {
                (Step::Key(key), Value::Map(entries)) => entries
                    .iter()
                    .find(|(known, _)| known.text == *key)
                    .map(|(key, node)| (Some(&key.span), node)),
                (Step::Index(index), Value::Seq(items)) => items.get(*index).map(|item| (None, item)),
                _ => None,
            };
            match found {
                Some((span, inner)) => {
                    key_span = span.or(key_span);
                    node = inner;
                }
                None => return (key_span, node, false),
            }
        }
        (key_span, node, true)
    }

    /// A span cut to its first line, so that a caret stays readable.
    fn first_line(&self, span: &Span) -> Span {
        let text = self.files.text(span.file).get(span.range.clone()).unwrap_or("");
        let line = text.split('\n').next().unwrap_or("").trim_end();
        Span { file: span.file, range: span.range.start..span.range.start + line.len() }
    }

    /// The dash of an item that has no value, or the point where the value should be.
    fn dash(&self, span: &Span) -> Span {
        let text = self.files.text(span.file);
        let before = text.get(..span.range.start).unwrap_or("").trim_end();
        if before.ends_with('-') {
            return Span { file: span.file, range: before.len() - 1..before.len() };
        }
        span.clone()
    }

    /// The blueprint's own first key.
    fn top(&self) -> Span {
        let own = self.root.entries().iter().find(|(key, _)| key.span.file == self.files.root());
        match own {
            Some((key, _)) => key.span.clone(),
            None => Span { file: self.files.root(), range: self.start() },
        }
    }

    /// The first word of the blueprint that is not a comment.
    fn start(&self) -> std::ops::Range<usize> {
        let mut start = 0;
        for line in self.files.text(self.files.root()).split_inclusive('\n') {
            let word = line.trim_start();
            if !word.is_empty() && !word.starts_with('#') {
                let length = word.find([':', ' ', '\n']).unwrap_or(word.len());
                start += line.len() - word.len();
                return start..start + length;
            }
            start += line.len();
        }
        0..0
    }
}

impl Locate for Document {
    fn key(&self, path: &Path) -> Span {
        let (key, _, _) = self.nearest(path);
        key.map_or_else(|| self.top(), |span| self.first_line(span))
    }

    fn value(&self, path: &Path) -> Span {
        let (key, node, exact) = self.nearest(path);
        let item = matches!(path.steps().last(), Some(Step::Index(_)));
        match (&node.value, key, exact) {
            (Value::Scalar { text, plain }, _, true) if item && text.is_empty() && *plain => {
                self.dash(&node.span)
            }
            (Value::Scalar { text, plain }, Some(key), _) if text.is_empty() && *plain => {
                self.first_line(key)
            }
            (Value::Scalar { .. }, _, true) => self.first_line(&node.span),
            (_, Some(key), _) => self.first_line(key),
            (_, None, _) => self.top(),
        }
    }
}
