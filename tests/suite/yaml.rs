//! `format::yaml` judged by the readers that count: PyYAML in Python and over libyaml (cloud-init, netplan), and
//! `serde_yaml` for YAML 1.2.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use bpc::format::yaml::Yaml;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::support::tools::{On, Tool, tool};

/// Strings that some reader of YAML is known to change, and what they are made of.
#[rustfmt::skip]
const HOSTILE: &[&str] = &[
    "", "no", "No", "NO", "on", "off", "y", "n", "yes", "true", "False", "null", "Null", "~", "12:30",
    "12:30:45", "1:2", "2024-01-01", "2024-01-01T00:00:00Z", "1_000", "1,000", "=", "<<", "0o14", "014",
    "0644", "0x1f", "0b11", "1e3", "1.0", "1.", ".5", "+1", "-1", "-", "--", "---", "--- a", "...", ".inf",
    "-.inf", ".nan", "nan", " lead", "trail ", "  ", "\t", "\ttab", "tab\t", "a\tb", "#", "#c", "a #c",
    "a#c", "a: b", "a:b", "a:", ": a", ":", "?", "? a", "- a", "a\n", "a\n\n", "a\n\n\n", "\n", "\n\n",
    "\na", "\n\na\n", "a\nb", "a\n\nb", "a\n\n\nb\n", "a\n b\n  c\n", " a\nb", "  a\n b\nc\n\n",
    "\n a\nb\n", " \na", "a\n ", "a\n \n", "a \nb ", "\ta\nb", "a\n\tb\n", "\n\ta\n\n", "#\na", "---\na\n",
    "a\n---\nb\n...\n", "...\na", "%YAML 1.1\na", "a: b\nc: d\n", "- a\n- b", "a\r\nb\r\n", "a\rb", "\r",
    "a\u{85}b", "\u{85}", "a\nb\u{85}", "a\u{2028}b\u{2029}c", "\u{feff}", "\u{feff}a\nb", "a\u{feff}",
    "\0", "a\0b", "\u{1}\u{8}\u{b}\u{c}\u{1b}", "\u{7f}", "\u{80}\u{9f}", "\u{a0}", "a\u{a0}\nb",
    "\u{ad}\u{200b}\u{202e}\u{2066}", "\u{d7ff}\u{e000}\u{fffd}", "\u{fffe}\u{ffff}", "\u{1fffe}\u{10ffff}",
    "\u{1f600}", "\u{1f600}\na", "ünïcödé", "日本\n語\n", "'", "''", "\"", "\"\"", "it's", "say \"hi\"", "'a'",
    "\"a\"", "\\", "\\n", "a\\", "\\x41", "%", "%a", "@", "@a", "`", "`a`", "!", "!!str a", "!a", "&a",
    "*a", "*", "&", "|", ">", "|\na", ">-", "[", "]", "[a]", "{", "}", "{a: b}", ",", "a, b", "a]", "$a",
    "${a}", "$(a)", "{{ a }}", "192.168.1.1/24", "08:00:27:00:00:01", "fe80::1", "::1",
    "ssh-ed25519 AAAA+/= a@b", "/etc/hosts", "a-b_c.d/e+f", "1.35.0", "v1.35.0", "0.0.0.0/0",
];

/// What the emitter was given, in a notation that the readers write too.
fn expected(node: &Yaml) -> String {
    match node {
        Yaml::Null => "n".to_owned(),
        Yaml::Bool(value) => format!("b{}", u8::from(*value)),
        Yaml::Int(value) => format!("i{value}"),
        Yaml::Number(text) => format!("n{text}"),
        Yaml::Str(text) => string(text),
        Yaml::Seq(items) => format!("[{}]", items.iter().map(expected).collect::<Vec<_>>().join(" ")),
        Yaml::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| format!("{} {}", string(key), expected(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(" "))
        }
    }
}

fn string(text: &str) -> String {
    text.bytes().fold("s".to_owned(), |mut out, byte| {
        write!(out, "{byte:02x}").unwrap();
        out
    })
}

/// What `serde_yaml` reads from a document.
fn read_by_serde(document: &str) -> String {
    fn notation(value: &serde_yaml::Value) -> String {
        match value {
            serde_yaml::Value::Null => "n".to_owned(),
            serde_yaml::Value::Bool(value) => format!("b{}", u8::from(*value)),
            serde_yaml::Value::Number(value) => format!("i{value}"),
            serde_yaml::Value::String(text) => string(text),
            serde_yaml::Value::Sequence(items) => {
                format!("[{}]", items.iter().map(notation).collect::<Vec<_>>().join(" "))
            }
            serde_yaml::Value::Mapping(entries) => {
                let entries =
                    entries.iter().map(|(key, value)| format!("{} {}", notation(key), notation(value)));
                format!("{{{}}}", entries.collect::<Vec<_>>().join(" "))
            }
            serde_yaml::Value::Tagged(_) => "a tag".to_owned(),
        }
    }
    match serde_yaml::from_str(document) {
        Ok(value) => notation(&value),
        Err(error) => error.to_string(),
    }
}

/// Answers each line (a document in hexadecimal) with one line for each way of reading it, and an empty line.
const READER: &str = r"
import sys, yaml
def notation(v):
    if v is None: return 'n'
    if isinstance(v, bool): return 'b%d' % v
    if isinstance(v, int): return 'i%d' % v
    if isinstance(v, str): return 's' + v.encode('utf-8', 'surrogatepass').hex()
    if isinstance(v, list): return '[' + ' '.join(map(notation, v)) + ']'
    if isinstance(v, dict): return '{' + ' '.join(notation(k) + ' ' + notation(x) for k, x in v.items()) + '}'
    return repr(v)
for line in sys.stdin:
    document = bytes.fromhex(line)
    for loader in (yaml.SafeLoader, yaml.CSafeLoader):
        for text in (document, document.decode()):
            try: print(notation(yaml.load(text, loader)))
            except Exception as e: print(loader.__name__ + ': ' + repr(str(e)))
    print(flush=True)
";

/// A Python that reads document after document.
struct Python {
    process: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

impl Python {
    fn start(python: &Tool) -> Self {
        let mut command = python.command();
        command.args(["-c", READER]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("python starts");
        let to = process.stdin.take();
        let from = BufReader::new(process.stdout.take().unwrap());
        Self { process, to, from }
    }

    fn read(&mut self, document: &str) -> Vec<String> {
        let to = self.to.as_mut().unwrap();
        writeln!(to, "{}", string(document).trim_start_matches('s')).expect("python reads");
        let mut answers = Vec::new();
        loop {
            let mut line = String::new();
            assert!(self.from.read_line(&mut line).unwrap() > 0, "python ended: is python3-yaml there?");
            match line.trim_end() {
                "" => return answers,
                answer => answers.push(answer.to_owned()),
            }
        }
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        self.to = None;
        self.process.wait().expect("python ends with its input");
    }
}

/// The Pythons of this machine and of the two Debian releases that the machines run.
fn pythons() -> Vec<Python> {
    let path = "/usr/bin/python3 -m yaml";
    let found = [On::Host, On::Bookworm, On::Trixie].into_iter().filter_map(|on| tool(on, path));
    found.map(|python| Python::start(&python)).collect()
}

/// Asserts that every reader gets back what the emitter was given.
fn assert_survives(node: &Yaml, pythons: &mut [Python]) {
    let document = node.document(&["cloud-config"]);
    let expected = expected(node);
    assert_eq!(read_by_serde(&document), expected, "serde_yaml read:\n{document}");
    for python in pythons {
        let answers = python.read(&document);
        assert_eq!(answers.len(), 4);
        for answer in answers {
            assert_eq!(answer, expected, "PyYAML read:\n{document}");
        }
    }
}

/// The text in every place where a string can stand.
fn everywhere(text: &str) -> Vec<Yaml> {
    let leaf = || Yaml::from(text);
    let map = || Yaml::map([(text, leaf()), ("after", leaf())]);
    vec![
        leaf(),
        Yaml::seq([leaf(), leaf()]),
        map(),
        Yaml::map([(text, Yaml::map([(text, Yaml::Map(vec![]))]))]),
        Yaml::map([(text, Yaml::seq([leaf(), Yaml::Seq(vec![])]))]),
        Yaml::seq([map(), Yaml::seq([Yaml::seq([leaf()]), leaf(), map()])]),
        Yaml::map([("a", Yaml::seq([Yaml::map([("b", Yaml::seq([map(), leaf()])), ("c", leaf())])]))]),
    ]
}

#[test]
fn hostile_strings_survive_in_every_place() {
    let mut pythons = pythons();
    for text in HOSTILE {
        // A mapping with the key twice would not be one: the second key is the text of no case.
        assert_ne!(*text, "after");
        for node in everywhere(text) {
            assert_survives(&node, &mut pythons);
        }
    }
}

#[test]
fn long_strings_survive() {
    let mut pythons = pythons();
    let line = "x".repeat(10_240);
    let lines = "word: \"x\" # y\n".repeat(800);
    let escapes = "\0\u{85}é\"\\ ".repeat(1000);
    let around_the_longest_key = (990..1030).step_by(3).map(|length| "k".repeat(length));
    for text in [line, lines, escapes].into_iter().chain(around_the_longest_key) {
        for node in everywhere(&text) {
            assert_survives(&node, &mut pythons);
        }
    }
}

#[test]
fn numbers_and_booleans_keep_their_type() {
    let nodes = [i64::MIN, -1, 0, 7, 8, 1500, 0o644, i64::MAX].map(Yaml::Int);
    let others = [Yaml::Null, Yaml::Bool(true), Yaml::Bool(false), Yaml::Seq(vec![]), Yaml::Map(vec![])];
    let all: Vec<_> = nodes.into_iter().chain(others).collect();
    let mut pythons = pythons();
    for node in &all {
        assert_survives(node, &mut pythons);
    }
    assert_survives(&Yaml::map([("list", Yaml::Seq(all))]), &mut pythons);
}

/// Strings of hostile pieces, which are worse than random ones.
fn hostile_string() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => proptest::sample::select(HOSTILE).prop_map(str::to_owned),
        3 => proptest::sample::select(&["\n", " ", "\t", "  ", "a", ": ", " #", "\r", "\u{85}", "\u{feff}"][..])
            .prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
        1 => "[ -~]{0,30}",
    ];
    proptest::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn tree() -> impl Strategy<Value = Yaml> {
    let leaf = prop_oneof![
        8 => hostile_string().prop_map(Yaml::Str),
        1 => any::<i64>().prop_map(Yaml::Int),
        1 => any::<bool>().prop_map(Yaml::Bool),
        1 => Just(Yaml::Null),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Yaml::Seq),
            proptest::collection::btree_map(hostile_string(), inner, 0..5).prop_map(Yaml::map),
        ]
    })
}

#[test]
fn every_document_survives() {
    let pythons = RefCell::new(pythons());
    let mut runner = TestRunner::new(Config { cases: 500, failure_persistence: None, ..Config::default() });
    let result = runner.run(&tree(), |node| {
        assert_survives(&node, &mut pythons.borrow_mut());
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}
