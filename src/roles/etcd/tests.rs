use super::*;
use crate::roles::tests::{self, credentials, machine};
use crate::value::{Duration, Size};

/// The example with another topology; its workers, if there are any, are members of an etcd of their own.
fn site(machines: &[&str], etcd: EtcdTopology) -> Site {
    let mut site = tests::site(machines, "");
    site.machines.iter_mut().filter(|it| it.role == Role::Worker).for_each(|it| it.role = Role::Etcd);
    let cluster = site.kubernetes.as_mut().unwrap();
    cluster.etcd = etcd;
    site
}

const STORE: &str = "store: {role: worker, count: 3, networks: [node]}";

/// More control planes, beside the first one.
const PLANES: &str = "more: {role: control-plane, count: 2, cpus: 2, memory: 2GiB, networks: [mast]}";

fn setup(site: &Site, name: &str) -> Setup {
    let mut setup = Setup::default();
    add(site, &credentials(site), machine(site, name), &mut setup).unwrap();
    setup
}

fn text(setup: &Setup, path: &str) -> String {
    let file = setup.files.iter().find(|file| file.path == path);
    let file = file.unwrap_or_else(|| panic!("no {path} among {:?}", paths(setup)));
    String::from_utf8(file.content.bytes().to_vec()).unwrap()
}

fn paths(setup: &Setup) -> Vec<&str> {
    setup.files.iter().map(|file| file.path.as_str()).collect()
}

fn stages(setup: &Setup) -> Vec<String> {
    setup.stages.iter().map(Stage::file_name).collect()
}

fn flows_of(site: &Site) -> Vec<String> {
    flows(site).iter().map(Flow::to_string).collect()
}

#[test]
fn control_planes_reach_the_members_and_nobody_else_does() {
    assert_eq!(
        flows_of(&site(&[STORE], EtcdTopology::External)),
        [
            "control planes: the state of the cluster in etcd: 10.3.0.2 -> 10.4.0.2 10.4.0.3 10.4.0.4, tcp 2379",
            "etcd: its members among themselves: \
             10.4.0.2 10.4.0.3 10.4.0.4 -> 10.4.0.2 10.4.0.3 10.4.0.4, tcp 2380",
            "etcd: what asks all members how they are: \
             10.4.0.2 10.4.0.3 10.4.0.4 -> 10.4.0.2 10.4.0.3 10.4.0.4, tcp 2379",
        ]
    );
}

#[test]
fn control_planes_that_are_members_reach_each_other() {
    for etcd in [EtcdTopology::Stacked, EtcdTopology::Colocated] {
        let flows = flows_of(&site(&[PLANES], etcd));
        let all = "10.3.0.2 10.3.0.3 10.3.0.4";
        assert_eq!(
            flows,
            [
                format!("etcd: its members among themselves: {all} -> {all}, tcp 2380"),
                format!("etcd: what asks all members how they are: {all} -> {all}, tcp 2379"),
            ]
        );
    }
}

#[test]
fn without_a_cluster_there_is_nothing_to_reach() {
    let mut site = tests::site(&[], "");
    site.kubernetes = None;
    assert_eq!(flows(&site), []);
}

#[test]
fn a_member_of_its_own_has_a_service() {
    let setup = setup(&site(&[PLANES], EtcdTopology::Colocated), "more02");
    assert_eq!(stages(&setup), ["30-etcd-software", "35-etcd", "36-etcd-snapshots"]);
    for path in ["/etc/systemd/system/etcd.service", "/etc/etcd/pki/server.key", "/etc/etcd/pki/ca.crt"] {
        assert!(paths(&setup).contains(&path), "{path}");
    }
    assert!(!paths(&setup).contains(&"/etc/etcd/pki/ca.key"));
    let configuration = text(&setup, "/etc/etcd/etcd.yaml");
    for line in [
        "name: more02",
        "listen-client-urls: \"https://10.3.0.4:2379,https://127.0.0.1:2379\"",
        "listen-peer-urls: \"https://10.3.0.4:2380\"",
        "initial-cluster: \"mast=https://10.3.0.2:2380,more01=https://10.3.0.3:2380,more02=https://10.3.0.4:2380\"",
        "initial-cluster-token: example",
        "quota-backend-bytes: 2147483648",
    ] {
        assert!(configuration.lines().any(|it| it == line), "{line} is not in {configuration}");
    }
}

#[test]
fn beside_kubeadm_s_there_are_only_snapshots() {
    let setup = setup(&site(&[PLANES], EtcdTopology::Stacked), "mast");
    assert_eq!(stages(&setup), ["30-etcd-software", "61-etcd-snapshots"]);
    assert!(!paths(&setup).iter().any(|path| path.starts_with("/etc/etcd") || path.contains("etcd.service")));
    let programs = &setup.stages[0].script;
    assert!(
        programs.contains("linux-amd64/etcdctl") && programs.contains("linux-amd64/etcdutl"),
        "{programs}"
    );
    assert!(!programs.contains("amd64/etcd "), "{programs}");
    assert!(text(&setup, "/usr/local/sbin/bpc-etcdctl").contains("PKI=/etc/kubernetes/pki/etcd\n"));
    assert!(text(&setup, "/usr/local/sbin/bpc-etcd-restore").contains("/etc/kubernetes/manifests"));
}

#[test]
fn the_programs_are_those_of_the_processor() {
    let mut site = site(&[], EtcdTopology::Colocated);
    site.image.architecture = crate::site::Architecture::Arm64;
    let script = &setup(&site, "mast").stages[0].script;
    let version = site.download("etcd").unwrap().version;
    let folder = format!("etcd-v{version}-linux-arm64");
    let programs = format!("PROGRAMS='{folder}/etcd {folder}/etcdctl {folder}/etcdutl'\n");
    assert!(script.contains(&programs), "{script}");
}

#[test]
fn the_blueprint_says_how_much_is_kept() {
    let mut site = site(&[], EtcdTopology::Colocated);
    let settings = &mut site.kubernetes.as_mut().unwrap().etcd_settings;
    settings.quota = Size::mib(64);
    settings.snapshot_every = Duration::seconds(90 * 60);
    settings.snapshots_kept = 3;
    let setup = setup(&site, "mast");
    assert!(text(&setup, "/etc/etcd/etcd.yaml").contains("\nquota-backend-bytes: 67108864\n"));
    assert!(text(&setup, "/usr/local/sbin/bpc-etcd-snapshot").contains("\nKEPT=3\n"));
    let timer = text(&setup, "/etc/systemd/system/bpc-etcd-snapshot.timer");
    assert!(timer.contains("\nOnUnitActiveSec=90m\n"), "{timer}");
}

#[test]
fn snapshots_begin_when_there_is_something_to_keep() {
    for (topology, order) in [(EtcdTopology::Colocated, 36), (EtcdTopology::Stacked, 61)] {
        let setup = setup(&site(&[], topology), "mast");
        let stage = setup.stages.iter().find(|stage| stage.name == "etcd-snapshots").unwrap();
        assert_eq!(stage.order, order, "kubeadm's stage is 60");
        // At the start of a machine no time would have passed for a stage that ends later.
        let timer = text(&setup, "/etc/systemd/system/bpc-etcd-snapshot.timer");
        assert!(timer.contains("\nOnActiveSec=15m\n") && !timer.contains("OnBootSec"), "{timer}");
    }
}

#[test]
fn others_get_nothing() {
    for (site, name) in
        [(site(&[STORE], EtcdTopology::External), "mast"), (site(&[], EtcdTopology::Stacked), "gate")]
    {
        assert_eq!(setup(&site, name), Setup::default(), "{name}");
    }
}
