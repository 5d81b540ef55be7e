//! What each machine gets: one module a role, none of which knows another.
//!
//! A role says two things: the traffic that it needs between networks (`flows`), and the files, packages and
//! bootstrap stages of its machines ([`setups`]). The gateway turns the flows of all roles into its firewall.

mod base;
mod bastion;
mod control_plane;
#[cfg(test)]
pub(crate) mod tests;
mod gateway;
mod load_balancer;
mod names;

use crate::bug::Bug;
use crate::flow::Flow;
use crate::setup::Setup;
use crate::site::{Machine, Role, Site};

/// The port of the Kubernetes API: on the control planes, and on the floating address in front of them.
const API_PORT: u16 = 6443;

/// All traffic between networks that the roles of a site need, in the order of the roles.
fn flows(site: &Site) -> Vec<Flow> {
    [bastion::flows(site), load_balancer::flows(site), control_plane::flows(site)].concat()
}

/// What each machine of a site gets, in the order of the machines.
pub(crate) fn setups(site: &Site) -> Result<Vec<Setup>, Bug> {
    let flows = flows(site);
    site.machines.iter().map(|machine| setup(site, machine, &flows)).collect()
}

/// What a machine gets from its role, on top of what every machine gets.
fn setup(site: &Site, machine: &Machine, flows: &[Flow]) -> Result<Setup, Bug> {
    let mut setup = base::setup(site, machine);
    match machine.role {
        Role::Gateway => gateway::add(site, machine, flows, &mut setup)?,
        Role::Bastion => bastion::add(site, &mut setup)?,
        Role::LoadBalancer | Role::ControlPlane | Role::Worker => {}
    }
    Ok(setup)
}
