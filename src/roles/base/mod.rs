//! What every machine gets, whatever its role.
//!
//! # What an image must bring
//!
//! Everything else is installed by the bootstrap, which needs these to start at all: cloud-init 22.4 or later,
//! netplan.io 0.106 or later with systemd-networkd and systemd-resolved behind it, openssh-server, sudo, and the
//! essential packages of Debian or Ubuntu with apt. Nothing else may manage the network (ifupdown without interfaces
//! of its own is fine), and a kernel with `8021q` is needed on trunks.

mod apt;
mod ssh;

use crate::bug::Bug;
use crate::credentials::Credentials;
use crate::setup::{File, Setup, Stage};
use crate::site::{Attachment, Machine, Role, Site};

use super::names;

/// Names, SSH, language, time zone, packages, time.
pub(super) fn setup(site: &Site, credentials: &Credentials, machine: &Machine) -> Result<Setup, Bug> {
    let mut setup = Setup::default();
    setup.files.push(File::text("/etc/hosts", hosts(site, machine)));
    ssh::add(credentials, machine, &mut setup)?;
    let keys: Vec<&str> = site.ssh_keys.iter().filter_map(|line| key(line)).collect();
    let variables = [("LOGIN", site.user.as_str()), ("KEYS", &keys.join(" "))];
    setup.stages.push(Stage::new(3, "users", &variables, include_str!("users.sh")));
    setup.install(["ca-certificates", "curl", machine.time_daemon.package()]);
    setup.packages.extend(machine.packages.iter().cloned());
    if let Some(sources) = &site.image.sources {
        let file = File::text("/etc/apt/sources.list.d/bpc.sources", apt::sources(&site.image, sources));
        let stage = Stage::new(5, "apt-sources", &[], include_str!("apt-sources.sh"));
        setup.apply(stage.undone_by(&[], include_str!("apt-sources-undo.sh")), vec![file]);
    }
    if let Some(proxy) = &site.image.proxy {
        setup.files.push(File::text("/etc/apt/apt.conf.d/zz-bpc", apt::proxy(proxy)));
    }
    language(site, &mut setup);
    if !site.ntp.is_empty() {
        // An image's list counts too, unless an empty one takes it back (timesyncd.conf(5)).
        let servers = format!("[Time]\nNTP=\nNTP={}\n", site.ntp.join(" "));
        let file = File::text("/etc/systemd/timesyncd.conf.d/zz-bpc.conf", servers);
        let stage = Stage::new(15, "time-servers", &[], include_str!("time-servers.sh"));
        setup.apply(stage.undone_by(&[], include_str!("time-servers-undo.sh")), vec![file]);
    }
    Ok(setup)
}

/// The key itself in a line of `authorized_keys`: the word after its type (sshd(8)).
fn key(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace();
    words.find(|word| ["ssh-", "ecdsa-", "sk-"].iter().any(|start| word.starts_with(start)))?;
    words.next()
}

/// The locale and the time zone. cloud-init sets these with programs and tables that a small image may lack, and
/// before packages can be had, so they are the bootstrap's work. C.UTF-8 and UTC need no package.
fn language(site: &Site, setup: &mut Setup) {
    let (locale, timezone) = (site.locale.as_str(), site.timezone.as_str());
    setup.files.push(File::text("/etc/default/locale", format!("LANG={locale}\n")));
    if locale != "C.UTF-8" {
        setup.install(["locales"]);
        setup.stages.push(Stage::new(12, "locale", &[("LOCALE", locale)], include_str!("locale.sh")));
    }
    setup.files.push(File::text("/etc/timezone", format!("{timezone}\n")));
    if timezone != "UTC" {
        setup.install(["tzdata"]);
    }
    setup.stages.push(Stage::new(12, "timezone", &[("TIMEZONE", timezone)], include_str!("timezone.sh")));
}

/// A machine's own name stands for the address that others reach it by, never for 127.0.1.1: services that look
/// their own name up must find what they can listen on. All other names come from the gateway's DNS, so that a new
/// machine changes nobody else's files; the gateway itself, and every machine that no gateway serves, has them all.
fn hosts(site: &Site, machine: &Machine) -> String {
    let served = |on: &Attachment| site.network(&on.network).is_some_and(|network| network.gateway.is_some());
    let mut records = names::of_machine(site, machine);
    if machine.role == Role::Gateway || !machine.attachments().any(served) {
        let others = names::records(site).into_iter().filter(|record| !records.contains(record));
        records.extend(others.collect::<Vec<_>>());
    }
    let lines: Vec<String> =
        records.iter().map(|record| format!("{} {}\n", record.address, record.names.join(" "))).collect();
    format!("127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n{}", lines.concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::tests::{credentials, machine, site};

    const MACHINES: [&str; 2] = [
        "node: {role: worker, networks: [node, back], packages: [nfs-common]}",
        "island: {role: worker, networks: [back]}",
    ];

    #[test]
    fn a_machine_knows_itself_and_asks_the_gateway_for_the_rest() {
        let site = site(&MACHINES, "");
        assert_eq!(
            hosts(&site, machine(&site, "node")),
            "127.0.0.1 localhost\n\
             ::1 localhost ip6-localhost ip6-loopback\n\
             10.4.0.2 node.example.test node\n\
             10.5.0.2 node.back.example.test\n"
        );
    }

    #[test]
    fn a_machine_that_can_ask_nobody_knows_all() {
        let site = site(&MACHINES, "");
        for name in ["gate", "island"] {
            let hosts = hosts(&site, machine(&site, name));
            for line in [
                "10.1.0.1 gate.example.test gate",
                "10.4.0.2 node.example.test node",
                "10.5.0.3 island.example.test island",
            ] {
                assert_eq!(hosts.lines().filter(|found| *found == line).count(), 1, "{hosts}");
            }
        }
    }

    #[test]
    fn a_key_is_known_whatever_stands_around_it() {
        for line in ["ssh-ed25519 AAAA", "ssh-ed25519  AAAA me@home", "no-pty ssh-ed25519 AAAA me"] {
            assert_eq!(key(line), Some("AAAA"), "{line}");
        }
    }

    #[test]
    fn defaults_need_no_packages_of_their_own() {
        let site = site(&MACHINES, "");
        let setup = setup(&site, &credentials(&site), machine(&site, "node")).unwrap();
        let packages: Vec<&str> = setup.packages.iter().map(String::as_str).collect();
        assert_eq!(packages, ["ca-certificates", "curl", "nfs-common", "systemd-timesyncd"]);
        let stages: Vec<String> = setup.stages.iter().map(Stage::file_name).collect();
        assert_eq!(stages, ["02-ssh", "03-users", "12-timezone"]);
    }

    #[test]
    fn what_is_chosen_is_installed_and_put_into_force() {
        let system = "system: {locale: de_DE.UTF-8, timezone: Europe/Berlin, ntp: [time.example]}";
        let site = site(&MACHINES, system);
        let setup = setup(&site, &credentials(&site), machine(&site, "node")).unwrap();
        assert!(setup.packages.contains("locales") && setup.packages.contains("tzdata"));
        let stages: Vec<String> = setup.stages.iter().map(Stage::file_name).collect();
        assert_eq!(stages, ["02-ssh", "03-users", "12-locale", "12-timezone", "15-time-servers"]);
    }
}
