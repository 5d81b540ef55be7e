//! Machines of an etcd cluster of its own.

use super::pki::Keyring;
use crate::bug::Bug;
use crate::credentials::Credentials;
use crate::flow::{Endpoint, Flow, Service};
use crate::setup::Setup;
use crate::site::{AuthorityKind, CertificateKind, Machine, Role, Site};

/// The port on which members serve their clients (etcd's configuration flags, `--listen-client-urls`).
const CLIENT_PORT: u16 = 2379;
/// The port on which members serve each other (`--listen-peer-urls`).
const PEER_PORT: u16 = 2380;

/// The control planes keep their state here, and the members keep it the same.
pub(super) fn flows(site: &Site) -> Vec<Flow> {
    let with_role = |role| -> Vec<Endpoint> { site.with_role(role).map(Endpoint::from).collect() };
    let members = with_role(Role::Etcd);
    if members.is_empty() {
        return Vec::new();
    }
    vec![
        Flow {
            reason: "control planes: the state of the cluster in etcd".into(),
            from: with_role(Role::ControlPlane),
            to: members.clone(),
            service: Service::Tcp(CLIENT_PORT),
        },
        // Only members on different networks have the gateway between them.
        Flow {
            reason: "etcd: its members among themselves".into(),
            from: members.clone(),
            to: members,
            service: Service::Tcp(PEER_PORT),
        },
    ]
}

/// The certificates of a member, named as kubeadm names them, in a folder that is etcd's own.
///
/// The key of etcd's authority is on no machine: nothing there signs certificates.
pub(super) fn add(credentials: &Credentials, machine: &Machine, setup: &mut Setup) -> Result<(), Bug> {
    let keys = Keyring::new(credentials, machine);
    setup.files.push(keys.authority(AuthorityKind::Etcd, "/etc/etcd/pki/ca")?);
    for (kind, name, why) in [
        (CertificateKind::EtcdServer, "server", "etcd serves its clients"),
        (CertificateKind::EtcdPeer, "peer", "etcd speaks to its other members"),
        (CertificateKind::EtcdHealthcheckClient, "healthcheck-client", "asks etcd whether it is well"),
    ] {
        setup.files.extend(keys.certificate(kind, &format!("/etc/etcd/pki/{name}"), why)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::tests;

    /// An example whose workers are members instead.
    fn site() -> Site {
        let mut site = tests::site(&["store: {role: worker, count: 3, networks: [node]}"], "");
        site.machines.iter_mut().filter(|it| it.role == Role::Worker).for_each(|it| it.role = Role::Etcd);
        site
    }

    #[test]
    fn control_planes_reach_the_members_and_nobody_else_does() {
        let found = flows(&site());
        let (api, members) = (found[0].from.clone(), found[0].to.clone());
        let of = |endpoints: &[Endpoint]| -> Vec<String> {
            endpoints.iter().map(|it| format!("{} {it}", it.network)).collect()
        };
        assert_eq!(of(&api), ["mast 10.3.0.2"]);
        assert_eq!(of(&members), ["node 10.4.0.2", "node 10.4.0.3", "node 10.4.0.4"]);
        let ports: Vec<Service> = found.iter().map(|flow| flow.service).collect();
        assert_eq!(ports, [Service::Tcp(2379), Service::Tcp(2380)]);
        assert_eq!((&found[1].from, &found[1].to), (&members, &members));
    }

    #[test]
    fn without_members_there_is_nothing_to_reach() {
        assert_eq!(flows(&tests::site(&[], "")), []);
    }
}
