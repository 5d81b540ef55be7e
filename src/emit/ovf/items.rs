//! The items that any hypervisor understands: `CIM_ResourceAllocationSettingData`, whose elements are in the order of
//! their names.

use super::{Appliance, plug};
use crate::format::xml::Element;
use crate::site::{Adapter, Nic, Segment};

/// `ResourceType` (DSP0243, table 3).
const PROCESSOR: u8 = 3;
const MEMORY: u8 = 4;
const ETHERNET: u8 = 10;
const CD: u8 = 15;
const DISK: u8 = 17;
const OTHER_STORAGE: u8 = 20;

/// The `InstanceID` of the controller that disks and seed are on.
const CONTROLLER: usize = 3;

/// By which name an adapter knows its network: VirtualBox has NAT on the first adapter only.
pub(super) fn connection(nic: &Nic) -> &'static str {
    match nic.segment {
        Segment::Nat if nic.slot == 1 => "NAT",
        Segment::Nat => "Null",
        Segment::Internal(_) => "Internal",
        Segment::HostOnly(_) => "HostOnly",
    }
}

impl Appliance<'_> {
    pub(super) fn hardware(&self) -> Element {
        let name = &self.machine.name;
        let system = Element::new("System").children([
            Element::with_text("vssd:ElementName", "Virtual Hardware Family"),
            Element::with_text("vssd:InstanceID", "0"),
            Element::with_text("vssd:VirtualSystemIdentifier", name),
            // The oldest that there is; without it VirtualBox takes E1000 for another adapter.
            Element::with_text("vssd:VirtualSystemType", "virtualbox-2.2"),
        ]);
        Element::new("VirtualHardwareSection")
            .child(Element::with_text("Info", "Virtual hardware requirements for a virtual machine"))
            .child(system)
            .children(self.items())
    }

    fn items(&self) -> Vec<Element> {
        let (cpus, memory) = (self.machine.cpus, self.machine.memory.as_mib());
        let mut items = vec![
            item(&[
                ("AllocationUnits", "hertz * 10^6".to_owned()),
                ("Description", "Number of virtual CPUs".to_owned()),
                ("ElementName", "processors".to_owned()),
                ("InstanceID", "1".to_owned()),
                ("ResourceType", PROCESSOR.to_string()),
                ("VirtualQuantity", cpus.to_string()),
            ]),
            item(&[
                ("AllocationUnits", "byte * 2^20".to_owned()),
                ("Description", "Memory Size".to_owned()),
                ("ElementName", "memory".to_owned()),
                ("InstanceID", "2".to_owned()),
                ("ResourceType", MEMORY.to_string()),
                ("VirtualQuantity", memory.to_string()),
            ]),
            controller(),
        ];
        let instances = CONTROLLER + 1..;
        let parts = self.parts.iter().enumerate().map(|(port, part)| {
            let (kind, caption) = match part.disk {
                Some(_) => (DISK, format!("disk {}", part.name)),
                None => (CD, "the seed".to_owned()),
            };
            move |instance: usize| {
                item(&[
                    ("AddressOnParent", port.to_string()),
                    ("AutomaticAllocation", "true".to_owned()),
                    ("Caption", caption.clone()),
                    ("ElementName", caption),
                    // VirtualBox attaches nothing by `ovf:/file/`.
                    ("HostResource", format!("ovf:/disk/{}", part.name)),
                    ("InstanceID", instance.to_string()),
                    ("Parent", CONTROLLER.to_string()),
                    ("ResourceType", kind.to_string()),
                ])
            }
        });
        items.extend(parts.zip(instances).map(|(part, instance)| part(instance)));
        let instances = items.len() + 1..;
        let adapters =
            self.machine.nics.iter().zip(instances).map(|(nic, instance)| self.adapter(nic, instance));
        items.extend(adapters);
        items
    }

    fn adapter(&self, nic: &Nic, instance: usize) -> Element {
        let kind = match self.site.virtualbox.adapter {
            Adapter::Virtio => "VirtioNet",
            Adapter::E1000 => "E1000",
        };
        let caption = format!("adapter {}: {}", nic.slot, nic.interface);
        item(&[
            // The seed knows adapters by their addresses; VirtualBox does not read them here.
            ("Address", nic.mac.to_string()),
            ("AutomaticAllocation", "true".to_owned()),
            ("Caption", caption.clone()),
            ("Connection", connection(nic).to_owned()),
            ("Description", plug(&nic.segment)),
            ("ElementName", caption),
            ("InstanceID", instance.to_string()),
            ("ResourceSubType", kind.to_owned()),
            ("ResourceType", ETHERNET.to_string()),
        ])
    }
}

/// SATA, whatever VirtualBox is to have: from an item it makes virtio-scsi with a single port, and fails on the second.
fn controller() -> Element {
    item(&[
        ("Address", "0".to_owned()),
        ("Description", "SATA controller".to_owned()),
        ("ElementName", "SATA".to_owned()),
        ("InstanceID", CONTROLLER.to_string()),
        ("ResourceSubType", "AHCI".to_owned()),
        ("ResourceType", OTHER_STORAGE.to_string()),
    ])
}

fn item(properties: &[(&str, String)]) -> Element {
    let property = |(name, value): &(&str, String)| Element::with_text(&format!("rasd:{name}"), value);
    Element::new("Item").children(properties.iter().map(property))
}
