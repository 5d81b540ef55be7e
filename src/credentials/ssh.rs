//! SSH keys and certificates.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::bug::Bug;
use crate::pki::Validity;
use crate::pki::ssh::{self, Certificate, Grant, Key, Permission};
use crate::site::{Holder, SSH_HOST_AUTHORITY, SSH_USER_AUTHORITY, Site, SshCertificate};
use crate::vault::Vault;

/// What machines and the operator show each other by SSH.
#[derive(Clone, Debug)]
pub struct SshCredentials {
    hosts: Key,
    users: Key,
    certified: BTreeMap<Holder, CertifiedKey>,
}

/// An SSH key with its certificate.
#[derive(Clone, Debug)]
pub struct CertifiedKey {
    /// The key.
    pub key: Key,
    /// The certificate.
    pub certificate: Certificate,
}

impl SshCredentials {
    pub(super) fn issue(site: &Site, vault: &Vault) -> Result<Self, Bug> {
        let key = |purpose: &str, comment: &str| {
            let generation = site.generations.get(purpose).copied().unwrap_or(0);
            Key::derive(&vault.derivation(&site.name, purpose, generation), comment)
        };
        let authority = |purpose| key(purpose, &format!("{purpose}@{}", site.domain));
        let (hosts, users) = (authority(SSH_HOST_AUTHORITY)?, authority(SSH_USER_AUTHORITY)?);
        let certified = site.ssh.certificates.par_iter().map(|planned| {
            let key = key(&planned.holder.ssh_purpose(), &planned.id)?;
            let authority = if planned.holder == Holder::Operator { &users } else { &hosts };
            let certificate = authority.sign(&key, &grant(planned))?;
            Ok((planned.holder.clone(), CertifiedKey { key, certificate }))
        });
        Ok(Self { certified: certified.collect::<Result<_, Bug>>()?, hosts, users })
    }

    /// The key that signs those of hosts.
    #[must_use]
    pub const fn host_authority(&self) -> &Key {
        &self.hosts
    }

    /// The key that signs those of users.
    #[must_use]
    pub const fn user_authority(&self) -> &Key {
        &self.users
    }

    /// The key and the certificate that are planned for `holder`.
    ///
    /// # Errors
    /// [`Bug`] if none are.
    pub fn of(&self, holder: &Holder) -> Result<&CertifiedKey, Bug> {
        self.certified.get(holder).ok_or_else(|| Bug(format!("no SSH certificate is planned for {holder:?}")))
    }

    /// All of them with their holders.
    pub fn certified(&self) -> impl Iterator<Item = (&Holder, &CertifiedKey)> {
        self.certified.iter()
    }
}

fn grant(planned: &SshCertificate) -> Grant {
    // A terminal, and what jumping over a machine and an agent of one's own need.
    let permissions = [Permission::Pty, Permission::PortForwarding, Permission::AgentForwarding];
    Grant {
        id: planned.id.clone(),
        holder: match planned.holder {
            Holder::Machine(_) => ssh::Holder::Host,
            Holder::Operator => ssh::Holder::User { permissions: permissions.into() },
        },
        principals: planned.principals.clone(),
        validity: Validity { not_before: planned.from, not_after: planned.until },
    }
}
