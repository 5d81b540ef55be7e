//! What crm and Pacemaker say of every cluster.crm.

use std::process::Output;

use bpc::Compiled;
use bpc::diag::Severity;

use super::{PAIR, clusters, file, routed, with_pacemaker};
use crate::built::said_of;
use crate::support::tools::{On, Staged, need};

const CRM: &str = "/etc/bpc/cluster.crm";

/// Composes the configuration as the stage does, into cib.xml, and lets Pacemaker look at it.
const COMPOSE: &str = "
cd \"$1\"
export HOME=$PWD CIB_file=$PWD/cib.xml
sed '/^#/d' cluster.crm >loaded.crm
cibadmin --empty >cib.xml
crm --display plain --force configure load replace loaded.crm
crm_verify --xml-file cib.xml --verbose
";

/// What crm says where no systemd runs and no machine is known, none of which is about the configuration.
const EXPECTED: [&str; 7] = [
    "systemd:haproxy: got no meta-data",
    "systemd:haproxy: no such resource agent",
    "referenced node",
    "due to lack of quorum",
    "Blind faith: not fencing unseen nodes",
    "commit forced",
    "Cluster is not running, loading the CIB file",
];

/// The folder with cib.xml, and what was said.
pub(super) fn composed(on: On, crm: &str) -> Option<(Staged, Output)> {
    let sh = need(&[(on, "sh"), (on, "crm")])?;
    let staged = sh.stage(&[("cluster.crm", crm.as_bytes())]);
    let output = sh.command().args(["-euc", COMPOSE, "sh"]).arg(staged.path_for("")).output().unwrap();
    Some((staged, output))
}

/// The lines that somebody would have to look at.
fn complaints(output: &Output) -> Vec<String> {
    let said = String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned();
    let lines = said.lines().filter(|line| !EXPECTED.iter().any(|known| line.contains(known)));
    lines.filter(|line| !line.trim().is_empty()).map(str::to_owned).collect()
}

#[test]
fn crm_and_pacemaker_take_every_configuration() {
    for on in [On::Bookworm, On::Trixie] {
        for built in clusters() {
            let Some((_, output)) = composed(on, file(&built, CRM)) else { continue };
            let complaints = complaints(&output);
            assert!(output.status.success() && complaints.is_empty(), "{on:?} {complaints:?}");
        }
    }
}

#[test]
fn they_would_say_what_is_wrong() {
    let built = routed("hapx: {role: load-balancer, count: 2, networks: [lb, vip]}", "name: api");
    let crm = file(&built, CRM);
    for (right, wrong) in [
        ("cidr_netmask=24", "cidr_netmasc=24"),
        ("clone haproxy-clone haproxy", "clone haproxy-clone haproxi"),
        ("order haproxy-before-address Mandatory:", "order haproxy-before-address Always:"),
        ("stonith-enabled=false", "stonith-enabled=true"),
    ] {
        let changed = crm.replace(right, wrong);
        assert_ne!(changed, crm);
        for on in [On::Bookworm, On::Trixie] {
            let Some((_, output)) = composed(on, &changed) else { continue };
            assert!(!output.status.success() || !complaints(&output).is_empty(), "{on:?} {wrong}");
        }
    }
}

/// The value of an attribute `name` in the configuration.
fn value(cib: &str, name: &str) -> Vec<String> {
    let at = format!("name=\"{name}\" value=\"");
    let values = cib.split(&at).skip(1).map(|rest| rest.split('"').next().unwrap());
    let entities = [("&quot;", "\""), ("&apos;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")];
    values
        .map(|value| entities.iter().fold(value.to_owned(), |text, (entity, c)| text.replace(entity, c)))
        .collect()
}

#[test]
fn what_a_fence_agent_is_told_arrives_as_it_was_written() {
    let agent = |more: &str| format!("{{agent: fence_virsh, options: {{ip: 10.3.0.1{more}}}}}");
    let odd = agent(", username: \"a 'c' # $d\"");
    let mapped = agent(", pcmk_host_map: \"hapx02:two\"");
    let pacemaker = format!("pacemaker: {{fencing: agents, agents: {{hapx01: {odd}, hapx02: {mapped}}}}}");
    let built = routed("hapx: {role: load-balancer, count: 2, networks: [lb, vip]}", &pacemaker);
    for on in [On::Bookworm, On::Trixie] {
        let Some((staged, _)) = composed(on, file(&built, CRM)) else { continue };
        let cib = std::fs::read_to_string(staged.host_path().join("cib.xml")).unwrap();
        assert_eq!(value(&cib, "username"), ["a 'c' # $d"], "{on:?}");
        assert_eq!(value(&cib, "stonith-enabled"), ["true"]);
        // Each is stopped from the other, the first one only after a while; the blueprint's own words go first.
        assert_eq!(value(&cib, "pcmk_host_list"), ["hapx01"]);
        assert_eq!(value(&cib, "pcmk_host_map"), ["hapx02:two"]);
        assert_eq!(value(&cib, "pcmk_delay_base"), ["5s"]);
        for name in ["hapx01", "hapx02"] {
            let constraint = format!("rsc=\"fence-{name}\" score=\"-INFINITY\" node=\"{name}\"");
            assert!(cib.contains(&constraint), "{cib}");
        }
    }
}

#[test]
fn whatever_is_accepted_for_a_fence_agent_arrives() {
    let printable: Vec<char> = (' '..='~').collect();
    let taken = |text: &str| {
        let yaml = format!("'{}'", text.replace('\'', "''").replace("${", "$${"));
        let agent = format!("{{agent: fence_virsh, options: {{username: {yaml}}}}}");
        let rest = format!("pacemaker: {{fencing: agents, agents: {{hapx01: {agent}, hapx02: {agent}}}}}");
        let said = said_of("tests/blueprints", "routed", |text| with_pacemaker(&text, PAIR, &rest));
        said.iter().all(|diagnostic| diagnostic.severity() != Severity::Error)
    };
    // Nobody but Pacemaker's tools can be asked about the rest: each of these made crm fail, or came as another text.
    for refused in ["a\\", "\\\"", "say \"it\"", "caf\u{e9}", "a\tb", ""] {
        assert!(!taken(refused), "{refused:?}");
    }
    let accepted: Vec<&char> = printable.iter().filter(|c| taken(&format!("a{c}b"))).collect();
    assert!(accepted.len() > 90, "{accepted:?}");
    let pick = |number: usize| *accepted[number * 7919 % 104_729 % accepted.len()];
    let values: Vec<String> =
        (0..120).map(|n| (0..=n % 7).map(|at| pick(n * 31 + at * 17)).collect()).collect();
    let option = |(number, text): (usize, &String)| {
        format!("k{number:03}: '{}'", text.replace('\'', "''").replace("${", "$${"))
    };
    let options: Vec<String> = values.iter().enumerate().map(option).collect();
    let agents = format!(
        "hapx01: {{agent: fence_virsh, options: {{{}}}}}, hapx02: {{agent: fence_virsh}}",
        options.join(", ")
    );
    let built = routed(PAIR, &format!("pacemaker: {{fencing: agents, agents: {{{agents}}}}}"));
    for on in [On::Bookworm, On::Trixie] {
        let Some((staged, _)) = composed(on, file(&built, CRM)) else { continue };
        let cib = std::fs::read_to_string(staged.host_path().join("cib.xml")).unwrap();
        for (number, text) in values.iter().enumerate() {
            assert_eq!(value(&cib, &format!("k{number:03}")), std::slice::from_ref(text), "{on:?}");
        }
    }
}

/// The packages that a machine installs.
fn packages(built: &Compiled) -> &str {
    let stage = file(built, "/usr/local/lib/bpc/stages/10-packages");
    stage.lines().find(|line| line.starts_with("PACKAGES=")).unwrap()
}

#[test]
fn fence_agents_are_installed_where_they_are_used() {
    let pair = "hapx: {role: load-balancer, count: 2, networks: [lb, vip]}";
    let agents =
        "hapx01: {agent: fence_virsh}, hapx02: {agent: fence_ipmilan, package: fence-agents-ipmilan}";
    let built = routed(pair, &format!("pacemaker: {{fencing: agents, agents: {{{agents}}}}}"));
    assert!(packages(&built).contains(" fence-agents") && packages(&built).contains("-ipmilan"));
    assert!(!packages(&routed(pair, "name: api")).contains("fence"));
}
