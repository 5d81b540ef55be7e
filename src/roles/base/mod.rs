//! What every machine gets, whatever its role.
//!
//! # What an image must bring
//!
//! Everything else is installed by the bootstrap, which needs these to start at all: cloud-init 22.4 or later,
//! netplan.io 0.106 or later with systemd-networkd and systemd-resolved behind it, openssh-server, sudo, and the
//! essential packages of Debian or Ubuntu with apt. Nothing else may manage the network (ifupdown without interfaces
//! of its own is fine), and a kernel with `8021q` is needed on trunks.

mod apt;

use crate::setup::{File, Setup, Stage};
use crate::site::{Machine, Site};

use super::names;

/// Language, time zone, names, packages, time.
pub(super) fn setup(site: &Site, machine: &Machine) -> Setup {
    let mut setup = Setup::default();
    setup.files.push(File::text("/etc/hosts", hosts(site, machine)));
    setup.install(["ca-certificates", "curl", "systemd-timesyncd"]);
    setup.packages.extend(machine.packages.iter().cloned());
    if let Some(sources) = &site.image.sources {
        let file = File::text("/etc/apt/sources.list.d/bpc.sources", apt::sources(&site.image, sources));
        setup.apply(Stage::new(5, "apt-sources", &[], include_str!("apt-sources.sh")), vec![file]);
    }
    language(site, &mut setup);
    if !site.ntp.is_empty() {
        let servers = format!("[Time]\nNTP={}\n", site.ntp.join(" "));
        let file = File::text("/etc/systemd/timesyncd.conf.d/bpc.conf", servers);
        setup.apply(Stage::new(15, "time", &[], include_str!("time.sh")), vec![file]);
    }
    setup
}

/// The locale and the time zone. cloud-init sets these with programs and tables that a small image may lack, and
/// before packages can be had, so they are the bootstrap's work.
fn language(site: &Site, setup: &mut Setup) {
    setup.files.push(File::text("/etc/default/locale", format!("LANG={}\n", site.locale)));
    setup.files.push(File::text("/etc/timezone", format!("{}\n", site.timezone)));
    // Both are what the C library falls back to without any table.
    if site.locale != "C.UTF-8" {
        setup.install(["locales"]);
        let variables = [("LOCALE", site.locale.as_str())];
        setup.stages.push(Stage::new(12, "locale", &variables, include_str!("locale.sh")));
    }
    if site.timezone != "UTC" {
        setup.install(["tzdata"]);
    }
    let variables = [("TIMEZONE", site.timezone.as_str())];
    setup.stages.push(Stage::new(12, "timezone", &variables, include_str!("timezone.sh")));
}

/// A machine's own name stands for the address that others reach it by, never for 127.0.1.1: services that look
/// their own name up must find what they can listen on. All other names come from the gateway's DNS, so that a new
/// machine changes nobody else's files; the gateway itself, and every machine without one, has them all.
fn hosts(site: &Site, machine: &Machine) -> String {
    let mut records = names::of_machine(site, machine);
    if site.gateway().is_none_or(|gateway| gateway.name == machine.name) {
        let others = names::records(site).into_iter().filter(|record| !records.contains(record));
        records.extend(others.collect::<Vec<_>>());
    }
    let lines: Vec<String> =
        records.iter().map(|record| format!("{} {}\n", record.address, record.names.join(" "))).collect();
    format!("127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n{}", lines.concat())
}
