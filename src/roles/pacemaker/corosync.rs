//! Corosync: who belongs to the cluster, and whether enough of them do (corosync.conf(5), votequorum(5)).

use std::net::Ipv4Addr;

use serde::Serialize;

use crate::bug::Bug;
use crate::site::{Machine, Pacemaker, Site, TwoNode};
use crate::template::render;

/// How long a member may be silent, in milliseconds. Together with the time in which the others agree on it, a machine
/// that is gone has been noticed after twice as long.
const TOKEN: u32 = 3000;

#[derive(Serialize)]
struct Configuration<'a> {
    name: &'a str,
    token: u32,
    members: Vec<Member<'a>>,
    /// Lines of the section `quorum`.
    quorum: &'static [&'static str],
}

#[derive(Serialize)]
struct Member<'a> {
    name: &'a str,
    /// One a link.
    addresses: Vec<Ipv4Addr>,
}

/// The same file for all members, which are numbered in this order.
pub(super) fn configuration(site: &Site, settings: &Pacemaker, members: &[&Machine]) -> Result<String, Bug> {
    let members: Result<Vec<Member<'_>>, Bug> =
        members.iter().map(|machine| member(settings, machine)).collect();
    let configuration =
        Configuration { name: &site.name, token: TOKEN, members: members?, quorum: quorum(settings) };
    render("corosync.conf", include_str!("corosync.conf.j2"), &configuration)
}

fn member<'a>(settings: &Pacemaker, machine: &'a Machine) -> Result<Member<'a>, Bug> {
    let address = |network: &String| {
        let on = machine.on(network).ok_or_else(|| Bug(format!("{} is not on {network}", machine.name)))?;
        Ok(on.address())
    };
    Ok(Member {
        name: &machine.name,
        addresses: settings.links.iter().map(address).collect::<Result<_, Bug>>()?,
    })
}

/// `two_node` alone would mean `wait_for_all` as well, so both are said.
fn quorum(settings: &Pacemaker) -> &'static [&'static str] {
    match settings.two_node {
        Some(TwoNode::StartAlone) => &["two_node: 1", "wait_for_all: 0"],
        Some(TwoNode::WaitForAll) => &["two_node: 1", "wait_for_all: 1"],
        None => &[],
    }
}
