//! The programs that stages may call: stubs, which write down their calls, and a few real ones.
//!
//! Nothing else is on the stages' `PATH`. A stage that calls more needs a line here, and a file below `stubs/` if the
//! program is one that acts.

use bpc::setup::File;
use bpc::site::{Machine, Site};

use super::root::Root;

/// Programs that only look at something or talk: as they are, and not written down.
const QUIET: &str = "awk basename cat cmp comm cut diff dirname env expr find getent grep head hostname id ls mkfifo \
    nproc od paste printf readlink realpath rev sed seq sh sha256sum sort stat tail tee test timeout tr \
    uname uniq wc";

/// Programs that take no time here.
const INSTANT: &str = "logger sleep sync";

/// Programs that change files: the real ones, written down, so that they can fail and the power can go before each.
const FILES: &str =
    "chmod chown cp gzip install ln mkdir mktemp mv rm rmdir systemd-sysusers tar touch useradd";

/// Programs that act as their stubs do.
const ACTING: [(&[&str], &str); 11] = [
    (&["apt-get", "dpkg"], concat!(include_str!("stubs/units.sh"), include_str!("stubs/apt-get.sh"))),
    (&["corosync", "dnsmasq", "haproxy", "keepalived", "nft", "sshd"], include_str!("stubs/check.sh")),
    (&["cibadmin", "crm", "crm_mon", "crm_resource", "crm_verify"], include_str!("stubs/pacemaker.sh")),
    (
        &[
            "blkid",
            "blockdev",
            "findmnt",
            "growpart",
            "lsblk",
            "lvcreate",
            "lvextend",
            "lvs",
            "mke2fs",
            "mkfs.xfs",
            "mount",
            "pvcreate",
            "pvresize",
            "pvs",
            "resize2fs",
            "vgcreate",
            "vgextend",
            "vgs",
            "wipefs",
            "xfs_growfs",
        ],
        concat!(include_str!("stubs/disks.sh"), include_str!("stubs/storage.sh")),
    ),
    (&["curl"], include_str!("stubs/curl.sh")),
    (&["etcdctl"], include_str!("stubs/etcdctl.sh")),
    (&["kubeadm"], concat!(include_str!("stubs/units.sh"), include_str!("stubs/kubeadm.sh"))),
    (&["kubectl"], include_str!("stubs/kubectl.sh")),
    (&["locale", "locale-gen"], include_str!("stubs/locale.sh")),
    (&["modprobe", "swapoff", "swapon", "sysctl"], include_str!("stubs/kernel.sh")),
    (&["systemctl"], concat!(include_str!("stubs/units.sh"), include_str!("stubs/systemctl.sh"))),
];

/// Programs that need only a line.
const SHORT: [(&str, &str); 4] = [
    ("dpkg-query", "for last; do :; done\n[ -e \"$lasting/installed/$last\" ] || exit 1\nprintf installed\n"),
    (
        "kubelet",
        "[ \"$*\" = --version ] || unknown\n[ -e /usr/local/bin/kubelet ] || exit 127\necho 'Kubernetes v1.0.0'\n",
    ),
    ("usermod", "for last; do :; done\necho \"$*\" | now \"$lasting/users/$last\"\n"),
    ("timedatectl", "[ \"$*\" = 'show --property NTPSynchronized --value' ] || unknown\necho yes\n"),
];

/// How the name of a device is that of a file with what is known of it.
fn known(kind: &str, device: &str) -> String {
    format!("/var/lib/stubs/disks/{kind}/{}", device.replace('/', ","))
}

/// The disks of a machine, empty, and the volume group of its image on the half of a disk; the table of what is mounted.
pub(super) fn disks(site: &Site, machine: &Machine) -> Vec<File> {
    let (mut facts, mut others) = (Vec::new(), Vec::new());
    let mut fact = |kind: &str, device: &str, text: String| facts.push((known(kind, device), text + "\n"));
    for (medium, letter) in site.media(machine).iter().zip('a'..) {
        fact("size", &format!("/dev/sd{letter}"), medium.size.unwrap_or_default().bytes().to_string());
    }
    let mut table = vec!["/dev/sda1 / ext4 defaults 0 1\n/dev/sda9 none swap sw 0 0\n".to_owned()];
    if let Some(lvm) = &site.image.lvm {
        let half = (site.image.disk.bytes() / 2).to_string();
        fact("size", "/dev/sda2", half.clone());
        fact("filled", "/dev/sda2", half);
        fact("content", "/dev/sda2", "LVM2_member of-lvm".to_owned());
        fact("group", "/dev/sda2", lvm.group.clone());
        let swap = lvm.swap.iter().map(|size| ("swap", *size, "swap", None));
        let volumes = lvm.volumes.iter();
        let volumes = volumes.map(|it| (it.name.as_str(), it.size, it.filesystem.as_str(), Some(&it.mount)));
        for (name, size, kind, mount) in volumes.chain(swap) {
            let device = format!("/dev/{}/{name}", lvm.group);
            for what in ["size", "filled"] {
                fact(what, &device, size.bytes().to_string());
            }
            fact("lv", &device, lvm.group.clone());
            fact("content", &device, format!("{kind} of-{name}"));
            if let Some(mount) = mount.filter(|mount| *mount != "/") {
                table.push(format!("{device} {mount} {kind} defaults 0 2\n"));
                others.push((format!("{mount}/of-image"), String::new()));
            }
        }
    }
    facts.append(&mut others);
    facts.push(("/etc/fstab".to_owned(), table.concat()));
    facts.into_iter().map(|(path, text)| File::text(path, text)).collect()
}

/// Puts them on a machine, and what it needs to boot.
pub(super) fn install(root: &Root<'_>) {
    let stub = |name: &str, body: &str| {
        let script = format!("#!/bin/sh\n{}\n{body}", include_str!("stub.sh"));
        root.write(&format!("/opt/stubs/{name}"), script.as_bytes(), 0o755);
    };
    for (names, body) in ACTING {
        for name in names {
            stub(name, body);
        }
    }
    for (name, body) in SHORT {
        stub(name, body);
    }
    for name in FILES.split_whitespace() {
        stub(name, &format!("exec {name} \"$@\"\n"));
    }
    for name in QUIET.split_whitespace() {
        root.link(&format!("/opt/stubs/{name}"), &format!("/usr/bin/{name}"));
    }
    for name in INSTANT.split_whitespace() {
        root.link(&format!("/opt/stubs/{name}"), "/usr/bin/true");
    }
    // The time is one at which certificates are good.
    let date = "#!/bin/sh\n[ \"$*\" = +%s ] || exec /usr/bin/date \"$@\"\necho 1780272000\n";
    root.write("/opt/stubs/date", date.as_bytes(), 0o755);
    // One of a machine's own scripts, which other stages call.
    root.link("/opt/stubs/bpc-etcdctl", "/usr/local/sbin/bpc-etcdctl");
    root.write("/sys/fs/cgroup/cgroup.controllers", b"cpu memory pids\n", 0o444);
    let boot =
        [include_str!("stubs/units.sh"), include_str!("stubs/disks.sh"), include_str!("stubs/boot.sh")];
    let boot = format!("#!/bin/sh\nlasting=/var/lib/stubs\npassing=/run/stubs\n{}", boot.concat());
    root.write("/opt/boot", boot.as_bytes(), 0o755);
    for unit in ["ssh", "systemd-networkd", "systemd-sysctl", "systemd-timesyncd"] {
        root.write(&format!("/var/lib/stubs/enabled/{unit}"), b"yes\n", 0o644);
    }
    root.write("/opt/log/.keep", b"", 0o644);
}
