//! All errors in one run: one mistake hides no other.

use bpc::diag::render::{Style, render};
use bpc::diag::{Code, Files};
use bpc::{Inputs, compile};

use super::codes_in;

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
"#;

/// The places of all messages about a blueprint: line and code.
fn found(text: &str) -> Vec<(usize, Code)> {
    let mut inputs = Inputs { files: Files::new(""), unreadable: Vec::new() };
    inputs.files.add("blueprint.yaml", text);
    let (built, report) = compile(&inputs).expect("no bug");
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
