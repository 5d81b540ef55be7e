//! The JSON Schema of blueprints: judged by python3-jsonschema, with blueprints that are right and wrong.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::tools::{On, tool};

/// Validates each YAML file that is named with the schema, and prints `NAME: valid` or `NAME: MESSAGE` for it.
///
/// The files are read as YAML 1.2 has it: a time stays a text.
const VALIDATE: &str = r#"
import json, sys, yaml
from jsonschema import Draft202012Validator
class Loader(yaml.SafeLoader):
    pass
Loader.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
schema = json.load(open(sys.argv[1]))
Draft202012Validator.check_schema(schema)
validator = Draft202012Validator(schema)
for name in sys.argv[2:]:
    errors = sorted(error.message for error in validator.iter_errors(yaml.load(open(name), Loader)))
    print(name.rpartition("/")[2] + ":", errors[0] if errors else "valid")
"#;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The blueprints of this project, each with a name that is its own.
fn good() -> Vec<(String, PathBuf)> {
    let folders = ["blueprints", "tests/blueprints"].map(|folder| root().join(folder));
    let entries = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten();
    let mut found: Vec<(String, PathBuf)> = entries
        .map(|entry| entry.expect("the folder can be read").path())
        .map(|folder| {
            (folder.file_name().unwrap().to_string_lossy().into_owned(), folder.join("blueprint.yaml"))
        })
        .filter(|(_, path)| path.is_file())
        .map(|(name, path)| (format!("{name}.yaml"), path))
        .collect();
    found.sort();
    found
}

/// Bad blueprints that YAML 1.1 can read, with whether the schema sees what is wrong with them: it knows types, words
/// and numbers, and what must be there where nothing is included.
fn bad() -> Vec<(String, PathBuf, bool)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root().join("blueprints/bad")).expect("the folder is there") {
        let path = entry.expect("the folder can be read").path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let code = &name[..4.min(name.len())];
        let structural = ["0110", "0112", "0113", "0114", "0121", "0210"].contains(&code)
            || name == "0111-missing-key-at-the-top.yaml"
            || name == "0115-include-is-a-text.yaml";
        if path.is_file() && (structural || code >= "0201") {
            found.push((name, path, structural));
        }
    }
    found.sort();
    found
}

/// What the validator says about each file; `None` if it is not installed.
fn validate(on: On, files: &[(String, PathBuf)]) -> Option<Vec<(String, String)>> {
    let python = tool(on, "python3 -m yaml,jsonschema")?;
    let contents: Vec<(&str, Vec<u8>)> =
        files.iter().map(|(name, path)| (name.as_str(), fs::read(path).unwrap())).collect();
    let schema = fs::read(root().join("blueprints/blueprint.schema.json")).unwrap();
    let mut staged: Vec<(&str, &[u8])> =
        contents.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
    staged.push(("blueprint.schema.json", &schema));
    let staged = python.stage(&staged);
    let mut command = python.command();
    command.args(["-c", VALIDATE]).arg(staged.path_for("blueprint.schema.json"));
    command.args(files.iter().map(|(name, _)| staged.path_for(name)));
    let output = command.output().expect("python3 starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("the answer is text");
    let answers = text.lines().filter_map(|line| line.split_once(": "));
    Some(answers.map(|(name, said)| (name.to_owned(), said.to_owned())).collect())
}

#[test]
fn the_schema_in_the_repository_is_the_one_that_bpc_prints() {
    let printed = Command::new(env!("CARGO_BIN_EXE_bpc")).env_clear().arg("schema").output().unwrap().stdout;
    let committed = fs::read(root().join("blueprints/blueprint.schema.json")).unwrap();
    assert!(printed == committed, "run `cargo run -- schema > blueprints/blueprint.schema.json`");
}

#[test]
fn good_blueprints_are_valid_and_name_the_schema_for_editors() {
    let files = good();
    assert!(!files.is_empty());
    // Those for tests are nobody's to edit.
    for (_, path) in files.iter().filter(|(_, path)| path.starts_with(root().join("blueprints"))) {
        let text = fs::read_to_string(path).unwrap();
        let first = text.lines().next().unwrap_or_default();
        let schema = first.strip_prefix("# yaml-language-server: $schema=").unwrap_or_default();
        let schema = path.parent().unwrap().join(schema).canonicalize().expect("the schema is there");
        assert!(schema.ends_with("blueprints/blueprint.schema.json"), "{}: {first}", path.display());
    }
    for on in [On::Bookworm, On::Trixie] {
        let Some(answers) = validate(on, &files) else { continue };
        assert_eq!(answers.len(), files.len());
        for (name, said) in answers {
            assert_eq!(said, "valid", "{name} on {on:?}");
        }
    }
}

#[test]
fn bad_blueprints_are_invalid_where_a_schema_can_tell() {
    let cases = bad();
    let files: Vec<(String, PathBuf)> =
        cases.iter().map(|(name, path, _)| (name.clone(), path.clone())).collect();
    for on in [On::Bookworm, On::Trixie] {
        let Some(answers) = validate(on, &files) else { continue };
        assert_eq!(answers.len(), cases.len());
        for ((name, said), (expected, _, structural)) in answers.iter().zip(&cases) {
            assert_eq!(name, expected);
            assert_eq!(said != "valid", *structural, "{name} on {on:?}: {said}");
        }
    }
}
