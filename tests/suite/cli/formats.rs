//! What programs read.

use serde_json::{Deserializer, Value};

use crate::support::project::Project;

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

#[test]
fn editors_get_one_line_for_each_error() {
    let project = Project::with(&["alpha"]);
    project.edit("blueprints/alpha/blueprint.yaml", "domain: lab.demo", "domain: Lab Demo");
    project.edit("blueprints/alpha/blueprint.yaml", "networks: [lan]", "networks: [wan]");
    let said = project.bpc(&["check", "--format", "short"]);
    assert_eq!((said.status, said.out.as_str()), (1, ""));
    insta::assert_snapshot!(said.err, @r"
    blueprints/alpha/blueprint.yaml:3:9: error[BPC0312]: `Lab Demo` is not a DNS domain
    blueprints/alpha/blueprint.yaml:11:36: error[BPC0223]: there is no network 'wan'
    ");
}

#[test]
fn programs_get_each_result_as_a_line_of_json() {
    let project = Project::with(&["alpha", "beta"]);
    let first = project.bpc(&["build", "--format", "json"]);
    let results = lines(&first.out);
    assert_eq!(results.iter().map(|result| &result["blueprint"]).collect::<Vec<_>>(), ["alpha", "beta"]);
    assert_eq!(results[0]["folder"], "out/alpha");
    assert_eq!((&results[0]["machines"], &results[0]["unchanged"]), (&1.into(), &0.into()));
    let second = project.bpc(&["build", "--format", "json"]);
    assert_eq!(lines(&second.out)[0]["unchanged"], results[0]["written"]);
    let checked = lines(&project.bpc(&["check", "--format", "json"]).out);
    assert_eq!(checked[1]["path"], "blueprints/beta/blueprint.yaml");
    assert_eq!(checked[1]["warnings"], 0);
}

#[test]
fn programs_get_each_complaint_as_a_line_of_json() {
    let project = Project::with(&["alpha"]);
    let made = lines(&project.bpc(&["build", "--format", "json"]).err);
    assert_eq!((made.len(), &made[0]["severity"]), (1, &"note".into()));
    project.write("blocked", "");
    let failure = project.bpc(&["build", "--format", "json", "--out", "blocked"]);
    assert_eq!(failure.status, 2);
    assert_eq!(lines(&failure.err)[0]["severity"], "error");
    let missing = project.bpc(&["build", "--format", "json", "lost"]);
    assert_eq!(lines(&missing.err)[0]["code"], "BPC0904");
    project.edit("blueprints/alpha/blueprint.yaml", "[lan]", "[wan]");
    let refused = lines(&project.bpc(&["build", "--format", "json"]).err);
    let error = refused.iter().find(|complaint| complaint["severity"] == "error").unwrap();
    assert_eq!(error["place"]["file"], "blueprints/alpha/blueprint.yaml");
    assert_eq!(error["place"]["line"], 11);
}

#[test]
fn a_plan_is_a_table_or_a_document() {
    let project = Project::with(&["alpha"]);
    let table = project.bpc(&["plan"]);
    assert_eq!((table.status, table.err.as_str()), (0, ""));
    insta::assert_snapshot!(table.out, @r"
    alpha (lab.demo), 2026-01-01T00:00:00Z

    NETWORK  INTERFACE  CIDR
    lan      lan        192.168.7.0/24

    MACHINE  ROLE     CPUS  MEMORY  DISK   ADDRESS
    node     bastion  1     512MiB  32GiB  192.168.7.2

    MACHINE  NIC  MAC                ATTACHED            INTERFACE  NETWORK  ADDRESS
    node     1    08:00:27:a1:7c:4c  internal alpha-lan  lan        lan      192.168.7.2/24
    ");
    let document: Value = serde_json::from_str(&project.bpc(&["plan", "--format", "json"]).out).unwrap();
    assert_eq!(document["machines"][0]["nics"][0]["networks"][0]["addresses"][0], "192.168.7.2/24");
}

#[test]
fn several_plans_are_several_documents() {
    let project = Project::with(&["alpha", "beta"]);
    let out = project.bpc(&["plan", "--format", "json"]).out;
    let plans: Vec<Value> = Deserializer::from_str(&out).into_iter().collect::<Result<_, _>>().unwrap();
    assert_eq!(plans.iter().map(|plan| &plan["name"]).collect::<Vec<_>>(), ["alpha", "beta"]);
}

#[test]
fn a_plan_touches_nothing() {
    let project = Project::with(&["alpha"]);
    let before = project.tree("");
    for command in [
        &["plan"][..],
        &["check"],
        &["check", "--at", "2026-06-01"],
        &["schema"],
        &["explain", "BPC0203"],
        &["plan", "--format", "json"],
        &["plan", "--secrets"],
        &["plan", "--certificates"],
        &["vault", "show"],
    ] {
        assert_eq!(project.bpc(command).status, 0);
    }
    assert!(project.tree("") == before);
}

#[test]
fn the_schema_is_of_the_draft_that_it_names() {
    let said = Project::new().bpc(&["schema"]);
    let schema: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((said.status, said.err.as_str()), (0, ""));
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert!(schema["properties"]["machines"].is_object());
}

#[test]
fn a_code_is_explained_however_it_is_spelt() {
    let project = Project::new();
    let text = include_str!("../../../docs/codes/BPC0203.md");
    for spelling in ["BPC0203", "bpc0203", "0203"] {
        let said = project.bpc(&["explain", spelling]);
        assert_eq!((said.status, said.out.as_str(), said.err.as_str()), (0, text, ""));
    }
}

#[test]
fn all_codes_are_listed() {
    let said = Project::new().bpc(&["explain"]);
    assert_eq!((said.status, said.out.lines().count()), (0, bpc::diag::Code::ALL.len()));
    assert!(said.out.contains("\nBPC0220 warning  a network that no machine is on\n"), "{}", said.out);
}
