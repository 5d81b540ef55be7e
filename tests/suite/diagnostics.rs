//! Diagnostics: every blueprint in `blueprints/bad` has exactly one mistake, and the message for it is its snapshot.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use bpc::diag::{Code, Severity};

mod explanations;
mod forms;
mod hostile;
mod ranges;
mod together;

/// The folder of this crate.
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// `bpc` with these arguments in the crate's folder, without an environment.
fn bpc(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bpc"));
    command.env_clear().current_dir(ROOT).args(arguments);
    command.output().expect("bpc starts")
}

/// Standard error as text.
fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("messages are UTF-8")
}

/// The names of all files of that ending directly in a folder of this crate, without the ending, in order.
fn names(folder: &str, ending: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(Path::new(ROOT).join(folder)).expect("the folder is there");
    entries
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.is_file())
        .filter_map(|path: PathBuf| Some(path.file_name()?.to_str()?.strip_suffix(ending)?.to_owned()))
        .collect()
}

/// The code that the name of a bad blueprint starts with.
fn code_of(name: &str) -> Code {
    let number = name.split('-').next().unwrap_or_default();
    Code::find(number).unwrap_or_else(|| panic!("{name} does not start with a code"))
}

/// The codes in a message, each as often as it is there.
fn codes_in(text: &str) -> Vec<Code> {
    let numbers = text.split("[BPC").skip(1).filter_map(|rest| rest.get(..4));
    numbers.map(|number| Code::find(number).unwrap_or_else(|| panic!("no code {number}"))).collect()
}

#[test]
fn every_mistake_gets_one_message_with_its_code() {
    for name in names("blueprints/bad", ".yaml") {
        let path = format!("blueprints/bad/{name}.yaml");
        let output = bpc(&["check", "--format", "short", &path]);
        let text = stderr(&output);
        assert_eq!(codes_in(&text), [code_of(&name)], "{name}: {text}");
        let expected = i32::from(code_of(&name).severity() == Severity::Error);
        assert_eq!(output.status.code(), Some(expected), "{name}: {text}");
        assert!(text.starts_with("blueprints/bad/"), "{name} has no place: {text}");
        assert!(output.stdout.is_empty(), "{name}");
    }
}

#[test]
fn messages_are_as_they_were_reviewed() {
    for name in names("blueprints/bad", ".yaml") {
        let output = bpc(&["check", &format!("blueprints/bad/{name}.yaml")]);
        insta::with_settings!({
            snapshot_path => "../../snapshots/bad",
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!(name, stderr(&output));
        });
    }
}

#[test]
fn no_snapshot_outlives_its_blueprint() {
    let stale: Vec<String> =
        names("snapshots/bad", ".snap").difference(&names("blueprints/bad", ".yaml")).cloned().collect();
    assert!(stale.is_empty(), "remove from snapshots/bad: {stale:?}");
}

/// Codes of what is outside a blueprint, such as a vault or the time that somebody asks about; `cli` has their tests.
const OUTSIDE: [Code; 8] = [
    Code::CertificatesNotGood,
    Code::CertificatesEndSoon,
    Code::VaultPermissions,
    Code::VaultSize,
    Code::VaultUnreadable,
    Code::OtherVault,
    Code::BlueprintUnreadable,
    Code::BlueprintNameTaken,
];

#[test]
fn every_code_has_a_bad_blueprint() {
    let shown: BTreeSet<Code> = names("blueprints/bad", ".yaml").iter().map(|name| code_of(name)).collect();
    let missing: Vec<&Code> =
        Code::ALL.iter().filter(|code| !shown.contains(code) && !OUTSIDE.contains(code)).collect();
    assert!(missing.is_empty(), "no blueprint in blueprints/bad for {missing:?}");
}

#[test]
fn bad_blueprints_say_what_is_wrong_with_them() {
    for name in names("blueprints/bad", ".yaml") {
        let bytes = fs::read(Path::new(ROOT).join(format!("blueprints/bad/{name}.yaml"))).unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        assert!(text.is_empty() || text.starts_with("# "), "{name}: the first line is no comment");
    }
}
