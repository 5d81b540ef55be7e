//! Ranges that machines know already: no network of machines, pods or services may overlap one of them.

use bpc::diag::{Code, Files, Severity};
use bpc::{Inputs, plan_site};

/// The errors of a site whose node has NAT on its second adapter, with these lines in `networks:` and `kubernetes:`.
fn codes(network: &str, cluster: &str) -> Vec<Code> {
    let text = format!(
        "
blueprint: 1
name: ranges
domain: ranges.example
epoch: 2026-01-01T00:00:00Z
image: {{distribution: debian, release: trixie}}
access: {{}}
networks:
  wan: {{attach: nat}}
  lan: {{cidr: 192.168.77.0/24}}
  more: {{cidr: {network}}}
machines:
  mast: {{role: control-plane, cpus: 2, memory: 2GiB, networks: [lan, wan]}}
  jump: {{role: bastion, networks: [more]}}
kubernetes: {{version: \"1.36\"{cluster}}}
"
    );
    let mut inputs = Inputs { files: Files::new(""), ..Inputs::default() };
    inputs.files.add("blueprint.yaml", text);
    let (_, report) = plan_site(&inputs);
    // There is nobody's key in it, which is worth a warning.
    let errors = report.diagnostics.iter().map(|diagnostic| diagnostic.code);
    errors.filter(|code| code.severity() == Severity::Error).collect()
}

/// What is refused everywhere, as networks of machines, pods and services may be written.
const REFUSED: [&str; 6] =
    ["0.0.0.0/16", "127.0.0.0/16", "169.254.0.0/16", "224.0.0.0/16", "240.0.0.0/16", "10.0.0.0/16"];

#[test]
fn no_network_of_any_kind_overlaps_what_machines_know_already() {
    for range in REFUSED {
        assert_eq!(codes(range, ""), [Code::SpecialUse], "network {range}");
        for key in ["pod_cidr", "service_cidr"] {
            let codes = codes("192.168.78.0/24", &format!(", {key}: {range}"));
            assert_eq!(codes, [Code::SpecialUse], "{key} {range}");
        }
    }
}

#[test]
fn nat_has_a_range_of_its_own_on_each_adapter() {
    assert_eq!(codes("10.0.3.0/24", ""), [Code::SpecialUse]);
    // The first adapter's is kept free for machines of tomorrow; no node is there, and pods are on nodes only.
    assert_eq!(codes("10.0.2.0/24", ""), [Code::SpecialUse]);
    for (range, expected) in [
        ("10.0.2.0/24", &[][..]),
        ("10.0.3.0/24", &[Code::SpecialUse]),
        ("10.0.3.128/25", &[Code::SpecialUse]),
        ("10.0.4.0/24", &[]),
    ] {
        assert_eq!(codes("192.168.78.0/24", &format!(", service_cidr: {range}")), expected, "{range}");
    }
}

#[test]
fn ranges_beside_them_are_good() {
    for range in ["1.0.0.0/16", "126.0.0.0/16", "128.0.0.0/16", "169.253.0.0/16", "172.17.0.0/16"] {
        assert_eq!(codes(range, ""), [], "network {range}");
        for key in ["pod_cidr", "service_cidr"] {
            assert_eq!(codes("192.168.78.0/24", &format!(", {key}: {range}")), [], "{key} {range}");
        }
    }
}
