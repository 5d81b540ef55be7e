//! What SSH certificates say.

use jiff::Timestamp;

use super::Resolver;
use super::certificates::days_after;
use crate::diag::Path;
use crate::site::{Holder, Machine, SshCertificate, SshPlan};

impl Resolver<'_> {
    /// The certificates of all machines and of the operator.
    pub(super) fn ssh(
        &mut self,
        epoch: Option<Timestamp>,
        user: &str,
        machines: &[Machine],
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
        Some(SshPlan { certificates, origin: self.document.origin(&Path::root().key("access")) })
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
    let full = machine.attachments().map(|on| format!("{}.{domain}", machine.name_on(&on.network)));
    let addresses = machine.attachments().flat_map(|on| &on.addresses).map(|it| it.addr().to_string());
    [machine.name.clone()].into_iter().chain(full).chain(addresses).collect()
}
