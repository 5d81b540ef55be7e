//! Text to tree: YAML as blueprints use it, with every departure from it reported.

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, StrInput};

use super::node::{Key, Node, Value};
use crate::diag::{Code, Diagnostic, FileId, Files, Place, Span};

/// Nodes that a file may have after its aliases are expanded: far above any blueprint, far below harm.
const MAX_NODES: usize = 50_000;
/// Levels that a file may have.
const MAX_DEPTH: usize = 64;

/// Reads one file; `None` when it cannot be read as a whole. Duplicate keys are reported and the first one kept.
pub(crate) fn parse(files: &Files, file: FileId, diagnostics: &mut Vec<Diagnostic>) -> Option<Node> {
    let text = files.text(file);
    if let Some(refused) = refuse_bytes(file, text) {
        diagnostics.push(refused);
        return None;
    }
    let mut builder = Builder {
        file,
        text,
        events: Parser::new_from_str(text),
        offsets: Offsets::new(text),
        anchors: Vec::new(),
        nodes: 0,
        depth: 0,
        diagnostics,
    };
    builder.document()
}

/// What editors on other systems leave in a file.
fn refuse_bytes(file: FileId, text: &str) -> Option<Diagnostic> {
    let at = |range| Place::Span(Span { file, range });
    if text.starts_with('\u{feff}') {
        return Some(
            Diagnostic::new(Code::ByteOrderMark, at(0..3), "the file starts with a byte order mark (U+FEFF)")
                .help("save it as \"UTF-8\", not as \"UTF-8 with BOM\""),
        );
    }
    let carriage_return = text.find('\r')?;
    Some(
        Diagnostic::new(
            Code::CarriageReturn,
            at(carriage_return..carriage_return + 1),
            "the file has Windows line ends (CR LF)",
        )
        .label("the first one is here")
        .help("save it with Unix line ends; in git: `*.yaml text eol=lf` in .gitattributes"),
    )
}

/// From the characters that the parser counts to the bytes that spans count.
struct Offsets {
    bytes: Vec<usize>,
    end: usize,
}

impl Offsets {
    fn new(text: &str) -> Self {
        Self { bytes: text.char_indices().map(|(byte, _)| byte).collect(), end: text.len() }
    }

    fn byte(&self, character: usize) -> usize {
        self.bytes.get(character).copied().unwrap_or(self.end)
    }
}

/// Why a file cannot be read on: a diagnostic has been pushed.
struct Stop;

struct Builder<'a> {
    file: FileId,
    text: &'a str,
    events: Parser<'a, StrInput<'a>>,
    offsets: Offsets,
    anchors: Vec<(usize, Node)>,
    nodes: usize,
    depth: usize,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl<'a> Builder<'a> {
    fn document(&mut self) -> Option<Node> {
        let mut root = None;
        loop {
            let (event, span) = self.next().ok()?;
            match event {
                Event::StreamEnd => break,
                Event::DocumentStart(_) if root.is_some() => {
                    self.report(
                        Code::ManyDocuments,
                        span,
                        "a second document starts here",
                        "keep one document a file",
                    );
                    return None;
                }
                Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
                event => root = Some(self.node(event, span).ok()?),
            }
        }
        if root.is_none() {
            let everything = Span { file: self.file, range: 0..0 };
            self.report(
                Code::EmptyDocument,
                everything,
                "the file has no content",
                "`bpc schema` lists the keys of a blueprint",
            );
        }
        root
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), Stop> {
        match self.events.next_event() {
            Some(Ok((event, span))) => Ok((event, self.span(&span))),
            Some(Err(error)) => {
                let diagnostic = self.syntax_error(&error);
                self.diagnostics.push(diagnostic);
                Err(Stop)
            }
            None => Ok((Event::StreamEnd, Span { file: self.file, range: self.text.len()..self.text.len() })),
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span) -> Result<Node, Stop> {
        if self.depth > MAX_DEPTH {
            self.report(
                Code::Expansion,
                span,
                format!("more than {MAX_DEPTH} levels"),
                "no blueprint is so deep",
            );
            return Err(Stop);
        }
        let (anchor, tag) = match &event {
            Event::Scalar(_, _, anchor, tag)
            | Event::SequenceStart(anchor, tag)
            | Event::MappingStart(anchor, tag) => (*anchor, tag.is_some()),
            _ => (0, false),
        };
        if tag {
            self.report(
                Code::Tag,
                span.clone(),
                "a blueprint has no use for YAML tags",
                "remove the word that starts with `!`",
            );
        }
        let node = match event {
            Event::Scalar(value, style, ..) => {
                let plain = style == ScalarStyle::Plain;
                Node { span, value: Value::Scalar { text: value.into_owned(), plain } }
            }
            Event::SequenceStart(..) => self.sequence(&span)?,
            Event::MappingStart(..) => self.mapping(&span)?,
            Event::Alias(id) => self.alias(id, span)?,
            _ => Node { span, value: Value::Seq(Vec::new()) },
        };
        self.count(1, &node.span)?;
        if anchor != 0 {
            self.anchors.push((anchor, node.clone()));
        }
        Ok(node)
    }

    /// A node one level down.
    fn inner(&mut self, event: Event<'a>, span: Span) -> Result<Node, Stop> {
        self.depth += 1;
        let node = self.node(event, span);
        self.depth -= 1;
        node
    }

    fn sequence(&mut self, span: &Span) -> Result<Node, Stop> {
        let mut items = Vec::new();
        loop {
            let (event, item) = self.next()?;
            if matches!(event, Event::SequenceEnd | Event::StreamEnd) {
                return Ok(Node { span: extend(span, &item), value: Value::Seq(items) });
            }
            items.push(self.inner(event, item)?);
        }
    }

    fn mapping(&mut self, span: &Span) -> Result<Node, Stop> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        loop {
            let (event, place) = self.next()?;
            if matches!(event, Event::MappingEnd | Event::StreamEnd) {
                return Ok(Node { span: extend(span, &place), value: Value::Map(entries) });
            }
            let key = self.inner(event, place)?;
            let (event, place) = self.next()?;
            let value = self.inner(event, place)?;
            self.entry(&mut entries, key, value);
        }
    }

    fn entry(&mut self, entries: &mut Vec<(Key, Node)>, key: Node, value: Node) {
        let Value::Scalar { text, .. } = key.value else {
            self.report(Code::KeyNotText, key.span, "a key must be a word", "write the key without brackets");
            return;
        };
        if text == "<<" {
            self.report(
                Code::KeyNotText,
                key.span,
                "merge keys are not part of YAML 1.2",
                "share parts with `include:` and `variables:`",
            );
            return;
        }
        if let Some((first, _)) = entries.iter().find(|(known, _)| known.text == text) {
            let duplicate = Diagnostic::new(
                Code::DuplicateKey,
                Place::Span(key.span),
                format!("the key `{text}` stands here twice"),
            )
            .label("the second one")
            .other(Place::Span(first.span.clone()), "the first one")
            .help("remove one of the two, or rename it");
            self.diagnostics.push(duplicate);
            return;
        }
        entries.push((Key { span: key.span, text }, value));
    }

    /// A copy of what the anchor stands for, placed where the alias stands.
    fn alias(&mut self, id: usize, span: Span) -> Result<Node, Stop> {
        let Some((_, target)) = self.anchors.iter().find(|(known, _)| *known == id) else {
            self.report(
                Code::Expansion,
                span,
                "an alias inside its own anchor never ends",
                "write the value out",
            );
            return Err(Stop);
        };
        let node = Node { span: span.clone(), value: target.value.clone() };
        self.count(size(&node), &span)?;
        Ok(node)
    }

    fn count(&mut self, nodes: usize, span: &Span) -> Result<(), Stop> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes <= MAX_NODES {
            return Ok(());
        }
        self.report(
            Code::Expansion,
            span.clone(),
            format!("with this the file expands to more than {MAX_NODES} values"),
            "use fewer aliases (`*name`), or `variables:`",
        );
        Err(Stop)
    }

    fn report(&mut self, code: Code, span: Span, message: impl Into<String>, help: &str) {
        self.diagnostics.push(Diagnostic::new(code, Place::Span(span), message).help(help));
    }

    fn span(&self, span: &saphyr_parser::Span) -> Span {
        let start = self.offsets.byte(span.start.index());
        Span { file: self.file, range: start..self.offsets.byte(span.end.index()).max(start) }
    }

    fn syntax_error(&self, error: &ScanError) -> Diagnostic {
        let byte = self.offsets.byte(error.marker().index()).min(self.text.len());
        if let Some(tab) = tab_before(self.text, byte) {
            let place = Place::Span(Span { file: self.file, range: tab..tab + 1 });
            return Diagnostic::new(Code::Tab, place, "a tab indents this line")
                .help("YAML takes spaces only; most editors can do `expand tabs` on saving");
        }
        let place = Place::Span(Span { file: self.file, range: byte..byte });
        Diagnostic::new(Code::Syntax, place, format!("this is not YAML: {}", error.info()))
            .help("check indentation, quotes and brackets here and in the line before")
    }
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

fn size(node: &Node) -> usize {
    match &node.value {
        Value::Scalar { .. } => 1,
        Value::Seq(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Map(entries) => 1 + entries.iter().map(|(_, node)| 1 + size(node)).sum::<usize>(),
    }
}

/// From where a collection starts to where it ends.
fn extend(start: &Span, end: &Span) -> Span {
    Span { file: start.file, range: start.range.start..end.range.end.max(start.range.start) }
}
