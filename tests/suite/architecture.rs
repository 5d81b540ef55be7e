//! Which room of the crate may use which: the crate doc of `src/lib.rs` as a table, held against every import.

mod paths;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use paths::{Use, uses};

/// Every room and the rooms that it may use, each of which stands above it: so there are no circles.
///
/// `crate` is what `lib.rs` itself offers: `compile` and what belongs to it.
const ROOMS: &[(&str, &[&str])] = &[
    // What knows nothing of the others.
    ("assets", &[]),
    ("bug", &[]),
    ("format", &[]),
    ("value", &[]),
    // Shows itself on terminals.
    ("diag", &["format"]),
    // What all phases share.
    ("artifact", &["value"]),
    ("template", &["bug"]),
    ("vault", &["value"]),
    ("pki", &["bug", "format", "value", "vault"]),
    // The front end: knows positions and the user's mistakes.
    ("source", &["diag"]),
    ("model", &["diag", "source", "value"]),
    ("repository", &["format", "model"]),
    // The middle; its roles and distributions are the words of the model.
    ("site", &["assets", "bug", "model", "value"]),
    ("resolve", &["assets", "diag", "model", "site", "source", "value"]),
    // The back end: cannot fail on what a user wrote.
    ("credentials", &["bug", "pki", "site", "value", "vault"]),
    ("setup", &["artifact", "bug", "value"]),
    // Shows where secrets and certificates are, so it stands below what puts them there.
    ("plan", &["artifact", "bug", "credentials", "pki", "setup", "site", "value"]),
    ("expiry", &["diag", "plan", "site"]),
    ("bootstrap", &["format", "setup"]),
    ("flow", &["site"]),
    (
        "roles",
        &[
            "artifact",
            "assets",
            "bootstrap",
            "bug",
            "credentials",
            "flow",
            "format",
            "setup",
            "site",
            "template",
            "value",
        ],
    ),
    ("emit", &["artifact", "bootstrap", "bug", "credentials", "format", "plan", "setup", "site", "value"]),
    ("verify", &["artifact", "bug", "format", "pki", "site"]),
    ("write", &["artifact", "format", "value"]),
    // The order of the phases, and what runs them.
    (
        "crate",
        &[
            "artifact",
            "bug",
            "credentials",
            "diag",
            "emit",
            "expiry",
            "model",
            "plan",
            "resolve",
            "roles",
            "setup",
            "site",
            "source",
            "vault",
            "verify",
        ],
    ),
    (
        "driver",
        &[
            "artifact",
            "crate",
            "diag",
            "format",
            "model",
            "plan",
            "repository",
            "site",
            "source",
            "value",
            "vault",
            "write",
        ],
    ),
    ("cli", &["diag", "driver"]),
    ("main", &["cli"]),
];

/// Rooms whose parts never use each other, as a role knows no other role and an artifact kind no other kind; and what in
/// them all parts may use.
const APART: [(&str, &[&str]); 2] =
    [("emit", &[]), ("roles", &["known_hosts", "kubeconfig", "names", "pki"])];

/// Rooms that may touch the system.
const IMPURE: [&str; 4] = ["cli", "driver", "main", "write"];

/// What touches the system.
const SYSTEM: [&[&str]; 10] = [
    &["std", "env"],
    &["std", "fs"],
    &["std", "net", "TcpListener"],
    &["std", "net", "TcpStream"],
    &["std", "net", "UdpSocket"],
    &["std", "process"],
    &["std", "thread"],
    &["std", "time"],
    &["rustix"],
    &["walkdir"],
];

/// The longest file that is still read in one sitting.
const LINES: usize = 400;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Rust files below a folder of this repository, by path relative to it.
fn files(folder: &str) -> Vec<PathBuf> {
    let entries = WalkDir::new(root().join(folder)).sort_by_file_name().into_iter().map(Result::unwrap);
    let files = entries.map(|entry| entry.path().strip_prefix(root()).unwrap().to_owned());
    files.filter(|path| path.extension().is_some_and(|end| end == "rs")).collect()
}

fn text(path: &Path) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// The module of a file: `["roles", "gateway", "firewall"]`, and nothing for `lib.rs`.
fn module(path: &Path) -> Vec<String> {
    let inside = path.strip_prefix("src").unwrap().with_extension("");
    let names = inside.iter().map(|name| name.to_str().unwrap().to_owned());
    names.filter(|name| name != "mod" && name != "lib").collect()
}

fn room(module: &[String]) -> &str {
    module.first().map_or("crate", String::as_str)
}

/// The room that a path leads to, if it leads to one of this crate's.
fn target(path: &[String]) -> Option<&str> {
    let (first, rest) = path.split_first()?;
    if first != "crate" && first != "bpc" {
        return None;
    }
    let known = |name: &&String| ROOMS.iter().any(|(room, _)| room == name);
    Some(rest.first().filter(known).map_or("crate", String::as_str))
}

/// Every use of another item outside of tests, with its file and module.
fn every_use() -> Vec<(PathBuf, Vec<String>, Use)> {
    let files = files("src")
        .into_iter()
        .filter(|path| !path.iter().any(|name| name == "tests" || name == "tests.rs"));
    let every = files.flat_map(|path| {
        let module = module(&path);
        let found = uses(&text(&path), &module);
        found.into_iter().map(move |found| (path.clone(), module.clone(), found))
    });
    every.collect()
}

/// Asserts that there are no faults; each is a place, what is there, and the rule that it breaks.
fn assert_none(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

fn fault(path: &Path, found: &Use, rule: &str) -> String {
    format!("{}:{}: {}: {rule}", path.display(), found.line, found.path.join("::"))
}

#[test]
fn a_room_uses_what_the_table_lets_it_use() {
    let mut faults = Vec::new();
    for (path, module, found) in every_use() {
        let (from, Some(to)) = (room(&module), target(&found.path)) else { continue };
        let (_, allowed) = ROOMS.iter().find(|(name, _)| *name == from).unwrap();
        if from != to && !allowed.contains(&to) {
            faults.push(fault(
                &path,
                &found,
                &format!("`{from}` may use {}, not `{to}`", allowed.join(", ")),
            ));
        }
    }
    assert_none(&faults);
}

#[test]
fn the_table_runs_downwards_and_names_every_room() {
    let mut above = BTreeSet::new();
    for (name, allowed) in ROOMS {
        assert!(allowed.iter().all(|other| above.contains(other)), "`{name}` uses one that is not above it");
        assert!(allowed.is_sorted(), "`{name}`: {allowed:?}");
        above.insert(*name);
    }
    let modules: Vec<Vec<String>> = files("src").iter().map(|path| module(path)).collect();
    assert_eq!(above, modules.iter().map(|module| room(module)).collect());
}

#[test]
fn roles_and_artifact_kinds_know_nothing_of_each_other() {
    let parts: BTreeSet<Vec<String>> =
        files("src").iter().map(|path| module(path)).filter(|module| module.len() > 1).collect();
    let part = |path: &[String]| parts.iter().find(|part| path.starts_with(part)).map(|part| part[1].clone());
    let mut faults = Vec::new();
    for (path, module, found) in every_use() {
        let same_room = module.len() > 1 && target(&found.path) == Some(room(&module));
        if same_room
            && let Some((_, shared)) = APART.iter().find(|(name, _)| *name == room(&module))
            && let Some(other) = part(&found.path[1..])
            && other != module[1]
            && !shared.contains(&other.as_str())
        {
            let rule = format!("`{}` and `{other}` are to know nothing of each other", module[1]);
            faults.push(fault(&path, &found, &rule));
        }
    }
    assert_none(&faults);
}

#[test]
fn only_the_driver_and_the_writer_touch_the_system() {
    let touches = |path: &[String]| {
        SYSTEM.iter().any(|system| path.len() >= system.len() && system.iter().zip(path).all(|(a, b)| a == b))
    };
    let faults: Vec<String> = every_use()
        .into_iter()
        .filter(|(_, module, found)| !IMPURE.contains(&room(module)) && touches(&found.path))
        .map(|(path, module, found)| fault(&path, &found, &format!("`{}` is pure", room(&module))))
        .collect();
    assert_none(&faults);
}

#[test]
fn files_are_short() {
    let mut faults = Vec::new();
    for path in files("src").into_iter().chain(files("tests")) {
        let lines = text(&path).lines().count();
        if lines > LINES {
            faults.push(format!("{}: {lines} lines, split it before it has {LINES}", path.display()));
        }
    }
    assert_none(&faults);
}
