//! The programs that stages may call: stubs, which write down their calls, and a few real ones.
//!
//! Nothing else is on the stages' `PATH`. A stage that calls more needs a line here, and a file below `stubs/` if the
//! program is one that acts.

use super::root::Root;

/// Programs that only look at something or talk: as they are, and not written down.
const QUIET: &str = "awk basename cat cmp comm cut date diff dirname env expr find getent grep head hostname id ls mkfifo \
    nproc od paste printf readlink realpath rev sed seq sh sha256sum sort stat tail tee test timeout tr \
    uname uniq wc";

/// Programs that take no time here.
const INSTANT: &str = "logger sleep sync";

/// Programs that change files: the real ones, written down, so that they can fail and the power can go before each.
const FILES: &str =
    "chmod chown cp gzip install ln mkdir mktemp mv rm rmdir systemd-sysusers tar touch useradd";

/// Programs that act as their stubs do.
const ACTING: [(&[&str], &str); 10] = [
    (&["apt-get", "dpkg"], concat!(include_str!("stubs/units.sh"), include_str!("stubs/apt-get.sh"))),
    (&["corosync", "dnsmasq", "haproxy", "keepalived", "nft", "sshd"], include_str!("stubs/check.sh")),
    (&["cibadmin", "crm", "crm_mon", "crm_resource", "crm_verify"], include_str!("stubs/pacemaker.sh")),
    (&["curl"], include_str!("stubs/curl.sh")),
    (&["etcdctl"], include_str!("stubs/etcdctl.sh")),
    (&["kubeadm"], concat!(include_str!("stubs/units.sh"), include_str!("stubs/kubeadm.sh"))),
    (&["kubectl"], include_str!("stubs/kubectl.sh")),
    (&["locale", "locale-gen"], include_str!("stubs/locale.sh")),
    (&["modprobe", "swapoff", "swapon", "sysctl"], include_str!("stubs/kernel.sh")),
    (&["systemctl"], concat!(include_str!("stubs/units.sh"), include_str!("stubs/systemctl.sh"))),
];

/// Programs that need only a line.
const SHORT: [(&str, &str); 3] = [
    ("dpkg-query", "for last; do :; done\n[ -e \"$lasting/installed/$last\" ] || exit 1\nprintf installed\n"),
    (
        "kubelet",
        "[ \"$*\" = --version ] || unknown\n[ -e /usr/local/bin/kubelet ] || exit 127\necho 'Kubernetes v1.0.0'\n",
    ),
    ("timedatectl", "[ \"$*\" = 'show --property NTPSynchronized --value' ] || unknown\necho yes\n"),
];

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
    // One of a machine's own scripts, which other stages call.
    root.link("/opt/stubs/bpc-etcdctl", "/usr/local/sbin/bpc-etcdctl");
    root.write("/sys/fs/cgroup/cgroup.controllers", b"cpu memory pids\n", 0o444);
    root.write("/etc/fstab", b"/dev/vda1 / ext4 defaults 0 1\n/dev/vdb none swap sw 0 0\n", 0o644);
    let boot = format!("#!/bin/sh\n{}\n{}", include_str!("stubs/units.sh"), include_str!("stubs/boot.sh"));
    root.write("/opt/boot", boot.as_bytes(), 0o755);
    for unit in ["ssh", "systemd-sysctl", "systemd-timesyncd"] {
        root.write(&format!("/var/lib/stubs/enabled/{unit}"), b"yes\n", 0o644);
    }
    root.write("/opt/log/.keep", b"", 0o644);
}
