//! The layout of a document: block collections two columns deeper a level, short sequences on one line.

use super::{Yaml, scalar};

/// A sequence that would make its line longer than this is written one item a line.
const WIDTH: usize = 100;

/// Readers want the colon of a key within 1024 characters (YAML 1.1, section 9.3): a longer key takes a `?`.
const LONGEST_KEY: usize = 1000;

/// The document with these comment lines and this root.
pub(super) fn document(root: &Yaml, comments: &[&str]) -> String {
    let mut emitter = Emitter { out: String::new() };
    for line in comments.iter().flat_map(|comment| comment.split('\n')) {
        emitter.out.push('#');
        emitter.out.extend(line.chars().filter(|&c| c == '\t' || scalar::is_visible(c)));
        emitter.out.push('\n');
    }
    emitter.root(root);
    emitter.out
}

struct Emitter {
    out: String,
}

impl Emitter {
    fn root(&mut self, node: &Yaml) {
        match Form::of(node, WIDTH) {
            Form::Line(text) => self.line(&text),
            Form::Literal(literal) => self.literal(&literal, 0),
            Form::Block => self.collection(node, 0),
        }
    }

    /// Writes a block collection whose first entry starts where the cursor is and the others at `column`.
    fn collection(&mut self, node: &Yaml, column: usize) {
        match node {
            Yaml::Map(entries) => {
                for (index, (key, value)) in entries.iter().enumerate() {
                    self.start_entry(index, column);
                    self.key(key, column);
                    self.value(value, column);
                }
            }
            Yaml::Seq(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.start_entry(index, column);
                    self.item(item, column);
                }
            }
            Yaml::Null | Yaml::Bool(_) | Yaml::Int(_) | Yaml::Number(_) | Yaml::Str(_) => {}
        }
    }

    fn start_entry(&mut self, index: usize, column: usize) {
        if index > 0 {
            self.indent(column);
        }
    }

    fn key(&mut self, key: &str, column: usize) {
        let text = scalar::inline(key);
        if text.len() > LONGEST_KEY {
            self.out.push_str("? ");
            self.line(&text);
            self.indent(column);
        } else {
            self.out.push_str(&text);
        }
        self.out.push(':');
    }

    /// Writes what follows the colon of a key that stands at `column`.
    fn value(&mut self, value: &Yaml, column: usize) {
        match Form::of(value, self.rest_of_line(1)) {
            Form::Line(text) => {
                self.out.push(' ');
                self.line(&text);
            }
            Form::Literal(literal) => {
                self.out.push(' ');
                self.literal(&literal, column + 2);
            }
            Form::Block => {
                self.out.push('\n');
                self.indent(column + 2);
                self.collection(value, column + 2);
            }
        }
    }

    /// Writes an item of a sequence whose dash stands at `column`.
    fn item(&mut self, item: &Yaml, column: usize) {
        self.out.push_str("- ");
        match Form::of(item, self.rest_of_line(0)) {
            Form::Line(text) => self.line(&text),
            Form::Literal(literal) => self.literal(&literal, column + 2),
            Form::Block => self.collection(item, column + 2),
        }
    }

    /// Writes a literal block with its lines at `column` (two at the least, so that no `---` ends the document).
    fn literal(&mut self, literal: &scalar::Literal<'_>, column: usize) {
        self.line(&literal.header);
        for line in &literal.lines {
            if !line.is_empty() {
                self.indent(column.max(2));
            }
            self.line(line);
        }
    }

    fn line(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn indent(&mut self, column: usize) {
        self.out.extend(std::iter::repeat_n(' ', column));
    }

    /// How many columns are left on this line after `taken` more.
    fn rest_of_line(&self, taken: usize) -> usize {
        let line = self.out.rsplit('\n').next().unwrap_or_default();
        WIDTH.saturating_sub(line.chars().count() + taken)
    }
}

/// How a node is laid out.
enum Form<'a> {
    Line(String),
    Literal(scalar::Literal<'a>),
    Block,
}

impl<'a> Form<'a> {
    /// The form of a node that finds `width` columns on its line.
    fn of(node: &'a Yaml, width: usize) -> Self {
        match node {
            Yaml::Null => Self::Line("null".to_owned()),
            Yaml::Bool(value) => Self::Line(value.to_string()),
            Yaml::Int(value) => Self::Line(value.to_string()),
            Yaml::Number(text) => Self::Line(text.clone()),
            Yaml::Str(text) => {
                scalar::literal(text).map_or_else(|| Self::Line(scalar::inline(text)), Self::Literal)
            }
            Yaml::Seq(items) => flow(items, width).map_or(Self::Block, Self::Line),
            Yaml::Map(entries) if entries.is_empty() => Self::Line("{}".to_owned()),
            Yaml::Map(_) => Self::Block,
        }
    }
}

/// `[a, b]` if the items are scalars of one line that fit into `width` columns.
fn flow(items: &[Yaml], width: usize) -> Option<String> {
    let mut out = String::from("[");
    for (index, item) in items.iter().enumerate() {
        let Form::Line(text) = Form::of(item, 0) else { return None };
        if matches!(item, Yaml::Seq(_) | Yaml::Map(_)) {
            return None;
        }
        out.push_str(if index > 0 { ", " } else { "" });
        out.push_str(&text);
    }
    out.push(']');
    (items.is_empty() || out.chars().count() <= width).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_reads_well() {
        let document = Yaml::map([
            ("hostname", "gate-node01".into()),
            ("manage_etc_hosts", false.into()),
            ("ssh_authorized_keys", Yaml::seq(["ssh-ed25519 AAAA ops@kube.demo"])),
            ("packages", Yaml::seq(["dnsmasq", "nftables"])),
            (
                "write_files",
                Yaml::Seq(vec![Yaml::map([
                    ("path", "/etc/motd".into()),
                    ("permissions", "0644".into()),
                    ("content", "Welcome\n\n  to: bpc\n".into()),
                ])]),
            ),
            ("runcmd", vec![Yaml::seq(["systemctl", "start", "--no-block", "bpc-bootstrap.service"])].into()),
            ("nothing", Yaml::map::<String>([])),
        ]);
        insta::assert_snapshot!(document.document(&["cloud-config", " Made by bpc"]), @r#"
        #cloud-config
        # Made by bpc
        hostname: gate-node01
        manage_etc_hosts: false
        ssh_authorized_keys: ["ssh-ed25519 AAAA ops@kube.demo"]
        packages: [dnsmasq, nftables]
        write_files:
          - path: /etc/motd
            permissions: "0644"
            content: |
              Welcome

                to: bpc
        runcmd:
          - [systemctl, start, "--no-block", bpc-bootstrap.service]
        nothing: {}
        "#);
    }

    #[test]
    fn a_long_sequence_is_written_one_item_a_line() {
        let words = Yaml::seq(["a".repeat(50), "b".repeat(50)]);
        let expected = format!("k:\n  - {}\n  - {}\n", "a".repeat(50), "b".repeat(50));
        assert_eq!(Yaml::map([("k", words)]).to_string(), expected);
    }

    #[test]
    fn collections_nest_without_empty_lines() {
        let nested = Yaml::seq([Yaml::seq([Yaml::seq(["a"]), Yaml::map([("k", "l1\nl2".into())])])]);
        assert_eq!(nested.to_string(), "- - [a]\n  - k: |-\n      l1\n      l2\n");
    }

    #[test]
    fn a_very_long_key_is_explicit() {
        let key = "k".repeat(2000);
        assert_eq!(Yaml::map([(key.as_str(), 1.into())]).to_string(), format!("? {key}\n: 1\n"));
    }

    #[test]
    fn a_comment_cannot_break_out() {
        let document = Yaml::Null.document(&[" one\ntwo\r\u{85}\u{2028}key: value"]);
        assert_eq!(document, "# one\n#twokey: value\nnull\n");
    }
}
