//! Machines and their network adapters.

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::{FileSystem, MountOption, Role, Volume};
use crate::value::{Mac, Size};

/// One virtual machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Its host name.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// Virtual processors.
    pub cpus: u32,
    /// Memory.
    pub memory: Size,
    /// Network adapters by slot.
    pub nics: Vec<Nic>,
    /// The network that carries its name and its way out.
    pub primary: String,
    /// Its disks besides the system disk, in order.
    pub disks: Vec<Disk>,
    /// The logical volumes that its first boot makes, or makes larger; a folder stands before those in it.
    pub volumes: Vec<MachineVolume>,
    /// Packages beyond those of its role.
    pub packages: Vec<String>,
    /// What keeps its time.
    pub time_daemon: TimeDaemon,
    /// Ports of the host that lead to it.
    pub published: Vec<PublishedPort>,
    /// Its labels as a node of the cluster.
    pub labels: BTreeMap<String, String>,
    /// Its taints as a node; `None` leaves those that kubeadm gives.
    pub taints: Option<Vec<Taint>>,
    /// The line of the blueprint that asks for it: `blueprint.yaml:31`.
    pub origin: String,
}

/// A program that keeps the time; Debian and Ubuntu install no two of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeDaemon {
    /// That of systemd, unless the blueprint's packages bring another.
    Timesyncd,
    /// chrony.
    Chrony,
    /// That of the package `ntpsec`.
    Ntpsec,
    /// That of the package `openntpd`.
    Openntpd,
}

impl TimeDaemon {
    /// All but systemd's.
    pub const OTHERS: [Self; 3] = [Self::Chrony, Self::Ntpsec, Self::Openntpd];

    /// Names its package.
    #[must_use]
    pub const fn package(self) -> &'static str {
        match self {
            Self::Timesyncd => "systemd-timesyncd",
            Self::Chrony => "chrony",
            Self::Ntpsec => "ntpsec",
            Self::Openntpd => "openntpd",
        }
    }
}

/// The name of the disk that a machine starts from; no other disk is called so.
pub const SYSTEM_DISK: &str = "system";
/// The name of the image that tells a machine what it is; no disk is called so.
pub const SEED: &str = "seed";

/// A disk or the seed, as it is attached to a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Medium {
    /// Its name.
    pub name: String,
    /// The size of a disk; none of the seed, which is a CD.
    pub size: Option<Size>,
}

/// A disk besides the system disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    /// Its name, a DNS label; also its serial number on the machine.
    pub name: String,
    /// Its size.
    pub size: Size,
    /// What the machine makes of it, which gets it empty.
    pub purpose: Purpose,
}

/// What a machine makes of an empty disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Nothing.
    Nothing,
    /// A file system, which is mounted.
    FileSystem(Mounted),
    /// A physical volume of the volume group of that name.
    Group(String),
}

/// A file system and where it is mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mounted {
    /// The folder.
    pub mount: String,
    /// What is made.
    pub filesystem: FileSystem,
    /// How it is mounted, besides the defaults: in order, each once.
    pub options: Vec<MountOption>,
}

/// A logical volume that a machine has at its first boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineVolume {
    /// Its volume group.
    pub group: String,
    /// What it is, its size being the least one.
    pub volume: Volume,
    /// Whether it is one of the image's, and so there before.
    pub in_image: bool,
}

/// What keeps pods off a node that do not tolerate it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taint {
    /// Its key.
    pub key: String,
    /// Its value, which may be empty.
    pub value: String,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
    pub effect: String,
}

/// As kubectl writes it: `KEY=VALUE:EFFECT`, `KEY:EFFECT`.
impl fmt::Display for Taint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let equals = if self.value.is_empty() { "" } else { "=" };
        write!(f, "{}{equals}{}:{}", self.key, self.value, self.effect)
    }
}

/// A virtual network adapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nic {
    /// VirtualBox's adapter number, from 1.
    pub slot: usize,
    /// Its address.
    pub mac: Mac,
    /// Its name on the machine.
    pub interface: String,
    /// What it is plugged into.
    pub segment: Segment,
    /// The networks that it carries: none on NAT, one on a plain network, any number on a trunk.
    pub attachments: Vec<Attachment>,
}

/// What an adapter is plugged into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// VirtualBox's NAT.
    Nat,
    /// The internal network of that name.
    Internal(String),
    /// The host-only interface that has this address on the host.
    HostOnly(Ipv4Net),
}

/// A machine on a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// The network's name.
    pub network: String,
    /// The interface that carries the addresses: the adapter's, or that of a VLAN on it.
    pub interface: String,
    /// The VLAN id, on a trunk.
    pub vlan: Option<u16>,
    /// The machine's addresses there, its own first; the gateway has one for names and one for routes, and the only
    /// machine that can hold a floating address has that one too.
    pub addresses: Vec<Ipv4Net>,
}

/// A port of the host, on 127.0.0.1, that leads to a port of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PublishedPort {
    /// The TCP port of the host.
    pub host: u16,
    /// The TCP port of the machine.
    pub machine: u16,
}

impl Attachment {
    /// The machine's own address there.
    #[must_use]
    pub fn address(&self) -> Ipv4Addr {
        // `resolve` gives every attachment an address.
        self.addresses.first().map_or(Ipv4Addr::UNSPECIFIED, Ipv4Net::addr)
    }
}

impl Machine {
    /// The networks that it is on, in the order of its adapters.
    pub fn attachments(&self) -> impl Iterator<Item = &Attachment> {
        self.nics.iter().flat_map(|nic| &nic.attachments)
    }

    /// Its attachment to the network of that name.
    #[must_use]
    pub fn on(&self, network: &str) -> Option<&Attachment> {
        self.attachments().find(|attachment| attachment.network == network)
    }

    /// The address that its name stands for.
    #[must_use]
    pub fn address(&self) -> Ipv4Addr {
        self.on(&self.primary).map_or(Ipv4Addr::UNSPECIFIED, Attachment::address)
    }

    /// What it is called on a network, below the domain: by its name on the first one, `NAME.NETWORK` on others.
    #[must_use]
    pub fn name_on(&self, network: &str) -> String {
        if network == self.primary { self.name.clone() } else { format!("{}.{network}", self.name) }
    }

    /// Its adapter on NAT, if it has one.
    #[must_use]
    pub fn nat(&self) -> Option<&Nic> {
        self.nics.iter().find(|nic| nic.segment == Segment::Nat)
    }
}
