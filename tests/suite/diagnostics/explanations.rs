//! `docs/codes`: the examples of every explanation do what the explanation says.

use bpc::diag::{Code, Diagnostic, Files};
use bpc::{Inputs, compile};

use super::{OUTSIDE, ROOT, names};
use crate::support::vault::vault;

/// The base that all examples stand on, the one of `blueprints/bad` too.
const BASE: [(&str, &str); 2] = [
    ("base.yaml", include_str!("../../../blueprints/bad/fragments/base.yaml")),
    ("head.yaml", include_str!("../../../blueprints/bad/fragments/head.yaml")),
];

/// What the examples write for bytes that nobody sees.
const SIGNS: [(&str, &str); 4] = [("␉", "\t"), ("␍", "\r"), ("⟨BOM⟩", "\u{feff}"), ("⟨F6⟩", "\u{fffd}")];

/// An explanation, in its parts.
struct Explanation {
    title: String,
    paragraph: String,
    wrong: Option<String>,
    right: Option<String>,
}

impl Explanation {
    fn of(code: Code) -> Self {
        let (head, examples) = match code.explanation().split_once("\n## Wrong\n") {
            Some((head, examples)) => (head, Some(examples)),
            None => (code.explanation(), None),
        };
        let (title, paragraph) = head.split_once("\n\n").expect("a title and a paragraph");
        let (wrong, right) = examples.and_then(|examples| examples.split_once("\n## Right\n")).unzip();
        Self {
            title: title.to_owned(),
            paragraph: paragraph.to_owned(),
            wrong: wrong.map(|part| yaml(code, part)),
            right: right.map(|part| yaml(code, part)),
        }
    }
}

/// The one YAML block of a part.
fn yaml(code: Code, part: &str) -> String {
    let block = part.strip_prefix("\n```yaml\n").and_then(|rest| rest.strip_suffix("```\n"));
    let block = block.unwrap_or_else(|| panic!("{code:?} has more than one YAML block in {part:?}"));
    SIGNS.iter().fold(block.to_owned(), |text, (sign, meant)| text.replace(sign, meant))
}

/// What bpc says about an example: a fragment is merged over the base, unless it includes something itself.
fn diagnostics(example: &str) -> Vec<Diagnostic> {
    let has_keys = example.lines().any(|line| !line.starts_with('#'));
    let include = if has_keys && !example.contains("include:") { "include: [base.yaml]\n" } else { "" };
    let mut inputs = Inputs { files: Files::new(""), ..Inputs::default() };
    inputs.files.add("blueprint.yaml", format!("{example}{include}"));
    for (name, text) in BASE {
        inputs.files.add(name, text);
    }
    compile(&inputs, &vault()).expect("no bug").1.diagnostics
}

#[test]
fn wrong_examples_are_wrong_in_that_way_and_no_other() {
    for code in Code::ALL {
        let Some(wrong) = Explanation::of(*code).wrong else { continue };
        let found = diagnostics(&wrong);
        let codes: Vec<Code> = found.iter().map(|diagnostic| diagnostic.code).collect();
        assert_eq!(codes, [*code], "docs/codes/{}.md: {found:#?}", code.as_str());
    }
}

#[test]
fn right_examples_have_nothing_to_complain_about() {
    for code in Code::ALL {
        let Some(right) = Explanation::of(*code).right else { continue };
        let found = diagnostics(&right);
        assert!(found.is_empty(), "docs/codes/{}.md: {found:#?}", code.as_str());
    }
}

#[test]
fn explanations_say_why_and_show_how() {
    for code in Code::ALL {
        let explanation = Explanation::of(*code);
        assert_eq!(explanation.title, format!("# {}: {}", code.as_str(), code.meaning()));
        assert!(explanation.paragraph.len() > 50, "{code:?} has no explanation");
        let examples = (explanation.wrong.is_some(), explanation.right.is_some());
        let outside = OUTSIDE.contains(code);
        assert_eq!(examples, (!outside, !outside), "{code:?}");
        let text = code.explanation();
        assert!(text.ends_with('\n') && text.lines().count() <= 40, "{code:?} is too long");
    }
}

#[test]
fn every_explanation_has_its_code() {
    let known: Vec<String> = Code::ALL.iter().map(|code| code.as_str().to_owned()).collect();
    let written: Vec<String> = names("docs/codes", ".md").into_iter().collect();
    assert_eq!(written, known, "in {ROOT}/docs/codes");
}
