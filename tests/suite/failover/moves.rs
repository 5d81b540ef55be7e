//! The address moves when it must, and only then; clients that connect again are served.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bpc::Compiled;
use jiff::Timestamp;

use super::lab::{Lab, Node};
use crate::built::changed_in;
use crate::support::tools::On;

/// One at a time: they measure seconds.
static ALONE: Mutex<()> = Mutex::new(());

/// As long as anybody has to wait for a pair of load balancers.
const FIVE: Duration = Duration::from_secs(5);
/// As long as it may take where waiting is part of the check, or of the rule.
const NINE: Duration = Duration::from_secs(9);

const CLIENTS: [&str; 2] = ["near", "far"];

/// A blueprint with certificates that are good today: servers and clients cannot be told the time.
pub(super) fn today(blueprint: &str, change: impl Fn(String) -> String) -> Compiled {
    let today = Timestamp::now().to_string().split_once('T').unwrap().0.to_owned();
    changed_in("blueprints", blueprint, |text| {
        change(text.replace("epoch: 2026-01-01", &format!("epoch: {today}")))
    })
}

/// Waits until exactly these machines hold the address and these clients are served, at most so long.
fn moves(lab: &Lab, what: &str, to: &[usize], clients: &[&str], limit: Duration) {
    let start = Instant::now();
    lab.until_held_by(to);
    let held = start.elapsed().as_secs_f64();
    for client in clients {
        lab.until(&format!("{client} is served"), || lab.is_served(client));
    }
    let served = start.elapsed();
    // `--nocapture` shows what docs/blueprint.md says of it.
    eprintln!("{what}: held by {to:?} after {held:.1} s, served after {:.1} s", served.as_secs_f64());
    assert!(served < limit * busy(), "{what}: {served:?}");
}

/// How many times longer everything takes, because there is more to do than there are processors.
fn busy() -> u32 {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap();
    let waiting: u32 = load.split('.').next().unwrap().parse().unwrap();
    let processors = std::thread::available_parallelism().unwrap().get();
    (waiting / u32::try_from(processors).unwrap()).max(1)
}

/// The load balancers of kube-keepalived before API servers, the first of them holding the address.
fn pair(on: On, change: impl Fn(String) -> String) -> Option<Lab> {
    let mut lab = Lab::new(on, today("kube-keepalived", change))?;
    lab.serve();
    for node in &mut lab.nodes {
        node.haproxy();
        node.keepalived();
    }
    moves(&lab, "start", &[0], &CLIENTS, FIVE);
    Some(lab)
}

fn a_pair_serves_on_whatever_fails(on: On) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(mut lab) = pair(on, |text| text) else { return };
    lab.nodes[0].signal("haproxy", "KILL");
    moves(&lab, "HAProxy killed", &[1], &CLIENTS, FIVE);
    lab.nodes[0].haproxy();
    lab.stays_with(1);

    lab.cable_of(1, "down");
    moves(&lab, "cable pulled", &[0], &CLIENTS, FIVE);
    lab.cable_of(1, "up");
    lab.stays_with(0);

    lab.nodes[0].signal("haproxy", "STOP");
    moves(&lab, "HAProxy hangs", &[1], &CLIENTS, NINE);
    lab.nodes[0].signal("haproxy", "CONT");
    lab.stays_with(1);

    lab.nodes[1].signal("keepalived", "TERM");
    moves(&lab, "keepalived stopped", &[0], &CLIENTS, FIVE);
    lab.until("keepalived has ended", || lab.nodes[1].log().contains("Stopped Keepalived"));
    lab.nodes[1].keepalived();
    lab.stays_with(0);

    assert_eq!(lab.nodes[0].told(), ["gone", "here", "fault", "gone", "here", "fault", "gone", "here"]);
    assert_eq!(lab.nodes[1].told(), ["gone", "here", "fault", "gone", "here", "gone", "gone"]);
    let journal = lab.nodes[0].run("cat /run/journal");
    assert!(journal.contains(" bpc: bpc: hapx-node01 floating address 10.86.5.50 fault\n"), "{journal}");
}

#[test]
fn a_pair_of_debian_12_serves_on_whatever_fails() {
    a_pair_serves_on_whatever_fails(On::Bookworm);
}

#[test]
fn a_pair_of_debian_13_serves_on_whatever_fails() {
    a_pair_serves_on_whatever_fails(On::Trixie);
}

/// Apart, each thinks that the other is dead: both serve who can reach them. Together again, one lets go.
fn after_a_split_one_is_left(on: On) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(mut lab) = pair(on, |text| text) else { return };
    lab.trunk("down");
    moves(&lab, "split", &[0, 1], &["near"], FIVE);
    lab.trunk("up");
    moves(&lab, "healed", &[0], &CLIENTS, FIVE);
    lab.stays_with(0);
    assert_eq!(lab.nodes[0].told(), ["gone", "here"]);
    assert_eq!(lab.nodes[1].told(), ["gone", "here", "gone"]);
}

#[test]
fn after_a_split_one_of_debian_12_is_left() {
    after_a_split_one_is_left(On::Bookworm);
}

#[test]
fn after_a_split_one_of_debian_13_is_left() {
    after_a_split_one_is_left(On::Trixie);
}

#[test]
fn the_first_takes_it_back_if_it_is_to() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let preempt = |text: String| text.replace("failover: keepalived", "keepalived: {preempt: true}");
    let Some(mut lab) = pair(On::Trixie, preempt) else { return };
    lab.nodes[0].signal("haproxy", "KILL");
    moves(&lab, "HAProxy killed", &[1], &CLIENTS, FIVE);
    lab.nodes[0].haproxy();
    moves(&lab, "HAProxy back", &[0], &CLIENTS, NINE);
}

/// Waits until one machine other than this one holds the address.
fn another(lab: &Lab, last: Option<usize>) -> usize {
    let found = std::cell::Cell::new(None);
    lab.until("another one holds it", || {
        let holders = lab.holders();
        found.set(holders.first().copied().filter(|only| holders.len() == 1 && Some(*only) != last));
        found.get().is_some()
    });
    found.get().unwrap()
}

/// Who holds the address serves: here an API server that is ready, of three.
fn control_planes_share_it_among_themselves(on: On) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(mut lab) = Lab::new(on, today("kube-compact", |text| text)) else { return };
    lab.nodes.iter_mut().for_each(Node::keepalived);
    std::thread::sleep(Duration::from_secs(4));
    assert_eq!(lab.holders(), [0; 0], "no API server is ready yet");
    for node in &mut lab.nodes {
        node.api("0.0.0.0", "apiserver", "200");
    }
    let first = another(&lab, None);
    lab.nodes[first].signal("api", "KILL");
    let second = another(&lab, Some(first));
    lab.nodes[second].signal("api", "KILL");
    let third = 3 - first - second;
    moves(&lab, "API server killed", &[third], &CLIENTS, NINE);
    lab.nodes[first].api("0.0.0.0", "apiserver", "200");
    lab.stays_with(third);
}

#[test]
fn control_planes_of_debian_12_share_it_among_themselves() {
    control_planes_share_it_among_themselves(On::Bookworm);
}

#[test]
fn control_planes_of_debian_13_share_it_among_themselves() {
    control_planes_share_it_among_themselves(On::Trixie);
}
