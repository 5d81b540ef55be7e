//! The data centre as decided: every name, address, adapter and port, once.
//!
//! `resolve` makes it, everything after reads it. Nothing here can be wrong or missing any more, and nothing knows
//! where in the blueprint it comes from, but for the [`origin`](Machine::origin) that the manifest shows.

mod bound;
mod certificates;
mod cluster;
mod download;
mod image;
mod load_balancer;
mod machine;
mod network;
mod published;
mod secrets;
mod ssh;
mod virtualbox;
mod workload;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use jiff::Timestamp;

use crate::value::Uuid;

pub use crate::model::{Architecture, Distribution, FileSystem, Firmware, MountOption, Role};
pub use bound::{BOUND, Bound, Effect, Rule, VAULT};
pub use certificates::{
    Algorithm, AuthorityKeys, AuthorityKind, CertificateKind, CertificatePlan, CertificateUsage,
    EXPIRES_SOON, Holder, PlannedCertificate, SERVICE_ACCOUNT,
};
pub use cluster::{
    API_PORT, AddOn, ApiInPath, Cluster, ETCD_CLIENT_PORT, ETCD_PEER_PORT, EtcdSettings, EtcdTopology,
    KUBELET_PORT, KubeadmExtras, Manifest, NetworkPlugin, Runtime, ServicePool, api_in_path,
};
pub use download::Download;
pub use image::{DiskFile, Image, ImageSource, Lvm, PackageSources, Volume};
pub use load_balancer::{
    ALIVE_PATH, ALIVE_PORT, API_FRONTEND, Check, CheckKind, Failover, FenceAgent, Frontend, Keepalived,
    LoadBalancing, Mode, Pacemaker, Server, Stats, TwoNode,
};
pub use machine::{
    Attachment, Disk, Machine, MachineVolume, Medium, Mounted, Nic, PublishedPort, Purpose, SEED,
    SYSTEM_DISK, Segment, Taint, TimeDaemon,
};
pub use network::{GatewayAddresses, Network, Pool};
pub use published::PublishedTarget;
pub use secrets::SharedSecret;
pub use ssh::{SSH_HOST_AUTHORITY, SSH_USER_AUTHORITY, SshCertificate, SshPlan};
pub use virtualbox::{Adapter, Chipset, Controller, SystemDisk, VirtualBox};
pub use workload::{Resources, Workload};

/// A small data centre, all decided.
#[derive(Clone, Debug)]
pub struct Site {
    /// Its name.
    pub name: String,
    /// The DNS domain of its machines.
    pub domain: String,
    /// The time that every artifact carries.
    pub epoch: Timestamp,
    /// What the machines start from.
    pub image: Image,
    /// How VirtualBox makes the machines.
    pub virtualbox: VirtualBox,
    /// The user on every machine.
    pub user: String,
    /// OpenSSH public keys that let people in.
    pub ssh_keys: Vec<String>,
    /// The time zone.
    pub timezone: String,
    /// The locale.
    pub locale: String,
    /// Time servers; none means the distribution's own.
    pub ntp: Vec<String>,
    /// Name servers that the gateway asks; none means those of its NAT network.
    pub forwarders: Vec<Ipv4Addr>,
    /// Networks with addresses, in the order of the blueprint. NAT networks are not here: only adapters know them.
    pub networks: Vec<Network>,
    /// Machines, in the order of the blueprint.
    pub machines: Vec<Machine>,
    /// Addresses that move between machines.
    pub floating: Vec<FloatingAddress>,
    /// What is done with the floating address, if there is one.
    pub load_balancing: Option<LoadBalancing>,
    /// Its SSH certificates.
    pub ssh: SshPlan,
    /// The Kubernetes cluster, if there is one.
    pub kubernetes: Option<Cluster>,
    /// What machines download by themselves, by name.
    pub downloads: BTreeMap<String, Download>,
    /// New generations of secrets, by purpose; all others are in generation 0.
    pub generations: BTreeMap<String, u32>,
}

/// An address that is held by one machine of a role at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FloatingAddress {
    /// Its DNS name within the domain.
    pub name: String,
    /// The address.
    pub address: Ipv4Addr,
    /// The network it belongs to.
    pub network: String,
    /// The role of the machines that hold it.
    pub role: Role,
}

impl Site {
    /// What VirtualBox forwards to the machine's adapter on NAT. A gateway also gets what leads to machines without such an
    /// adapter, everything on the port of the same number, and hands it on.
    #[must_use]
    pub fn forwards(&self, machine: &Machine) -> Vec<PublishedPort> {
        let handed_on = |port: &PublishedPort| PublishedPort { machine: port.host, ..*port };
        match machine.role {
            Role::Gateway => {
                let all = self.machines.iter().filter(|it| it.name == machine.name || it.nat().is_none());
                all.flat_map(|it| it.published.iter().map(handed_on)).collect()
            }
            _ if machine.nat().is_some() => machine.published.clone(),
            _ => Vec::new(),
        }
    }

    /// The machine that routes between the networks, if there is one.
    #[must_use]
    pub fn gateway(&self) -> Option<&Machine> {
        self.with_role(Role::Gateway).next()
    }

    /// All machines of one role.
    pub fn with_role(&self, role: Role) -> impl Iterator<Item = &Machine> {
        self.machines.iter().filter(move |machine| machine.role == role)
    }

    /// The machines that keep the state of the cluster.
    pub fn etcd_members(&self) -> impl Iterator<Item = &Machine> {
        let role = match self.kubernetes.as_ref().map(|cluster| cluster.etcd) {
            Some(EtcdTopology::External) => Some(Role::Etcd),
            Some(EtcdTopology::Stacked | EtcdTopology::Colocated) => Some(Role::ControlPlane),
            None => None,
        };
        self.machines.iter().filter(move |machine| Some(machine.role) == role)
    }

    /// Where their clients find them, in the order of the machines: `https://192.168.1.5:2379`.
    #[must_use]
    pub fn etcd_endpoints(&self) -> Vec<String> {
        self.etcd_members().map(|member| format!("https://{}:{ETCD_CLIENT_PORT}", member.address())).collect()
    }

    /// The floating address that machines of this role hold in turn, if there is one.
    #[must_use]
    pub fn floating_on(&self, role: Role) -> Option<&FloatingAddress> {
        self.floating.iter().find(|floating| floating.role == role)
    }

    /// The network of that name.
    #[must_use]
    pub fn network(&self, name: &str) -> Option<&Network> {
        self.networks.iter().find(|network| network.name == name)
    }

    /// All secrets that are derived for this site, by purpose.
    #[must_use]
    pub fn purposes(&self) -> BTreeSet<String> {
        let shared = self.shared_secrets().into_iter().map(|secret| secret.as_str().to_owned());
        let mut purposes: BTreeSet<String> = self.ssh.purposes().chain(shared).collect();
        if let Some(cluster) = &self.kubernetes {
            purposes.extend(cluster.certificates.purposes());
        }
        purposes
    }

    /// The generation of the secrets of a purpose.
    #[must_use]
    pub fn generation(&self, purpose: &str) -> u32 {
        self.generations.get(purpose).copied().unwrap_or(0)
    }

    /// The identity of a machine.
    #[must_use]
    pub fn machine_uuid(&self, machine: &str) -> Uuid {
        Uuid::derive(&[&self.name, machine, "machine"])
    }

    /// The identity of a disk of a machine, [`SYSTEM_DISK`] and [`SEED`] among them.
    #[must_use]
    pub fn disk_uuid(&self, machine: &str, disk: &str) -> Uuid {
        Uuid::derive(&[&self.name, machine, "disk", disk])
    }

    /// The identity of a system disk that all machines are copied from.
    #[must_use]
    pub fn shared_disk_uuid(&self) -> Uuid {
        Uuid::derive(&[&self.name, "disk", SYSTEM_DISK])
    }

    /// The identity of a file system of a machine, by where it is mounted.
    #[must_use]
    pub fn file_system_uuid(&self, machine: &str, mount: &str) -> Uuid {
        // A slash stands between words, and no path that can be mounted on has this in its place.
        Uuid::derive(&[&self.name, machine, "file-system", &mount.replace('/', ":")])
    }

    /// All that a machine's controller has attached, by port: the system disk, the seed, the other disks.
    #[must_use]
    pub fn media(&self, machine: &Machine) -> Vec<Medium> {
        let own = [(SYSTEM_DISK, Some(self.image.disk)), (SEED, None)];
        let own = own.into_iter().map(|(name, size)| Medium { name: name.to_owned(), size });
        let disks = machine.disks.iter().map(|it| Medium { name: it.name.clone(), size: Some(it.size) });
        own.chain(disks).collect()
    }

    /// A machine's full name: `kube-mast01.kube.demo`.
    #[must_use]
    pub fn fqdn(&self, name: &str) -> String {
        format!("{name}.{}", self.domain)
    }
}
