//! The etcd of kube-full: it comes up by its stage, outlives a member, and comes back from a snapshot.

use super::lab::{Lab, Node, built_today};

const STAGE: &str = "/usr/local/lib/bpc/stages/35-etcd";

/// The stage gives up after a while, and the engine calls it again.
const STARTED: &str =
    "for attempt in 1 2 3 4; do STAGE >/run/stage 2>&1 && exit; done; cat /run/stage; exit 1";

const HEALTHY: &str = "bpc-etcdctl endpoint health 2>&1 | grep -c 'is healthy' | grep -qx 3";

fn started() -> Option<Lab> {
    let mut lab = Lab::new(&built_today("kube-full"))?;
    lab.all(&STARTED.replace("STAGE", STAGE));
    // A member is asked by the others as soon as it is ready, and by its own etcdctl a moment later.
    lab.nodes.iter_mut().for_each(|node| drop(node.until(HEALTHY)));
    Some(lab)
}

fn get(node: &mut Node, key: &str) -> String {
    node.until(&format!("bpc-etcdctl get --print-value-only {key}"))
}

/// The calls of systemctl since this was last asked.
fn calls(node: &mut Node) -> String {
    node.run("cat /run/systemctl; : >/run/systemctl")
}

#[test]
fn members_start_once_and_again_with_what_is_new() {
    let Some(mut lab) = started() else { return };
    let node = &mut lab.nodes[1];
    assert_eq!(calls(node), "daemon-reload\nenable etcd\n--no-block restart etcd\n--no-block start etcd\n");
    let shown = node.run("stat -c '%U %a' /var/lib/etcd; ps -o user= -p \"$(cat /run/etcd.pid)\"");
    assert_eq!(shown, "etcd 700\netcd\n");
    assert_eq!(node.run("grep -c unrecognized /run/etcd.log || :"), "0\n");

    let before = node.run("cat /run/etcd.pid");
    node.run(STAGE);
    assert_eq!(calls(node), "daemon-reload\nenable etcd\n--no-block start etcd\n");
    assert_eq!(node.run("cat /run/etcd.pid"), before);

    node.run("sed -i 's/^log-level: info/log-level: warn/' /etc/etcd/etcd.yaml");
    // Another file is another stage.
    node.run(&format!("echo '# new' >>{STAGE}"));
    node.run(&STARTED.replace("STAGE", STAGE));
    assert_eq!(calls(node).lines().nth(2), Some("--no-block restart etcd"));
    assert_ne!(node.run("cat /run/etcd.pid"), before);
    node.until(HEALTHY);

    // Its metrics are for the machine itself, and without a certificate nobody is served.
    let metrics = node.run("curl --silent --fail http://127.0.0.1:2381/metrics");
    assert!(metrics.contains("\netcd_server_has_leader 1\n"), "{metrics}");
    let quota = metrics.lines().find(|line| line.starts_with("etcd_server_quota_backend_bytes "));
    assert_eq!(quota, Some("etcd_server_quota_backend_bytes 2.147483648e+09"));
    let stranger = node.tries("curl --silent --fail --insecure https://10.86.1.6:2379/version");
    assert!(!stranger.0, "{}", stranger.1);
    let elsewhere = lab.nodes[0].tries("curl --silent --max-time 2 http://10.86.1.6:2381/metrics");
    assert!(!elsewhere.0, "{}", elsewhere.1);
}

#[test]
fn the_state_outlives_a_member() {
    let Some(mut lab) = started() else { return };
    lab.nodes[0].until("bpc-etcdctl put before 1");
    lab.nodes[2].run("kill -9 \"$(cat /run/etcd.pid)\"");
    lab.nodes[0].until("bpc-etcdctl put meanwhile 2");
    assert_eq!(get(&mut lab.nodes[1], "meanwhile"), "2\n");

    lab.nodes[2].run("systemctl --no-block start etcd");
    lab.nodes[2].until(HEALTHY);
    let own = "ETCDCTL_ENDPOINTS=https://127.0.0.1:2379 bpc-etcdctl get --consistency=s --print-value-only";
    // It has caught up by itself: this reads what it has, whatever the others say.
    lab.nodes[2].until(&format!("[ \"$({own} meanwhile)\" = 2 ] && [ \"$({own} before)\" = 1 ]"));
}

#[test]
fn a_snapshot_brings_the_state_back() {
    let Some(mut lab) = started() else { return };
    lab.nodes[0].until("bpc-etcdctl put kept yes");
    let revision = revision(&mut lab.nodes[0]);
    let path = lab.nodes[1].run("bpc-etcd-snapshot");
    assert!(path.starts_with("/var/lib/etcd-snapshots/20") && path.ends_with("Z.db\n"), "{path}");
    let path = path.trim_end();
    let shown =
        lab.nodes[1].run(&format!("stat -c %a /var/lib/etcd-snapshots {path}; ls /var/lib/etcd-snapshots"));
    assert_eq!(shown, format!("700\n600\n{}\n", path.rsplit('/').next().unwrap()));
    lab.nodes[0].until("bpc-etcdctl del kept && bpc-etcdctl put late no");

    // As who looks after the cluster would carry it to the other members.
    let text = lab.nodes[1].run(&format!("base64 -w 0 {path}; echo"));
    for line in text.trim_end().as_bytes().chunks(4000) {
        let line = format!("printf %s {} >>/run/text", std::str::from_utf8(line).unwrap());
        lab.all(&line);
    }
    lab.all("base64 -d /run/text >/run/snapshot");
    // One after the other, while those that are still to come run on with what must not come back.
    for place in 0..3 {
        let said = lab.nodes[place].run("bpc-etcd-restore --yes /run/snapshot");
        assert!(said.starts_with("what was there is in /var/lib/etcd.before-20"), "{said}");
    }
    lab.nodes.iter_mut().for_each(|node| drop(node.until(HEALTHY)));
    for node in &mut lab.nodes {
        assert_eq!((get(node, "kept"), get(node, "late")), ("yes\n".to_owned(), String::new()));
        assert!(self::revision(node) >= revision + 1_000_000_000);
        let shown = node.run("stat -c '%U %a' /var/lib/etcd /var/lib/etcd/member; ls -d /var/lib/etcd?*");
        let (owners, rest) = shown.split_at("etcd 700\n".len() * 2);
        assert_eq!(owners, "etcd 700\netcd 700\n");
        assert!(
            rest.contains("/etcd.before-") && !rest.contains("restoring") && !rest.contains(".new"),
            "{rest}"
        );
    }

    // The same once more: for this one all have to be down first.
    lab.nodes[0].until("bpc-etcdctl put late no");
    lab.all("bpc-etcd-restore --stop");
    lab.all("bpc-etcd-restore --yes /run/snapshot");
    lab.nodes.iter_mut().for_each(|node| drop(node.until(HEALTHY)));
    assert_eq!(get(&mut lab.nodes[2], "late"), "");
}

fn revision(node: &mut Node) -> u64 {
    let status = node.until("bpc-etcdctl get none -w fields | sed -n 's/^\"Revision\" : //p' | grep .");
    status.trim_end().parse().unwrap()
}
