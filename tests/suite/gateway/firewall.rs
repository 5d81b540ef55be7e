//! Nothing passes the gateway but what was declared, proved by connections.

use std::net::Ipv4Addr;

use super::lab::{Lab, WAN, python};
use crate::support::tools::On;

/// Listens on the ports named after a name, and tells who connects the name and who that is.
const SERVE: &str = r#"
import socket, sys, threading
name, ports = sys.argv[1], sys.argv[2:]

def serve(listener):
    while True:
        peer, address = listener.accept()
        with peer:
            peer.sendall(f"{name} sees {address[0].removeprefix('::ffff:')}".encode())

for port in ports:
    listener = socket.create_server(("", int(port)), family=socket.AF_INET6, dualstack_ipv6=True)
    threading.Thread(target=serve, args=(listener,), daemon=True).start()
print("ready", flush=True)
threading.Event().wait()
"#;

/// Connects to each `ADDRESS PORT`, all at once, and prints a line for each: what was heard, or `-` if nothing came back.
const CONNECT: &str = r#"
import socket, sys
from concurrent.futures import ThreadPoolExecutor
targets = [target.split() for target in sys.argv[1:]]

def connect(target):
    try:
        with socket.create_connection((target[0], int(target[1])), timeout=3) as peer:
            return peer.recv(100).decode()
    except ConnectionRefusedError:
        return "refused"
    except OSError:
        return "-"

with ThreadPoolExecutor(len(targets)) as pool:
    for answer in pool.map(connect, targets):
        print(answer)
"#;

/// Ports that every machine listens on.
const PORTS: [u16; 8] = [22, 80, 443, 6443, 8080, 8404, 10250, 30080];

fn lab(on: On) -> Option<Lab> {
    let lab = Lab::new(on)?;
    lab.sh("ip -n hapx01 addr add 10.2.0.20/32 dev vip\n\
         ip -n stranger addr add 10.4.0.99/24 dev mast; ip -n stranger route add default via 10.4.0.254");
    let machines: Vec<String> = lab.built.site.machines.iter().map(|machine| machine.name.clone()).collect();
    for machine in machines.iter().map(String::as_str).chain(["host", "outside"]) {
        let mut serve = python(&lab, SERVE);
        serve.arg(machine).args(PORTS.map(|port| port.to_string()));
        assert_eq!(lab.start(machine, &serve, None), "ready");
    }
    Some(lab)
}

/// What each of these targets (`ADDRESS PORT`) says to a machine.
fn connect(lab: &Lab, machine: &str, targets: &[String]) -> Vec<String> {
    let mut command = python(lab, CONNECT);
    let output = lab.command(machine, command.args(targets)).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn hears(lab: &Lab, machine: &str, target: &str) -> String {
    connect(lab, machine, &[target.to_owned()]).concat()
}

/// Every address there is, by a name that people know it by.
fn addresses(lab: &Lab) -> Vec<(String, Ipv4Addr)> {
    let mut all = vec![
        ("host".to_owned(), Ipv4Addr::new(192, 168, 56, 1)),
        ("internet".to_owned(), Ipv4Addr::new(203, 0, 113, 9)),
        ("api".to_owned(), Ipv4Addr::new(10, 2, 0, 20)),
    ];
    for machine in &lab.built.site.machines {
        for on in machine.attachments() {
            let first = machine.name != "gate" && on.network == machine.primary;
            let name = if first { machine.name.clone() } else { format!("{}.{}", machine.name, on.network) };
            all.push((name, on.address()));
        }
    }
    all.sort();
    all
}

/// Whether a source reaches an address without the gateway, or has it itself.
fn is_neighbour(lab: &Lab, source: &str, address: Ipv4Addr) -> bool {
    let site = &lab.built.site;
    let network = site.networks.iter().find(|network| network.cidr.contains(&address));
    let on = |name: &str| network.is_some_and(|network| network.name == name);
    match source {
        "outside" => network.is_none(),
        "host" => on("desk"),
        "stranger" => on("mast"),
        _ => site
            .machines
            .iter()
            .any(|machine| machine.name == source && machine.attachments().any(|at| on(&at.network))),
    }
}

/// Who reaches what through the gateway or at it: a line for each source, `NAME:PORTS` for each target, `*` for all ports.
fn reached(lab: &Lab) -> String {
    let addresses = addresses(lab);
    let sources = ["jump", "hapx01", "mast01", "node01", "host", "stranger", "outside"];
    let probe = &|source: &str| {
        let through = addresses
            .iter()
            .filter(|(name, address)| name.starts_with("gate") || !is_neighbour(lab, source, *address));
        let through: Vec<&(String, Ipv4Addr)> = through.collect();
        let wire: Vec<String> =
            through.iter().flat_map(|(_, address)| PORTS.map(|port| format!("{address} {port}"))).collect();
        let answers = connect(lab, source, &wire);
        let heard = through.iter().zip(answers.chunks(PORTS.len())).filter_map(|((name, _), answers)| {
            let open = PORTS.iter().zip(answers).filter(|(_, answer)| *answer != "-");
            let open: Vec<String> = open.map(|(port, _)| port.to_string()).collect();
            let open = if open.len() == PORTS.len() { "*".to_owned() } else { open.join(",") };
            (!open.is_empty()).then(|| format!("{name}:{open}"))
        });
        format!("{source} -> {}", heard.collect::<Vec<_>>().join(" ")).trim_end().to_owned()
    };
    // Most of it is waiting for what never comes.
    std::thread::scope(|scope| {
        let lines = sources.map(|source| scope.spawn(move || probe(source)));
        lines.map(|line| line.join().unwrap()).join("\n")
    })
}

fn only_declared_flows_pass(on: On) {
    let Some(lab) = lab(on) else { return };
    lab.load_firewall();
    let expected = "\
        jump -> api:80,443,6443,8080 gate.jump:22 hapx01:22,8404 hapx02:22,8404 internet:* mast01:22 node01:22,30080 node02:22,30080\n\
        hapx01 -> internet:* mast01:80,6443 node01:443,30080 node02:443,30080\n\
        mast01 -> api:6443 internet:* node01:10250 node02:10250\n\
        node01 -> api:80,443,6443 internet:* mast01:6443,10250\n\
        host -> api:8080 gate.desk:22 gate.jump:22 gate.lb:22 gate.mast:22 gate.node:22 gate.vip:22 internet:* node01:* node02:*\n\
        stranger -> internet:*\n\
        outside ->";
    assert_eq!(reached(&lab), expected);
}

#[test]
fn only_declared_flows_pass_debian_12() {
    only_declared_flows_pass(On::Bookworm);
}

#[test]
fn only_declared_flows_pass_debian_13() {
    only_declared_flows_pass(On::Trixie);
}

#[test]
fn without_the_rules_everything_would_pass() {
    let Some(lab) = lab(On::Trixie) else { return };
    for (source, target) in [("node01", "10.4.0.2 80"), ("outside", "10.4.0.2 22"), ("mast01", "10.3.0.2 22")]
    {
        assert!(hears(&lab, source, target).contains(" sees "));
    }
    lab.load_firewall();
    for (source, target) in [("node01", "10.4.0.2 80"), ("outside", "10.4.0.2 22"), ("mast01", "10.3.0.2 22")]
    {
        assert_eq!(hears(&lab, source, target), "-");
    }
}

/// Answers one packet after the other on UDP port 8472, that of flannel's VXLAN.
const ECHO: &str = r#"
import socket
listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
listener.bind(("", 8472))
print("ready", flush=True)
while True:
    listener.sendto(*listener.recvfrom(100))
"#;

/// Whether an address answers there.
const ASK: &str = r#"
import socket, sys
asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asker.settimeout(2)
asker.sendto(b"?", (sys.argv[1], 8472))
try:
    print(asker.recv(100) == b"?")
except OSError:
    print(False)
"#;

#[test]
fn pods_travel_between_nodes_and_nobody_joins_them() {
    let Some(lab) = Lab::new(On::Trixie) else { return };
    for machine in ["mast01", "node01"] {
        assert_eq!(lab.start(machine, &python(&lab, ECHO), None), "ready");
    }
    lab.load_firewall();
    for (from, to, answered) in [
        ("mast01", "10.5.0.2", true),
        ("node02", "10.4.0.2", true),
        ("hapx01", "10.5.0.2", false),
        ("jump", "10.4.0.2", false),
    ] {
        let mut ask = python(&lab, ASK);
        let output = lab.command(from, ask.arg(to)).output().unwrap();
        let answer = if answered { "True\n" } else { "False\n" };
        assert_eq!(String::from_utf8_lossy(&output.stdout), answer, "{from} {to}");
    }
}

#[test]
fn published_ports_lead_to_their_machines_and_nowhere_else() {
    let Some(lab) = lab(On::Trixie) else { return };
    lab.load_firewall();
    let targets = [
        format!("{WAN} 2222"),
        format!("{WAN} 2200"),
        format!("{WAN} 22"),
        format!("{WAN} 80"),
        format!("{WAN} 6443"),
    ];
    let heard = connect(&lab, "outside", &targets);
    assert_eq!(heard, ["jump sees 10.0.2.2", "gate sees 10.0.2.2", "-", "-", "-"]);
}

#[test]
fn the_outside_sees_the_gateway_only() {
    let Some(lab) = lab(On::Trixie) else { return };
    lab.load_firewall();
    for source in ["jump", "hapx01", "mast01", "node02", "host"] {
        assert_eq!(hears(&lab, source, "203.0.113.9 80"), format!("outside sees {WAN}"));
    }
    // Within, addresses stay what they are.
    assert_eq!(hears(&lab, "jump", "10.4.0.2 22"), "mast01 sees 10.1.0.2");
}

#[test]
fn loading_the_rules_again_changes_nothing() {
    let Some(lab) = lab(On::Trixie) else { return };
    lab.run("gate", "nft", &["add", "table", "ip", "other"]);
    lab.load_firewall();
    let once = lab.run("gate", "nft", &["--stateless", "list", "ruleset"]);
    lab.load_firewall();
    lab.load_firewall();
    let again = lab.run("gate", "nft", &["--stateless", "list", "ruleset"]);
    assert_eq!(once, again);
    assert!(once.contains("table ip other") && once.contains("table inet bpc"), "{once}");
}

#[test]
fn ipv6_is_not_forwarded() {
    let Some(lab) = lab(On::Trixie) else { return };
    lab.sh("ip netns exec gate busybox sysctl -q -w net.ipv6.conf.all.forwarding=1\n\
         ip -n gate addr add fd00:4::1/64 dev mast nodad; ip -n mast01 addr add fd00:4::2/64 dev mast nodad\n\
         ip -n gate addr add fd00:5::1/64 dev node nodad; ip -n node01 addr add fd00:5::2/64 dev node nodad\n\
         ip -n mast01 route add default via fd00:4::1; ip -n node01 route add default via fd00:5::1");
    assert_eq!(hears(&lab, "node01", "fd00:4::2 80"), "mast01 sees fd00:5::2");
    lab.load_firewall();
    assert_eq!(hears(&lab, "node01", "fd00:4::2 80"), "-");
}
