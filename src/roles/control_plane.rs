//! Control planes: the Kubernetes API.

use super::API_PORT;
use crate::flow::{Endpoint, Flow, Service};
use crate::site::{Role, Site};

/// The API is reached from the load balancers, or directly where there are none.
pub(super) fn flows(site: &Site) -> Vec<Flow> {
    let balanced = site.floating.iter().any(|floating| floating.role == Role::LoadBalancer);
    let (reason, clients): (_, &[Role]) = if balanced {
        ("load balancers: the Kubernetes API of every control plane", &[Role::LoadBalancer])
    } else {
        ("workers and the bastion: the Kubernetes API", &[Role::Worker, Role::Bastion])
    };
    vec![Flow {
        reason: reason.into(),
        from: clients.iter().flat_map(|role| site.with_role(*role)).map(Endpoint::from).collect(),
        to: site.with_role(Role::ControlPlane).map(Endpoint::from).collect(),
        service: Service::Tcp(API_PORT),
    }]
}
