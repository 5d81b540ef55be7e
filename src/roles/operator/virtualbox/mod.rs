//! Scripts that hand the machines to VirtualBox. They run on the operator's host, which needs nothing but sh and VirtualBox.
//!
//! | file below virtualbox | does |
//! |---|---|
//! | `up.sh`, `down.sh`, `destroy.sh` | makes and starts machines, shuts them down, deletes them |
//! | `status.sh`, `console.sh`, `ssh.sh` | how far they are, what they write, and the way in |
//! | `snapshot.sh` | all of them at one moment, and back to it |
//! | `doctor.sh` | what `up.sh` looks at first |
//! | `base-image.sh`, `base-image.conf` | has an installer make the system disk, where the blueprint says how it is divided |
//! | `machines/NAME.conf` | what a machine is to be; its digest tells `up.sh` that it has changed |
//! | `bound`, `settings` | what machines are bound to once they run, and what comes of another value |
//! | `blueprint.conf`, `system-disk.conf` | what the scripts know of the blueprint, and what system disks are made of |
//! | `lib.sh` | what the scripts share, the same for every blueprint |

mod base_image;
mod machine;

use super::CLI;
use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::artifact::Kind;
use crate::credentials::Credentials;
use crate::format::shell;
use crate::setup::{File, OperatorFile};
use crate::site::{
    Architecture, BOUND, Bound, Distribution, EXPIRES_SOON, Holder, Machine, Network, Role, Site, SystemDisk,
};

/// Every script, and its text below the variables.
const SCRIPTS: [(&str, &str); 8] = [
    ("up", include_str!("up.sh")),
    ("down", include_str!("down.sh")),
    ("destroy", include_str!("destroy.sh")),
    ("status", include_str!("status.sh")),
    ("console", include_str!("console.sh")),
    ("ssh", include_str!("ssh.sh")),
    ("snapshot", include_str!("snapshot.sh")),
    ("doctor", include_str!("doctor.sh")),
];

/// The one that only blueprints have whose disk is divided.
const BASE_IMAGE: (&str, &str) = ("base-image", include_str!("base-image.sh"));

/// What they share, one file a topic.
const LIBRARY: [&str; 10] = [
    CLI,
    include_str!("lib.sh"),
    include_str!("power.sh"),
    include_str!("make.sh"),
    include_str!("base.sh"),
    include_str!("installed.sh"),
    include_str!("remove.sh"),
    include_str!("preflight.sh"),
    include_str!("surroundings.sh"),
    include_str!("bound.sh"),
];

/// The start of every script.
const START: &str = r#"#!/bin/sh
# shellcheck disable=SC2034,SC2153  # variables of lib.sh, and variables for it
set -eu
HERE=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source=/dev/null
. "$HERE/lib.sh"
"#;

/// The start of what they share.
const LIBRARY_START: &str = r#"#!/bin/sh
# shellcheck disable=SC2034,SC2153  # variables of the scripts and the definitions
# shellcheck source=/dev/null
. "$HERE/blueprint.conf"
# shellcheck source=/dev/null
. "$HERE/system-disk.conf"
"#;

/// The scripts, and a definition for each machine.
pub(super) fn files(site: &Site, credentials: &Credentials) -> Vec<OperatorFile> {
    let script =
        |(name, body): &(&str, &str)| File::script(format!("virtualbox/{name}.sh"), format!("{START}{body}"));
    let shared = [
        File::text("virtualbox/lib.sh", format!("{LIBRARY_START}{}", LIBRARY.concat())),
        File::text("virtualbox/blueprint.conf", blueprint(site, credentials)),
        File::text("virtualbox/system-disk.conf", system_disk(site)),
        File::text("virtualbox/bound", bound(site, credentials)),
        File::text("virtualbox/settings", settings()),
    ];
    let base_image = base_image::definition(site).map(|definition| [script(&BASE_IMAGE), definition]);
    let shared = SCRIPTS.iter().map(script).chain(shared).chain(base_image.into_iter().flatten());
    // As a list of all artifacts, they come from no line of the blueprint but from all of them.
    let of = |file, origin: &str| OperatorFile { file, kind: Kind::Script, origin: origin.to_owned() };
    let shared = shared.map(|file| of(file, &site.name));
    let machines = site.machines.iter().map(|it| of(machine::definition(site, credentials, it), &it.origin));
    shared.chain(machines).collect()
}

/// What the scripts know of the blueprint, besides its machines.
fn blueprint(site: &Site, credentials: &Credentials) -> String {
    let image = &site.image;
    let source = image.source();
    let names = |machines: &mut dyn Iterator<Item = &Machine>| {
        machines.map(|machine| machine.name.as_str()).collect::<Vec<_>>().join(" ")
    };
    shell::assignments(&[
        ("NAME", site.name.clone()),
        ("OWNER", format!("{} {}", site.name, credentials.fingerprint())),
        ("MACHINES", names(&mut site.machines.iter())),
        ("GATEWAYS", names(&mut site.with_role(Role::Gateway))),
        ("INSTALLER", base_image::uuid(site, credentials).to_string()),
        ("ARCHITECTURE", image.architecture.as_str().to_owned()),
        ("DISTRIBUTION", distribution(image.distribution).to_owned()),
        ("RELEASE", image.release.clone()),
        ("PLATFORM", platform(image.distribution, image.architecture)),
        ("CLOUD_IMAGE", source.cloud_image),
        ("MEDIA", source.media.to_owned()),
        ("MEDIUM", source.medium),
        ("VALIDITY", validity(site)),
        ("NETWORKS", networks(site)),
    ])
}

/// The networks of machines, those with the host on them marked: `mast=192.168.1.0/24 lan@192.168.56.0/24`.
fn networks(site: &Site) -> String {
    let network = |it: &Network| {
        let mark = if it.host.is_some() { '@' } else { '=' };
        format!("{}{mark}{}", it.name, it.cidr)
    };
    site.networks.iter().map(network).collect::<Vec<_>>().join(" ")
}

/// When certificates are good, a word for all that start and end together: `WHAT=FROM=WARN=UNTIL`, each time as RFC 3339
/// writes it. From `WARN` on the scripts say that they end soon.
fn validity(site: &Site) -> String {
    let mut words = Vec::new();
    let mut add = |what: &str, from: Timestamp, until: Timestamp| {
        let warn = (until - EXPIRES_SOON).max(from);
        words.push(format!("{what}={from}={warn}={until}"));
    };
    for certificate in &site.ssh.certificates {
        let what = match certificate.holder {
            Holder::Machine(_) => "ssh-host",
            Holder::Operator => "operator",
        };
        add(what, certificate.from, certificate.until);
    }
    if let Some(cluster) = &site.kubernetes {
        let plan = &cluster.certificates;
        add("kubernetes", plan.not_before, plan.certificates_until);
        add("authorities", plan.not_before, plan.authorities_until);
    }
    let mut seen = BTreeSet::new();
    words.retain(|word| seen.insert(word.clone()));
    words.join(" ")
}

/// What each machine is bound to once it runs, a line for each.
fn bound(site: &Site, credentials: &Credentials) -> String {
    let line = |machine: &Machine| {
        let values = site
            .bound(machine, credentials.fingerprint())
            .into_iter()
            .map(|(bound, value)| format!("{}={value}", bound.name));
        format!("{} {}\n", machine.name, values.collect::<Vec<_>>().join(" "))
    };
    site.machines.iter().map(line).collect()
}

/// The settings that machines are bound to: the same for every blueprint.
fn settings() -> String {
    let line = |it: &Bound| {
        format!("{}|{}|{}|{}|{}\n", it.name, it.rule.as_str(), it.effect.as_str(), it.lost, it.way)
    };
    BOUND.iter().map(line).collect()
}

/// What the system disks are made of: if that changes, machines that are there keep theirs.
fn system_disk(site: &Site) -> String {
    let file = site.image.disk_file.as_ref();
    let how = match site.virtualbox.system_disk {
        SystemDisk::Linked => "linked",
        SystemDisk::Copied => "copied",
    };
    shell::assignments(&[
        ("SYSTEM_DISK", how.to_owned()),
        ("DISK_MIB", site.image.disk.as_mib().to_string()),
        ("DISK_FILE", file.map_or_else(String::new, |file| file.path.clone())),
        ("DISK_SHA256", file.map_or_else(String::new, |file| file.sha256.clone())),
        ("DISK_URL", file.and_then(|file| file.url.clone()).unwrap_or_default()),
        ("ANSWERS", base_image::answers(site).to_owned()),
        ("VOLUME_GROUP", site.image.lvm.as_ref().map_or_else(String::new, |lvm| lvm.group.clone())),
    ])
}

const fn distribution(distribution: Distribution) -> &'static str {
    match distribution {
        Distribution::Debian => "Debian",
        Distribution::Ubuntu => "Ubuntu",
    }
}

/// Options of createvm. VirtualBox has names for single releases, too; an older one does not know the newest.
fn platform(of: Distribution, architecture: Architecture) -> String {
    let name = distribution(of);
    match architecture {
        Architecture::Amd64 => format!("--ostype {name}_64"),
        Architecture::Arm64 => format!("--ostype {name}_arm64 --platform-architecture arm"),
    }
}
