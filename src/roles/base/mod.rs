//! What every machine gets, whatever its role.

use std::fmt::Write;

use crate::setup::{File, Setup, Stage};
use crate::site::{Distribution, Image, Machine, PackageSources, Site};

/// Switches the image's own package sources off where the blueprint names a mirror.
const APT_SOURCES: &str = include_str!("apt-sources.sh");
/// Sets the zone of the clock.
const TIMEZONE: &str = include_str!("timezone.sh");
/// Makes the clock follow the blueprint's time servers.
const TIME_SERVERS: &str = include_str!("time-servers.sh");

/// Names, packages, time.
pub(super) fn setup(site: &Site, machine: &Machine) -> Setup {
    let mut setup = Setup::default();
    setup.files.push(File::text("/etc/hosts", hosts(site, machine)));
    setup.packages.extend(["ca-certificates", "curl", "systemd-timesyncd"].map(str::to_owned));
    setup.packages.extend(machine.packages.iter().cloned());
    if let Some(sources) = &site.image.sources {
        setup
            .files
            .push(File::text("/etc/apt/sources.list.d/bpc.sources", apt_sources(&site.image, sources)));
        setup.stages.push(Stage::new(5, "apt-sources", &[], APT_SOURCES));
    }
    time(site, &mut setup);
    setup
}

/// The clock's zone and servers. UTC and the distribution's own servers need nothing, not even the zone database.
fn time(site: &Site, setup: &mut Setup) {
    let zone = site.timezone.as_str();
    if zone != "UTC" {
        setup.packages.insert("tzdata".to_owned());
        setup.stages.push(Stage::new(15, "timezone", &[("ZONE", zone)], TIMEZONE));
    }
    if !site.ntp.is_empty() {
        let servers = site.ntp.join(" ");
        setup
            .files
            .push(File::text("/etc/systemd/timesyncd.conf.d/bpc.conf", format!("[Time]\nNTP={servers}\n")));
        setup.stages.push(Stage::new(16, "time-servers", &[], TIME_SERVERS));
    }
}

/// A machine's own name stands for the address that others reach it by, never for 127.0.1.1: services that look
/// their own name up must find what they can listen on. All other names come from the gateway's DNS, so that a new
/// machine changes nobody else's files; without a gateway all machines are listed here.
fn hosts(site: &Site, machine: &Machine) -> String {
    let mut text = String::from("127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n");
    let mut line = |address: std::net::Ipv4Addr, name: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{address} {} {name}", site.fqdn(name));
    };
    line(machine.address(), &machine.name);
    if site.gateway().is_none() {
        for other in site.machines.iter().filter(|other| other.name != machine.name) {
            line(other.address(), &other.name);
        }
        for floating in &site.floating {
            line(floating.address, &floating.name);
        }
    }
    text
}

/// Package sources in the format of sources.list(5), deb822 style.
fn apt_sources(image: &Image, sources: &PackageSources) -> String {
    let (components, keyring) = match image.distribution {
        Distribution::Debian => ("main contrib non-free non-free-firmware", "debian"),
        Distribution::Ubuntu => ("main restricted universe multiverse", "ubuntu"),
    };
    let release = &image.release;
    // The signature of a state of the past may have run out; it is checked all the same.
    let dated = if sources.dated { "Check-Valid-Until: no\n" } else { "" };
    let stanza = |uri: &str, suites: String| {
        format!(
            "Types: deb\nURIs: {uri}\nSuites: {suites}\nComponents: {components}\n\
             Signed-By: /usr/share/keyrings/{keyring}-archive-keyring.gpg\n{dated}"
        )
    };
    let main = stanza(&sources.mirror, format!("{release} {release}-updates"));
    let security = stanza(&sources.security, format!("{release}-security"));
    format!("{main}\n{security}")
}
