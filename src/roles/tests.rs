//! A small site for the examples that the roles' tests are.

use crate::credentials::Credentials;
use crate::diag::Files;
use crate::site::{Machine, Site};
use crate::vault::Vault;
use crate::{Inputs, plan_site};

/// What every example has: a gateway (10.1.0.1) between the networks `jump`, `lb`, `mast` and `node`, one more network
/// without it, and a control plane (10.3.0.2).
const COMMON: &str = "
blueprint: 1
name: example
domain: example.test
epoch: 2026-01-01T00:00:00Z
image: {distribution: debian, release: trixie}
access: {}
networks:
  wan: {attach: nat}
  jump: {cidr: 10.1.0.0/24}
  lb: {cidr: 10.2.0.0/24}
  mast: {cidr: 10.3.0.0/24}
  node: {cidr: 10.4.0.0/24}
  back: {cidr: 10.5.0.0/24}
kubernetes: {version: \"1.35\"}
machines:
  gate: {role: gateway, networks: [wan, jump, lb, mast, node]}
  mast: {role: control-plane, cpus: 2, memory: 2GiB, networks: [mast]}
";

/// The site with these machines (lines of `machines:`) and what follows them.
pub(super) fn site(machines: &[&str], rest: &str) -> Site {
    let lines: Vec<String> = machines.iter().map(|line| format!("  {line}\n")).collect();
    let mut inputs = Inputs { files: Files::new(""), ..Inputs::default() };
    inputs.files.add("blueprint.yaml", format!("{COMMON}{}{rest}\n", lines.concat()));
    let (site, report) = plan_site(&inputs);
    site.unwrap_or_else(|| panic!("{:?}", report.diagnostics))
}

/// Its keys and certificates.
pub(super) fn credentials(site: &Site) -> Credentials {
    Credentials::issue(site, &Vault::from_key([7; 32])).unwrap()
}

/// Its machine of that name.
pub(super) fn machine<'a>(site: &'a Site, name: &str) -> &'a Machine {
    site.machines.iter().find(|machine| machine.name == name).unwrap()
}
