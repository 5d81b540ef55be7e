//! Where Pacemaker's scheduler puts the address, asked by `crm_simulate(8)`.

use super::cluster::composed;
use super::{file, routed};
use crate::support::tools::{On, Staged, tool};

/// Both machines start, then what has happened on them happens; prints the last transition and what it leads to.
///
/// Each argument after the folder is one thing that happens, as arguments of `crm_simulate`.
const SIMULATE: &str = "
cd \"$1\"
shift
now=cib.xml
step=0
for event; do
  step=$((step + 1))
  crm_simulate --xml-file $now --save-output after$step.xml --simulate $event >said 2>&1 || { cat said; exit 1; }
  now=after$step.xml
done
sed -n '/^Executing Cluster Transition/,$p' said
";

const BOTH: &str = "--quorum 1 --node-up hapx01 --node-up hapx02";

/// What is done at last, and how it is then.
struct Outcome {
    done: Vec<String>,
    then: Vec<String>,
}

impl Outcome {
    /// What is done to the address.
    fn moves(&self) -> Vec<&str> {
        let moves =
            self.done.iter().filter_map(|line| line.strip_prefix("* Resource action: floating-address "));
        moves.filter(|action| !action.starts_with("monitor")).collect()
    }

    /// Where it is.
    fn holder(&self) -> &str {
        let line = self.then.iter().find(|line| line.contains("floating-address")).unwrap();
        line.split(':').next_back().unwrap().split_whitespace().last().unwrap()
    }
}

fn outcomes(pacemaker: &str, events: &[&str]) -> Vec<Outcome> {
    let built = routed("hapx: {role: load-balancer, count: 2, networks: [lb, vip]}", pacemaker);
    let crm = file(&built, "/etc/bpc/cluster.crm");
    [On::Bookworm, On::Trixie]
        .into_iter()
        .filter_map(|on| Some(outcome(on, &composed(on, crm)?.0, events)))
        .collect()
}

fn outcome(on: On, staged: &Staged, events: &[&str]) -> Outcome {
    let sh = tool(on, "sh").unwrap();
    let output =
        sh.command().args(["-euc", SIMULATE, "sh"]).arg(staged.path_for("")).args(events).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{on:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
    let (done, then) = said.split_once("Revised Cluster Status").expect("there is an outcome");
    let lines = |text: &str| text.lines().map(|line| line.trim().to_owned()).collect();
    Outcome { done: lines(done), then: lines(then) }
}

/// The place of a line, which is there.
fn place(lines: &[String], wanted: &str) -> usize {
    lines.iter().position(|line| line.contains(wanted)).unwrap_or_else(|| panic!("no {wanted} in {lines:#?}"))
}

#[test]
fn haproxy_starts_on_both_and_the_address_after_it() {
    for outcome in outcomes("name: api", &[BOTH]) {
        let address = place(&outcome.done, "floating-address start on hapx01");
        for haproxy in ["start on hapx01", "start on hapx02"] {
            let haproxy = outcome.done.iter().position(|it| it.contains("haproxy") && it.ends_with(haproxy));
            assert!(haproxy.unwrap() < address, "{:#?}", outcome.done);
        }
        assert_eq!(outcome.holder(), "hapx01");
    }
}

#[test]
fn the_address_goes_where_haproxy_runs_already() {
    for outcome in outcomes("name: api", &[BOTH, "--node-fail hapx01"]) {
        assert_eq!(outcome.moves(), ["start on hapx02"]);
        assert!(!outcome.done.iter().any(|line| line.contains("haproxy")), "{:#?}", outcome.done);
        assert_eq!(outcome.holder(), "hapx02");
    }
}

#[test]
fn it_stays_there_when_the_other_returns() {
    let returns = [BOTH, "--node-down hapx01", "--node-up hapx01"];
    for outcome in outcomes("name: api", &returns) {
        assert_eq!(outcome.moves(), [""; 0]);
        place(&outcome.done, "start on hapx01");
        assert_eq!(outcome.holder(), "hapx02");
    }
}

#[test]
fn haproxy_that_fails_once_is_started_again() {
    for outcome in outcomes("name: api", &[BOTH, "--op-inject haproxy_monitor_5000@hapx01=7"]) {
        assert_eq!(outcome.moves(), ["stop on hapx01", "start on hapx01"]);
    }
}

#[test]
fn the_address_leaves_a_machine_on_which_haproxy_fails_thrice() {
    let failed = "haproxy_monitor_5000@hapx01=7";
    let thrice = format!("--op-inject {failed} --op-inject {failed} --op-inject {failed}");
    for outcome in outcomes("name: api", &[BOTH, &thrice]) {
        assert_eq!(outcome.moves(), ["stop on hapx01", "start on hapx02"]);
        assert_eq!(outcome.holder(), "hapx02");
    }
}

#[test]
fn the_address_is_not_disturbed_by_the_other_haproxy() {
    for outcome in outcomes("name: api", &[BOTH, "--op-inject haproxy_monitor_5000@hapx02=7"]) {
        assert_eq!(outcome.moves(), [""; 0]);
    }
}

#[test]
fn a_machine_that_cannot_see_most_of_the_others_lets_go() {
    for outcome in outcomes("name: api", &[BOTH, "--quorum 0 --node-up hapx01"]) {
        assert_eq!(outcome.moves(), ["stop on hapx01"]);
    }
}

#[test]
fn with_fencing_the_lost_machine_is_stopped_first() {
    let agent = "{agent: fence_virsh, options: {ip: 10.3.0.1, username: u}}";
    let pacemaker = format!("pacemaker: {{fencing: agents, agents: {{hapx01: {agent}, hapx02: {agent}}}}}");
    for outcome in outcomes(&pacemaker, &[BOTH, "--node-fail hapx01"]) {
        let fenced = place(&outcome.done, "Fencing hapx01");
        assert!(fenced < place(&outcome.done, "floating-address start on hapx02"), "{:#?}", outcome.done);
    }
}
