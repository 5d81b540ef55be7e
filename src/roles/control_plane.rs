//! Control planes: the Kubernetes API.

use super::kubeconfig::Kubeconfig;
use super::pki::Keyring;
use crate::bug::Bug;
use crate::credentials::Credentials;
use crate::flow::{Endpoint, Flow, Service};
use crate::setup::{File, Setup};
use crate::site::{
    API_PORT, AuthorityKeys, AuthorityKind, CertificateKind, Cluster, EtcdTopology, Holder, Machine, Role,
    Site,
};

/// Where kubeadm looks for certificates and keys. What it finds there it uses, and makes the rest.
const PKI: &str = "/etc/kubernetes/pki";

/// The API is reached from the load balancers, or directly where there are none, at the floating address too if control
/// planes hold it. Pods, which come from all nodes, know the control planes by their own addresses only.
pub(super) fn flows(site: &Site) -> Vec<Flow> {
    let held = |role| site.floating.iter().filter(move |floating| floating.role == role);
    let own = || site.with_role(Role::ControlPlane).map(Endpoint::from);
    let flow = |reason: &str, clients: &[Role], to: Vec<Endpoint>| Flow {
        reason: reason.into(),
        from: clients.iter().flat_map(|role| site.with_role(*role)).map(Endpoint::from).collect(),
        to,
        service: Service::Tcp(API_PORT),
    };
    if held(Role::LoadBalancer).next().is_none() {
        let clients = [Role::ControlPlane, Role::Worker, Role::Bastion];
        let to = own().chain(held(Role::ControlPlane).map(Endpoint::from)).collect();
        return vec![flow("the cluster and the bastion: the Kubernetes API", &clients, to)];
    }
    let balancers = "load balancers: the Kubernetes API of every control plane";
    vec![
        flow(balancers, &[Role::LoadBalancer], own().collect()),
        flow("pods: the Kubernetes API", &[Role::ControlPlane, Role::Worker], own().collect()),
    ]
}

/// All that kubeadm would make on a control plane, where it then finds it made ("PKI certificates and requirements" of
/// the Kubernetes manual).
pub(super) fn add(
    site: &Site,
    credentials: &Credentials,
    machine: &Machine,
    setup: &mut Setup,
) -> Result<(), Bug> {
    let Some(cluster) = &site.kubernetes else { return Ok(()) };
    let keys = Keyring::new(credentials, machine);
    setup.files.extend(authorities(cluster, &keys)?);
    setup.files.extend(certificates(cluster, &keys)?);
    setup.files.extend(keys.service_account(&format!("{PKI}/sa"), "signs the tokens of service accounts")?);
    for kubeconfig in kubeconfigs(site, cluster, machine) {
        setup.files.push(kubeconfig.file(site, credentials)?);
    }
    Ok(())
}

/// The authorities, with their keys if machines are to have them; the key for an etcd elsewhere is of no use here.
fn authorities(cluster: &Cluster, keys: &Keyring<'_>) -> Result<Vec<File>, Bug> {
    let on_machines = cluster.certificates.authority_keys == AuthorityKeys::Machines;
    let stacked = cluster.etcd == EtcdTopology::Stacked;
    let mut files = Vec::new();
    for (kind, name, signs, why) in [
        (AuthorityKind::Kubernetes, "ca", true, "signs the certificates of nodes, renews the API's"),
        (AuthorityKind::FrontProxy, "front-proxy-ca", true, "renews the certificate towards extension APIs"),
        (AuthorityKind::Etcd, "etcd/ca", stacked, "signs the certificates of etcd's members"),
    ] {
        let path = format!("{PKI}/{name}");
        files.push(keys.authority(kind, &path)?);
        if on_machines && signs {
            files.push(keys.authority_key(kind, &path, why)?);
        }
    }
    Ok(files)
}

fn certificates(cluster: &Cluster, keys: &Keyring<'_>) -> Result<Vec<File>, Bug> {
    let mut wanted = vec![
        (CertificateKind::ApiServer, "apiserver", "the API serves its clients"),
        (CertificateKind::ApiServerKubeletClient, "apiserver-kubelet-client", "the API speaks to kubelets"),
        (CertificateKind::ApiServerEtcdClient, "apiserver-etcd-client", "the API speaks to etcd"),
        (CertificateKind::FrontProxyClient, "front-proxy-client", "the API speaks to extension APIs"),
    ];
    if cluster.etcd == EtcdTopology::Stacked {
        wanted.extend([
            (CertificateKind::EtcdServer, "etcd/server", "etcd serves its clients"),
            (CertificateKind::EtcdPeer, "etcd/peer", "etcd speaks to its other members"),
            (
                CertificateKind::EtcdHealthcheckClient,
                "etcd/healthcheck-client",
                "asks etcd whether it is well",
            ),
        ]);
    }
    let mut files = Vec::new();
    for (kind, name, why) in wanted {
        files.extend(keys.certificate(kind, &format!("{PKI}/{name}"), why)?);
    }
    Ok(files)
}

/// The kubeconfigs. What is a part of a control plane asks the API beside it, so that in an upgrade it never meets an
/// older one; all else goes by the address that outlives a machine.
///
/// A kubelet's is among them only if no machine can sign one: otherwise kubeadm makes that of the first control plane
/// itself, and the kubelets of the others get theirs with the token that they join with.
fn kubeconfigs(site: &Site, cluster: &Cluster, machine: &Machine) -> Vec<Kubeconfig> {
    let here = format!("https://{}:{API_PORT}", machine.address());
    let file = |path, kind, server: &str, why| Kubeconfig {
        path,
        holder: Holder::Machine(machine.name.clone()),
        kind,
        server: server.to_owned(),
        why,
    };
    let server = cluster.server();
    let manager = "the controller manager speaks to the API";
    let mut all = vec![
        file("/etc/kubernetes/admin.conf", CertificateKind::Admin, &server, "kubectl and kubeadm there"),
        file("/etc/kubernetes/controller-manager.conf", CertificateKind::ControllerManager, &here, manager),
        file(
            "/etc/kubernetes/scheduler.conf",
            CertificateKind::Scheduler,
            &here,
            "the scheduler speaks to the API",
        ),
    ];
    if site.with_role(Role::ControlPlane).next() == Some(machine) {
        let why = "kubeadm gives administrators their rights with it";
        all.push(file("/etc/kubernetes/super-admin.conf", CertificateKind::SuperAdmin, &server, why));
    }
    if cluster.certificates.authority_keys == AuthorityKeys::Vault {
        all.push(Kubeconfig::kubelet(machine, server));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::tests::site;

    const CLUSTER: [&str; 2] =
        ["jump: {role: bastion, networks: [jump]}", "node: {role: worker, networks: [node]}"];

    #[test]
    fn alone_they_serve_the_cluster_and_the_bastion() {
        let [flow] = flows(&site(&CLUSTER, "")).try_into().unwrap();
        assert_eq!(
            flow.to_string(),
            "the cluster and the bastion: the Kubernetes API: 10.3.0.2 10.4.0.2 10.1.0.2 -> 10.3.0.2, tcp 6443"
        );
    }

    #[test]
    fn with_the_floating_address_they_serve_there_too() {
        let rest = "load_balancer: {address: 10.3.0.9, held_by: control-plane}";
        let [flow] = flows(&site(&CLUSTER, rest)).try_into().unwrap();
        assert_eq!(
            flow.to_string(),
            "the cluster and the bastion: the Kubernetes API: \
             10.3.0.2 10.4.0.2 10.1.0.2 -> 10.3.0.2 10.3.0.9, tcp 6443"
        );
    }

    #[test]
    fn behind_load_balancers_they_serve_those_and_pods() {
        let balanced = [&CLUSTER[..], &["hapx: {role: load-balancer, networks: [lb]}"]].concat();
        let flows = flows(&site(&balanced, "load_balancer: {address: 10.2.0.9}"));
        assert_eq!(
            flows.iter().map(Flow::to_string).collect::<Vec<_>>(),
            [
                "load balancers: the Kubernetes API of every control plane: 10.2.0.2 -> 10.3.0.2, tcp 6443",
                "pods: the Kubernetes API: 10.3.0.2 10.4.0.2 -> 10.3.0.2, tcp 6443",
            ]
        );
    }
}
