//! What each machine gets: one module a role, none of which knows another.
//!
//! A role says two things: the traffic that it needs between networks (`flows`), and the files, packages and
//! bootstrap stages of its machines ([`setups`]). The gateway turns the flows of all roles into its firewall.

mod addons;
mod base;
mod bastion;
mod control_plane;
mod etcd;
mod gateway;
mod keepalived;
mod known_hosts;
mod kubeadm;
mod kubeconfig;
mod load_balancer;
mod names;
mod node;
mod operator;
mod pacemaker;
mod pki;
mod storage;
#[cfg(test)]
mod tests;
mod worker;

use sha2::{Digest, Sha256};

use crate::artifact::Content;
use crate::bootstrap;
use crate::bug::Bug;
use crate::credentials::Credentials;
use crate::flow::Flow;
use crate::setup::{Setup, Setups};
use crate::site::{Machine, Role, Site};

/// All traffic between networks that the roles of a site need, in the order of the roles.
fn flows(site: &Site) -> Vec<Flow> {
    [
        bastion::flows(site),
        load_balancer::flows(site),
        pacemaker::flows(site),
        control_plane::flows(site),
        node::flows(site),
        etcd::flows(site),
    ]
    .concat()
}

/// What each machine of a site gets, in the order of the machines, and what the operator does.
pub(crate) fn setups(site: &Site, credentials: &Credentials) -> Result<Setups, Bug> {
    let flows = flows(site);
    let machines = site.machines.iter().map(|machine| setup(site, credentials, machine, &flows));
    Ok(Setups {
        machines: machines.collect::<Result<_, _>>()?,
        operator: operator::files(site, credentials)?,
    })
}

/// What a machine gets from its role, on top of what every machine gets.
fn setup(site: &Site, credentials: &Credentials, machine: &Machine, flows: &[Flow]) -> Result<Setup, Bug> {
    let mut setup = base::setup(site, credentials, machine)?;
    storage::add(site, machine, &mut setup);
    match machine.role {
        Role::Gateway => gateway::add(site, machine, flows, &mut setup)?,
        Role::Bastion => bastion::add(site, credentials, machine, &mut setup)?,
        Role::LoadBalancer => load_balancer::add(site, credentials, machine, &mut setup)?,
        Role::ControlPlane => {
            control_plane::add(site, credentials, machine, &mut setup)?;
            addons::add(site, machine, &mut setup)?;
        }
        Role::Worker => worker::add(site, credentials, machine, &mut setup)?,
        // What every member of etcd gets.
        Role::Etcd => {}
    }
    node::add(site, credentials, machine, &mut setup)?;
    if matches!(machine.role, Role::ControlPlane | Role::Worker) {
        kubeadm::add(site, credentials, machine, &mut setup)?;
    }
    etcd::add(site, credentials, machine, &mut setup)?;
    keepalived::add(site, credentials, machine, &mut setup)?;
    pacemaker::add(site, credentials, machine, &mut setup)?;
    let mut setup = setup.sealed(|content| digest(credentials, content))?;
    let seed =
        setup.files.iter().map(|file| format!("{} {}\n", digest(credentials, &file.content), file.path));
    let seed = base16ct::lower::encode_string(&Sha256::digest(seed.collect::<String>()));
    setup.stages.push(bootstrap::former(&setup, &seed));
    Ok(setup)
}

/// By which a stage knows that one of its files is another one; of a secret only who has the vault can tell from which.
fn digest(credentials: &Credentials, content: &Content) -> String {
    let digest = base16ct::lower::encode_string(&Sha256::digest(content.bytes()));
    if content.is_secret() { credentials.sealed(&digest) } else { digest }
}
