//! Scripts and what they do, without names and numbers that differ from machine to machine.

use std::collections::BTreeSet;

/// Variables of stages that make no other script of them.
const NAMES: [&str; 12] = [
    "FILES=",
    "KEYS=",
    "SEED=",
    "STAGES=",
    "LOGIN=",
    "MACHINE=",
    "MEMBERS=",
    "NODE=",
    "PACKAGES=",
    "REGISTRIES=",
    "TIMEZONE=",
    "WAIT='wait node/",
];

/// A script: two that are equal here need only one run.
pub(super) fn script(text: &str) -> String {
    let lines = text.lines().filter(|line| !NAMES.iter().any(|name| line.starts_with(name)));
    lines.map(|line| words(line, without_numbers)).collect::<Vec<_>>().join("\n")
}

/// A script without what its calls are about, its own functions among these: if it finishes what was interrupted, so does
/// another that is equal here. Also how many different functions of its own it calls.
pub(super) fn course(text: &str) -> (String, usize) {
    let (body, _) = text.split_once(super::APPLIES).unwrap_or((text, ""));
    let functions: BTreeSet<&str> = body.lines().filter_map(|line| line.strip_suffix("() {")).collect();
    let mut called = BTreeSet::new();
    let mut lines = Vec::new();
    let mut about = false;
    for line in body.lines() {
        let is_name = |name: &&str| name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
        let name = line.split_once('=').map(|(name, _)| name).filter(is_name);
        if name.is_some() || line.starts_with('#') {
            about = matches!(name, Some("NAME" | "EXPECTED"));
        }
        let first = line.split(' ').next().unwrap_or_default();
        if functions.contains(first) {
            called.insert(first);
        } else if !about && first != "install_packages" {
            lines.push(words(line, |word| if word.contains("://") { "URL" } else { word }.to_owned()));
        }
    }
    (script(&lines.join("\n")), called.len())
}

/// Calls, and files that they left.
pub(super) fn record(text: &str) -> String {
    text.lines().map(|line| words(line, of_call)).collect::<Vec<_>>().join("\n") + "\n"
}

fn words(line: &str, normal: impl Fn(&str) -> String) -> String {
    line.split(' ').map(normal).collect::<Vec<_>>().join(" ")
}

/// A word of a call: what is downloaded in any version, and what has a name by chance.
fn of_call(word: &str) -> String {
    if let Some((before, after)) = word.split_once("/tmp.") {
        let end = after.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(after.len());
        return format!("{before}/tmp.NEW{}", &after[end..]);
    }
    if word.contains("://") { without_numbers(word) } else { without_digest(word) }
}

/// A word with every number, version, address and digest in it as one sign.
fn without_numbers(word: &str) -> String {
    let mut normal = String::new();
    for c in without_digest(word).replace("arm64", "amd64").chars() {
        match c {
            '0'..='9' if normal.ends_with('#') => {}
            '0'..='9' => normal.push('#'),
            c => normal.push(c),
        }
    }
    while normal.contains("#.#") {
        normal = normal.replace("#.#", "#");
    }
    normal
}

/// A word without digests, and without what identifies a file system.
fn without_digest(word: &str) -> String {
    let parts = word.split_inclusive(|c: char| !c.is_ascii_hexdigit() && c != '-');
    let hidden = parts.map(|part| {
        let (name, end) = part.split_at(part.trim_end_matches(|c: char| !c.is_ascii_hexdigit()).len());
        let lengths: Vec<usize> = name.split('-').map(str::len).collect();
        match lengths[..] {
            [8, 4, 4, 4, 12] => format!("ID{end}"),
            [length] if length >= 64 => format!("DIGEST{}{end}", &name[64..]),
            _ => part.to_owned(),
        }
    });
    hidden.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_make_no_difference_and_words_do() {
        let digest = "0123456789abcdef".repeat(4);
        let one =
            format!("MACHINE=a1\nURL='https://dl.example/v1.35.8/amd64/it'\nSHA256='{digest}'\nALONE=no");
        let other =
            one.replace("a1", "b").replace("1.35.8", "1.4").replace("amd64", "arm64").replace("01", "99");
        assert_eq!(script(&one), script(&other));
        assert_ne!(script(&one), script(&one.replace("no", "yes")));
        assert!(script(&one).contains("v#/amd#/it"), "{}", script(&one));
    }

    #[test]
    fn two_scripts_take_the_same_course_with_other_objects() {
        let one = "#!/bin/sh\nNAME=metallb\nURL=https://dl.example/one.yaml\nEXPECTED='a: b\nc: d'\nWAIT=''\n# It\n";
        let other = one.replace("metallb", "it").replace("one.yaml", "b").replace("a: b\n", "");
        assert_eq!(course(one), course(&format!("{other}{}# 01  /etc/it\n", super::super::APPLIES)));
        let calls =
            |calls: &str| course(&format!("make() {{\n  touch \"$1\"\n}}\ngo() {{\n  :\n}}\n{calls}"));
        assert_eq!(calls("make a\nmake b\n").0, calls("make c\ngo\n").0);
        assert_eq!([calls("make a\nmake b\n").1, calls("make c\ngo\n").1], [1, 2]);
        for (from, to) in [("=https://dl.example/one.yaml", "=''"), ("WAIT=''", "WAIT=it"), ("# It", "it")] {
            assert_ne!(course(one), course(&one.replace(from, to)), "{from}");
        }
    }

    #[test]
    fn a_record_has_no_names_that_come_by_chance() {
        let digest = "0123456789abcdef".repeat(4);
        let id = "6b46981c-cc11-8a9e-a9d0-e8ce5319c791";
        let text =
            format!("cp /var/{digest}.part /tmp/tmp.aB3/it\nnft -f /etc/nft4.conf\nrm uuid={id} /{id}");
        let expected = "cp /var/DIGEST.part /tmp/tmp.NEW/it\nnft -f /etc/nft4.conf\nrm uuid=ID /ID\n";
        assert_eq!(record(&text), expected);
    }
}
