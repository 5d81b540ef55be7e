//! The texts that diagnostics point into.

use std::ops::Range;

/// One of the [`Files`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileId(usize);

/// A piece of one file, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// The bytes from `start` to before `end`; empty for a point.
    pub range: Range<usize>,
}

/// A line and a column, both counted from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineColumn {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// The blueprint and the fragments that it includes.
///
/// Names are relative to the blueprint's folder (`blueprint.yaml`, `../fragments/lan.yaml`), so that nothing
/// made from them depends on where the project lies; only messages to a person show the folder.
#[derive(Clone, Debug, Default)]
pub struct Files {
    folder: String,
    files: Vec<File>,
}

#[derive(Clone, Debug)]
struct File {
    name: String,
    text: String,
    /// The byte at which each line starts.
    lines: Vec<usize>,
}

impl Files {
    /// No files yet; `folder` is how a person names the blueprint's folder, for instance `blueprints/tiny`.
    #[must_use]
    pub fn new(folder: impl Into<String>) -> Self {
        Self { folder: folder.into(), files: Vec::new() }
    }

    /// Adds a file and says which it is; the first one is the blueprint itself.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> FileId {
        let text = text.into();
        let lines =
            std::iter::once(0).chain(text.match_indices('\n').map(|(newline, _)| newline + 1)).collect();
        self.files.push(File { name: name.into(), text, lines });
        FileId(self.files.len() - 1)
    }

    /// The blueprint itself.
    #[must_use]
    pub const fn root(&self) -> FileId {
        FileId(0)
    }

    /// The texts of all of them, the blueprint's first.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|file| file.text.as_str())
    }

    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.files.len()
    }

    /// The file of that name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<FileId> {
        self.files.iter().position(|file| file.name == name).map(FileId)
    }

    /// A file's name, relative to the blueprint's folder.
    #[must_use]
    pub fn name(&self, file: FileId) -> &str {
        self.files.get(file.0).map_or("", |file| &file.name)
    }

    /// A file's name as a person finds it from the working folder.
    #[must_use]
    pub fn display_name(&self, file: FileId) -> String {
        match self.folder.as_str() {
            "" => self.name(file).to_owned(),
            folder => normalize(&format!("{folder}/{}", self.name(file))),
        }
    }

    /// A file's text.
    #[must_use]
    pub fn text(&self, file: FileId) -> &str {
        self.files.get(file.0).map_or("", |file| &file.text)
    }

    /// Where a byte of a file stands.
    #[must_use]
    pub fn line_column(&self, file: FileId, byte: usize) -> LineColumn {
        let Some(File { text, lines, .. }) = self.files.get(file.0) else {
            return LineColumn { line: 1, column: 1 };
        };
        let line = lines.partition_point(|start| *start <= byte);
        let start = line.checked_sub(1).and_then(|index| lines.get(index)).copied().unwrap_or(0);
        let column = text.get(start..byte).map_or(1, |before| before.chars().count() + 1);
        LineColumn { line, column }
    }

    /// Where a span starts, as the manifest names it: `blueprint.yaml:12`.
    #[must_use]
    pub fn origin(&self, span: &Span) -> String {
        format!("{}:{}", self.name(span.file), self.line_column(span.file, span.range.start).line)
    }
}

/// Takes `.` and `name/..` out of a path with `/` between its names; leading `..` stay.
#[must_use]
pub fn normalize(path: &str) -> String {
    let mut names: Vec<&str> = Vec::new();
    for name in path.split('/') {
        match name {
            "." => {}
            "" if !names.is_empty() => {}
            ".." if names.last().is_some_and(|&last| last != ".." && !last.is_empty()) => {
                names.pop();
            }
            name => names.push(name),
        }
    }
    names.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let mut files = Files::new("");
        let file = files.add("a", "é: x\nü: y");
        assert_eq!(files.line_column(file, 10), LineColumn { line: 2, column: 4 });
    }

    #[test]
    fn paths_lose_their_detours() {
        assert_eq!(normalize("blueprints/tiny/../lan.yaml"), "blueprints/lan.yaml");
        assert_eq!(normalize("../../lan.yaml"), "../../lan.yaml");
        assert_eq!(normalize("./a//b/."), "a/b");
        assert_eq!(normalize("/a/../b"), "/b");
    }
}
