//! Pacemaker and Corosync move the floating address: judged by both, and by the scheduler of Pacemaker.

mod cluster;
mod corosync;
mod moves;
mod stages;

use bpc::Compiled;

use crate::built::{artifact, blueprints, changed, changed_in};

/// `routed` with these machines in place of its load balancers, and this in its `load_balancer`.
fn routed(machines: &str, load_balancer: &str) -> Compiled {
    changed("routed", |text| with_pacemaker(&text, machines, load_balancer))
}

fn with_pacemaker(text: &str, machines: &str, load_balancer: &str) -> String {
    let (before, after) = ("  address: 10.2.0.20\n", PAIR);
    assert!(text.contains(before) && text.contains(after), "{text}");
    text.replace(before, &format!("{before}  failover: pacemaker\n  {load_balancer}\n"))
        .replace(after, machines)
}

/// The load balancers of `routed`.
const PAIR: &str = "hapx: {role: load-balancer, count: 2, networks: [lb, vip]}";

/// Every cluster of the good blueprints, and one of each kind that they lack.
fn clusters() -> Vec<Compiled> {
    let pair = "hapx: {role: load-balancer, count: 2, networks: [lb, vip]}";
    let three = "hapx: {role: load-balancer, count: 3, networks: [lb, vip]}";
    let agent = "{agent: fence_virsh, options: {ip: 10.3.0.1, username: \"a 'c' # $d\"}}";
    let agents = format!("fencing: agents, agents: {{hapx01: {agent}, hapx02: {agent}}}");
    let mut all = blueprints();
    all.extend([
        routed(pair, "name: api"),
        routed(pair, "pacemaker: {two_node: wait-for-all, second_link: vip}"),
        routed(pair, &format!("pacemaker: {{{agents}}}")),
        routed(three, "name: api"),
    ]);
    // Control planes hold the address: the cluster runs nothing beside it.
    all.push(changed_in("blueprints", "kube-compact", |text| {
        let changed = text.replace("held_by: control-plane", "held_by: control-plane\n  failover: pacemaker");
        assert_ne!(changed, text);
        changed
    }));
    all.retain(|one| holder(one).is_some());
    assert!(all.len() >= 6, "{}", all.len());
    all
}

/// The first machine of a cluster.
fn holder(built: &Compiled) -> Option<&str> {
    let path = "/files/etc/bpc/cluster.crm";
    let file = built.artifacts.files.iter().find(|file| file.path.ends_with(path))?;
    file.path.strip_prefix("machines/")?.strip_suffix(path)
}

/// A file of the first machine of a cluster.
fn file<'a>(built: &'a Compiled, path: &str) -> &'a str {
    let first = holder(built).expect("a cluster has a first machine");
    std::str::from_utf8(artifact(built, first, &format!("files{path}"))).expect("the file is text")
}
