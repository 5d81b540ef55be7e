//! VirtualBox's own configuration of a machine, as it stands in a `.vbox` file: what the items cannot say.
//!
//! VirtualBox 7.2 imports all of it but extra data, and so no serial numbers of disks.

use super::Appliance;
use crate::format::xml::Element;
use crate::site::{Adapter, Architecture, Chipset, Controller, Firmware, Nic, Segment};

impl Appliance<'_> {
    pub(super) fn virtualbox(&self) -> Element {
        let name = &self.machine.name;
        let info = "Complete VirtualBox machine configuration in VirtualBox format";
        let machine = Element::new("vbox:Machine")
            .attribute("ovf:required", "false")
            // VirtualBox 7.0. With an older version everything that is not said here is as it was then: a remote
            // desktop for everybody who reaches the host, for instance.
            .attribute("version", if self.is_arm() { "1.20-linux" } else { "1.19-linux" })
            .attribute("uuid", format!("{{{}}}", self.site.machine_uuid(name)))
            .attribute("name", name)
            .attribute("OSType", self.os_type())
            .attribute("snapshotFolder", "Snapshots")
            .child(Element::with_text("ovf:Info", info));
        let board = self.board();
        if self.is_arm() {
            let platform = Element::new("Platform").attribute("architecture", "ARM").children(board);
            machine.child(self.configuration()).child(platform)
        } else {
            machine.child(self.configuration().children(board))
        }
    }

    fn is_arm(&self) -> bool {
        self.site.image.architecture == Architecture::Arm64
    }

    /// What older versions have among the rest of the hardware, and newer ones apart, as it differs between processors.
    fn board(&self) -> [Element; 3] {
        let chipset = match self.site.virtualbox.chipset {
            Chipset::Piix3 => "PIIX3",
            Chipset::Armv8Virtual => "ARMv8Virtual",
        };
        let cpu = Element::new("CPU").attribute("count", self.machine.cpus);
        let switched_on = |name| Element::new(name).attribute("enabled", "true");
        let cpu = match self.site.image.architecture {
            Architecture::Amd64 => cpu.children(["PAE", "LongMode", "X2APIC"].map(switched_on)),
            Architecture::Arm64 => cpu,
        };
        [
            cpu,
            Element::new("Chipset").attribute("type", chipset),
            Element::new("RTC").attribute("localOrUTC", "UTC"),
        ]
    }

    fn configuration(&self) -> Element {
        let firmware = match self.site.image.firmware {
            Firmware::Bios => "BIOS",
            Firmware::Efi => "EFI",
        };
        let order = [(1, "HardDisk"), (2, "DVD"), (3, "None"), (4, "None")];
        let order = order.map(|(position, device)| {
            Element::new("Order").attribute("position", position).attribute("device", device)
        });
        let graphics = if self.is_arm() { "QemuRamFB" } else { "VMSVGA" };
        let several_processors = Element::new("IOAPIC").attribute("enabled", "true");
        // With a file for it VirtualBox imports no serial port: `modifyvm --uartmode1 file` is for afterwards.
        let serial_port = Element::new("Port")
            .attribute("slot", 0)
            .attribute("enabled", "true")
            .attribute(if self.is_arm() { "IOAddress" } else { "IOBase" }, "0x3f8")
            .attribute("IRQ", 4)
            .attribute("hostMode", "Disconnected");
        Element::new("Hardware").children([
            Element::new("Memory").attribute("RAMSize", self.machine.memory.as_mib()),
            Element::new("Boot").children(order),
            Element::new("Display").attribute("controller", graphics).attribute("VRAMSize", 16),
            Element::new("Firmware").attribute("type", firmware),
            Element::new("BIOS").child(several_processors),
            Element::new("Network").children(self.machine.nics.iter().map(|nic| self.plugged(nic))),
            Element::new("UART").child(serial_port),
            Element::new("RemoteDisplay").attribute("enabled", "false"),
            Element::new("AudioAdapter").attribute("driver", "Null").attribute("enabled", "false"),
            Element::new("StorageControllers").child(self.storage()),
        ])
    }

    fn plugged(&self, nic: &Nic) -> Element {
        let kind = match self.site.virtualbox.adapter {
            Adapter::Virtio => "virtio",
            Adapter::E1000 => "82540EM",
        };
        let mac = nic.mac.to_string().replace(':', "").to_uppercase();
        let segment = match &nic.segment {
            Segment::Nat => {
                // What listens on the host's own 127.0.0.1 is not for machines.
                let nat = Element::new("NAT").attribute("localhost-reachable", "false");
                // VirtualBox's own name server, which asks those of the host, whatever their addresses are.
                let dns = Element::new("DNS").attribute("use-proxy", "true");
                nat.child(dns).children(self.forwardings())
            }
            Segment::Internal(name) => Element::new("InternalNetwork").attribute("name", name),
            // The host names these: such an adapter is plugged in after the import.
            Segment::HostOnly(_) => Element::new("HostOnlyInterface").attribute("name", ""),
        };
        Element::new("Adapter")
            .attribute("slot", nic.slot - 1)
            .attribute("enabled", "true")
            .attribute("MACAddress", mac)
            .attribute("cable", "true")
            .attribute("type", kind)
            .child(segment)
    }

    fn forwardings(&self) -> impl Iterator<Item = Element> {
        self.site.forwards(self.machine).into_iter().map(|port| {
            Element::new("Forwarding")
                .attribute("name", format!("tcp-{}", port.host))
                .attribute("proto", 1)
                .attribute("hostip", "127.0.0.1")
                .attribute("hostport", port.host)
                .attribute("guestport", port.machine)
        })
    }

    fn storage(&self) -> Element {
        let (name, kind) = match self.site.virtualbox.controller {
            Controller::Sata => ("SATA", "AHCI"),
            Controller::VirtioScsi => ("virtio-scsi", "VirtioSCSI"),
        };
        let attached = self.parts.iter().enumerate().map(|(port, part)| {
            let kind = if part.disk.is_some() { "HardDisk" } else { "DVD" };
            let image = Element::new("Image").attribute("uuid", format!("{{{}}}", part.file.uuid));
            let device = Element::new("AttachedDevice").attribute("type", kind);
            device.attribute("port", port).attribute("device", 0).child(image)
        });
        Element::new("StorageController")
            .attribute("name", name)
            .attribute("type", kind)
            .attribute("PortCount", self.parts.len())
            .attribute("Bootable", "true")
            .children(attached)
    }
}
