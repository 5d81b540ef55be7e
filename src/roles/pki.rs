//! Keys and certificates as files.
//!
//! Where one root signs the authorities, `ca.crt` still holds the one authority that is to be trusted there, never the
//! root: whoever trusts the root trusts what any authority below it has signed, and then the kubelet of a worker could
//! read and write etcd. Go takes an authority that is not self-signed for a trust anchor (crypto/x509,
//! `VerifyOptions.Roots`), curl does too, and `openssl verify` does with `-partial_chain`; HAProxy, which has no such
//! option, does if the file itself says that the authority is trusted. What trusts the root alone is served as well:
//! certificates are sent with the authority that signed them.

use crate::bug::Bug;
use crate::credentials::Credentials;
use crate::setup::{File, SecretUse};
use crate::site::{AuthorityKind, CertificateKind, Holder, Machine, SERVICE_ACCOUNT};

/// The keys and certificates of one machine.
pub(super) struct Keyring<'a> {
    credentials: &'a Credentials,
    holder: Holder,
}

impl<'a> Keyring<'a> {
    /// Those of this machine.
    pub(super) fn new(credentials: &'a Credentials, machine: &Machine) -> Self {
        Self { credentials, holder: Holder::Machine(machine.name.clone()) }
    }

    /// `PATH.crt`: an authority, for those who are to trust it.
    pub(super) fn authority(&self, kind: AuthorityKind, path: &str) -> Result<File, Bug> {
        let authority = self.credentials.authority(kind)?;
        Ok(File::text(format!("{path}.crt"), authority.certificate().pem()))
    }

    /// `PATH.pem`: the same for programs that verify by OpenSSL's rules.
    pub(super) fn trust_anchor(&self, kind: AuthorityKind, path: &str) -> Result<File, Bug> {
        let authority = self.credentials.authority(kind)?;
        Ok(File::text(format!("{path}.pem"), authority.certificate().trusted_pem()))
    }

    /// `PATH.key`: an authority's key.
    pub(super) fn authority_key(
        &self,
        kind: AuthorityKind,
        path: &str,
        why: &'static str,
    ) -> Result<File, Bug> {
        let key = self.credentials.authority(kind)?.key().private_pem()?;
        let secret = SecretUse { purpose: kind.as_str().to_owned(), why };
        Ok(File::secret(format!("{path}.key"), &key, secret))
    }

    /// `PATH.crt`, with the authorities between it and a root, and `PATH.key`.
    pub(super) fn certificate(
        &self,
        kind: CertificateKind,
        path: &str,
        why: &'static str,
    ) -> Result<[File; 2], Bug> {
        let issued = self.credentials.certificate(&self.holder, kind)?;
        let chain = self.credentials.authority(kind.authority())?.chain_pem(&issued.certificate);
        let secret = SecretUse { purpose: self.holder.purpose(kind), why };
        Ok([
            File::text(format!("{path}.crt"), chain),
            File::secret(format!("{path}.key"), &issued.key.private_pem()?, secret),
        ])
    }

    /// `PATH.pub` and `PATH.key`: what the tokens of service accounts are signed with.
    pub(super) fn service_account(&self, path: &str, why: &'static str) -> Result<[File; 2], Bug> {
        let pair = self.credentials.service_account()?;
        let secret = SecretUse { purpose: SERVICE_ACCOUNT.to_owned(), why };
        Ok([
            File::text(format!("{path}.pub"), pair.public_pem()),
            File::secret(format!("{path}.key"), &pair.private_pem()?, secret),
        ])
    }
}
