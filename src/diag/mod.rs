//! Diagnostics: what is wrong, where, and what to do about it.
//!
//! A [`Diagnostic`] is data: a stable [`Code`], a message, places and help. It names places by [`Path`], so that
//! the phases after `source` need no positions; [`Place::locate`] turns them into spans at the very end, with the
//! [`Locate`] of the document. [`render`] has the three ways to show them.

mod code;
mod files;
mod path;
pub mod render;

pub use code::Code;
pub use files::{FileId, Files, LineColumn, Span, normalize};
pub use path::{Path, Step};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing is built.
    Error,
    /// The build goes on.
    Warning,
}

impl Severity {
    /// `error` or `warning`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// Where a diagnostic points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A piece of text.
    Span(Span),
    /// The key that a path ends with.
    Key(Path),
    /// The value that a path leads to.
    Value(Path),
    /// Nowhere in a blueprint: it is about a file or the command line.
    Outside,
}

/// Finds the text of a path: what the index of a document offers to diagnostics.
pub trait Locate {
    /// The span of the key that `path` ends with, or of its nearest ancestor that was written.
    fn key(&self, path: &Path) -> Span;
    /// The span of the value at `path`, or of the key of its nearest ancestor that was written.
    fn value(&self, path: &Path) -> Span;
}

impl Place {
    /// The text that the place stands for, if it stands for one.
    pub fn locate(&self, locate: &dyn Locate) -> Option<Span> {
        match self {
            Self::Span(span) => Some(span.clone()),
            Self::Key(path) => Some(locate.key(path)),
            Self::Value(path) => Some(locate.value(path)),
            Self::Outside => None,
        }
    }
}

/// One mistake or doubt, in terms of the blueprint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind of mistake.
    pub code: Code,
    /// The sentence that says what is wrong.
    pub message: String,
    /// Where.
    pub place: Place,
    /// What stands beside the caret.
    pub label: String,
    /// Other places involved, each with what it has to do with it.
    pub others: Vec<(Place, String)>,
    /// What is good to know.
    pub notes: Vec<String>,
    /// What to do.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// A diagnostic at `place`.
    pub fn new(code: Code, place: Place, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            place,
            label: String::new(),
            others: Vec::new(),
            notes: Vec::new(),
            help: Vec::new(),
        }
    }

    /// Puts words beside the caret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Points at another place too.
    #[must_use]
    pub fn other(mut self, place: Place, label: impl Into<String>) -> Self {
        self.others.push((place, label.into()));
        self
    }

    /// Adds a line of background.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Adds a way out.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// Adds a way out if there is one.
    #[must_use]
    pub fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help.extend(help);
        self
    }

    /// Error or warning: a property of the code.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        self.code.severity()
    }
}

/// Whether any of `diagnostics` keeps a build from going on.
#[must_use]
pub fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|diagnostic| diagnostic.severity() == Severity::Error)
}

/// DNS labels have 63 bytes at most.
const LONGEST_NAME: usize = 64;

/// The candidate that `word` was most likely meant to be, if one is near enough.
///
/// Near is a Damerau-Levenshtein distance of at most a third of the longer word, at least 1: the rule of rustc.
/// Words that are longer than any name are near nothing: comparing them takes time and memory by the square.
#[must_use]
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .filter(|candidate| word.len().max(candidate.len()) <= LONGEST_NAME)
        .filter_map(|candidate| {
            let longest = word.chars().count().max(candidate.chars().count());
            let distance = strsim::damerau_levenshtein(word, candidate);
            (distance <= (longest / 3).max(1)).then_some((distance, candidate))
        })
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_near_words_only() {
        let roles = ["gateway", "bastion", "worker"];
        assert_eq!(did_you_mean("gatway", roles), Some("gateway"));
        assert_eq!(did_you_mean("wroker", roles), Some("worker"));
        assert_eq!(did_you_mean("printer", roles), None);
    }
}
