//! What SSH certificates say.

use ipnet::Ipv4Net;
use jiff::Timestamp;

use super::Resolver;
use super::certificates::{days_after, unique};
use crate::diag::Path;
use crate::site::{Holder, Machine, Network, SshCertificate, SshPlan};

impl Resolver<'_> {
    /// The certificates of all machines and of the operator.
    pub(super) fn ssh(
        &mut self,
        epoch: Option<Timestamp>,
        user: &str,
        machines: &[Machine],
        networks: &[Network],
    ) -> Option<SshPlan> {
        let operator = self.operator_certificate(epoch, user);
        let domain = &self.blueprint.domain;
        let until = days_after(epoch?, self.certificate_days())?;
        let mut certificates = Vec::new();
        for machine in machines {
            certificates.push(SshCertificate {
                holder: Holder::Machine(machine.name.clone()),
                id: format!("{}.{domain}", machine.name),
                principals: principals(machine, domain),
                from: epoch?,
                until,
            });
        }
        certificates.push(operator?);
        Some(SshPlan {
            trusted_for: trusted_for(domain, networks),
            certificates,
            origin: self.document.origin(&Path::root().key("access")),
        })
    }

    /// The operator's has times of its own: it may be short, and a new one means no new seed for any machine.
    fn operator_certificate(&mut self, epoch: Option<Timestamp>, user: &str) -> Option<SshCertificate> {
        let pki = &self.blueprint.pki;
        let from = match &pki.operator_from {
            Some(text) => self.time("`operator_from`", text, &Path::root().key("pki").key("operator_from")),
            None => epoch,
        }?;
        Some(SshCertificate {
            holder: Holder::Operator,
            id: format!("operator@{}", self.blueprint.domain),
            principals: vec![user.to_owned()],
            from,
            until: days_after(from, pki.operator_days.unwrap_or(self.certificate_days()))?,
        })
    }
}

/// All names and addresses that a machine itself is reached by. An address that moves between machines is none.
fn principals(machine: &Machine, domain: &str) -> Vec<String> {
    let others = machine.attachments().map(|on| format!("{}.{domain}", machine.name_on(&on.network)));
    let names = [machine.name.clone(), format!("{}.{domain}", machine.name)].into_iter().chain(others);
    let addresses =
        machine.attachments().flat_map(|on| &on.addresses).map(|address| address.addr().to_string());
    unique(names.chain(addresses).collect())
}

/// Names of the domain and addresses of the networks; and in a line of its own, because an exception counts for all
/// of its line, every name without a dot: what the domain is added to when it is looked up.
fn trusted_for(domain: &str, networks: &[Network]) -> Vec<Vec<String>> {
    let networks = networks.iter().map(|network| pattern(network.cidr));
    let full = unique([format!("*.{domain}")].into_iter().chain(networks).collect());
    vec![full, ["*", "!*.*", "!*:*"].map(str::to_owned).to_vec()]
}

/// A pattern that fits all addresses of a network. There are no narrower ones than for whole parts of an address
/// (`ssh_config(5)`, PATTERNS); what is too wide does no harm, for a host's certificate has to name its address.
fn pattern(network: Ipv4Net) -> String {
    let octets = network.network().octets();
    let whole = usize::from(network.prefix_len() / 8);
    let parts = octets
        .iter()
        .enumerate()
        .map(|(place, octet)| if place < whole { octet.to_string() } else { "*".to_owned() });
    parts.collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_fits_every_address_of_its_network() {
        for (cidr, expected) in [
            ("192.168.1.0/24", "192.168.1.*"),
            ("192.168.4.128/25", "192.168.4.*"),
            ("10.20.16.0/20", "10.20.*.*"),
            ("10.20.0.0/16", "10.20.*.*"),
            ("172.16.0.0/12", "172.*.*.*"),
        ] {
            assert_eq!(pattern(cidr.parse().unwrap()), expected);
        }
    }
}
