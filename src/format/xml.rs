//! XML: a tree of elements that is written as a document, and read back.
//!
//! Names are written as they stand, prefix and all; values are escaped and unescaped by quick-xml.

use std::{fmt, io};

use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use quick_xml::{Reader, Writer, XmlVersion};

/// An element with its attributes and either text or other elements.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// Its name, with its prefix.
    pub name: String,
    /// Its attributes, in the order in which they stand there.
    pub attributes: Vec<(String, String)>,
    /// The elements in it.
    pub children: Vec<Element>,
    /// Its text; nothing where there are elements.
    pub text: String,
}

/// Why a text is no document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotXml {
    /// The offset in bytes.
    pub at: u64,
    /// What is wrong there.
    pub problem: String,
}

impl fmt::Display for NotXml {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at byte {}: {}", self.at, self.problem)
    }
}

impl std::error::Error for NotXml {}

/// Elements within each other that are read; documents of ours have ten.
const DEEPEST: usize = 64;

impl Element {
    /// An element with nothing in it.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// An element with a text in it.
    #[must_use]
    pub fn with_text(name: &str, text: impl Into<String>) -> Self {
        Self { name: name.to_owned(), text: text.into(), ..Self::default() }
    }

    /// The same with one more attribute.
    #[must_use]
    pub fn attribute(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.attributes.push((name.to_owned(), value.to_string()));
        self
    }

    /// The same with one more element in it.
    #[must_use]
    pub fn child(self, child: Self) -> Self {
        self.children([child])
    }

    /// The same with more elements in it.
    #[must_use]
    pub fn children(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children);
        self
    }

    /// The value of an attribute.
    #[must_use]
    pub fn get(&self, attribute: &str) -> Option<&str> {
        self.attributes.iter().find(|(name, _)| name == attribute).map(|(_, value)| value.as_str())
    }

    /// The elements of that name in it.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The first element on a path of names, one within the other.
    #[must_use]
    pub fn find(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |element, name| element.children.iter().find(|child| child.name == *name))
    }

    /// A document with this as its root, indented by two spaces.
    ///
    /// # Errors
    /// Never, for it is written into memory.
    pub fn to_document(&self) -> io::Result<String> {
        let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
        writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        self.write(&mut writer)?;
        let mut document = writer.into_inner();
        document.push(b'\n');
        String::from_utf8(document).map_err(io::Error::other)
    }

    fn write(&self, writer: &mut Writer<Vec<u8>>) -> io::Result<()> {
        let attributes = self.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let start = BytesStart::new(self.name.as_str()).with_attributes(attributes);
        if self.children.is_empty() && self.text.is_empty() {
            return writer.write_event(Event::Empty(start));
        }
        writer.write_event(Event::Start(start))?;
        if !self.text.is_empty() {
            writer.write_event(Event::Text(BytesText::new(&self.text)))?;
        }
        self.children.iter().try_for_each(|child| child.write(writer))?;
        writer.write_event(Event::End(BytesEnd::new(self.name.as_str())))
    }

    /// Reads a document and gives its root.
    ///
    /// # Errors
    /// If it is no document, or has a document type: what entities are made of is read from nowhere.
    pub fn from_document(document: &str) -> Result<Self, NotXml> {
        let mut reader = Reader::from_str(document);
        let mut open = vec![Self::default()];
        loop {
            let event = reader.read_event();
            let at = reader.buffer_position();
            let wrong = |problem: String| NotXml { at, problem };
            match event.map_err(|error| wrong(error.to_string()))? {
                Event::Start(start) if open.len() <= DEEPEST => {
                    open.push(Self::begun(&start).map_err(wrong)?);
                }
                Event::Start(_) => return Err(wrong("elements are too deep in each other".to_owned())),
                Event::Empty(start) => add(&mut open, Self::begun(&start).map_err(wrong)?),
                Event::End(_) => {
                    if let Some(done) = open.pop() {
                        add(&mut open, done.finished());
                    }
                }
                Event::Text(text) => say(&mut open, &text.xml10_content()),
                Event::CData(text) => say(&mut open, &text.xml10_content()),
                Event::GeneralRef(reference) => {
                    let character = reference.resolve_char_ref().map_err(|error| wrong(error.to_string()))?;
                    let character = character.map(String::from);
                    let known = quick_xml::escape::resolve_predefined_entity(&reference).map(str::to_owned);
                    let text = character.or(known);
                    say(&mut open, &text.ok_or_else(|| wrong("an entity that is not known".to_owned()))?);
                }
                Event::DocType(_) => return Err(wrong("a document type".to_owned())),
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
                Event::Eof => {
                    return root(open).ok_or_else(|| wrong("not one whole root element".to_owned()));
                }
            }
        }
    }

    fn begun(start: &BytesStart<'_>) -> Result<Self, String> {
        let mut element = Self::new(start.name().as_ref());
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| error.to_string())?;
            let value =
                attribute.normalized_value(XmlVersion::Explicit1_0).map_err(|error| error.to_string())?;
            element.attributes.push((attribute.key.as_ref().to_owned(), value.into_owned()));
        }
        Ok(element)
    }

    /// The same without the white space between the elements in it.
    fn finished(mut self) -> Self {
        if !self.children.is_empty() && self.text.trim().is_empty() {
            self.text.clear();
        }
        self
    }
}

fn add(open: &mut [Element], child: Element) {
    if let Some(parent) = open.last_mut() {
        parent.children.push(child);
    }
}

fn say(open: &mut [Element], text: &str) {
    if let Some(parent) = open.last_mut() {
        parent.text += text;
    }
}

/// The one element that a document has, if no other is still open and there is no text outside.
fn root(open: Vec<Element>) -> Option<Element> {
    let [document] = <[Element; 1]>::try_from(open).ok()?;
    let [root] = <[Element; 1]>::try_from(document.children).ok()?;
    document.text.trim().is_empty().then_some(root)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn elements_become_a_document() {
        let item = Element::new("Item").child(Element::with_text("rasd:Caption", "a < b & \"c\""));
        let root =
            Element::new("Envelope").attribute("xmlns", "urn:x").attribute("a", "\"<&>'\n").child(item);
        insta::assert_snapshot!(root.to_document().unwrap(), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <Envelope xmlns="urn:x" a="&quot;&lt;&amp;&gt;&apos;&#10;">
          <Item>
            <rasd:Caption>a &lt; b &amp; &quot;c&quot;</rasd:Caption>
          </Item>
        </Envelope>
        "#);
    }

    #[test]
    fn what_is_no_document_is_refused() {
        for (text, problem) in [
            ("", "not one whole root element"),
            ("<a>", "not one whole root element"),
            ("<a/><b/>", "not one whole root element"),
            ("<a/>b", "not one whole root element"),
            ("<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><a>&b;</a>", "a document type"),
            ("<a>&b;</a>", "an entity that is not known"),
            (&"<a>".repeat(100_000), "elements are too deep in each other"),
        ] {
            assert_eq!(Element::from_document(text).unwrap_err().problem, problem);
        }
        for text in ["<a></b>", "<a", "<a b=c/>", "<a b='1' b='2'/>", "<a b='&c;'/>", "<a>&#x110000;</a>"] {
            assert!(Element::from_document(text).is_err(), "{text}");
        }
    }

    #[test]
    fn elements_are_found_by_path_and_name() {
        let text = "<?xml version='1.0'?><a><!-- c --><b k='v'><c>1</c></b><b>&lt;&#65;<![CDATA[&]]></b></a>";
        let root = Element::from_document(text).unwrap();
        assert_eq!(root.find(&["b", "c"]).unwrap().text, "1");
        assert_eq!(root.find(&["b"]).unwrap().get("k"), Some("v"));
        assert_eq!(root.all("b").nth(1).unwrap().text, "<A&");
        assert_eq!((root.find(&["c"]), root.find(&["b"]).unwrap().get("l")), (None, None));
    }

    fn text() -> impl Strategy<Value = String> {
        "[ -~é漢\t\n]{0,12}[!-~]"
    }

    fn element() -> impl Strategy<Value = Element> {
        let name = || "[a-z]{1,3}(:[a-z]{1,3})?";
        let attributes = || proptest::collection::btree_map("[a-z]{1,3}", text(), 0..3);
        let leaf = (name(), attributes(), prop_oneof![Just(String::new()), text()]).prop_map(
            |(name, attributes, text)| Element {
                name,
                attributes: attributes.into_iter().collect(),
                text,
                ..Element::default()
            },
        );
        leaf.prop_recursive(4, 20, 4, move |inner| {
            (name(), attributes(), proptest::collection::vec(inner, 1..4)).prop_map(
                |(name, attributes, children)| Element {
                    name,
                    attributes: attributes.into_iter().collect(),
                    children,
                    ..Element::default()
                },
            )
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(element in element()) {
            let document = element.to_document().unwrap();
            prop_assert_eq!(Element::from_document(&document), Ok(element));
        }

        #[test]
        fn any_text_is_read_to_an_end(text in "[<>/a!&;=' \\-\\[\\]]{0,40}") {
            let _ = Element::from_document(&text);
        }
    }
}
