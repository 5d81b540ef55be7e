//! etcd: the state of the cluster, on the machines that keep it.
//!
//! Where systemd runs etcd, on machines of its own or beside kubeadm on the control planes, all of it comes from here.
//! Where kubeadm runs it (a stacked etcd), the machines get what takes and restores snapshots.

mod service;
mod snapshots;

use crate::bug::Bug;
use crate::credentials::Credentials;
use crate::flow::{Endpoint, Flow, Service};
use crate::format::shell;
use crate::setup::{File, Setup, Stage};
use crate::site::{Cluster, ETCD_CLIENT_PORT, ETCD_PEER_PORT, EtcdTopology, Machine, Role, Site};

/// The control planes keep their state here, and the members keep it the same.
pub(super) fn flows(site: &Site) -> Vec<Flow> {
    let Some(cluster) = &site.kubernetes else { return Vec::new() };
    let members: Vec<Endpoint> = site.etcd_members().map(Endpoint::from).collect();
    // Only members on different networks have the gateway between them.
    let among = |reason: &str, port| Flow {
        reason: reason.into(),
        from: members.clone(),
        to: members.clone(),
        service: Service::Tcp(port),
    };
    let mut flows = Vec::new();
    if cluster.etcd == EtcdTopology::External {
        flows.push(Flow {
            reason: "control planes: the state of the cluster in etcd".into(),
            from: site.with_role(Role::ControlPlane).map(Endpoint::from).collect(),
            ..among("", ETCD_CLIENT_PORT)
        });
    }
    flows.push(among("etcd: its members among themselves", ETCD_PEER_PORT));
    flows.push(among("etcd: what asks all members how they are", ETCD_CLIENT_PORT));
    flows
}

/// Adds etcd, or what looks after kubeadm's, if the machine is one of its members.
pub(super) fn add(
    site: &Site,
    credentials: &Credentials,
    machine: &Machine,
    setup: &mut Setup,
) -> Result<(), Bug> {
    let Some(cluster) = &site.kubernetes else { return Ok(()) };
    let Some(member) = Member::new(site, cluster, machine) else { return Ok(()) };
    setup.stages.push(member.software()?);
    setup.files.push(member.etcdctl());
    if member.has_service() {
        service::add(&member, credentials, setup)?;
    }
    snapshots::add(&member, setup)
}

/// One machine that keeps the state.
struct Member<'a> {
    site: &'a Site,
    cluster: &'a Cluster,
    machine: &'a Machine,
}

impl<'a> Member<'a> {
    fn new(site: &'a Site, cluster: &'a Cluster, machine: &'a Machine) -> Option<Self> {
        site.etcd_members().any(|member| member == machine).then_some(Self { site, cluster, machine })
    }

    /// Whether systemd runs it, and not kubeadm.
    fn has_service(&self) -> bool {
        self.cluster.etcd != EtcdTopology::Stacked
    }

    /// The folder of its certificates, which kubeadm's own layout names.
    fn pki(&self) -> &'static str {
        if self.has_service() { "/etc/etcd/pki" } else { "/etc/kubernetes/pki/etcd" }
    }

    /// Where its clients find it.
    fn endpoint(&self) -> String {
        url(self.machine, ETCD_CLIENT_PORT)
    }

    /// Where other members find it.
    fn peer(&self) -> String {
        url(self.machine, ETCD_PEER_PORT)
    }

    /// All members by name, in the order of the machines (`--initial-cluster`).
    fn initial_cluster(&self) -> String {
        let members = self.site.etcd_members();
        let members = members.map(|member| format!("{}={}", member.name, url(member, ETCD_PEER_PORT)));
        members.collect::<Vec<_>>().join(",")
    }

    /// The stage that installs the programs from their pinned download; kubeadm brings a server of its own.
    fn software(&self) -> Result<Stage, Bug> {
        let archive = self.site.download("etcd")?;
        // So it is in the archive, whatever a mirror calls that.
        let folder = format!("etcd-v{}-linux-{}", archive.version, self.site.image.architecture.as_str());
        let server = self.has_service().then_some("etcd");
        let programs = server.into_iter().chain(["etcdctl", "etcdutl"]);
        let programs = shell::words(programs.map(|program| format!("{folder}/{program}")));
        let variables = [("URL", archive.url.as_str()), ("SHA256", &archive.sha256), ("PROGRAMS", &programs)];
        Ok(Stage::new(30, "etcd-software", &variables, include_str!("software.sh")))
    }

    /// etcdctl as those who look after the cluster call it.
    fn etcdctl(&self) -> File {
        let variables = [("ENDPOINTS", self.site.etcd_endpoints().join(",")), ("PKI", self.pki().to_owned())];
        File::script("/usr/local/sbin/bpc-etcdctl", script(&variables, include_str!("bpc-etcdctl.sh")))
    }
}

fn url(machine: &Machine, port: u16) -> String {
    format!("https://{}:{port}", machine.address())
}

/// A script that people and units call.
fn script(variables: &[(&'static str, String)], body: &str) -> String {
    format!("#!/bin/sh\nset -eu\n{}\n{body}", shell::assignments(variables))
}

#[cfg(test)]
mod tests;
