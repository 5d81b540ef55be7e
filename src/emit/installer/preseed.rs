//! The answers for Debian's installer (its manual's appendix B, "Automating the installation using preseeding"), and the
//! same as an archive that goes behind its initrd.

use std::error::Error;

use crate::artifact::Content;
use crate::format::cpio::{self, Entry};
use crate::format::preseed::{self, Answer};
use crate::format::recipe::{Malformed, Partition, Property, Recipe};
use crate::site::{Firmware, Lvm, Site};
use crate::value::Size;

/// What seeds need (docs/machines.md), and the stage that makes volumes larger, besides systemd-resolved.
const PACKAGES: &str = "cloud-guest-utils cloud-init lvm2 netplan.io openssh-server sudo";

/// What leaves an image that knows nothing of the machine it was made on. systemd-resolved is the last of the packages,
/// since with it the installer itself finds no name any more. In apt.conf is the proxy, which would count more than that of a
/// seed. One of the installer's next steps, `hw-detect`, would add packages for the hypervisor that it finds.
const LATE: [&str; 9] = [
    "apt-install systemd-resolved",
    "in-target cloud-init clean --logs",
    "in-target apt-get clean",
    "rm -f /target/etc/ssh/ssh_host_* /target/var/lib/dbus/machine-id /target/var/lib/dhcp/*.leases",
    "rm -f /target/etc/apt/apt.conf",
    ": > /target/etc/machine-id",
    super::FOLLOW_BOOT_DISK,
    "rm -f /usr/lib/finish-install.d/08hw-detect",
    super::SAY_READY,
];

/// The answers, and the archive of them.
pub(super) fn documents(site: &Site, lvm: &Lvm) -> Result<Vec<(&'static str, Content)>, Box<dyn Error>> {
    let text = preseed::write(&groups(site, lvm)?)?;
    let modified = u32::try_from(site.epoch.as_second())?;
    let name = "preseed.cfg".to_owned();
    let entry = Entry { name, mode: 0o644, modified, content: text.clone().into_bytes() };
    let overlay = cpio::write(&[entry])?;
    Ok(vec![("preseed.cfg", text.into()), ("initrd-overlay.cpio.gz", Content::Public(overlay))])
}

fn groups(site: &Site, lvm: &Lvm) -> Result<Vec<(&'static str, Vec<Answer>)>, Malformed> {
    Ok(vec![
        ("The language of the installation; machines get theirs with their seeds.", language()),
        ("The network while it is installed; machines get theirs with their seeds.", network(site)),
        ("Packages.", mirror(site)),
        ("Nobody: seeds bring the user, and root stays locked.", users()),
        ("The clock.", clock(site)),
        (
            "The disk, if there is only one. The sizes are in megabytes; what they leave stays free.",
            disk(site, lvm)?,
        ),
        ("What seeds need, and nothing else.", packages()),
        ("The boot loader, also where firmware without a memory finds it.", boot_loader()),
        ("An image for many machines, and the end.", end()),
    ])
}

fn answer(owner: &str, question: &str, kind: &str, value: &str) -> Answer {
    let [owner, question, kind] = [owner, question, kind].map(str::to_owned);
    let value = if value.is_empty() { Vec::new() } else { vec![value.to_owned()] };
    Answer { owner, question, kind, value }
}

fn string(question: &str, value: &str) -> Answer {
    answer("d-i", question, "string", value)
}

fn select(question: &str, value: &str) -> Answer {
    answer("d-i", question, "select", value)
}

fn boolean(question: &str, value: bool) -> Answer {
    answer("d-i", question, "boolean", if value { "true" } else { "false" })
}

fn language() -> Vec<Answer> {
    vec![string("debian-installer/locale", "en_US.UTF-8"), select("keyboard-configuration/xkb-keymap", "us")]
}

fn network(site: &Site) -> Vec<Answer> {
    vec![
        select("netcfg/choose_interface", "auto"),
        string("netcfg/get_hostname", "image"),
        string("netcfg/get_domain", &site.domain),
        // Seeds configure networks by netplan.
        select("netcfg/target_network_config", "loopback"),
        boolean("hw-detect/load_firmware", false),
    ]
}

/// Without a mirror in the blueprint the installer takes its own.
fn mirror(site: &Site) -> Vec<Answer> {
    let mut answers = Vec::new();
    let proxy = site.image.proxy.as_deref().unwrap_or_default();
    if let Some(sources) = &site.image.sources {
        let (protocol, rest) = sources.mirror.split_once("://").unwrap_or(("http", &sources.mirror));
        let (host, folder) = rest.split_once('/').unwrap_or((rest, ""));
        answers.extend([
            select("mirror/protocol", protocol),
            string("mirror/country", "manual"),
            string(&format!("mirror/{protocol}/hostname"), host),
            string(&format!("mirror/{protocol}/directory"), &format!("/{folder}")),
            string(&format!("mirror/{protocol}/proxy"), proxy),
            // Security updates are asked of a host of their own; the mirror's are a source like any other.
            answer("d-i", "apt-setup/services-select", "multiselect", ""),
        ]);
        // A state of the past may have run out, which apt in the installer would not overlook.
        if !sources.dated {
            let source = format!("{} {}-security main", sources.security, site.image.release);
            answers.push(string("apt-setup/local0/repository", &source));
        }
    } else {
        answers.push(string("mirror/http/proxy", proxy));
    }
    answers.extend([
        string("mirror/suite", &site.image.release),
        boolean("apt-setup/use_mirror", true),
        boolean("apt-setup/cdrom/set-first", false),
        boolean("apt-setup/enable-source-repositories", false),
    ]);
    answers
}

/// A user of the installer's would be in the way of those whose names it refuses, and stay where another one is to be.
/// It does not ask for a password if there is one, even if it is none: `*` matches nothing (shadow(5)).
fn users() -> Vec<Answer> {
    vec![
        boolean("passwd/root-login", true),
        answer("d-i", "passwd/root-password-crypted", "password", "*"),
        boolean("passwd/make-user", false),
    ]
}

fn clock(site: &Site) -> Vec<Answer> {
    let mut answers = vec![
        boolean("clock-setup/utc", true),
        string("time/zone", &site.timezone),
        boolean("clock-setup/ntp", !site.ntp.is_empty()),
    ];
    answers.extend(site.ntp.first().map(|server| string("clock-setup/ntp-server", server)));
    answers
}

fn disk(site: &Site, lvm: &Lvm) -> Result<Vec<Answer>, Malformed> {
    let recipe = recipe(lvm);
    let volumes = recipe.partitions.iter().filter(|it| it.get("$lvmok").is_some());
    let total: u64 = volumes.map(|volume| volume.least).sum();
    let lines = recipe.lines()?;
    let label = if site.image.firmware == Firmware::Efi { "gpt" } else { "msdos" };
    Ok(vec![
        string("partman-partitioning/default_label", label),
        string("partman-auto/method", "lvm"),
        // With the whole group the last volume would get what is to stay free.
        string("partman-auto-lvm/guided_size", &format!("{total}MB")),
        string("partman-auto-lvm/new_vg_name", &lvm.group),
        Answer { value: lines, ..string("partman-auto/expert_recipe", "") },
        select("partman-auto/choose_recipe", &recipe.name),
        boolean("partman-lvm/device_remove_lvm", true),
        boolean("partman-lvm/device_remove_lvm_span", true),
        boolean("partman-md/device_remove_md", true),
        boolean("partman-lvm/confirm", true),
        boolean("partman-lvm/confirm_nooverwrite", true),
        boolean("partman-basicfilesystems/no_swap", false),
        boolean("partman-efi/non_efi_system", true),
        boolean("partman-partitioning/confirm_write_new_label", true),
        select("partman/choose_partition", "finish"),
        boolean("partman/confirm", true),
        boolean("partman/confirm_nooverwrite", true),
    ])
}

/// The partitions, the one of the group last, then the volumes. The installer wants room for all of them together, so the
/// group's asks for next to nothing itself, and takes what the others leave.
fn recipe(lvm: &Lvm) -> Recipe {
    let fixed = |size: Size, file_system: &str, properties: &[(&str, &str)]| {
        let size = size.to_megabytes();
        partition((size, size, Some(size)), file_system, properties)
    };
    let mut partitions = Vec::new();
    partitions.extend(
        lvm.efi.map(|size| fixed(size, "fat32", &[("$primary", ""), ("method", "efi"), ("format", "")])),
    );
    let boot = made("ext4", "/boot");
    // On a disk with EFI this mark would make it another EFI system partition.
    let mark =
        if lvm.efi.is_none() { &[("$primary", ""), ("$bootable", "")][..] } else { &[("$primary", "")] };
    partitions.push(fixed(lvm.boot, "ext4", &[mark, &boot].concat()));
    let group = lvm.group.as_str();
    let properties = [("$primary", ""), ("method", "lvm"), ("vg_name", group)];
    partitions.push(partition((8, 1000, None), "ext4", &properties));
    for volume in &lvm.volumes {
        let place = [("$lvmok", ""), ("lv_name", volume.name.as_str()), ("in_vg", group)];
        let options: Vec<_> =
            volume.options.iter().map(|it| (format!("options/{}", it.as_str()), it.as_str())).collect();
        let options: Vec<_> = options.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let file_system = volume.filesystem.as_str();
        let properties = [&place[..], &made(file_system, &volume.mount), &options].concat();
        partitions.push(fixed(volume.size, file_system, &properties));
    }
    let swap = [("$lvmok", ""), ("lv_name", "swap"), ("in_vg", group), ("method", "swap"), ("format", "")];
    partitions.extend(lvm.swap.map(|size| fixed(size, "linux-swap", &swap)));
    Recipe { name: "bpc".to_owned(), partitions }
}

/// What makes a file system and mounts it.
fn made<'a>(file_system: &'a str, mount: &'a str) -> [(&'a str, &'a str); 5] {
    [
        ("method", "format"),
        ("format", ""),
        ("use_filesystem", ""),
        ("filesystem", file_system),
        ("mountpoint", mount),
    ]
}

fn partition(sizes: (u64, u64, Option<u64>), file_system: &str, properties: &[(&str, &str)]) -> Partition {
    let (least, wanted, most) = sizes;
    let property =
        |(name, value): &(&str, &str)| Property { name: (*name).to_owned(), value: (*value).to_owned() };
    let properties = properties.iter().map(property).collect();
    Partition { least, wanted, most, file_system: file_system.to_owned(), properties }
}

fn packages() -> Vec<Answer> {
    vec![
        answer("tasksel", "tasksel/first", "multiselect", ""),
        boolean("pkgsel/run_tasksel", false),
        string("pkgsel/include", PACKAGES),
        select("pkgsel/upgrade", "safe-upgrade"),
        select("pkgsel/update-policy", "none"),
        boolean("pkgsel/updatedb", false),
        answer("popularity-contest", "popularity-contest/participate", "boolean", "false"),
    ]
}

fn boot_loader() -> Vec<Answer> {
    vec![
        boolean("grub-installer/only_debian", true),
        boolean("grub-installer/with_other_os", true),
        string("grub-installer/bootdev", "default"),
        boolean("grub-installer/force-efi-extra-removable", true),
    ]
}

fn end() -> Vec<Answer> {
    let late = LATE.join(" &&\n").lines().map(str::to_owned).collect();
    vec![
        Answer { value: late, ..string("preseed/late_command", "") },
        answer("d-i", "finish-install/reboot_in_progress", "note", ""),
        boolean("debian-installer/exit/poweroff", true),
    ]
}
