//! Control planes: the Kubernetes API.

use crate::flow::{Endpoint, Flow, Service};
use crate::site::{Role, Site};

/// The port of the Kubernetes API.
const API_PORT: u16 = 6443;

/// The API is reached from the load balancers, or directly where there are none.
pub(super) fn flows(site: &Site) -> Vec<Flow> {
    let api: Vec<Endpoint> = site.with_role(Role::ControlPlane).map(Endpoint::from).collect();
    let balanced = site.floating.iter().any(|floating| floating.role == Role::LoadBalancer);
    let (reason, clients): (_, &[Role]) = if balanced {
        ("load balancers: the Kubernetes API of every control plane", &[Role::LoadBalancer])
    } else {
        ("workers and the bastion: the Kubernetes API", &[Role::Worker, Role::Bastion])
    };
    let from = clients.iter().flat_map(|role| site.with_role(*role)).map(Endpoint::from).collect();
    vec![Flow { reason: reason.to_owned(), from, to: api, service: Service::Tcp(vec![API_PORT]) }]
}
