//! What the releases of distributions know by name, measured on them: time zones, locales, users and groups.

/// The names of tzdata, and of each former one, which only Debian 12 has without the package tzdata-legacy, today's.
pub(super) fn time_zones() -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
    let lines = include_str!("releases/time_zones.txt").lines();
    lines.map(|line| line.split_once(' ').map_or((line, None), |(name, today)| (name, Some(today))))
}

/// Whether the package locales has the source of this one (`de_DE`): of Debian 13, or of every release.
pub(super) fn has_locale(name: &str, newest: bool) -> bool {
    let mut lines = include_str!("releases/locales.txt").lines();
    lines.any(|line| match line.split_once(' ') {
        None => line == name,
        Some((known, _)) => known == name && newest,
    })
}

/// Accounts of the base system, of cloud images and of what bpc installs; a user of that name would be theirs.
pub(super) const USERS: [&str; 44] = [
    "root",
    "daemon",
    "bin",
    "sys",
    "sync",
    "games",
    "man",
    "lp",
    "mail",
    "news",
    "uucp",
    "proxy",
    "www-data",
    "backup",
    "list",
    "irc",
    "_apt",
    "nobody",
    "messagebus",
    "systemd-network",
    "systemd-resolve",
    "systemd-timesync",
    "systemd-coredump",
    "systemd-oom",
    "polkitd",
    "sshd",
    "dnsmasq",
    "haproxy",
    "hacluster",
    "keepalived_script",
    "tcpdump",
    "etcd",
    "dhcpcd",
    "uuidd",
    "syslog",
    "pollinate",
    "landscape",
    "tss",
    "usbmux",
    "fwupd-refresh",
    "_chrony",
    "ntpsec",
    "_ntp",
    "openntpd",
];

/// Groups of those that are not users too: `useradd` refuses a user whose own group exists.
pub(super) const GROUPS: [&str; 37] = [
    "adm",
    "tty",
    "disk",
    "kmem",
    "dialout",
    "fax",
    "voice",
    "cdrom",
    "floppy",
    "tape",
    "sudo",
    "audio",
    "dip",
    "operator",
    "src",
    "shadow",
    "utmp",
    "video",
    "sasl",
    "plugdev",
    "staff",
    "users",
    "nogroup",
    "admin",
    "netdev",
    "input",
    "kvm",
    "render",
    "sgx",
    "clock",
    "crontab",
    "haclient",
    "lxd",
    "rdma",
    "_ssh",
    "ssl-cert",
    "systemd-journal",
];
