//! The plan: what `bpc plan` shows of a site, for people and for programs: the site itself, where its secrets go,
//! its certificates, and what it changes. Nothing here is secret.

mod certificates;
mod changes;
mod place;
mod secrets;
mod storage;
mod table;

use serde::Serialize;

pub use certificates::{Certificates, ListedCertificate, Term};
pub use changes::{BOUND_FILE, Changes, Earlier};
pub use secrets::Secrets;
use storage::{PlannedDisk, PlannedFileSystem};
use table::table;

use crate::site::{Adapter, Controller, Machine, Network, Segment, Site, VirtualBox};
use crate::value::Size;

/// The decided values of a site, in the order of the blueprint.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    name: String,
    domain: String,
    epoch: String,
    virtualbox: PlannedVirtualBox,
    networks: Vec<PlannedNetwork>,
    machines: Vec<PlannedMachine>,
    floating_addresses: Vec<PlannedFloating>,
    ports: Vec<PlannedPort>,
}

/// What all machines are, in VirtualBox's words.
#[derive(Clone, Debug, Serialize)]
struct PlannedVirtualBox {
    chipset: &'static str,
    firmware: &'static str,
    controller: &'static str,
    adapter: &'static str,
}

#[derive(Clone, Debug, Serialize)]
struct PlannedNetwork {
    name: String,
    interface: String,
    cidr: String,
    router: Option<String>,
    resolver: Option<String>,
    host: Option<String>,
    dhcp: Option<String>,
    pools: Vec<PlannedPool>,
    reach: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
struct PlannedPool {
    name: String,
    range: String,
}

#[derive(Clone, Debug, Serialize)]
struct PlannedMachine {
    name: String,
    fqdn: String,
    role: &'static str,
    cpus: u32,
    memory_mib: u64,
    disk_mib: u64,
    data_disks: Vec<PlannedDisk>,
    file_systems: Vec<PlannedFileSystem>,
    address: String,
    nics: Vec<PlannedNic>,
}

#[derive(Clone, Debug, Serialize)]
struct PlannedNic {
    slot: usize,
    mac: String,
    interface: String,
    attach: &'static str,
    /// The internal network's name or the host's address, none on NAT.
    segment: Option<String>,
    networks: Vec<PlannedAttachment>,
}

#[derive(Clone, Debug, Serialize)]
struct PlannedAttachment {
    network: String,
    interface: String,
    vlan: Option<u16>,
    addresses: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
struct PlannedFloating {
    name: String,
    fqdn: String,
    address: String,
    network: String,
    role: &'static str,
}

#[derive(Clone, Debug, Serialize)]
struct PlannedPort {
    host_address: &'static str,
    host_port: u16,
    machine: String,
    machine_port: u16,
}

impl Plan {
    /// What `site` decides.
    #[must_use]
    pub fn new(site: &Site) -> Self {
        let ports = site.machines.iter().flat_map(|machine| {
            machine.published.iter().map(|port| PlannedPort {
                host_address: "127.0.0.1",
                host_port: port.host,
                machine: machine.name.clone(),
                machine_port: port.machine,
            })
        });
        let floating = site.floating.iter().map(|floating| PlannedFloating {
            name: floating.name.clone(),
            fqdn: site.fqdn(&floating.name),
            address: floating.address.to_string(),
            network: floating.network.clone(),
            role: floating.role.as_str(),
        });
        Self {
            name: site.name.clone(),
            domain: site.domain.clone(),
            epoch: site.epoch.to_string(),
            virtualbox: PlannedVirtualBox::new(site),
            networks: site.networks.iter().map(PlannedNetwork::new).collect(),
            machines: site.machines.iter().map(|machine| PlannedMachine::new(site, machine)).collect(),
            floating_addresses: floating.collect(),
            ports: ports.collect(),
        }
    }

    /// As tables.
    #[must_use]
    pub fn to_table(&self) -> String {
        let mut out = format!("{} ({}), {}\n", self.name, self.domain, self.epoch);
        let networks: Vec<_> = self.networks.iter().map(PlannedNetwork::row).collect();
        out += &table(
            &["NETWORK", "INTERFACE", "CIDR", "ROUTER", "RESOLVER", "HOST", "DHCP", "POOLS"],
            &networks,
        );
        let machines: Vec<_> = self.machines.iter().map(PlannedMachine::row).collect();
        out += &table(&["MACHINE", "ROLE", "CPUS", "MEMORY", "DISK", "ADDRESS"], &machines);
        let file_systems: Vec<_> = self.machines.iter().flat_map(PlannedMachine::file_system_rows).collect();
        out += &table(&["MACHINE", "MOUNT", "ON", "SIZE", "FILE SYSTEM", "OPTIONS", "IS"], &file_systems);
        let nics: Vec<_> = self.machines.iter().flat_map(PlannedMachine::nic_rows).collect();
        out += &table(&["MACHINE", "NIC", "MAC", "ATTACHED", "INTERFACE", "NETWORK", "ADDRESS"], &nics);
        let floating = self.floating_addresses.iter().map(|floating| {
            vec![
                floating.fqdn.clone(),
                floating.address.clone(),
                floating.network.clone(),
                floating.role.to_owned(),
            ]
        });
        out += &table(&["FLOATING", "ADDRESS", "NETWORK", "HELD BY"], &floating.collect::<Vec<_>>());
        let ports: Vec<_> = self
            .ports
            .iter()
            .map(|port| {
                let host = format!("{}:{}", port.host_address, port.host_port);
                vec![host, format!("{}:{}", port.machine, port.machine_port)]
            })
            .collect();
        out + &table(&["HOST PORT", "LEADS TO"], &ports)
    }
}

impl PlannedNetwork {
    fn new(network: &Network) -> Self {
        let pools = network
            .pools
            .iter()
            .map(|pool| PlannedPool { name: pool.name.clone(), range: pool.range.to_string() });
        Self {
            name: network.name.clone(),
            interface: network.interface.clone(),
            cidr: network.cidr.to_string(),
            router: network.gateway.map(|gateway| gateway.router.to_string()),
            resolver: network.gateway.map(|gateway| gateway.resolver.to_string()),
            host: network.host.map(|host| host.to_string()),
            dhcp: network.dhcp.map(|range| range.to_string()),
            pools: pools.collect(),
            reach: network.reach.clone(),
        }
    }

    fn row(&self) -> Vec<String> {
        let optional = |text: &Option<String>| text.clone().unwrap_or_default();
        let pools: Vec<String> =
            self.pools.iter().map(|pool| format!("{} {}", pool.name, pool.range)).collect();
        vec![
            self.name.clone(),
            self.interface.clone(),
            self.cidr.clone(),
            optional(&self.router),
            optional(&self.resolver),
            optional(&self.host),
            optional(&self.dhcp),
            pools.join(", "),
        ]
    }
}

impl PlannedVirtualBox {
    fn new(site: &Site) -> Self {
        let VirtualBox { controller, adapter, chipset, .. } = site.virtualbox;
        Self {
            chipset: chipset.as_str(),
            firmware: site.image.firmware.as_str(),
            controller: match controller {
                Controller::Sata => "IntelAhci",
                Controller::VirtioScsi => "VirtioSCSI",
            },
            adapter: match adapter {
                Adapter::Virtio => "virtio",
                Adapter::E1000 => "82540EM",
            },
        }
    }
}

impl PlannedMachine {
    fn new(site: &Site, machine: &Machine) -> Self {
        let nics = machine.nics.iter().map(|nic| {
            let (attach, segment) = match &nic.segment {
                Segment::Nat => ("nat", None),
                Segment::Internal(name) => ("internal", Some(name.clone())),
                Segment::HostOnly(host) => ("host-only", Some(host.to_string())),
            };
            let networks = nic.attachments.iter().map(|attachment| PlannedAttachment {
                network: attachment.network.clone(),
                interface: attachment.interface.clone(),
                vlan: attachment.vlan,
                addresses: attachment.addresses.iter().map(ToString::to_string).collect(),
            });
            PlannedNic {
                slot: nic.slot,
                mac: nic.mac.to_string(),
                interface: nic.interface.clone(),
                attach,
                segment,
                networks: networks.collect(),
            }
        });
        Self {
            name: machine.name.clone(),
            fqdn: site.fqdn(&machine.name),
            role: machine.role.as_str(),
            cpus: machine.cpus,
            memory_mib: machine.memory.as_mib(),
            disk_mib: site.image.disk.as_mib(),
            data_disks: storage::disks(machine),
            file_systems: storage::file_systems(machine),
            address: machine.address().to_string(),
            nics: nics.collect(),
        }
    }

    fn row(&self) -> Vec<String> {
        let data_disks = self.data_disks.iter().map(|it| format!(", {} {}", it.name, Size::mib(it.mib)));
        let disks = Size::mib(self.disk_mib).to_string() + &data_disks.collect::<String>();
        vec![
            self.name.clone(),
            self.role.to_owned(),
            self.cpus.to_string(),
            Size::mib(self.memory_mib).to_string(),
            disks,
            self.address.clone(),
        ]
    }

    /// One row for each adapter and network; what is the same as in the row above is left out.
    fn nic_rows(&self) -> Vec<Vec<String>> {
        let mut rows = Vec::new();
        for nic in &self.nics {
            let attached = match &nic.segment {
                Some(segment) => format!("{} {segment}", nic.attach),
                None => nic.attach.to_owned(),
            };
            let head = [nic.slot.to_string(), nic.mac.clone(), attached];
            let blank = || head.clone().map(|_| String::new());
            if nic.networks.is_empty() {
                let tail = [nic.interface.clone(), String::new(), "by DHCP".to_owned()];
                rows.push([head.as_slice(), &tail].concat());
                continue;
            }
            for (index, on) in nic.networks.iter().enumerate() {
                let head = if index == 0 { head.clone() } else { blank() };
                let tail = [on.interface.clone(), on.network.clone(), on.addresses.join(", ")];
                rows.push([head.as_slice(), &tail].concat());
            }
        }
        self.named(rows)
    }

    fn file_system_rows(&self) -> Vec<Vec<String>> {
        self.named(self.file_systems.iter().map(PlannedFileSystem::row).collect())
    }

    /// The rows, the machine's name in front of the first one.
    fn named(&self, rows: Vec<Vec<String>>) -> Vec<Vec<String>> {
        let names = std::iter::once(self.name.clone()).chain(std::iter::repeat(String::new()));
        rows.into_iter().zip(names).map(|(row, name)| std::iter::once(name).chain(row).collect()).collect()
    }
}
