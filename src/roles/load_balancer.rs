//! Load balancers: the floating address in front of the control planes.

use super::API_PORT;
use crate::flow::{Endpoint, Flow, Service};
use crate::site::{Role, Site};

/// The floating address serves the cluster's own machines and the bastion.
pub(super) fn flows(site: &Site) -> Vec<Flow> {
    let held = site.floating.iter().filter(|floating| floating.role == Role::LoadBalancer);
    let clients = [Role::ControlPlane, Role::Worker, Role::Bastion];
    vec![Flow {
        reason: "the cluster and the bastion: the Kubernetes API behind the floating address".into(),
        from: clients.into_iter().flat_map(|role| site.with_role(role)).map(Endpoint::from).collect(),
        to: held.map(Endpoint::from).collect(),
        service: Service::Tcp(API_PORT),
    }]
}
