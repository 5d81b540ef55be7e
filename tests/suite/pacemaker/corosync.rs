//! What Corosync says of every corosync.conf.

use bpc::Compiled;

use super::{clusters, file, holder, routed};
use crate::built::artifact;
use crate::support::tools::{On, tool};

const CONF: &str = "/etc/corosync/corosync.conf";

/// The addresses of the first machine, which Corosync wants to find on the machine.
fn addresses(conf: &str) -> Vec<String> {
    let first = conf.split("node {").nth(1).unwrap();
    let lines = first.lines().filter(|line| line.contains("_addr: "));
    lines.map(|line| line.split_once(": ").unwrap().1.to_owned()).collect()
}

/// What `corosync -t` says, on a machine that has these addresses.
fn judged(on: On, conf: &str, addresses: &[String]) -> Option<Result<(), String>> {
    let corosync = tool(on, "corosync")?;
    let staged = corosync.stage(&[("corosync.conf", conf.as_bytes()), ("authkey", &[7; 256])]);
    let key = format!("totem {{\n    keyfile: {}\n", staged.path_for("authkey").display());
    let conf = staged.host_path().join("corosync.conf");
    std::fs::write(&conf, std::fs::read_to_string(&conf).unwrap().replace("totem {\n", &key)).unwrap();
    let interfaces: Vec<String> =
        addresses.iter().zip(0..).map(|(address, number)| format!("link{number}={address}/24")).collect();
    let mut command = corosync.command_in_network(&interfaces.iter().map(String::as_str).collect::<Vec<_>>());
    let output = command.args(["-t", "-c"]).arg(staged.path_for("corosync.conf")).output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    Some(if output.status.success() { Ok(()) } else { Err(said) })
}

#[test]
fn corosync_takes_every_configuration() {
    for on in [On::Bookworm, On::Trixie] {
        for built in clusters() {
            let conf = file(&built, CONF);
            if let Some(verdict) = judged(on, conf, &addresses(conf)) {
                assert_eq!(verdict, Ok(()), "{on:?} {}", built.site.name);
            }
        }
    }
}

#[test]
fn corosync_would_say_what_is_wrong() {
    let built = routed("hapx: {role: load-balancer, count: 2, networks: [lb, vip]}", "name: api");
    let conf = file(&built, CONF);
    for (right, wrong) in [("crypto_hash: sha256", "crypto_hash: none"), ("nodeid: 2", "nodeid: 1")] {
        let changed = conf.replace(right, wrong);
        assert_ne!(changed, conf);
        if let Some(verdict) = judged(On::Trixie, &changed, &addresses(conf)) {
            assert!(verdict.is_err(), "{wrong}");
        }
    }
}

#[test]
fn nothing_is_left_to_names_or_multicast() {
    for built in clusters() {
        let conf = file(&built, CONF);
        assert!(conf.contains("transport: knet") && conf.contains("crypto_cipher: aes256"), "{conf}");
        for key in ["bindnetaddr", "mcastaddr", "mcastport", "broadcast", "ttl"] {
            assert!(!conf.contains(key), "{conf}");
        }
        for line in conf.lines().filter(|line| line.contains("_addr: ")) {
            let address = line.split_once(": ").unwrap().1;
            assert!(address.parse::<std::net::Ipv4Addr>().is_ok(), "{line}");
        }
    }
}

/// The section that says when the cluster may act.
fn quorum(built: &Compiled) -> Vec<&str> {
    let section = file(built, CONF).split("quorum {\n").nth(1).unwrap();
    section.split('}').next().unwrap().lines().map(str::trim).filter(|line| !line.is_empty()).collect()
}

#[test]
fn two_machines_say_what_one_alone_does() {
    let pair = |rest| routed("hapx: {role: load-balancer, count: 2, networks: [lb, vip]}", rest);
    let provider = "provider: corosync_votequorum";
    assert_eq!(quorum(&pair("name: api")), [provider, "two_node: 1", "wait_for_all: 0"]);
    let waiting = pair("pacemaker: {two_node: wait-for-all}");
    assert_eq!(quorum(&waiting), [provider, "two_node: 1", "wait_for_all: 1"]);
    let three = routed("hapx: {role: load-balancer, count: 3, networks: [lb, vip]}", "name: api");
    assert_eq!(quorum(&three), [provider]);
}

#[test]
fn every_member_has_the_same_configuration_and_key() {
    for built in clusters() {
        let conf = file(&built, CONF);
        let members: Vec<&str> =
            conf.lines().filter_map(|line| line.strip_prefix("        name: ")).collect();
        assert!(members.len() > 1 && members[0] == holder(&built).unwrap(), "{members:?}");
        let keys: Vec<&[u8]> =
            members.iter().map(|name| artifact(&built, name, "files/etc/corosync/authkey")).collect();
        assert!(keys.iter().all(|key| key.len() == 256 && *key == keys[0]));
        for name in members {
            assert_eq!(artifact(&built, name, &format!("files{CONF}")), conf.as_bytes());
        }
    }
}

#[test]
fn the_key_is_for_root_alone() {
    let built = routed("hapx: {role: load-balancer, count: 2, networks: [lb, vip]}", "name: api");
    let setups = built.setups.machines.iter().flat_map(|setup| &setup.files);
    let keys: Vec<_> = setups.filter(|file| file.path == "/etc/corosync/authkey").collect();
    assert_eq!(keys.len(), 2);
    assert!(keys.iter().all(|key| key.mode == 0o400 && key.content.is_secret()));
}
