//! bpc-etcd-snapshot and bpc-etcd-restore where something is in their way.

use super::lab::{Lab, Node, built_today};

/// A snapshot of another etcd in /run/snapshot, and data that is there in its place.
const PREPARE: &str = "\
    etcd --data-dir /run/other --log-level error >/run/other.log 2>&1 & other=$!; \
    until etcdctl put kept yes; do sleep 0.1; done; etcdctl snapshot save /run/snapshot; kill $other; \
    mkdir -p /var/lib/etcd/member; echo old >/var/lib/etcd/member/data";

const RESTORE: &str = "bpc-etcd-restore --yes /run/snapshot";

/// The programs that a restore calls.
const CALLED: &str = "chmod chown date etcdutl mkdir mountpoint mv rm sha256sum sync systemctl";

/// The first member of a blueprint, with nothing running on it.
fn prepared(blueprint: &str) -> Option<Lab> {
    let mut lab = Lab::new(&built_today(blueprint))?;
    lab.nodes[0].run("systemd-sysusers /etc/sysusers.d/bpc-etcd.conf 2>/run/said || :");
    lab.nodes[0].run(&format!("({PREPARE}) >/run/said 2>&1"));
    Some(lab)
}

/// Asserts that the state is that of the snapshot, and that what was there before is kept.
fn assert_restored(node: &mut Node, beside: &str) {
    let old = node.run(&format!("cat {beside}before-*/member/data"));
    assert_eq!(old, "old\n");
    // A member with that state, whatever the number of its keys is.
    node.run("test -s /var/lib/etcd/member/snap/db && test -d /var/lib/etcd/member/wal");
    let (found, said) = node.tries(&format!("ls -d {beside}new /var/lib/etcd-restoring"));
    assert!(!found && !said.starts_with('/'), "{said}");
}

#[test]
fn it_asks_before_it_replaces_anything() {
    let Some(mut lab) = prepared("kube-full") else { return };
    let node = &mut lab.nodes[0];
    node.run("echo no >/run/no-snapshot");
    for (line, expected) in [
        ("bpc-etcd-restore /run/snapshot", "this replaces the state of the cluster: add --yes"),
        (
            "bpc-etcd-restore --yes /run/no-snapshot",
            "/run/no-snapshot is not a snapshot that can be restored",
        ),
        ("bpc-etcd-restore --yes /run/nothing", "/run/nothing is not a snapshot that can be restored"),
        ("bpc-etcd-restore", "usage: bpc-etcd-restore"),
        ("bpc-etcd-restore --force /run/snapshot", "usage: bpc-etcd-restore"),
        ("bpc-etcd-restore --stop /run/snapshot", "usage: bpc-etcd-restore"),
        ("bpc-etcd-restore --yes a b", "usage: bpc-etcd-restore"),
        ("bpc-etcd-snapshot", "no snapshot was taken"),
        ("bpc-etcd-snapshot a b", "one file, not 2"),
        ("bpc-etcd-snapshot --help", "usage: bpc-etcd-snapshot"),
    ] {
        let (done, said) = node.tries(line);
        assert!(!done && said.contains(expected), "{line}: {said}");
    }
    let (done, said) = node.tries("echo n | script -qec 'bpc-etcd-restore /run/snapshot' /run/typescript");
    assert!(!done && said.contains("[y/N]") && said.contains("nothing was done"), "{said}");
    assert_eq!(
        node.run("ls -A /var/lib /var/lib/etcd /var/lib/etcd-snapshots"),
        "\
        /var/lib:\nbpc\netcd\netcd-snapshots\n\n/var/lib/etcd:\nmember\n\n/var/lib/etcd-snapshots:\n.lock\n"
    );
    let help = node.run("bpc-etcd-restore --help");
    assert!(help.contains("Every member has to restore the same snapshot"), "{help}");

    let (done, said) = node.tries("echo y | script -qec 'bpc-etcd-restore /run/snapshot' /run/typescript");
    assert!(done, "{said}");
    assert_restored(node, "/var/lib/etcd.");
}

#[test]
fn it_can_be_called_again_wherever_it_was_interrupted() {
    let Some(mut lab) = prepared("kube-full") else { return };
    let node = &mut lab.nodes[0];
    // Not through the link: what is at its end is the distribution's.
    node.run("mkdir /run/real; mv /usr/local/bin/systemctl /run/real; rm /usr/local/bin/etcdutl");
    // Each program fails when it is called as the one of that number.
    let wrapper = "#!/bin/sh\\nn=$(($(cat /run/n) + 1)); echo $n >/run/n\\n\
        [ $n -ne \"$(cat /run/at)\" ] || exit 1\\n\
        for real in /run/real/${0##*/} /usr/bin/${0##*/}; do [ ! -x $real ] || exec $real \"$@\"; done\\n";
    node.run(&format!(
        "for program in {CALLED}; do printf '{wrapper}' >/usr/local/bin/$program; chmod 755 /usr/local/bin/$program; done"
    ));
    node.run("cp -a /var/lib/etcd /run/before");
    let mut at = 1;
    loop {
        node.run(&format!("echo {at} >/run/at; echo 0 >/run/n"));
        let (done, _) = node.tries(RESTORE);
        let calls: u32 = node.run("cat /run/n").trim().parse().unwrap();
        node.run("echo 0 >/run/at");
        if !done {
            node.run(RESTORE);
        }
        assert_restored(node, "/var/lib/etcd.");
        node.run(
            "/run/real/systemctl stop etcd; /usr/bin/rm -r /var/lib/etcd*; cp -a /run/before /var/lib/etcd",
        );
        if calls < at {
            break;
        }
        at += 1;
    }
    assert!(at > 15, "{at} calls");
}

#[test]
fn a_volume_of_its_own_keeps_the_old_data_inside() {
    let Some(mut lab) = prepared("kube-full") else { return };
    let node = &mut lab.nodes[0];
    node.run("mv /var/lib/etcd /run/data; mkdir /var/lib/etcd; mount -t tmpfs tmpfs /var/lib/etcd; cp -a /run/data/. /var/lib/etcd");
    node.run(RESTORE);
    assert_restored(node, "/var/lib/etcd/");
    assert_eq!(node.run("stat -c '%U %a' /var/lib/etcd /var/lib/etcd/member"), "etcd 700\netcd 700\n");
}

const MANIFESTS: &str = "ls /etc/kubernetes/manifests";

/// Lists the containers of etcd: as many times as /run/left says there is still one.
const CRICTL: &str = "#!/bin/sh\\n[ \"$*\" = \"--runtime-endpoint unix:///run/containerd/containerd.sock \
    ps --quiet --name ^etcd$\" ] || exit 2\\n\
    left=$(cat /run/left); [ $left -ge 0 ] || exit 1\\n[ $left -eq 0 ] || { echo 0a1b; echo $((left - 1)) >/run/left; }\\n";

#[test]
fn kubeadm_s_etcd_is_away_while_its_data_is_replaced() {
    let Some(mut lab) = prepared("kube-demo") else { return };
    let node = &mut lab.nodes[0];
    node.run("mkdir -p /etc/kubernetes/manifests; cd /etc/kubernetes/manifests; touch etcd.yaml kube-apiserver.yaml kube-scheduler.yaml");
    node.run(&format!("printf '{CRICTL}' >/usr/local/bin/crictl"));
    node.run("printf '#!/bin/sh\\nls /etc/kubernetes/manifests >/run/meanwhile' >/usr/local/bin/sleep; chmod 755 /usr/local/bin/crictl /usr/local/bin/sleep");

    // What is not known to be away is not.
    node.run("echo -1 >/run/left");
    let (done, said) = node.tries(RESTORE);
    assert!(!done && said.contains("etcd still runs two minutes after"), "{said}");
    assert_eq!(node.run("cat /var/lib/etcd/member/data"), "old\n");
    assert_eq!(node.run(MANIFESTS), "kube-scheduler.yaml\n");

    node.run("echo 2 >/run/left; rm /run/meanwhile");
    node.run(RESTORE);
    assert_restored(node, "/var/lib/etcd.");
    assert_eq!(node.run("cat /run/left /run/meanwhile"), "0\nkube-scheduler.yaml\n");
    assert_eq!(node.run(MANIFESTS), "etcd.yaml\nkube-apiserver.yaml\nkube-scheduler.yaml\n");
    assert_eq!(node.run("stat -c '%U %a' /var/lib/etcd"), "root 700\n");

    node.run("bpc-etcd-restore --stop");
    assert_eq!(node.run(MANIFESTS), "kube-scheduler.yaml\n");
}

#[test]
fn the_newest_snapshots_are_kept() {
    let Some(mut lab) = prepared("kube-full") else { return };
    let node = &mut lab.nodes[0];
    // What an interrupted one left goes; what is not bpc's stays.
    node.run("mkdir /var/lib/etcd-snapshots; cd /var/lib/etcd-snapshots; touch mine.db 20250101T000000Z.db.7.part.part");
    node.run("for day in $(seq -w 1 31); do touch /var/lib/etcd-snapshots/202501${day}T000000Z.db; done");
    node.run(
        "printf '#!/bin/sh\\n[ $1 = endpoint ] && exit\\nfor last; do :; done; cp /run/snapshot \"$last\"' >/usr/local/sbin/bpc-etcdctl",
    );
    let path = node.run("bpc-etcd-snapshot");
    let found = node.run("ls -A /var/lib/etcd-snapshots");
    let found: Vec<&str> = found.lines().collect();
    assert_eq!(found.len(), 28 + 2, "{found:?}");
    let newest = path.trim_end().rsplit('/').next().unwrap();
    assert_eq!(
        (found[0], found[1], found[28], found[29]),
        (".lock", "20250105T000000Z.db", newest, "mine.db")
    );

    assert_eq!(node.run("bpc-etcd-snapshot /run/of-my-own"), "/run/of-my-own\n");
    assert_eq!(node.run("stat -c %a /run/of-my-own; ls -d /run/of-my-own*"), "600\n/run/of-my-own\n");
    // One that cannot be read again is none.
    node.run("printf '#!/bin/sh\\n[ $1 = endpoint ] && exit\\nfor last; do :; done; echo no >\"$last\"' >/usr/local/sbin/bpc-etcdctl");
    let (done, said) = node.tries("bpc-etcd-snapshot /run/broken");
    assert!(!done && said.contains("no snapshot was taken"), "{said}");
    assert!(!node.tries("ls /run/broken*").0);
}
