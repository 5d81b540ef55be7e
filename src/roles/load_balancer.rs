//! Load balancers: the floating address in front of the control planes.

use crate::flow::{Endpoint, Flow, Service};
use crate::site::{Role, Site};

/// The port of the Kubernetes API.
const API_PORT: u16 = 6443;

/// The floating address serves the cluster's own machines and the bastion.
pub(super) fn flows(site: &Site) -> Vec<Flow> {
    let to: Vec<Endpoint> = site
        .floating
        .iter()
        .filter(|floating| floating.role == Role::LoadBalancer)
        .map(Endpoint::from)
        .collect();
    let clients = [Role::ControlPlane, Role::Worker, Role::Bastion];
    let from = clients.into_iter().flat_map(|role| site.with_role(role)).map(Endpoint::from).collect();
    let reason = "the cluster and the bastion: the Kubernetes API behind the floating address".to_owned();
    vec![Flow { reason, from, to, service: Service::Tcp(vec![API_PORT]) }]
}
