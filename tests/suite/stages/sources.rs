//! Every stage that bpc can make, as its source has it: a blueprint must make it, or nobody runs it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use walkdir::WalkDir;

use super::Machine;
use crate::built::blueprints;

/// What stands before the name of a stage, or of an add-on that is the name of its stage.
const MAKERS: [&str; 3] = ["Stage::new(", "Stage::scripted(", "Addon { "];

/// The names that a text of Rust, up to its tests, gives to stages.
fn names(text: &str) -> BTreeSet<String> {
    let (code, _) = text.split_once("#[cfg(test)]").unwrap_or((text, ""));
    let code = code.split_whitespace().collect::<Vec<_>>().join(" ");
    let after = MAKERS.iter().flat_map(|maker| code.split(maker).skip(1));
    // `ORDER, "NAME", ...` or `order: ORDER, name: "NAME", ...`, but no name that is a variable.
    let fields = after.flat_map(|arguments| arguments.splitn(3, ',').take(2));
    let texts = fields.filter_map(|field| {
        let field = field.trim().trim_start_matches("name: ");
        field.strip_prefix('"')?.strip_suffix('"')
    });
    texts.map(str::to_owned).collect()
}

#[test]
fn every_stage_is_one_of_some_blueprint() {
    let sources = WalkDir::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).into_iter();
    let sources = sources.map(|entry| entry.unwrap().into_path());
    let sources = sources.filter(|path| path.extension().is_some_and(|end| end == "rs"));
    let made: BTreeSet<String> = sources.flat_map(|path| names(&fs::read_to_string(path).unwrap())).collect();
    let machines: Vec<Machine> = blueprints().iter().flat_map(Machine::all_of).collect();
    let stages = machines.iter().flat_map(|machine| &machine.stages);
    assert_eq!(made, stages.map(|stage| stage.name.to_owned()).collect());
}

#[test]
fn a_name_is_found_however_it_is_given() {
    let text =
        "Stage::new(\n    8,\n    \"one\",\n    &[(\"IT\", it)], body)\nStage::scripted(60, \"two\", script)
        Addon {\n    name: \"three\",\n    ..it\n}\nStage::new(order, addon.name, &variables, body)
        #[cfg(test)]\nmod tests { Stage::new(1, \"four\", &[], \"\") }";
    assert_eq!(names(text), ["one", "three", "two"].map(str::to_owned).into());
}
