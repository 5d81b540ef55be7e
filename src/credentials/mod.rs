//! The keys and certificates of a site: its plan, carried out with the vault.

mod ssh;

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::bug::Bug;
use crate::pki::{Authority, Certificate, Curve, KeyPair, Leaf, Subject, Usage, Validity, token};
use crate::site::{
    Algorithm, AuthorityKind, CertificateKind, CertificatePlan, CertificateUsage, Holder, PlannedCertificate,
    SERVICE_ACCOUNT, SharedSecret, Site,
};
use crate::value::Secret;
use crate::vault::{Derivation, Vault};

pub use ssh::{CertifiedKey, SshCredentials};

/// The purpose of the key that digests of secrets are made with.
const SEAL: &str = "stage-inputs";

/// What the machines and the operator of a site prove who they are with.
#[derive(Clone, Debug)]
pub struct Credentials {
    fingerprint: String,
    /// What makes digests of secrets that anybody may see.
    seal: Vault,
    ssh: SshCredentials,
    authorities: BTreeMap<AuthorityKind, Authority>,
    certificates: BTreeMap<(Holder, CertificateKind), Issued>,
    service_account: Option<KeyPair>,
    shared: BTreeMap<SharedSecret, Secret<Vec<u8>>>,
    salts: BTreeMap<SharedSecret, Secret<String>>,
}

/// A certificate with its key.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The key.
    pub key: KeyPair,
    /// The certificate.
    pub certificate: Certificate,
}

impl Credentials {
    /// Makes all of them.
    ///
    /// # Errors
    /// [`Bug`] if one of them cannot be written as X.509 or for OpenSSH.
    pub fn issue(site: &Site, vault: &Vault) -> Result<Self, Bug> {
        let fingerprint = vault.fingerprint();
        let seal = Vault::from_key(*vault.derive(&site.name, SEAL, 0).expose());
        let ssh = SshCredentials::issue(site, vault)?;
        let secrets = site.shared_secrets();
        let shared = secrets.iter().map(|secret| (*secret, shared(site, vault, *secret))).collect();
        let salt = |secret: &SharedSecret| (*secret, token::salt(&derivation(site, vault, *secret)));
        let salts = secrets.iter().map(salt).collect();
        let Some(cluster) = &site.kubernetes else {
            let (authorities, certificates) = (BTreeMap::new(), BTreeMap::new());
            return Ok(Self {
                fingerprint,
                seal,
                ssh,
                authorities,
                certificates,
                service_account: None,
                shared,
                salts,
            });
        };
        let issuer = Issuer { site, vault, plan: &cluster.certificates };
        let authorities = issuer.authorities()?;
        let certificates: Result<BTreeMap<_, _>, Bug> = cluster
            .certificates
            .certificates
            .par_iter()
            .map(|planned| {
                let authority = authority(&authorities, planned.kind.authority())?;
                Ok(((planned.holder.clone(), planned.kind), issuer.certificate(planned, authority)?))
            })
            .collect();
        Ok(Self {
            fingerprint,
            seal,
            ssh,
            certificates: certificates?,
            service_account: Some(issuer.key(SERVICE_ACCOUNT)?),
            authorities,
            shared,
            salts,
        })
    }

    /// The [fingerprint](Vault::fingerprint) of the vault that all of it comes from.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// What is another text whenever a secret of 256 bits by its `digest` is another one: 64 hexadecimal digits from
    /// which, unlike from a digest, nobody without the vault can try what the secret may be.
    #[must_use]
    pub fn sealed(&self, digest: &str) -> String {
        base16ct::lower::encode_string(self.seal.derive("", digest, 0).expose())
    }

    /// What machines and the operator show each other by SSH.
    #[must_use]
    pub const fn ssh(&self) -> &SshCredentials {
        &self.ssh
    }

    /// The authority of that kind.
    ///
    /// # Errors
    /// [`Bug`] if the site has no cluster.
    pub fn authority(&self, kind: AuthorityKind) -> Result<&Authority, Bug> {
        authority(&self.authorities, kind)
    }

    /// All authorities, a root first.
    pub fn authorities(&self) -> impl Iterator<Item = (AuthorityKind, &Authority)> {
        self.authorities.iter().map(|(kind, authority)| (*kind, authority))
    }

    /// A certificate that is planned for `holder`.
    ///
    /// # Errors
    /// [`Bug`] if it is not.
    pub fn certificate(&self, holder: &Holder, kind: CertificateKind) -> Result<&Issued, Bug> {
        self.certificates
            .get(&(holder.clone(), kind))
            .ok_or_else(|| Bug(format!("no certificate {} is planned for {holder:?}", kind.as_str())))
    }

    /// All certificates with their holders.
    pub fn certificates(&self) -> impl Iterator<Item = (&Holder, CertificateKind, &Issued)> {
        self.certificates.iter().map(|((holder, kind), issued)| (holder, *kind, issued))
    }

    /// The key pair that signs the tokens of service accounts.
    ///
    /// # Errors
    /// [`Bug`] if the site has no cluster.
    pub fn service_account(&self) -> Result<&KeyPair, Bug> {
        self.service_account.as_ref().ok_or_else(|| Bug("no cluster, no service accounts".to_owned()))
    }

    /// A secret that several machines share.
    ///
    /// # Errors
    /// [`Bug`] if nothing of the site asks for it.
    pub fn shared(&self, secret: SharedSecret) -> Result<&Secret<Vec<u8>>, Bug> {
        self.shared.get(&secret).ok_or_else(|| Bug(format!("nothing asks for {}", secret.as_str())))
    }

    /// 128 bits for the file of a shared secret that is too short for the file's digest to be public without them.
    ///
    /// # Errors
    /// [`Bug`] if nothing of the site asks for the secret.
    pub fn salt(&self, secret: SharedSecret) -> Result<&Secret<String>, Bug> {
        self.salts.get(&secret).ok_or_else(|| Bug(format!("nothing asks for {}", secret.as_str())))
    }

    /// The same, of one that is a text.
    ///
    /// # Errors
    /// [`Bug`] if nothing of the site asks for it, or it is no text.
    pub fn shared_text(&self, secret: SharedSecret) -> Result<Secret<String>, Bug> {
        let bytes = self.shared(secret)?.expose().clone();
        let text = String::from_utf8(bytes).map_err(|_| Bug(format!("{} is no text", secret.as_str())))?;
        Ok(Secret::new(text))
    }

    /// All secrets that several machines share.
    pub fn all_shared(&self) -> impl Iterator<Item = (SharedSecret, &Secret<Vec<u8>>)> {
        self.shared.iter().map(|(secret, bytes)| (*secret, bytes))
    }
}

fn derivation<'a>(site: &'a Site, vault: &'a Vault, secret: SharedSecret) -> Derivation<'a> {
    vault.derivation(&site.name, secret.as_str(), site.generation(secret.as_str()))
}

/// The bytes of a shared secret, in the form that its program wants.
fn shared(site: &Site, vault: &Vault, secret: SharedSecret) -> Secret<Vec<u8>> {
    let derivation = derivation(site, vault, secret);
    let text = |text: &Secret<String>| Secret::new(text.expose().clone().into_bytes());
    match secret {
        SharedSecret::CorosyncAuthkey => Secret::new(token::corosync_authkey(&derivation).expose().to_vec()),
        SharedSecret::VrrpPassword => text(&token::vrrp_password(&derivation)),
        SharedSecret::StatsPassword => text(&token::password(&derivation)),
        SharedSecret::BootstrapToken => text(&token::bootstrap_token(&derivation)),
    }
}

fn authority(
    authorities: &BTreeMap<AuthorityKind, Authority>,
    kind: AuthorityKind,
) -> Result<&Authority, Bug> {
    authorities.get(&kind).ok_or_else(|| Bug(format!("there is no {}", kind.as_str())))
}

struct Issuer<'a> {
    site: &'a Site,
    vault: &'a Vault,
    plan: &'a CertificatePlan,
}

impl Issuer<'_> {
    fn key(&self, purpose: &str) -> Result<KeyPair, Bug> {
        let curve = match self.plan.algorithm {
            Algorithm::EcdsaP256 => Curve::P256,
            Algorithm::EcdsaP384 => Curve::P384,
        };
        KeyPair::derive(
            &self.vault.derivation(&self.site.name, purpose, self.site.generation(purpose)),
            curve,
        )
    }

    /// The three authorities of a cluster, below a root if there is to be one.
    fn authorities(&self) -> Result<BTreeMap<AuthorityKind, Authority>, Bug> {
        let validity = Validity { not_before: self.plan.not_before, not_after: self.plan.authorities_until };
        let mut authorities: BTreeMap<AuthorityKind, Authority> = BTreeMap::new();
        for kind in self.plan.authorities() {
            let (key, subject) = (self.key(kind.as_str())?, Subject::named(kind.common_name()));
            let made = match authorities.get(&AuthorityKind::Root) {
                None if kind == AuthorityKind::Root => Authority::root(key, &subject, Some(1), validity)?,
                None => Authority::root(key, &subject, Some(0), validity)?,
                Some(root) => root.subordinate(key, &subject, Some(0), validity)?,
            };
            authorities.insert(kind, made);
        }
        Ok(authorities)
    }

    fn certificate(&self, planned: &PlannedCertificate, authority: &Authority) -> Result<Issued, Bug> {
        let key = self.key(&planned.purpose())?;
        let leaf = Leaf {
            subject: Subject {
                common_name: planned.common_name.clone(),
                organizations: planned.kind.organization().map(str::to_owned).into_iter().collect(),
            },
            usage: match planned.kind.usage() {
                CertificateUsage::Server => Usage::Server,
                CertificateUsage::Client => Usage::Client,
                CertificateUsage::ServerAndClient => Usage::ServerAndClient,
            },
            dns_names: planned.dns_names.clone(),
            addresses: planned.addresses.clone(),
            validity: Validity { not_before: self.plan.not_before, not_after: self.plan.certificates_until },
        };
        let certificate = authority.issue(&key, &leaf)?;
        Ok(Issued { key, certificate })
    }
}
