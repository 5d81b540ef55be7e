//! The answers for Ubuntu's installer: user-data with `autoinstall` (subiquity's "Autoinstall configuration reference
//! manual"), of which 24.04 knows every word that stands here.
//!
//! The time zone is not among them: the installer leaves it to cloud-init's first start, as seeds do, and stops at a name
//! that its own table does not list.

use std::error::Error;

use super::storage;
use crate::artifact::Content;
use crate::format::curtin::write;
use crate::format::yaml::Yaml;
use crate::site::{Lvm, PackageSources, Site};

/// What seeds need (docs/machines.md), and the stage that makes volumes larger, besides the SSH server.
const PACKAGES: [&str; 6] =
    ["cloud-guest-utils", "cloud-init", "lvm2", "netplan.io", "sudo", "systemd-resolved"];

/// What leaves an image that knows nothing of the machine it was made on. The installer configures cloud-init to read no
/// seed, and to switch itself off after the first start.
const LATE: [&str; 9] = [
    "curtin in-target --target=/target -- cloud-init clean --logs",
    "curtin in-target --target=/target -- apt-get clean",
    "cd /target/etc/cloud && rm -f cloud-init.disabled ds-identify.cfg clean.d/99-installer \
     cloud.cfg.d/*-installer*.cfg cloud.cfg.d/*curtin*.cfg cloud.cfg.d/subiquity*.cfg",
    "cd /target/etc && rm -f netplan/*.yaml ssh/ssh_host_* ssh/sshd_config.d/50-cloud-init.conf \
     apt/apt.conf.d/94curtin-config apt/apt.conf.d/zzzz-temp-installer-unattended-upgrade",
    "cd /target/etc && rm -f apt/apt.conf.d/90curtin-aptproxy systemd/system/snapd.service.d/snap_proxy.conf",
    "cd /target/var/lib && rm -f dbus/machine-id dhcp/*.leases systemd/random-seed",
    ": > /target/etc/machine-id",
    super::FOLLOW_BOOT_DISK,
    super::SAY_READY,
];

/// What tells on the console why it stopped there. It stays on, since off means that it is done.
const ERROR: [&str; 2] = [
    "tail -n 30 /var/log/installer/curtin-install.log",
    "echo 'The installation failed; this machine has its logs in /var/log/installer.'",
];

/// The two documents of a seed for the installer.
pub(super) fn documents(site: &Site, lvm: &Lvm) -> Result<Vec<(&'static str, Content)>, Box<dyn Error>> {
    let title = format!(" The installer of {}, made by bpc", site.name);
    let user_data = Yaml::map([("autoinstall", autoinstall(site, lvm)?)]);
    let meta_data = Yaml::map([("instance-id", format!("{}-installer", site.name).into())]);
    Ok(vec![
        ("user-data", user_data.document(&["cloud-config", &title]).into()),
        ("meta-data", meta_data.to_string().into()),
    ])
}

fn autoinstall(site: &Site, lvm: &Lvm) -> Result<Yaml, Box<dyn Error>> {
    let mut entries = vec![
        ("version", 1.into()),
        ("refresh-installer", Yaml::map([("update", false.into())])),
        // The language of the installation; machines get theirs with their seeds.
        ("locale", "en_US.UTF-8".into()),
        ("keyboard", Yaml::map([("layout", "us".into())])),
    ];
    entries.extend(site.image.proxy.as_deref().map(|proxy| ("proxy", proxy.into())));
    entries.extend([
        ("apt", apt(site.image.sources.as_ref())),
        ("storage", disk(lvm)?),
        ("ssh", Yaml::map([("install-server", true.into()), ("allow-pw", false.into())])),
        ("packages", Yaml::seq(PACKAGES)),
        ("updates", "all".into()),
        ("user-data", nobody()),
        ("late-commands", Yaml::seq(LATE)),
        ("error-commands", Yaml::seq(ERROR)),
        ("shutdown", "poweroff".into()),
    ]);
    Ok(Yaml::map(entries))
}

/// Without a mirror in the blueprint the installer takes its own, or what is on its CD if it cannot reach that.
fn apt(sources: Option<&PackageSources>) -> Yaml {
    let mut entries = vec![("geoip", false.into())];
    if let Some(sources) = sources {
        let primary = Yaml::seq([Yaml::map([("uri", sources.mirror.as_str().into())])]);
        let default = Yaml::seq(["default"]);
        let security = Yaml::map([("arches", default), ("uri", sources.security.as_str().into())]);
        entries.extend([
            ("mirror-selection", Yaml::map([("primary", primary)])),
            ("fallback", "abort".into()),
            ("security", Yaml::seq([security])),
        ]);
        // The signature of a state of the past may have run out; it is checked all the same.
        if sources.dated {
            entries.push(("conf", "Acquire::Check-Valid-Until \"false\";\n".into()));
        }
    }
    Yaml::map(entries)
}

/// Without `swap` the installer would make a file to swap to.
fn disk(lvm: &Lvm) -> Result<Yaml, Box<dyn Error>> {
    let config = write(&storage::actions(lvm))?;
    Ok(Yaml::map([("swap", Yaml::map([("size", 0.into())])), ("config", config)]))
}

/// With this the installer makes no user: seeds bring the user, and root stays locked.
fn nobody() -> Yaml {
    let root = Yaml::map([("name", "root".into()), ("lock_passwd", true.into())]);
    Yaml::map([("users", Yaml::seq([root])), ("disable_root", true.into()), ("ssh_pwauth", false.into())])
}
