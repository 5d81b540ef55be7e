//! The packages of every machine, looked up in the distribution's own list.

use std::collections::BTreeSet;

use bpc::site::Distribution;

use crate::built::{artifact, blueprints};
use crate::support::tools::{On, tool};

/// The packages of all machines with Debian.
fn packages() -> BTreeSet<String> {
    let mut packages = BTreeSet::new();
    for one in blueprints().iter().filter(|one| one.site.image.distribution == Distribution::Debian) {
        for machine in &one.site.machines {
            let stage = artifact(one, &machine.name, "files/usr/local/lib/bpc/stages/10-packages");
            let stage = String::from_utf8(stage.to_vec()).unwrap();
            let list = stage.lines().find_map(|line| line.strip_prefix("PACKAGES=")).unwrap();
            packages.extend(list.trim_matches('\'').split(' ').map(str::to_owned));
        }
    }
    packages
}

fn assert_known(on: On) {
    let Some(apt_cache) = tool(on, "apt-cache") else { return };
    let wanted = packages();
    assert!(wanted.contains("dnsmasq") && wanted.contains("jq"), "{wanted:?}");
    let output = apt_cache.command().arg("show").args(&wanted).output().unwrap();
    let known = String::from_utf8(output.stdout).unwrap();
    let known: BTreeSet<_> =
        known.lines().filter_map(|line| line.strip_prefix("Package: ")).map(str::to_owned).collect();
    let missing: Vec<_> = wanted.difference(&known).collect();
    assert!(missing.is_empty(), "{on:?} has no {missing:?}");
}

#[test]
fn debian_12_has_every_package() {
    assert_known(On::Bookworm);
}

#[test]
fn debian_13_has_every_package() {
    assert_known(On::Trixie);
}
