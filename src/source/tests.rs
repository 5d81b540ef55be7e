//! What a document is made of: YAML as people write it, fragments, variables.

use super::load;
use crate::diag::{Code, Files};

/// The document in the first file, as YAML, and the codes of what was said about it.
fn loaded(files: &[(&str, &str)]) -> (serde_yaml::Value, Vec<Code>) {
    let mut inputs = Files::new("");
    for (name, text) in files {
        inputs.add(*name, *text);
    }
    let mut diagnostics = Vec::new();
    let document = load(&inputs, &[], &mut diagnostics);
    let value = document.map_or(serde_yaml::Value::Null, |document| document.root.to_yaml());
    (value, diagnostics.into_iter().map(|diagnostic| diagnostic.code).collect())
}

/// The document in the first file, of which nothing was said.
fn fine(files: &[(&str, &str)]) -> serde_yaml::Value {
    let (value, codes) = loaded(files);
    assert!(codes.is_empty(), "{codes:?}");
    value
}

fn yaml(text: &str) -> serde_yaml::Value {
    serde_yaml::from_str(text).unwrap()
}

#[test]
fn yaml_is_read_as_people_write_it() {
    let text = r#"%YAML 1.2
---
# A comment, and a blank line.

"quoted key": 'it''s'   # another comment
folded: >-
  one
  line
literal: |
  two
  lines
plain text: over
  two lines
escapes: "tab\tand \u00e4"
flow: {list: [a, b,
              c], "json": "style"}
small: &small {memory: 512MiB}
again: *small
list:
- not indented
-   - in a
    - list
empty: ""
numbers: [1, -2, 0.5, "3"]
words: [yes, no, on, off, 12:30, 2026-01-01T00:00:00Z]
truth: [true, false]
...
"#;
    let expected = r#"{"quoted key": "it's", folded: one line, literal: "two\nlines\n", plain text: over two lines,
        escapes: "tab\tand ä", flow: {list: [a, b, c], json: style}, small: {memory: 512MiB}, again: {memory: 512MiB},
        list: [not indented, [in a, list]], empty: "", numbers: [1, -2, 0.5, "3"],
        words: ["yes", "no", "on", "off", "12:30", "2026-01-01T00:00:00Z"], truth: [true, false]}"#;
    assert_eq!(fine(&[("blueprint.yaml", text)]), yaml(expected));
}

#[test]
fn the_including_file_wins_then_the_later_fragment() {
    let value = fine(&[
        ("blueprint.yaml", "include: [a.yaml, b.yaml]\nname: own\n"),
        ("a.yaml", "name: a\ndomain: a\nepoch: a\n"),
        ("b.yaml", "name: b\ndomain: b\n"),
    ]);
    assert_eq!(value, yaml("{name: own, domain: b, epoch: a}"));
}

#[test]
fn mappings_are_joined_and_lists_replaced() {
    let value = fine(&[
        ("blueprint.yaml", "include: [a.yaml]\nmachines: {node: {networks: [dmz]}, tool: {cpus: 1}}\n"),
        ("a.yaml", "machines: {node: {cpus: 2, networks: [lan, wan]}}\n"),
    ]);
    assert_eq!(value, yaml("{machines: {node: {cpus: 2, networks: [dmz]}, tool: {cpus: 1}}}"));
}

#[test]
fn the_keys_of_a_fragment_come_first() {
    let value = fine(&[
        ("blueprint.yaml", "include: [a.yaml]\nmachines: {web: {}, db: {}}\n"),
        ("a.yaml", "machines: {gate: {}, db: {}}\n"),
    ]);
    let machines = value["machines"].as_mapping().unwrap();
    assert_eq!(machines.keys().collect::<Vec<_>>(), ["gate", "db", "web"]);
}

#[test]
fn a_fragment_includes_from_its_own_folder() {
    let value = fine(&[
        ("blueprint.yaml", "include: [../shared/a.yaml]\n"),
        ("../shared/a.yaml", "include: [more/b.yaml]\n"),
        ("../shared/more/b.yaml", "include: [../c.yaml]\nname: b\n"),
        ("../shared/c.yaml", "domain: c\n"),
    ]);
    assert_eq!(value, yaml("{name: b, domain: c}"));
}

#[test]
fn a_fragment_is_missed_by_its_name() {
    let mut files = Files::new("");
    files.add("blueprint.yaml", "include: [lan.yaml, shared/wan.yaml, lan.yaml]\n");
    assert_eq!(super::wanted(&files), ["lan.yaml", "shared/wan.yaml"]);
}

#[test]
fn a_reference_takes_the_type_of_its_variable() {
    let text =
        "variables: {n: 3, text: \"3\", yes: true}\na: ${n}\nb: \"${n}\"\nc: ${text}\nd: ${yes}\ne: ${n}0\n";
    let value = fine(&[("blueprint.yaml", text)]);
    assert_eq!(value, yaml("{a: 3, b: 3, c: \"3\", d: true, e: 30}"));
}

#[test]
fn variables_stand_in_texts_and_in_each_other() {
    let text = "variables: {site: berlin, net: 10.1, lan: \"${net}.0.0/16\"}\n\
                description: the lab in ${site}, ${lan}\nlist: [\"${site}-${net}\"]\n";
    let value = fine(&[("blueprint.yaml", text)]);
    assert_eq!(value, yaml("{description: \"the lab in berlin, 10.1.0.0/16\", list: [berlin-10.1]}"));
}

#[test]
fn two_dollars_stand_for_one() {
    let value = fine(&[("blueprint.yaml", "description: $${not a variable} costs $5\n")]);
    assert_eq!(value, yaml("{description: \"${not a variable} costs $5\"}"));
}

#[test]
fn a_blueprint_sets_the_variables_of_its_fragments() {
    let value = fine(&[
        ("blueprint.yaml", "include: [a.yaml]\nvariables: {size: 2GiB}\n"),
        ("a.yaml", "variables: {size: 1GiB, cpus: 1}\nmemory: ${size}\ncpus: ${cpus}\n"),
    ]);
    assert_eq!(value, yaml("{memory: 2GiB, cpus: 1}"));
}

#[test]
fn every_wrong_reference_is_reported() {
    let text = "variables: {a: \"${b}\", b: \"${a}\", c: [1]}\nx: ${d}\ny: \"${\"\nz: ${c}\n\"${a}\": 1\n";
    let (_, mut codes) = loaded(&[("blueprint.yaml", text)]);
    codes.sort_unstable();
    let syntax = Code::VariableSyntax;
    assert_eq!(codes, [Code::UnknownVariable, syntax, syntax, syntax, Code::VariableCycle]);
}

#[test]
fn spans_are_those_of_the_words() {
    let text = "a:  plain text   # comment\nb: \"quoted\"  \nc: |\n  block\n  two\nd: {e: [f ,\"g\"]}\nä: ö # x\nh: &x i\n";
    let mut files = Files::new("");
    let file = files.add("blueprint.yaml", text);
    let document = load(&files, &[], &mut Vec::new()).unwrap();
    let root = crate::diag::Path::root();
    let word = |path: &crate::diag::Path| {
        let span = crate::diag::Locate::value(&document, path);
        assert_eq!(span.file, file);
        text[span.range].to_owned()
    };
    assert_eq!(word(&root.key("a")), "plain text");
    assert_eq!(word(&root.key("b")), "\"quoted\"");
    assert_eq!(word(&root.key("c")), "block");
    assert_eq!(word(&root.key("d").key("e").index(0)), "f");
    assert_eq!(word(&root.key("d").key("e").index(1)), "\"g\"");
    assert_eq!(word(&root.key("ä")), "ö");
    assert_eq!(word(&root.key("h")), "i");
    assert_eq!(word(&root.key("d")), "d", "a mapping is pointed at by its key");
    assert_eq!(word(&root.key("d").key("x").key("y")), "d", "what is not there, by the nearest key that is");
    assert_eq!(word(&root.key("nothing")), "a", "or by the first key of the blueprint");
}
