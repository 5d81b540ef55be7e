//! The descriptor and the disks of a machine: what both of its halves say is what is planned, and what they refer to is
//! there.

use std::io::{Cursor, Error};

use super::Verifier;
use crate::bug::Bug;
use crate::format::vmdk;
use crate::format::xml::Element;
use crate::site::{Firmware, Medium, Nic, Segment};

/// What is said of a machine, in the order in which it is said.
type Facts = Vec<(&'static str, String)>;

impl Verifier<'_> {
    /// The descriptor says the same of the machine to every hypervisor and to VirtualBox: what is planned.
    pub(super) fn descriptor(&self) -> Result<(), Bug> {
        let text = String::from_utf8_lossy(self.artifact("machine.ovf")?.content.bytes());
        let envelope = Element::from_document(&text)
            .map_err(|error| Bug(format!("machine.ovf of {}: {error}", self.machine.name)))?;
        let differs = || self.differs("machine.ovf");
        let system = envelope.find(&["VirtualSystem"]).ok_or_else(differs)?;
        let hardware = system.find(&["VirtualHardwareSection"]).ok_or_else(differs)?;
        let machine = system.find(&["vbox:Machine"]).ok_or_else(differs)?;
        let files = self.files(&envelope)?;
        let expected: Vec<String> =
            self.site.media(self.machine).iter().map(|it| format!("ovf:/disk/{}", it.name)).collect();
        let agrees = found_in_items(hardware) == self.planned_items()
            && found_in_machine(machine) == Some(self.planned_machine())
            && items(hardware, &["15", "17"], "HostResource").eq(expected)
            && images(machine) == files;
        if agrees { Ok(()) } else { Err(differs()) }
    }

    /// The identities of the disks and the seed, whose files are there and as long as is said.
    fn files(&self, envelope: &Element) -> Result<Vec<String>, Bug> {
        let entries = |section: &str, name: &str| {
            let section = envelope.find(&[section]).into_iter();
            section.flat_map(|it| it.children.iter()).filter(|it| it.name == name).collect::<Vec<_>>()
        };
        let (files, disks) = (entries("References", "File"), entries("DiskSection", "Disk"));
        let mut uuids = Vec::new();
        for (index, Medium { name, size }) in self.site.media(self.machine).into_iter().enumerate() {
            let differs = || self.differs(&format!("{name} of machine.ovf"));
            let (file, entry) = files.get(index).zip(disks.get(index)).ok_or_else(differs)?;
            let bytes = self.artifact(file.get("ovf:href").ok_or_else(differs)?)?.content.bytes();
            let uuid = self.site.disk_uuid(&self.machine.name, &name).to_string();
            let capacity = if let Some(size) = size { size.bytes() } else { bytes.len() as u64 };
            let agrees = entry.get("ovf:diskId") == Some(&name)
                && entry.get("ovf:fileRef") == file.get("ovf:id")
                && entry.get("vbox:uuid") == Some(&uuid)
                && entry.get("ovf:capacity") == Some(&capacity.to_string())
                && file.get("ovf:size") == Some(&bytes.len().to_string());
            if !agrees {
                return Err(differs());
            }
            if size.is_some() {
                self.disk(&name, bytes, (capacity, &uuid))?;
            }
            uuids.push(format!("{{{uuid}}}"));
        }
        let all = uuids.len() == files.len() && uuids.len() == disks.len();
        if all { Ok(uuids) } else { Err(self.differs("machine.ovf")) }
    }

    /// A disk is as long as planned, known by its identity, and empty.
    fn disk(&self, name: &str, image: &[u8], planned: (u64, &str)) -> Result<(), Bug> {
        let unreadable = |error: Error| Bug(format!("disk {name} of {}: {error}", self.machine.name));
        let image = vmdk::Image::open(Cursor::new(image)).map_err(|error| unreadable(error.into()))?;
        let found = (image.capacity(), image.uuid().unwrap_or_default());
        let agrees = found == planned;
        let content = image.grains().next().transpose().map_err(unreadable)?;
        if agrees && content.is_none() { Ok(()) } else { Err(self.differs(&format!("disk {name}"))) }
    }

    fn planned_items(&self) -> Facts {
        let connection = |nic: &Nic| match nic.segment {
            Segment::Nat if nic.slot > 1 => "Null",
            Segment::Nat => "NAT",
            Segment::Internal(_) => "Internal",
            Segment::HostOnly(_) => "HostOnly",
        };
        let mut facts = self.planned_size();
        for nic in &self.machine.nics {
            facts.push(("adapter", nic.mac.to_string()));
            facts.push(("connection", connection(nic).to_owned()));
        }
        facts
    }

    fn planned_machine(&self) -> Facts {
        let mut facts = self.planned_size();
        let firmware = match self.site.image.firmware {
            Firmware::Bios => "BIOS",
            Firmware::Efi => "EFI",
        };
        facts.push(("firmware", firmware.to_owned()));
        facts.push(("chipset", self.site.virtualbox.chipset.as_str().to_owned()));
        for nic in &self.machine.nics {
            facts.push(("adapter", format!("{} {}", nic.slot, nic.mac)));
            facts.push(match &nic.segment {
                // With VirtualBox's own name server.
                Segment::Nat => ("NAT", "true".to_owned()),
                Segment::Internal(name) => ("InternalNetwork", name.clone()),
                Segment::HostOnly(_) => ("HostOnlyInterface", String::new()),
            });
        }
        let ports = self.site.forwards(self.machine);
        facts.extend(ports.iter().map(|port| ("port", format!("127.0.0.1 {} {}", port.host, port.machine))));
        facts
    }

    fn planned_size(&self) -> Facts {
        let (cpus, memory) = (self.machine.cpus.to_string(), self.machine.memory.as_mib().to_string());
        vec![("processors", cpus), ("memory", memory)]
    }
}

/// A property of the items of these types.
fn items<'a>(hardware: &'a Element, types: &'a [&str], name: &str) -> impl Iterator<Item = String> + use<'a> {
    let name = format!("rasd:{name}");
    let of_type = |item: &&Element| {
        item.find(&["rasd:ResourceType"]).is_some_and(|it| types.contains(&it.text.as_str()))
    };
    let property =
        move |item: &Element| item.find(&[&name]).map(|property| property.text.clone()).unwrap_or_default();
    hardware.all("Item").filter(of_type).map(property)
}

fn found_in_items(hardware: &Element) -> Facts {
    let mut facts = Facts::new();
    facts.extend(items(hardware, &["3"], "VirtualQuantity").map(|count| ("processors", count)));
    facts.extend(items(hardware, &["4"], "VirtualQuantity").map(|count| ("memory", count)));
    let connections = items(hardware, &["10"], "Connection");
    for (mac, connection) in items(hardware, &["10"], "Address").zip(connections) {
        facts.extend([("adapter", mac), ("connection", connection)]);
    }
    facts
}

/// Nothing if something is not there.
fn found_in_machine(machine: &Element) -> Option<Facts> {
    let hardware = machine.find(&["Hardware"])?;
    let board = machine.find(&["Platform"]).unwrap_or(hardware);
    let value = |from: &Element, path: &[&str], name| from.find(path)?.get(name).map(str::to_owned);
    let mut facts = vec![
        ("processors", value(board, &["CPU"], "count")?),
        ("memory", value(hardware, &["Memory"], "RAMSize")?),
        ("firmware", value(hardware, &["Firmware"], "type")?),
        ("chipset", value(board, &["Chipset"], "type")?.to_lowercase()),
    ];
    for adapter in &hardware.find(&["Network"])?.children {
        let slot = adapter.get("slot")?.parse::<usize>().ok()? + 1;
        let digits = adapter.get("MACAddress")?.to_lowercase();
        let pairs: Vec<_> = digits.as_bytes().chunks(2).map(String::from_utf8_lossy).collect();
        facts.push(("adapter", format!("{slot} {}", pairs.join(":"))));
        let [segment] = adapter.children.as_slice() else { return None };
        let name_server = || segment.find(&["DNS"])?.get("use-proxy");
        let name = segment.get("name").or_else(name_server).unwrap_or_default().to_owned();
        let kind = ["NAT", "InternalNetwork", "HostOnlyInterface"];
        facts.push((kind.into_iter().find(|kind| *kind == segment.name)?, name));
    }
    for rule in hardware.find(&["Network"])?.children.iter().filter_map(|adapter| adapter.find(&["NAT"])) {
        for rule in rule.all("Forwarding") {
            let [host, from, to] = ["hostip", "hostport", "guestport"].map(|name| rule.get(name));
            facts.push(("port", format!("{} {} {}", host?, from?, to?)));
        }
    }
    Some(facts)
}

/// The identities of what is attached, by port.
fn images(machine: &Element) -> Vec<String> {
    let controller = machine.find(&["Hardware", "StorageControllers", "StorageController"]).into_iter();
    let devices = controller.flat_map(|controller| controller.all("AttachedDevice")).enumerate();
    let uuid = |(port, device): (usize, &Element)| {
        let here = device.get("port") == Some(&port.to_string());
        here.then(|| device.find(&["Image"])?.get("uuid").map(str::to_owned))?
    };
    devices.map(|device| uuid(device).unwrap_or_default()).collect()
}
