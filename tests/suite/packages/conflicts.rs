//! Packages of a blueprint beside those of its machines: what apt refuses, bpc has refused before.

use std::collections::BTreeSet;

use bpc::diag::{Code, Files};
use bpc::site::{Distribution, Site, TimeDaemon};
use bpc::{Inputs, plan_site};

use super::archive::Archive;
use crate::built::{artifact, blueprints};
use crate::support::tools::On;

/// What bpc's own list has: `NEEDED [RELEASE]: PACKAGE...`.
const LISTED: &str = include_str!("../../../src/resolve/packages/rivals.txt");

/// What an image must bring (docs/machines.md).
const OF_IMAGE: [&str; 6] =
    ["cloud-init", "netplan.io", "openssh-server", "sudo", "systemd-resolved", "systemd-sysv"];

/// The packages of all machines with Debian that Pacemaker does not run on, or also of those that it runs on, but for what
/// keeps the time.
fn packages(pacemaker: bool) -> BTreeSet<String> {
    let mut all: BTreeSet<String> = OF_IMAGE.map(str::to_owned).into();
    for one in blueprints().iter().filter(|one| one.site.image.distribution == Distribution::Debian) {
        for setup in &one.setups.machines {
            if pacemaker || !setup.packages.contains("pacemaker") {
                all.extend(setup.packages.iter().cloned());
            }
        }
    }
    all.remove(TimeDaemon::Timesyncd.package());
    all
}

/// A site with these packages on every machine, or the codes of what is wrong with it.
fn planned(release: &str, pacemaker: bool, packages: &[&str], more: &str) -> Result<Site, Vec<Code>> {
    let path = format!("{}/tests/blueprints/routed/blueprint.yaml", env!("CARGO_MANIFEST_DIR"));
    let mut text =
        std::fs::read_to_string(path).unwrap().replace("release: trixie", &format!("release: {release}"));
    if pacemaker {
        text = text.replace("  address: 10.2.0.20\n", "  address: 10.2.0.20\n  failover: pacemaker\n");
    }
    let system = format!("system: {{packages: [{}]{more}}}\n", packages.join(", "));
    let mut inputs = Inputs { files: Files::new(""), ..Inputs::default() };
    inputs.files.add("blueprint.yaml", text + &system);
    let (site, report) = plan_site(&inputs);
    site.ok_or_else(|| {
        report.diagnostics.iter().map(|it| it.code).filter(|it| *it != Code::NoFencing).collect()
    })
}

/// For each package that may be in the way of one that machines have: bpc lets it pass if apt does.
fn agrees_with_apt(on: On, release: &str) {
    let Some(archive) = Archive::of(on, release) else { return };
    let mut refused = BTreeSet::new();
    for pacemaker in [false, true] {
        let needed = packages(pacemaker);
        let timesyncd = TimeDaemon::Timesyncd.package().to_owned();
        let mut with_time = needed.clone();
        with_time.insert(timesyncd.clone());
        assert!(archive.installs(&with_time), "{on:?}");
        for rival in archive.rivals(&with_time).difference(&refused.clone()) {
            let with = |time: &String| archive.installs(needed.iter().chain([time, rival]));
            match planned(release, pacemaker, &[rival], "") {
                Ok(site) => {
                    let time = site.machines[0].time_daemon;
                    assert!(with(&time.package().to_owned()), "{on:?}: apt refuses {rival}");
                    assert!(
                        time == TimeDaemon::Timesyncd || !with(&timesyncd),
                        "{on:?}: {rival} needs no other time daemon"
                    );
                }
                Err(codes) => {
                    assert_eq!(codes, [Code::PackageConflict], "{on:?}: {rival}");
                    assert!(!with(&timesyncd), "{on:?}: apt takes {rival}");
                    refused.insert(rival.clone());
                }
            }
        }
    }
    // What the list has besides these leads to one of them.
    let mut checked = 0;
    for (head, packages) in LISTED.lines().map(|line| line.split_once(": ").unwrap()) {
        if !head.split(' ').skip(1).all(|only| only == release) {
            continue;
        }
        for package in packages.split(' ').filter(|package| archive.has(package)) {
            let known =
                |it: &str| refused.contains(it) || TimeDaemon::OTHERS.iter().any(|of| of.package() == it);
            let mut left = vec![package];
            let mut seen = BTreeSet::new();
            let found = std::iter::from_fn(|| {
                let next = left.pop()?;
                left.extend(archive.depends(next).into_iter().filter(|it| seen.insert(*it)));
                Some(next)
            });
            assert!(found.into_iter().any(known), "{on:?}: nothing is in the way of {package}");
            checked += 1;
        }
    }
    assert!(checked > 25 && refused.len() > 10, "{checked} {refused:?}");
}

#[test]
fn what_debian_12_refuses_is_refused() {
    agrees_with_apt(On::Bookworm, "bookworm");
}

#[test]
fn what_debian_13_refuses_is_refused() {
    agrees_with_apt(On::Trixie, "trixie");
}

#[test]
fn packages_of_all_machines_are_on_each() {
    let site = planned("trixie", false, &["htop", "chrony"], "").unwrap();
    assert!(site.machines.iter().all(|machine| machine.packages == ["htop", "chrony"]));
    let everything = crate::built::blueprint("everything");
    for machine in &everything.site.machines {
        let stage = artifact(&everything, &machine.name, "files/usr/local/lib/bpc/stages/10-packages");
        let stage = std::str::from_utf8(stage).unwrap();
        assert!(stage.contains(" htop ") && stage.contains(" libstdc++6 "), "{}: {stage}", machine.name);
    }
}

#[test]
fn a_chosen_time_daemon_goes_alone_and_is_told_nothing() {
    assert!(planned("trixie", false, &["htop"], ", ntp: [time.example]").is_ok());
    assert!(planned("trixie", false, &["openntpd"], "").is_ok());
    for packages in [&["openntpd"][..], &["ntpsec"]] {
        let found = planned("trixie", false, packages, ", ntp: [time.example]");
        assert_eq!(found.unwrap_err(), [Code::PackageConflict], "{packages:?}");
    }
    assert_eq!(planned("trixie", false, &["openntpd", "chrony"], "").unwrap_err(), [Code::PackageConflict]);
    assert!(planned("bookworm", false, &["freeipa-client", "chrony"], "").is_ok());
}

#[test]
fn apt_installs_what_has_the_name_of_a_package() {
    for (on, release) in [(On::Bookworm, "bookworm"), (On::Trixie, "trixie")] {
        let Some(archive) = Archive::of(on, release) else { continue };
        for (name, good) in [("curl", true), ("g++", true), ("libstdc++6", true), ("curl-", false)] {
            let installed = archive.installed([&name.to_owned()]).unwrap();
            assert_eq!(installed.iter().any(|it| it == name), good, "{on:?} {name}: {installed:?}");
            let planned = planned(release, false, &[name], "");
            assert_eq!(planned.err(), (!good).then(|| vec![Code::PackageName]), "{name}");
        }
    }
}
