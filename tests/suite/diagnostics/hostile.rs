//! Whatever a blueprint holds: never a panic, never a hang, and every message has a place inside a file.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use bpc::diag::render::{Style, render};
use bpc::diag::{Code, Files};
use bpc::{Inputs, Report, compile};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::ROOT;

use crate::support::vault::vault;

/// More than any of these takes in a debug build on a slow machine; a quadratic algorithm takes minutes.
const LONG: Duration = Duration::from_secs(20);

/// Compiles a blueprint of one file, and holds what its messages must be.
fn messages(text: &str) -> Vec<Code> {
    let mut inputs = Inputs { files: Files::new(""), ..Inputs::default() };
    inputs.files.add("blueprint.yaml", text);
    let start = Instant::now();
    let (built, report) = compile(&inputs, &vault()).unwrap_or_else(|bug| panic!("{bug}\n{text}"));
    for style in [Style::Human, Style::Color, Style::Short, Style::Json] {
        let shown = render(&report.diagnostics, &inputs.files, &report, style);
        assert_eq!(shown.is_empty(), report.diagnostics.is_empty());
    }
    assert!(start.elapsed() < LONG, "{:?} for {} bytes", start.elapsed(), text.len());
    assert_places(&report, text);
    let codes: Vec<Code> = report.diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
    let failed = report.diagnostics.iter().any(|one| one.severity() == bpc::diag::Severity::Error);
    assert_eq!(built.is_none(), failed, "{codes:?}");
    codes
}

fn assert_places(report: &Report, text: &str) {
    for diagnostic in &report.diagnostics {
        let places =
            std::iter::once(&diagnostic.place).chain(diagnostic.others.iter().map(|(place, _)| place));
        for place in places {
            let span = place.locate(report).unwrap_or_else(|| panic!("no place: {diagnostic:?}"));
            assert!(
                text.get(span.range.clone()).is_some(),
                "{:?} is not in the text: {diagnostic:?}",
                span.range
            );
        }
    }
}

fn kube_demo() -> String {
    fs::read_to_string(Path::new(ROOT).join("blueprints/kube-demo/blueprint.yaml")).unwrap()
}

/// One change to a text: at a place between 0 and 1, something is removed, inserted or repeated.
fn changed(text: &str, place: f64, length: usize, inserted: &str) -> String {
    let starts: Vec<usize> = text.char_indices().map(|(byte, _)| byte).chain([text.len()]).collect();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a place in a short text"
    )]
    let at = ((starts.len() - 1) as f64 * place) as usize;
    let end = (at + length).min(starts.len() - 1);
    format!("{}{inserted}{}", &text[..starts[at]], &text[starts[end]..])
}

/// What people and programs leave in YAML.
const SPLINTERS: [&str; 34] = [
    "\t",
    "\r\n",
    "\n",
    "  ",
    ": ",
    "- ",
    "{",
    "}",
    "[",
    "]",
    ",",
    "\"",
    "'",
    "#",
    " #",
    "&a ",
    "*a",
    "!!str ",
    "|\n",
    ">-\n",
    "? ",
    "<<: ",
    "---\n",
    "...\n",
    "%YAML 1.1\n",
    "${x}",
    "${",
    "\u{feff}",
    "\u{0}",
    "\u{2028}",
    "ä",
    "0",
    "-1",
    "1e999",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_gets_messages(text in "\\PC{0,200}") {
        messages(&text);
    }

    #[test]
    fn any_bytes_get_messages(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        messages(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_splinters_get_messages(parts in prop::collection::vec(prop::sample::select(&SPLINTERS[..]), 0..60)) {
        messages(&parts.concat());
    }

    #[test]
    fn a_damaged_blueprint_gets_messages(
        damages in prop::collection::vec(
            (0.0..1.0_f64, 0..12_usize, prop::sample::select(&SPLINTERS[..])),
            1..4,
        ),
    ) {
        let text = damages.iter().fold(kube_demo(), |text, (place, length, inserted)| changed(&text, *place, *length, inserted));
        messages(&text);
    }

    #[test]
    fn a_blueprint_with_other_values_gets_messages(
        line in 0..60_usize,
        value in prop_oneof![
            prop::sample::select(&["", "0", "-1", "99999999999999999999", "1.5", "[]", "{}", "[[]]", "{a: b}", "null", "~", "true", "\"\"",
                "'x'", "10.0.0.0/8", "0.0.0.0/0", "255.255.255.255", "x-y", "1:1", "${a}", "192.168.1.1-192.168.1.254"][..]).prop_map(str::to_owned),
            "[ -~]{0,30}",
        ],
    ) {
        let text = kube_demo();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let count = lines.len();
        let line = &mut lines[line % count];
        let Some(colon) = line.find(": ") else { return Err(TestCaseError::reject("no value on this line")) };
        line.truncate(colon + 2);
        line.push_str(&value);
        messages(&lines.join("\n"));
    }
}

#[test]
fn deep_nesting_is_an_error_and_no_overflow() {
    for open in ["[", "{a: ", "- ", "? ", "[{a: ", "!t [", "&a ["] {
        let codes = messages(&open.repeat(100_000));
        assert!(codes.len() == 1, "{open}: {codes:?}");
    }
    let steps: Vec<String> = (0..1_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    assert_eq!(messages(&steps.concat()), [Code::TooLarge]);
}

#[test]
fn aliases_and_variables_that_explode_are_errors() {
    let bomb = |first: &str, next: &dyn Fn(char) -> String| {
        let line = |name: char| format!("  {name}: {}\n", next(char::from(name as u8 - 1)));
        let lines = ('b'..='z').map(line).collect::<Vec<_>>().concat();
        format!("variables:\n  a: {first}\n{lines}name: ${{z}}\n")
    };
    let aliases = bomb("&a [x, x]", &|before| {
        let name = char::from(before as u8 + 1);
        format!("&{name} [*{before}, *{before}, *{before}]")
    });
    assert!(messages(&aliases).contains(&Code::TooLarge));
    let variables = bomb("xxxxxxxxxx", &|before| format!("\"{}\"", format!("${{{before}}}").repeat(10)));
    assert!(messages(&variables).contains(&Code::TooLarge));
    let chain: Vec<String> = (0..10_000).map(|n| format!("  v{n}: ${{v{}}}\n", n + 1)).collect();
    assert!(messages(&format!("variables:\n{}", chain.concat())).contains(&Code::TooLarge));
}

#[test]
fn large_files_are_read_in_time() {
    let repeated = |count: usize, line: &dyn Fn(usize) -> String| (0..count).map(line).collect::<String>();
    messages(&repeated(6_000, &|_| "name: demo\n".to_owned()));
    messages(&repeated(6_000, &|n| format!("key{n}: demo\n")));
    messages(&format!("networks:\n{}", repeated(2_000, &|n| format!("  n{n}: {{cidr: 10.9.0.0/16}}\n"))));
    messages(&format!(
        "machines:\n{}",
        repeated(2_000, &|n| format!("  m{n}: {{role: worker, networks: [l], count: 99}}\n"))
    ));
    messages(&format!("name: \"{}\n", "x".repeat(500_000)));
    messages(&format!("name: [{}]\n", "x, ".repeat(10_000)));
    messages(&"#".repeat(2_000_000));
    messages(&format!("{}: 1\n", "k".repeat(500_000)));
}

#[test]
fn fragments_that_include_each_other_in_many_ways_are_read_once() {
    let mut inputs = Inputs { files: Files::new(""), ..Inputs::default() };
    for n in 0..15 {
        let next = n + 1;
        let text =
            format!("include: [f{next}.yaml, f{next}.yaml, f{next}.yaml]\ndescription: fragment {n}\n");
        inputs.files.add(format!("f{n}.yaml"), text);
    }
    inputs.files.add("f15.yaml", "name: {}\n");
    let start = Instant::now();
    let (_, report) = compile(&inputs, &vault()).expect("no bug");
    assert!(start.elapsed() < LONG);
    let codes: Vec<Code> = report.diagnostics.iter().map(|one| one.code).collect();
    assert_eq!(codes.iter().filter(|code| **code == Code::WrongType).count(), 1, "{codes:?}");
}
