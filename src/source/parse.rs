//! Text to tree: YAML as blueprints use it, with every departure from it reported.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle, StrInput};

use super::node::{Key, Node, Value};
use super::syntax;
use crate::diag::{Code, Diagnostic, FileId, Files, Place, Span};

/// Bytes that a file may have.
pub const MAX_BYTES: usize = 1 << 20;
/// Nodes that a file may have after its aliases are expanded: far above any blueprint, far below harm.
const MAX_NODES: usize = 20_000;
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
    // The driver reads a file that is not UTF-8 with replacement characters for what it cannot read.
    if text.len() > MAX_BYTES {
        return Some(
            Diagnostic::new(Code::TooLarge, at(0..0), format!("the file has more than {MAX_BYTES} bytes"))
                .help("a blueprint has some thousand: is this the right file?"),
        );
    }
    if text.starts_with('\u{feff}') {
        return Some(
            Diagnostic::new(Code::ByteOrderMark, at(0..3), "the file starts with a byte order mark (U+FEFF)")
                .help("save it as \"UTF-8\", not as \"UTF-8 with BOM\""),
        );
    }
    if let Some(damage) = text.find('\u{fffd}') {
        let place = at(damage..damage + '\u{fffd}'.len_utf8());
        return Some(
            Diagnostic::new(Code::NotUtf8, place, "bytes that are not UTF-8, or U+FFFD, which stands for such")
                .help("write the character anew, and save the file as UTF-8; it may be in an older encoding, as Latin-1"),
        );
    }
    let carriage_return = text.find('\r')?;
    let before_line_feed = text.get(carriage_return + 1..).is_some_and(|rest| rest.starts_with('\n'));
    let message = if before_line_feed {
        "the file has Windows line ends (CR LF)"
    } else {
        "a carriage return (CR) without a line feed: YAML takes it for the end of a line, and editors may not show it"
    };
    Some(
        Diagnostic::new(Code::CarriageReturn, at(carriage_return..carriage_return + 1), message)
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
        let nothing =
            |node: &Node| matches!(&node.value, Value::Scalar { text, plain: true } if text.is_empty());
        if root.as_ref().is_none_or(nothing) {
            self.empty();
            return None;
        }
        root
    }

    fn empty(&mut self) {
        let start = Span { file: self.file, range: 0..0 };
        let help = "a blueprint starts with `blueprint: 1`; `bpc schema` lists its keys";
        self.report(Code::EmptyDocument, start, "the file has no content", help);
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), Stop> {
        match self.events.next_event() {
            Some(Ok((event, span))) => Ok((event, self.span(&span))),
            Some(Err(error)) => {
                let byte = self.offsets.byte(error.marker().index());
                self.diagnostics.push(syntax::diagnostic(self.file, self.text, byte, error.info()));
                Err(Stop)
            }
            None => Ok((Event::StreamEnd, Span { file: self.file, range: self.text.len()..self.text.len() })),
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span) -> Result<Node, Stop> {
        if self.depth > MAX_DEPTH {
            self.report(
                Code::TooLarge,
                span,
                format!("more than {MAX_DEPTH} levels of lists and mappings"),
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
            let place = self.tag(&span);
            let help = "remove it; a text that looks like a number goes into quotes";
            self.report(Code::Tag, place, "a blueprint has no use for YAML tags", help);
        }
        let node = match event {
            Event::Scalar(..) if tag => Node { span, value: Value::Refused },
            Event::Scalar(value, style, ..) => {
                let plain = style == ScalarStyle::Plain;
                let span = if anchor == 0 { span } else { self.without_anchor(&span) };
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
        let mut known: BTreeMap<String, Span> = BTreeMap::new();
        let mut refused = false;
        loop {
            let (event, place) = self.next()?;
            if matches!(event, Event::MappingEnd | Event::StreamEnd) {
                // Of a mapping whose keys are all refused nothing is left to say.
                let value = if refused && entries.is_empty() { Value::Refused } else { Value::Map(entries) };
                return Ok(Node { span: extend(span, &place), value });
            }
            let key = self.inner(event, place)?;
            let (event, place) = self.next()?;
            let value = self.inner(event, place)?;
            let Some(key) = self.key(key) else {
                refused = true;
                continue;
            };
            if let Some(first) = known.get(&key.text) {
                self.duplicate(&key, first.clone());
                continue;
            }
            known.insert(key.text.clone(), key.span.clone());
            entries.push((key, value));
        }
    }

    /// A key that is a word; reports any other.
    fn key(&mut self, key: Node) -> Option<Key> {
        match key.value {
            Value::Scalar { text, .. } if text == "<<" => {
                let help = "write the keys out, or share them with `include:`";
                self.report(
                    Code::KeyNotText,
                    key.span,
                    "`<<` is no key of a blueprint: YAML 1.2 has no merge keys",
                    help,
                );
                None
            }
            Value::Scalar { text, .. } => Some(Key { span: key.span, text }),
            Value::Seq(_) | Value::Map(_) => {
                let help = "write one key for each; values that hold `{` or `[` go into quotes";
                self.report(
                    Code::KeyNotText,
                    key.span,
                    "a key must be a word, this is a list or mapping",
                    help,
                );
                None
            }
            Value::Refused => None,
        }
    }

    fn duplicate(&mut self, key: &Key, first: Span) {
        let message = format!("the key `{}` stands here twice", key.text);
        self.diagnostics.push(
            Diagnostic::new(Code::DuplicateKey, Place::Span(key.span.clone()), message)
                .label("the second one")
                .other(Place::Span(first), "the first one")
                .help("remove one of the two, or rename it"),
        );
    }

    /// A copy of what the anchor stands for, placed where the alias stands.
    fn alias(&mut self, id: usize, span: Span) -> Result<Node, Stop> {
        let Some((_, target)) = self.anchors.iter().find(|(known, _)| *known == id) else {
            self.report(
                Code::TooLarge,
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
            Code::TooLarge,
            span.clone(),
            format!("with this the file expands to more than {MAX_NODES} values"),
            "use fewer aliases (`*name`), or `variables:`",
        );
        Err(Stop)
    }

    /// What stands behind `&name`.
    fn without_anchor(&self, span: &Span) -> Span {
        let text = self.text.get(span.range.clone()).unwrap_or("");
        let behind = text.strip_prefix('&').and_then(|rest| rest.find(char::is_whitespace));
        let skipped = behind.map_or(0, |length| text.len() - text.split_at(length + 1).1.trim_start().len());
        Span { file: span.file, range: span.range.start + skipped..span.range.end }
    }

    /// The word with which a tagged node starts.
    fn tag(&self, span: &Span) -> Span {
        let text = self.text.get(span.range.clone()).unwrap_or("");
        let start = span.range.start + text.find('!').unwrap_or(0);
        let length = self.text.get(start..).and_then(|rest| rest.find([' ', '\n'])).unwrap_or(0);
        Span { file: self.file, range: start..start + length }
    }

    fn report(&mut self, code: Code, span: Span, message: impl Into<String>, help: &str) {
        self.diagnostics.push(Diagnostic::new(code, Place::Span(span), message).help(help));
    }

    fn span(&self, span: &saphyr_parser::Span) -> Span {
        let start = self.offsets.byte(span.start.index());
        Span { file: self.file, range: start..self.offsets.byte(span.end.index()).max(start) }
    }
}

fn size(node: &Node) -> usize {
    match &node.value {
        Value::Scalar { .. } | Value::Refused => 1,
        Value::Seq(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Map(entries) => 1 + entries.iter().map(|(_, node)| 1 + size(node)).sum::<usize>(),
    }
}

/// From where a collection starts to where it ends.
fn extend(start: &Span, end: &Span) -> Span {
    Span { file: start.file, range: start.range.start..end.range.end.max(start.range.start) }
}
