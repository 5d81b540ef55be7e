//! Commands on machines that documents and scripts name: whoever they say finds them.
//!
//! An ordinary user of Debian has no `sbin` in the PATH (login.defs(5), `ENV_PATH`); sudo has both (sudoers(5), `secure_path`).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use walkdir::WalkDir;

use crate::built::blueprints;

/// All programs of bpc's on machines: the folder, by the name.
fn programs() -> BTreeMap<String, String> {
    let mut programs = BTreeMap::new();
    for one in blueprints() {
        for file in &one.artifacts.files {
            let Some((_, path)) = file.path.split_once("/files/usr/local/") else { continue };
            let Some((folder, name)) = path.split_once('/') else { continue };
            if ["bin", "sbin"].contains(&folder) && name.starts_with("bpc-") {
                programs.insert(name.to_owned(), folder.to_owned());
            }
        }
    }
    programs
}

/// The texts that tell people what to type.
fn texts() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts = Vec::new();
    for folder in ["README.md", "docs", "src/repository", "src/roles"] {
        for entry in WalkDir::new(root.join(folder)).sort_by_file_name().into_iter().map(Result::unwrap) {
            let end = entry.path().extension().and_then(|end| end.to_str()).unwrap_or_default();
            if ["md", "sh", "just"].contains(&end) {
                let name = entry.path().strip_prefix(root).unwrap().display().to_string();
                texts.push((name, fs::read_to_string(entry.path()).unwrap()));
            }
        }
    }
    texts
}

/// Each call of a program in a line: whether sudo makes it.
fn calls(line: &str, program: &str) -> Vec<bool> {
    let in_word = |c: char| c.is_ascii_alphanumeric() || "-./".contains(c);
    let found = line.match_indices(program).filter(|(at, _)| {
        let after = line[at + program.len()..].chars().next();
        !line[..*at].ends_with(in_word) && !after.is_some_and(in_word)
    });
    found.map(|(at, _)| line[..at].contains("sudo ")).collect()
}

#[test]
fn what_is_typed_after_ssh_is_found_by_the_user_who_types_it() {
    let programs = programs();
    assert!(programs.len() >= 4, "{programs:?}");
    let mut seen = 0;
    for (name, text) in texts() {
        for line in text.lines() {
            for (program, folder) in &programs {
                for by_sudo in calls(line, program) {
                    // Of what only root can do, prose names the program without how it is called.
                    if line.contains("ssh ") || line.contains("ssh.sh ") || program == "bpc-status" {
                        assert!(by_sudo || folder == "bin", "{name}: {program} is in no user's PATH: {line}");
                        seen += 1;
                    }
                }
            }
        }
    }
    assert!(seen >= 5, "{seen}");
    assert_eq!(programs["bpc-status"], "bin");
}
