//! `format::shell` judged by the shells that run what it writes.

use std::process::Command;

use bpc::format::shell::{assignments, quote, words};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::support::tools::{On, Tool, tool};

/// Strings with a meaning to some shell, and what they are made of.
#[rustfmt::skip]
const HOSTILE: &[&str] = &[
    "", " ", "  ", "\t", "\n", "\n\n", "a\n", "a b", "'", "''", "\"", "`id`", "$HOME", "$(id)", "${x}", "$", "$'a'", "\\", "\\n", "\\\\",
    "a\\", "!", "!!", "#", "#a", "~", "~root", "*", "?", "[a]", "{a,b}", "|", "&", "&&", ";", ";;", "<", ">", ">a", "2>a", "(", ")", "=",
    "a=b", "A=", "-n", "-e", "--", "-", "%s", "%", "if", "done", "{", "}", "^", "\r", "\r\n", "\u{1}", "\u{7f}", "\u{85}", "é", "日本",
    "\u{1f600}", "\u{feff}", "a'b'c", "'\\''", "it's \"$x\"",
];

/// The shells to try, each with the arguments that make it a POSIX shell.
fn shells() -> Vec<(Tool, &'static [&'static str])> {
    let known: [(On, &str, &[&str]); 6] = [
        (On::Host, "dash", &[]),
        (On::Host, "bash", &["--posix"]),
        (On::Trixie, "busybox", &["sh"]),
        (On::Bookworm, "dash", &[]),
        (On::Trixie, "dash", &[]),
        (On::Trixie, "bash", &[]),
    ];
    known.into_iter().filter_map(|(on, name, arguments)| Some((tool(on, name)?, arguments))).collect()
}

/// Asserts that a script with these values prints them, each ended by a zero byte, in every shell.
fn assert_survive(values: &[String], shells: &[(Tool, &[&str])]) {
    let first = values.first().map_or("", String::as_str);
    let list = words(values);
    let variables = assignments(&[("FIRST", first), ("LIST", &list)]);
    let script = format!(
        "set -eu\n{variables}printf '%s\\0' \"$FIRST\" {list}\neval \"set -- $LIST\"\nfor item; do printf '%s\\0' \"$item\"; done\n"
    );
    let printed = values.iter().chain(values).map(String::as_str);
    let expected: String = std::iter::once(first).chain(printed).flat_map(|value| [value, "\0"]).collect();
    for (shell, arguments) in shells {
        let mut command: Command = shell.command();
        let output = command.args(*arguments).args(["-c", &script]).output().expect("the shell starts");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{command:?}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{command:?}");
    }
}

#[test]
fn hostile_strings_survive() {
    let shells = shells();
    let values: Vec<_> = HOSTILE.iter().copied().map(String::from).collect();
    assert_survive(&values, &shells);
    for value in values {
        assert_survive(&[value], &shells);
    }
    assert_survive(&["x'\n".repeat(2_000)], &shells);
}

#[test]
fn an_empty_list_is_empty() {
    for (shell, arguments) in shells() {
        let script = format!("{}eval \"set -- $LIST\"\necho $#", assignments(&[("LIST", words([""; 0]))]));
        let output = shell.command().args(arguments).args(["-c", &script, "sh", "old"]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "0\n");
    }
}

#[test]
fn every_list_survives() {
    let piece = prop_oneof![
        3 => proptest::sample::select(HOSTILE).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
        1 => "[ -~]{0,20}",
    ];
    let text = proptest::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat().replace('\0', ""));
    let shells = shells();
    let config = Config { cases: 64, failure_persistence: None, ..Config::default() };
    let result = TestRunner::new(config).run(&proptest::collection::vec(text, 0..6), |values| {
        assert_survive(&values, &shells);
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}

#[test]
fn a_bare_word_is_never_more_than_itself() {
    // Each character that `quote` leaves bare, in front, inside and behind, in every shell at once.
    let bare: Vec<String> = (' '..='~')
        .map(String::from)
        .filter(|c| quote(c) == *c)
        .flat_map(|c| [c.clone(), format!("{c}a"), format!("a{c}"), format!("a{c}b"), format!("{c}{c}")])
        .collect();
    assert!(bare.len() > 300);
    assert_survive(&bare, &shells());
}
