//! A machine for any hypervisor (OVF 1.0, DSP0243): the standard's own items, and beside them VirtualBox's whole
//! configuration, which VirtualBox takes instead.

mod items;
mod machine;

use crate::bug::Bug;
use crate::format::xml::Element;
use crate::site::{Architecture, Distribution, Machine, Segment, Site};
use crate::value::{Size, Uuid};

/// A file that belongs to a machine.
pub(super) struct File {
    /// Where it is, seen from the descriptor.
    pub(super) href: String,
    /// Its length in bytes.
    pub(super) length: u64,
    /// What VirtualBox knows it by.
    pub(super) uuid: Uuid,
}

/// The descriptor of a machine with these files, those of its [media](Site::media).
pub(super) fn descriptor(site: &Site, machine: &Machine, files: &[File]) -> Result<String, Bug> {
    let media = site.media(machine).into_iter().zip(files);
    let parts = media.map(|(medium, file)| Part { name: medium.name, disk: medium.size, file }).collect();
    let document = Appliance { site, machine, parts }.envelope().to_document();
    document.map_err(|error| Bug(format!("machine.ovf of {}: {error}", machine.name)))
}

/// A disk or the seed.
struct Part<'a> {
    name: String,
    /// The size of a disk; none of the seed, which is a CD.
    disk: Option<Size>,
    file: &'a File,
}

struct Appliance<'a> {
    site: &'a Site,
    machine: &'a Machine,
    /// In the order in which they are attached.
    parts: Vec<Part<'a>>,
}

impl Appliance<'_> {
    fn envelope(&self) -> Element {
        Element::new("Envelope")
            .attribute("ovf:version", "1.0")
            .attribute("xml:lang", "en-US")
            .attribute("xmlns", "http://schemas.dmtf.org/ovf/envelope/1")
            .attribute("xmlns:ovf", "http://schemas.dmtf.org/ovf/envelope/1")
            .attribute("xmlns:rasd", format!("{CIM}CIM_ResourceAllocationSettingData"))
            .attribute("xmlns:vssd", format!("{CIM}CIM_VirtualSystemSettingData"))
            .attribute("xmlns:vbox", "http://www.virtualbox.org/ovf/machine")
            .child(Element::new("References").children(self.parts.iter().map(file)))
            .child(self.disks())
            .child(self.networks())
            .child(self.system())
    }

    fn disks(&self) -> Element {
        let disk = |part: &Part<'_>| {
            let (capacity, format) = match part.disk {
                Some(size) => (size.bytes(), STREAM_OPTIMIZED),
                None => (part.file.length, ECMA_119),
            };
            Element::new("Disk")
                .attribute("ovf:capacity", capacity)
                .attribute("ovf:diskId", &part.name)
                .attribute("ovf:fileRef", format!("{}-file", part.name))
                .attribute("ovf:format", format)
                // VirtualBox finds by it what its own configuration attaches.
                .attribute("vbox:uuid", part.file.uuid)
        };
        let info = Element::with_text("Info", "Its system disk, its other disks, and its seed");
        Element::new("DiskSection").child(info).children(self.parts.iter().map(disk))
    }

    /// The names by which the items know networks: VirtualBox bridges every other one to the host's first interface.
    fn networks(&self) -> Element {
        let mut names: Vec<&str> = self.machine.nics.iter().map(items::connection).collect();
        names.sort_unstable();
        names.dedup();
        let network = |name: &str| {
            let text = "What the adapters on it are to be plugged into is in their descriptions";
            let description = Element::with_text("Description", text);
            Element::new("Network").attribute("ovf:name", name).child(description)
        };
        let text = "Names that VirtualBox knows: with any other one it would bridge the adapter to the host's network";
        let info = Element::with_text("Info", text);
        Element::new("NetworkSection").child(info).children(names.into_iter().map(network))
    }

    fn system(&self) -> Element {
        let name = &self.machine.name;
        let info = format!("{} of the data centre {}", self.site.fqdn(name), self.site.name);
        let (number, description) = match self.site.image.distribution {
            Distribution::Debian => (96, "Debian_64"),
            Distribution::Ubuntu => (94, "Ubuntu_64"),
        };
        let kind = Element::new("OperatingSystemSection")
            .attribute("ovf:id", number)
            .child(Element::with_text("Info", "The kind of installed guest operating system"))
            .child(Element::with_text("Description", description))
            .child(Element::with_text("vbox:OSType", self.os_type()).attribute("ovf:required", "false"));
        Element::new("VirtualSystem")
            .attribute("ovf:id", name)
            .child(Element::with_text("Info", info))
            .child(kind)
            .child(self.hardware())
            .child(self.virtualbox())
    }

    /// As every VirtualBox knows it: a release it does not know would be refused.
    fn os_type(&self) -> String {
        let distribution = match self.site.image.distribution {
            Distribution::Debian => "Debian",
            Distribution::Ubuntu => "Ubuntu",
        };
        let processor = match self.site.image.architecture {
            Architecture::Amd64 => "64",
            Architecture::Arm64 => "arm64",
        };
        format!("{distribution}_{processor}")
    }
}

/// What all namespaces of the items start with.
const CIM: &str = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/";
const STREAM_OPTIMIZED: &str = "http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized";
const ECMA_119: &str = "http://www.ecma-international.org/publications/standards/Ecma-119.htm";

fn file(part: &Part<'_>) -> Element {
    Element::new("File")
        .attribute("ovf:href", &part.file.href)
        .attribute("ovf:id", format!("{}-file", part.name))
        .attribute("ovf:size", part.file.length)
}

/// What an adapter is plugged into, for people.
fn plug(segment: &Segment) -> String {
    match segment {
        Segment::Nat => "NAT".to_owned(),
        Segment::Internal(name) => format!("internal network '{name}'"),
        Segment::HostOnly(host) => format!("host-only network of {host}"),
    }
}
