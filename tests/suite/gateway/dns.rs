//! dnsmasq answers for every planned name and asks others for the rest, and serves no one outside.

use std::process::Command;

use super::lab::{Lab, WAN, python};
use crate::support::tools::{On, tool};

/// Asks the server named first each question (`A NAME` or `PTR ADDRESS`) and prints the answers, a line each.
const ASK: &str = r#"
import socket, sys
server, questions = sys.argv[1], sys.argv[2:]

def wire(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"

def name(data, at):
    labels = []
    while data[at]:
        if data[at] >= 0xC0:
            return ".".join(labels + [name(data, (data[at] & 0x3F) << 8 | data[at + 1])[0]]), at + 2
        labels.append(data[at + 1:at + 1 + data[at]].decode())
        at += 1 + data[at]
    return ".".join(labels), at + 1

def ask(kind, what):
    code = {"A": 1, "PTR": 12, "AAAA": 28}[kind]
    if kind == "PTR":
        what = ".".join(reversed(what.split("."))) + ".in-addr.arpa"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.settimeout(2)
        peer.sendto(b"\x12\x34\x01\0\0\1\0\0\0\0\0\0" + wire(what) + bytes([0, code, 0, 1]), (server, 53))
        try:
            data = peer.recv(4096)
        except OSError:
            return "silence"
    if data[3] & 15:
        return {2: "SERVFAIL", 3: "NXDOMAIN", 5: "REFUSED"}.get(data[3] & 15, "error")
    answers, at = [], name(data, 12)[1] + 4
    for _ in range(data[7]):
        at = name(data, at)[1] + 10
        size = data[at - 2] << 8 | data[at - 1]
        answers.append(name(data, at)[0] if code == 12 else socket.inet_ntoa(data[at:at + 4]))
        at += size
    return " ".join(sorted(answers)) or "nothing"

for question in questions:
    print(ask(*question.split()))
"#;

/// Listens at the address named first, answers every question with one address, and appends it to the file named
/// second.
const UPSTREAM: &str = r#"
import socket, sys
listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
listener.bind((sys.argv[1], 53))
print("ready", flush=True)
while True:
    data, peer = listener.recvfrom(4096)
    end = data.index(b"\0", 12) + 5
    with open(sys.argv[2], "ab") as log:
        log.write(data[12:end - 5] + b"\n")
    answer = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton("203.0.113.9")
    listener.sendto(data[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + data[12:end] + answer, peer)
"#;

/// The answers to these questions, asked by a machine.
fn ask(lab: &Lab, machine: &str, server: &str, questions: &[String]) -> Vec<String> {
    let mut command: Command = python(lab, ASK);
    let output = lab.command(machine, command.arg(server).args(questions)).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn one(lab: &Lab, machine: &str, server: &str, question: &str) -> String {
    ask(lab, machine, server, &[question.to_owned()]).concat()
}

/// All planned names and their addresses.
fn names(lab: &Lab) -> Vec<(String, String)> {
    let site = &lab.built.site;
    let mut names = Vec::new();
    for machine in &site.machines {
        for on in machine.attachments() {
            let first = on.network == machine.primary;
            let name = if first { machine.name.clone() } else { format!("{}.{}", machine.name, on.network) };
            names.push((format!("{name}.routed.example"), on.address().to_string()));
        }
    }
    names.extend(
        site.floating
            .iter()
            .map(|floating| (format!("{}.routed.example", floating.name), floating.address.to_string())),
    );
    names
}

fn every_planned_name_is_answered(on: On) {
    let Some(lab) = Lab::new(on) else { return };
    lab.load_firewall();
    lab.start_dnsmasq();
    let names = names(&lab);
    assert!(names.iter().any(|(name, _)| name == "api.routed.example") && names.len() > 12, "{names:?}");
    let forward: Vec<String> = names.iter().map(|(name, _)| format!("A {name}")).collect();
    let back: Vec<String> = names.iter().map(|(_, address)| format!("PTR {address}")).collect();
    let expected: Vec<&str> = names.iter().map(|(_, address)| address.as_str()).collect();
    assert_eq!(ask(&lab, "mast01", "10.4.0.1", &forward), expected);
    let expected: Vec<&str> = names.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(ask(&lab, "mast01", "10.4.0.1", &back), expected);
    assert_eq!(one(&lab, "jump", "10.1.0.1", "A mast01"), "10.4.0.2");
    assert_eq!(one(&lab, "jump", "10.1.0.1", "AAAA mast01.routed.example"), "nothing");
}

#[test]
fn every_planned_name_is_answered_by_debian_12() {
    every_planned_name_is_answered(On::Bookworm);
}

#[test]
fn every_planned_name_is_answered_by_debian_13() {
    every_planned_name_is_answered(On::Trixie);
}

#[test]
fn what_the_domain_does_not_have_is_asked_nowhere() {
    let Some(lab) = Lab::new(On::Trixie) else { return };
    lab.load_firewall();
    let files = tool(On::Trixie, "python3").unwrap().stage(&[("asked", b"")]);
    let log = files.host_path().join("asked");
    let mut upstream = python(&lab, UPSTREAM);
    upstream.arg("10.0.2.3").arg(files.path_for("asked"));
    assert_eq!(lab.start("outside", &upstream, Some(files)), "ready");
    lab.start_dnsmasq();
    let questions =
        ["A nobody.routed.example", "A nobody", "PTR 10.4.0.77", "PTR 192.168.99.1", "A deb.example"]
            .map(str::to_owned);
    let answers = ask(&lab, "node01", "10.5.0.1", &questions);
    assert_eq!(answers, ["NXDOMAIN", "NXDOMAIN", "NXDOMAIN", "NXDOMAIN", "203.0.113.9"]);
    let asked = std::fs::read(log).unwrap();
    assert_eq!(String::from_utf8_lossy(&asked), "\u{3}deb\u{7}example\n");
}

#[test]
fn nobody_outside_is_answered() {
    let Some(lab) = Lab::new(On::Trixie) else { return };
    lab.start_dnsmasq();
    // dnsmasq itself does not listen there: this is so without the firewall too.
    assert_eq!(one(&lab, "outside", WAN, "A mast01.routed.example"), "silence");
    assert_eq!(one(&lab, "host", "192.168.56.254", "A mast01.routed.example"), "10.4.0.2");
    lab.load_firewall();
    assert_eq!(one(&lab, "outside", WAN, "A mast01.routed.example"), "silence");
    assert_eq!(one(&lab, "outside", "10.4.0.1", "A mast01.routed.example"), "silence");
}

#[test]
fn a_stranger_cannot_take_the_name_of_a_machine() {
    let Some(lab) = Lab::new(On::Trixie) else { return };
    lab.load_firewall();
    lab.start_dnsmasq();
    let busybox = tool(On::Host, "busybox").unwrap();
    for name in ["mast01", "api", "laptop"] {
        let mut client = busybox.command();
        client.args([
            "udhcpc",
            "-f",
            "-q",
            "-n",
            "-t",
            "3",
            "-T",
            "2",
            "-i",
            "node",
            "-s",
            "/bin/true",
            "-x",
            &format!("hostname:{name}"),
        ]);
        assert!(lab.command("stranger", &client).output().unwrap().status.success());
    }
    let questions = ["A mast01.routed.example", "A api.routed.example"].map(str::to_owned);
    assert_eq!(ask(&lab, "node01", "10.5.0.1", &questions), ["10.4.0.2", "10.2.0.20"]);
    let laptop = one(&lab, "node01", "10.5.0.1", "A laptop.routed.example");
    assert!(laptop.starts_with("10.5.0."), "{laptop}");
}

#[test]
fn systemd_resolved_keeps_its_own_address() {
    let Some(lab) = Lab::new(On::Trixie) else { return };
    // Its stub listens at 127.0.0.53 of every machine, the gateway too (systemd-resolved.service(8)).
    let files = tool(On::Trixie, "python3").unwrap().stage(&[("asked", b"")]);
    let mut stub = python(&lab, UPSTREAM);
    stub.arg("127.0.0.53").arg(files.path_for("asked"));
    assert_eq!(lab.start("gate", &stub, Some(files)), "ready");
    lab.start_dnsmasq();
    assert_eq!(one(&lab, "gate", "127.0.0.53", "A mast01.routed.example"), "203.0.113.9");
    assert_eq!(one(&lab, "gate", "127.0.0.1", "A mast01.routed.example"), "10.4.0.2");
}

#[test]
fn a_network_that_comes_up_late_is_served_too() {
    let Some(lab) = Lab::new(On::Bookworm) else { return };
    lab.sh("ip -n gate link set dev mast name absent down");
    lab.start_dnsmasq();
    assert_eq!(one(&lab, "mast01", "10.4.0.1", "A mast01.routed.example"), "silence");
    lab.sh("ip -n gate link set dev absent name mast up");
    lab.sh("ip -n gate addr flush dev mast; ip -n gate addr add 10.4.0.1/24 brd + dev mast");
    // The kernel tells dnsmasq, which takes a moment to hear it.
    let mut answers = (0..10).map(|_| one(&lab, "mast01", "10.4.0.1", "A mast01.routed.example"));
    assert_eq!(answers.find(|answer| answer != "silence").as_deref(), Some("10.4.0.2"));
}
