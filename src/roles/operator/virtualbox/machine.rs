//! What one machine is to be, as options of `VBoxManage modifyvm` (VirtualBox 7.2 manual, section 9.7).
//!
//! All values are names, numbers and addresses that `resolve` has checked: none has a blank or a character that means
//! something to a shell, so lists of them are split at blanks.

use crate::credentials::Credentials;
use crate::format::shell;
use crate::setup::File;
use crate::site::{Adapter, Architecture, Controller, Machine, Nic, Segment, Site};
use crate::value::{Size, Uuid};

/// Adapters that a machine can have; those that it does not have are switched off.
const SLOTS: usize = 8;

/// The definition that `up.sh` reads.
pub(super) fn definition(site: &Site, credentials: &Credentials, machine: &Machine) -> File {
    // Another vault makes other machines, even of the same blueprint: none of them is taken for the other.
    let uuid = Uuid::derive(&[&site.name, &machine.name, "machine", credentials.fingerprint()]);
    let nat = machine.nat().map_or(1, |nic| nic.slot);
    let forwards = site.forwards(machine).into_iter().map(|port| {
        let (host, inside) = (port.host, port.machine);
        format!("tcp-{host},tcp,127.0.0.1,{host},,{inside}")
    });
    let host_only = machine.nics.iter().filter_map(|nic| match &nic.segment {
        Segment::HostOnly(address) => Some(format!("{}={}={address}", nic.slot, nic.interface)),
        Segment::Nat | Segment::Internal(_) => None,
    });
    let disks = machine.disks.iter().map(|disk| format!("{}={}", disk.name, disk.size.as_mib()));
    let (controller, options) = controller(site);
    let variables = [
        ("UUID", uuid.to_string()),
        ("CPUS", machine.cpus.to_string()),
        ("MEMORY", machine.memory.as_mib().to_string()),
        ("SETTINGS", settings(site, machine)),
        ("NAT", nat.to_string()),
        ("FORWARDS", words(forwards)),
        ("HOST_ONLY", words(host_only)),
        ("CONTROLLER_TYPE", controller.to_owned()),
        ("CONTROLLER_OPTIONS", options.to_owned()),
        ("DISKS", words(disks)),
    ];
    File::text(format!("virtualbox/machines/{}.conf", machine.name), shell::assignments(&variables))
}

fn words(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(" ")
}

/// The controller of all disks: as `showvminfo` calls it, and the options by which `storagectl` makes it.
pub(super) const fn controller(site: &Site) -> (&'static str, &'static str) {
    match site.virtualbox.controller {
        Controller::Sata => ("IntelAhci", "--add sata --controller IntelAhci --portcount 30"),
        Controller::VirtioScsi => ("VirtioSCSI", "--add virtio --controller VirtIO --portcount 30"),
    }
}

/// A machine without its adapters: so many processors, so much memory, and what it starts from first.
pub(super) fn hardware(site: &Site, (cpus, memory): (u32, Size), boot: &str) -> String {
    let mut settings = format!(
        "--cpus {cpus} --memory {} --chipset {} --firmware {} --rtcuseutc on {boot} --boot3 none \
         --boot4 none --vram 16 --audio-driver none --uart1 0x3F8 4",
        memory.as_mib(),
        site.virtualbox.chipset.as_str(),
        site.image.firmware.as_str(),
    );
    settings.push_str(match site.image.architecture {
        // More than one processor needs an I/O APIC.
        Architecture::Amd64 => " --ioapic on --graphicscontroller vmsvga --mouse ps2 --keyboard ps2",
        // There is neither VGA nor PS/2.
        Architecture::Arm64 => " --graphicscontroller qemuramfb --usbxhci on --mouse usb --keyboard usb",
    });
    settings
}

fn settings(site: &Site, machine: &Machine) -> String {
    let mut settings = hardware(site, (machine.cpus, machine.memory), "--boot1 disk --boot2 dvd");
    let model = model(site.virtualbox.adapter);
    for slot in 1..=SLOTS {
        let nic = machine.nics.iter().find(|nic| nic.slot == slot);
        settings.push_str(&nic.map_or_else(|| format!(" --nic{slot} none"), |nic| adapter(nic, model)));
    }
    settings
}

/// What `modifyvm` calls the model of an adapter.
pub(super) const fn model(adapter: Adapter) -> &'static str {
    match adapter {
        Adapter::Virtio => "virtio",
        Adapter::E1000 => "82540EM",
    }
}

/// An adapter on NAT, whose DHCP names VirtualBox's own name server, which asks those of the host. Without that the guest
/// gets the host's, and one of these may have an address that is the guest's own or in its networks: at home it often has
/// 192.168.1.1 (VirtualBox manual, "Enabling DNS Proxy in NAT Mode").
pub(super) fn nat(slot: usize) -> String {
    format!(" --nic{slot} nat --natdnsproxy{slot} on")
}

/// Host-only ones are plugged in by `up.sh`, for which adapter of the host that is shows only there.
fn adapter(nic: &Nic, model: &str) -> String {
    let slot = nic.slot;
    let segment = match &nic.segment {
        Segment::Nat => nat(slot),
        Segment::Internal(name) => format!(" --nic{slot} intnet --intnet{slot} {name}"),
        Segment::HostOnly(_) => String::new(),
    };
    let mac = nic.mac.to_string().replace(':', "");
    format!("{segment} --nictype{slot} {model} --macaddress{slot} {mac} --cableconnected{slot} on")
}
