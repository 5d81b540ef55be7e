//! Pacemaker: what the cluster runs, in the words of crm(8).

use std::net::Ipv4Addr;

use serde::Serialize;

use crate::bug::Bug;
use crate::site::{FenceAgent, FloatingAddress, Machine, Pacemaker, Role, Site};
use crate::template::render;

/// How much longer it takes until the first of two machines is stopped: two that lost sight of each other must not stop
/// each other at the same moment.
const HEAD_START: &str = "5s";

#[derive(Serialize)]
struct Configuration<'a> {
    name: &'a str,
    /// As crm writes it.
    fencing: &'static str,
    floating: Floating<'a>,
    haproxy: bool,
    agents: Vec<Agent<'a>>,
}

#[derive(Serialize)]
struct Floating<'a> {
    name: &'a str,
    address: Ipv4Addr,
    prefix: u8,
    interface: &'a str,
}

#[derive(Serialize)]
struct Agent<'a> {
    machine: &'a str,
    kind: &'a str,
    /// `name="value"`, with a space between.
    parameters: String,
}

/// The whole configuration, which crm loads.
pub(super) fn configuration(
    site: &Site,
    settings: &Pacemaker,
    floating: &FloatingAddress,
    members: &[&Machine],
) -> Result<String, Bug> {
    let network = site
        .network(&floating.network)
        .ok_or_else(|| Bug(format!("there is no network {}", floating.network)))?;
    let favoured = settings.two_node.and_then(|_| members.first()).map(|machine| machine.name.as_str());
    let configuration = Configuration {
        name: &site.name,
        fencing: if settings.agents.is_empty() { "false" } else { "true" },
        floating: Floating {
            name: &floating.name,
            address: floating.address,
            prefix: network.cidr.prefix_len(),
            interface: &network.interface,
        },
        haproxy: floating.role == Role::LoadBalancer,
        agents: settings.agents.iter().map(|agent| self::agent(agent, favoured)).collect(),
    };
    render("cluster.crm", include_str!("cluster.crm.j2"), &configuration)
}

/// An agent with what Pacemaker has to know of it, unless the blueprint says that itself (`pcmk_host_list` and
/// `pcmk_delay_base` in pacemaker-fenced(7)).
fn agent<'a>(agent: &'a FenceAgent, favoured: Option<&str>) -> Agent<'a> {
    let written = |prefix: &str| agent.options.iter().any(|(key, _)| key.starts_with(prefix));
    let mut parameters = Vec::new();
    if !written("pcmk_host_") {
        parameters.push(parameter("pcmk_host_list", &agent.machine));
    }
    if favoured == Some(&agent.machine) && !written("pcmk_delay_") {
        parameters.push(parameter("pcmk_delay_base", HEAD_START));
    }
    parameters.extend(agent.options.iter().map(|(key, value)| parameter(key, value)));
    Agent { machine: &agent.machine, kind: &agent.agent, parameters: parameters.join(" ") }
}

/// In quotes, which no value has in it.
fn parameter(key: &str, value: &str) -> String {
    format!("{key}=\"{value}\"")
}
