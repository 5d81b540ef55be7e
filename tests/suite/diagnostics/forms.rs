//! The forms of messages: for people, for editors (`short`), for programs (`json`).

use serde_json::{Value, json};

use super::{bpc, names, stderr};

const TWO_PLACES: &str = "blueprints/bad/0203-address-outside-network.yaml";

#[test]
fn short_is_one_line_with_a_place() {
    let output = bpc(&["check", "--format", "short", TWO_PLACES]);
    assert_eq!(
        stderr(&output),
        "blueprints/bad/0203-address-outside-network.yaml:4:60: error[BPC0203]: \
         192.168.2.10 is not in network 'lan' (192.168.1.0/24)\n"
    );
}

#[test]
fn json_has_all_that_a_program_needs() {
    let output = bpc(&["check", "--format", "json", TWO_PLACES]);
    let text = stderr(&output);
    assert_eq!(text.lines().count(), 1);
    let expected = json!({
        "severity": "error",
        "code": "BPC0203",
        "message": "192.168.2.10 is not in network 'lan' (192.168.1.0/24)",
        "place": {
            "file": TWO_PLACES,
            "line": 4, "column": 60, "end_line": 4, "end_column": 72,
            "label": "",
        },
        "others": [{
            "file": "blueprints/bad/fragments/base.yaml",
            "line": 5, "column": 15, "end_line": 5, "end_column": 29,
            "label": "the network",
        }],
        "notes": [],
        "help": ["free addresses: 192.168.1.2-192.168.1.253"],
    });
    assert_eq!(serde_json::from_str::<Value>(&text).expect("one JSON object"), expected);
}

#[test]
fn passwords_are_in_no_form() {
    for form in
        [&["--format", "human"][..], &["--format", "short"], &["--format", "json"], &["--color", "always"]]
    {
        let path = "blueprints/bad/0420-proxy-with-password.yaml";
        let output = bpc(&[&["check"], form, &[path]].concat());
        let text = stderr(&output);
        assert!(text.contains("http://me:******@proxy.example:3128") && !text.contains("secret"), "{text}");
    }
}

#[test]
fn json_is_json_for_every_mistake() {
    for name in names("blueprints/bad", ".yaml") {
        let text = stderr(&bpc(&["check", "--format", "json", &format!("blueprints/bad/{name}.yaml")]));
        for line in text.lines() {
            let object: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{name}: {error}"));
            let place = &object["place"];
            let at =
                |line: &str, column: &str| (place[line].as_u64().unwrap(), place[column].as_u64().unwrap());
            assert!(at("line", "column") <= at("end_line", "end_column"), "{name}: {place}");
            assert!(!object["help"].as_array().unwrap().is_empty(), "{name} offers no help");
        }
    }
}

#[test]
fn colour_is_asked_for() {
    let path = "blueprints/bad/0301-machine-in-capitals.yaml";
    assert!(!stderr(&bpc(&["check", path])).contains('\u{1b}'));
    assert!(stderr(&bpc(&["check", "--color", "always", path])).contains("\u{1b}["));
}

#[test]
fn explain_knows_a_code_by_any_spelling() {
    let long = bpc(&["explain", "BPC0203"]).stdout;
    assert!(String::from_utf8(long.clone()).unwrap().starts_with("# BPC0203: "));
    assert_eq!(bpc(&["explain", "bpc0203"]).stdout, long);
    assert_eq!(bpc(&["explain", "0203"]).stdout, long);
    assert_eq!(bpc(&["explain", "BPC9999"]).status.code(), Some(2));
}
