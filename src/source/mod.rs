//! Text to a document: YAML with fragments and variables, every value still knowing where it was written.

mod include;
mod node;
mod parse;
mod variables;

pub use include::{Unreadable, wanted};
pub(crate) use node::{Node, Value};

use crate::diag::{Diagnostic, Files, Locate, Path, Span, Step};

/// A blueprint as it was written, its fragments merged and its variables replaced.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    /// The top mapping.
    pub(crate) root: Node,
    files: Files,
}

/// Reads the blueprint in `files`; a document comes back even if parts of it were refused.
pub(crate) fn load(
    files: &Files,
    unreadable: &[Unreadable],
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Document> {
    let mut merge = include::Merge { files, unreadable, diagnostics };
    let mut root = merge.file(files.root(), &[])?;
    variables::substitute(&mut root, diagnostics);
    Some(Document { root, files: files.clone() })
}

impl Document {
    /// The line that a path's key stands on, as the manifest names it: `blueprint.yaml:12`.
    pub(crate) fn origin(&self, path: &Path) -> String {
        self.files.origin(&self.key(path))
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

    fn top(&self) -> Span {
        match self.root.entries().first() {
            Some((key, _)) => key.span.clone(),
            None => self.first_line(&self.root.span),
        }
    }
}

impl Locate for Document {
    fn key(&self, path: &Path) -> Span {
        let (key, _, _) = self.nearest(path);
        key.map_or_else(|| self.top(), |span| self.first_line(span))
    }

    fn value(&self, path: &Path) -> Span {
        let (key, node, exact) = self.nearest(path);
        match (&node.value, key, exact) {
            (Value::Scalar { text, plain }, Some(key), _) if text.is_empty() && *plain => {
                self.first_line(key)
            }
            (Value::Scalar { .. }, _, true) => self.first_line(&node.span),
            (_, Some(key), _) => self.first_line(key),
            (_, None, _) => self.top(),
        }
    }
}
