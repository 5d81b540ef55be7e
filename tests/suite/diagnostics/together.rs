//! All errors in one run: one mistake hides no other.

use bpc::diag::render::{Style, render};
use bpc::diag::{Code, Files};
use bpc::{Inputs, compile};

use super::codes_in;
use crate::support::vault::vault;

/// One mistake in every section, some in one mapping; each line with a mistake ends with its code.
const MISTAKES: &str = r#"
blueprint: 2                                              # 0121
name: my_lab                                              # 0301
domain: lab..example                                      # 0312
epoch: 1970-01-01T00:00:00Z                               # 0406
printers: [laser]                                         # 0110
variables: {big: 4GiB}
image:
  distribution: debain                                    # 0113
  release: jessie                                         # 0409
  disk: 8GB                                               # 0401
  mirror: mirror.example                                  # 0407
  proxy: proxy.example                                    # 0420
access:
  user: root                                              # 0501
  ssh_keys: ssh-ed25519 AAAA                              # 0112
system:
  timezone: mars                                          # 0505
  locale: tlh                                             # 0506
  packages: [vim, Emacs]                                  # 0313
dns:
  forwarders: [dns.example]                               # 0218
networks:
  wan: {attach: nat}
  lan: {cidr: 192.168.1.0/24, router: 192.168.2.1}        # 0203
  wide: {cidr: 192.168.0.0/16}                            # 0207
  dmz: {cidr: 192.169.1.7/24, trunk: core, vlan: 5000}    # 0202 0210
  tiny: {cidr: 172.16.0.0/31, dhcp: 1-2}                  # 0219
machines:
  gate: {role: gateway, networks: [wan, lan, dmz, tiny]}
  Node: {role: bastion, networks: [lan], cpus: many}      # 0301 0112
  work: {networks: [lam], memory: "${bg}"}                # 0111 0223 0118
  tool: {role: bastion, netwroks: [wan, lan], count: 100} # 0110 0114
  pin: {role: bastion, networks: [lan], addresses: {lan: [192.168.1.0]}} # 0204
  port: {role: bastion, networks: [lan], publish: [ssh]}  # 0310
load_balancer: {adress: 192.168.1.20}                     # 0110
kubernetes: {version: 1.2}                                # 0112
pki: {operator_from: today}                               # 0405
"#;

/// The places of all messages about a blueprint: line and code.
fn found(text: &str) -> Vec<(usize, Code)> {
    let mut inputs = Inputs { files: Files::new(""), ..Inputs::default() };
    inputs.files.add("blueprint.yaml", text);
    let (built, report) = compile(&inputs, &vault()).expect("no bug");
    assert!(built.is_none());
    let lines = render(&report.diagnostics, &inputs.files, &report, Style::Short);
    lines
        .lines()
        .map(|line| {
            let number = line.split(':').nth(1).and_then(|number| number.parse().ok());
            (number.unwrap_or_else(|| panic!("no place: {line}")), codes_in(line)[0])
        })
        .collect()
}

/// The codes that the comments of a blueprint promise.
fn promised(text: &str) -> Vec<(usize, Code)> {
    let comments =
        text.lines().enumerate().filter_map(|(index, line)| Some((index + 1, line.split_once("# ")?.1)));
    comments
        .flat_map(|(line, codes)| codes.split(' ').map(move |code| (line, Code::find(code).expect("a code"))))
        .collect()
}

#[test]
fn one_run_shows_the_mistakes_of_all_sections() {
    let sorted = |mut codes: Vec<(usize, Code)>| {
        codes.sort_unstable();
        codes
    };
    assert_eq!(sorted(found(MISTAKES)), sorted(promised(MISTAKES)));
}

#[test]
fn messages_stand_in_the_order_of_their_places() {
    let lines: Vec<usize> = found(MISTAKES).into_iter().map(|(line, _)| line).collect();
    assert!(lines.is_sorted(), "{lines:?}");
}

/// Blueprints with one mistake that makes much else look wrong, and the code of the mistake. Each is merged over the base
/// of the bad ones.
const WITH_CONSEQUENCES: [(&str, Code); 22] = [
    // The gateway's NAT network is none.
    ("networks: {wan: {attach: nta}}", Code::UnknownWord),
    ("networks: {wan: {attach: bridge}}", Code::UnknownWord),
    // Without the gateway there is no DHCP, no published port and nobody to ask forwarders.
    (
        "networks: {lan: {dhcp: 192.168.1.100-192.168.1.150}}\ndns: {forwarders: [192.0.2.1]}\n\
         machines: {gate: {role: router}, node: {publish: [\"2222:22\"]}}",
        Code::UnknownWord,
    ),
    (
        "machines: {gate: {networks: wan}}\nnetworks: {lan: {reach: [dmz]}, dmz: {cidr: 10.1.0.0/24}}",
        Code::WrongType,
    ),
    // The range that has the floating address is none.
    (
        "networks: {lan: {cidr: 192.168.1.0}}\nmachines: {lb: {role: load-balancer, networks: [lan]}}\n\
         load_balancer: {address: 192.168.1.20}",
        Code::CidrSyntax,
    ),
    ("networks: {lan: {cidr: 5}}\nmachines: {node: {addresses: {lan: [192.168.1.20]}}}", Code::WrongType),
    (
        "networks: {lan: {cidr: 192.168.1.7/24}}\nmachines: {node: {addresses: {lan: [192.168.1.20]}}}",
        Code::HostBits,
    ),
    // The load balancers, the address that they hold, or the version is there, and cannot be read.
    (
        "machines: {lb: {role: loadbalancer, networks: [lan]}}\nload_balancer: {address: 192.168.1.20}",
        Code::UnknownWord,
    ),
    ("machines: {lb: {role: load-balancer, networks: [lan]}}\nload_balancer: 192.168.1.20", Code::WrongType),
    (
        "machines: {lb: {role: load-balancer, networks: [lan]}}\nbalancer: {address: 192.168.1.20}",
        Code::UnknownKey,
    ),
    (
        "machines: {m: {role: control-plane, cpus: 2, memory: 2GiB, networks: [lan]}}\nkubernetes: \"1.35\"",
        Code::WrongType,
    ),
    (
        "machines: {m: {role: control-plane, cpus: 2, memory: 2GiB, networks: [lan]}}\nkubernets: {version: \"1.35\"}",
        Code::UnknownKey,
    ),
    (
        "machines: {m: {role: control-plane, cpus: [2], memory: 2GiB, networks: [lan]}}\nkubernetes: {version: \"1.35\"}",
        Code::WrongType,
    ),
    // A whole section is none.
    ("networks: lan", Code::WrongType),
    ("machines: node", Code::WrongType),
    ("image: debian", Code::WrongType),
    ("access: ops", Code::WrongType),
    ("epoch: 2026", Code::WrongType),
    // A VLAN without its id is on the trunk all the same.
    (
        "networks: {a: {cidr: 10.1.0.0/24, trunk: core, vlan: 1}, b: {cidr: 10.3.0.0/24, trunk: core, vlan: 5000}}\n\
         machines: {node: {networks: [lan, a, b]}}",
        Code::VlanRange,
    ),
    (
        "networks: {a: {cidr: 10.1.0.0/24, trunk: core}}\nmachines: {node: {networks: [lan, a]}}",
        Code::TrunkWithoutVlan,
    ),
    // The network that nobody seems to be on is meant by the mistyped name.
    (
        "networks: {dmz: {cidr: 10.1.0.0/24}}\nmachines: {tool: {role: bastion, networks: [dmx]}}",
        Code::UnknownNetwork,
    ),
    ("machines: {node: {networks: [\"${lan}\"]}}", Code::UnknownVariable),
];

#[test]
fn a_mistake_is_reported_without_its_consequences() {
    for (keys, code) in WITH_CONSEQUENCES {
        let mut inputs = Inputs { files: Files::new(""), ..Inputs::default() };
        inputs.files.add("blueprint.yaml", format!("include: [base.yaml]\n{keys}\n"));
        inputs.files.add("base.yaml", include_str!("../../../blueprints/bad/fragments/base.yaml"));
        inputs.files.add("head.yaml", include_str!("../../../blueprints/bad/fragments/head.yaml"));
        let (_, report) = compile(&inputs, &vault()).expect("no bug");
        let codes: Vec<Code> = report.diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
        assert_eq!(codes, [code], "{keys}");
    }
}
