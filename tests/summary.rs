//! Says at the end of `cargo test` which tests were skipped, and why.
//!
//! The harness knows no test that finds out while it runs that it cannot: it says `ok` of it. So the tests of `suite` note
//! what they lack in a list, and cargo, which runs test programs in the order of their names, runs this one after it.

#![allow(clippy::disallowed_methods, reason = "it reads the list of the tests")]
#![allow(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// What the list says of one test.
#[derive(Default)]
struct Noted<'a> {
    /// A judge was there.
    judged: bool,
    /// What was missing.
    missing: BTreeSet<&'a str>,
}

fn main() {
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    let folder = std::env::var_os("BPC_TEST_LISTS").unwrap_or_else(|| env!("CARGO_TARGET_TMPDIR").into());
    let list = Path::new(&folder).join(format!("skipped.{}", std::os::unix::process::parent_id()));
    let text = fs::read_to_string(&list).unwrap_or_default();
    let _ = fs::remove_file(list);
    print!("{}", summary(&text));
}

/// The tests that lacked something, by what it was, and how many of them could do nothing at all.
fn summary(list: &str) -> String {
    let mut tests: BTreeMap<&str, Noted<'_>> = BTreeMap::new();
    for line in list.lines() {
        let mut fields = line.splitn(3, '\t');
        let (what, test, reason) = (fields.next(), fields.next().unwrap_or(""), fields.next().unwrap_or(""));
        let noted = tests.entry(test).or_default();
        if what == Some("found") {
            noted.judged = true;
        } else {
            noted.missing.insert(reason);
        }
    }
    tests.retain(|_, noted| !noted.missing.is_empty());
    let whole = tests.values().filter(|noted| !noted.judged).count();
    let mut reasons: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (test, noted) in &tests {
        for reason in &noted.missing {
            let part = if noted.judged { " (in part)" } else { "" };
            reasons.entry(reason).or_default().push(format!("    {test}{part}\n"));
        }
    }
    let mut text = String::from("\n");
    for (reason, tests) in reasons {
        text.extend(["  ", reason, "\n"]);
        text.extend(tests);
    }
    let parts = tests.len() - whole;
    text + &format!("skipped: {whole} tests, and {parts} in part; \"ok\" above says nothing of them\n\n")
}
