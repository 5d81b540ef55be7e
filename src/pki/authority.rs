//! Certificate authorities and what they sign: X.509 version 3 after RFC 5280.

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{self, Builder, CertificateBuilder};
use x509_cert::certificate::TbsCertificate;
use x509_cert::der::asn1::{Ia5String, OctetString};
use x509_cert::der::flagset::FlagSet;
use x509_cert::der::oid::db::rfc5280::{ID_KP_CLIENT_AUTH, ID_KP_SERVER_AUTH};
use x509_cert::der::{self, DateTime, Decode, Encode};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectAltName,
    SubjectKeyIdentifier,
};
use x509_cert::ext::{Extension, ToExtension};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{SubjectPublicKeyInfoOwned, SubjectPublicKeyInfoRef};
use x509_cert::time::{Time, Validity as X509Validity};

use super::key::Signer;
use super::{Certificate, KeyPair, Subject, bug, bundle_pem};
use crate::bug::Bug;

/// From when to when a certificate is good; both ends belong to it (RFC 5280 section 4.1.2.5), in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// The first second.
    pub not_before: Timestamp,
    /// The last second.
    pub not_after: Timestamp,
}

/// What the holder of a leaf certificate may be in a TLS handshake (RFC 5280 section 4.2.1.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// A server.
    Server,
    /// A client.
    Client,
    /// Both: what etcd's members are to each other.
    ServerAndClient,
}

/// What a leaf certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// Whom it is about.
    pub subject: Subject,
    /// What its holder may be.
    pub usage: Usage,
    /// Names under which a server is reached. Go and browsers look nowhere else: not at the common name.
    pub dns_names: Vec<String>,
    /// Addresses under which a server is reached: without brackets, port or prefix length, and never as a DNS name.
    pub addresses: Vec<IpAddr>,
    /// When it is good.
    pub validity: Validity,
}

/// A certificate authority: its certificate, its key, and the authorities between it and its root.
#[derive(Clone, Debug)]
pub struct Authority {
    certificate: Certificate,
    key: KeyPair,
    /// The certificates that a server sends after its own, this one first; a root is not among them.
    intermediates: Vec<Certificate>,
}

impl Authority {
    /// An authority that signs itself. `path_length` is how many authorities may stand between it and a leaf
    /// (RFC 5280 section 4.2.1.9); `None` sets no limit.
    ///
    /// # Errors
    /// [`Bug`] if the subject or the validity is no X.509.
    pub fn root(
        key: KeyPair,
        subject: &Subject,
        path_length: Option<u8>,
        validity: Validity,
    ) -> Result<Self, Bug> {
        let subject = subject.to_name()?;
        let extensions = authority_extensions(&subject, &key, None, path_length)?;
        let content = Content { issuer: subject.clone(), subject, extensions };
        let certificate = sign(&content, &key, validity, &key)?;
        Ok(Self { certificate, key, intermediates: Vec::new() })
    }

    /// An authority that this one signs.
    ///
    /// # Errors
    /// [`Bug`] if the subject or the validity is no X.509.
    pub fn subordinate(
        &self,
        key: KeyPair,
        subject: &Subject,
        path_length: Option<u8>,
        validity: Validity,
    ) -> Result<Self, Bug> {
        let subject = subject.to_name()?;
        let extensions = authority_extensions(&subject, &key, Some(&self.key), path_length)?;
        let content = Content { issuer: self.name()?, subject, extensions };
        let certificate = sign(&content, &key, validity, &self.key)?;
        let intermediates =
            [certificate.clone()].into_iter().chain(self.intermediates.iter().cloned()).collect();
        Ok(Self { certificate, key, intermediates })
    }

    /// The certificate of a server or client who holds `key`.
    ///
    /// # Errors
    /// [`Bug`] if the leaf cannot be written as X.509, or is a server without names and addresses: no client would
    /// accept it.
    pub fn issue(&self, key: &KeyPair, leaf: &Leaf) -> Result<Certificate, Bug> {
        if leaf.usage != Usage::Client && leaf.dns_names.is_empty() && leaf.addresses.is_empty() {
            return Err(Bug(format!(
                "the server {} has neither names nor addresses",
                leaf.subject.common_name
            )));
        }
        let subject = leaf.subject.to_name()?;
        let extensions = leaf_extensions(&subject, key, &self.key, leaf)?;
        sign(&Content { issuer: self.name()?, subject, extensions }, key, leaf.validity, &self.key)
    }

    /// The authority's own certificate.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The authority's key.
    #[must_use]
    pub fn key(&self) -> &KeyPair {
        &self.key
    }

    /// What a server's certificate file holds: the leaf, then every authority up to the root, without the root
    /// (RFC 8446 section 4.4.2). Directly below a root that is the leaf alone.
    #[must_use]
    pub fn chain_pem(&self, leaf: &Certificate) -> String {
        bundle_pem([leaf].into_iter().chain(&self.intermediates))
    }

    /// The name as the certificate has it: an issuer is compared byte by byte (Go, RFC 5280 section 6.1).
    fn name(&self) -> Result<Name, Bug> {
        let certificate = x509_cert::Certificate::from_der(self.certificate.der());
        let certificate =
            certificate.map_err(|error| bug("an authority's certificate is unreadable", error))?;
        Ok(certificate.tbs_certificate().subject().clone())
    }
}

/// All of a certificate but its serial number, validity and keys.
#[derive(Clone)]
struct Content {
    issuer: Name,
    subject: Name,
    extensions: Vec<Extension>,
}

impl BuilderProfile for Content {
    fn get_issuer(&self, _subject: &Name) -> Name {
        self.issuer.clone()
    }

    fn get_subject(&self) -> Name {
        self.subject.clone()
    }

    fn build_extensions(
        &self,
        _key: SubjectPublicKeyInfoRef<'_>,
        _issuer_key: SubjectPublicKeyInfoRef<'_>,
        _certificate: &TbsCertificate,
    ) -> builder::Result<Vec<Extension>> {
        Ok(self.extensions.clone())
    }
}

/// Extensions in the order in which Go writes them.
fn authority_extensions(
    subject: &Name,
    key: &KeyPair,
    issuer: Option<&KeyPair>,
    path_length: Option<u8>,
) -> Result<Vec<Extension>, Bug> {
    // digitalSignature, because authorities of Kubernetes also sign other things than certificates.
    let usage = KeyUsages::KeyCertSign | KeyUsages::CRLSign | KeyUsages::DigitalSignature;
    let mut extensions = Extensions { subject, list: Vec::new() };
    extensions.add((true, &KeyUsage(usage)))?;
    extensions.add((true, &BasicConstraints { ca: true, path_len_constraint: path_length }))?;
    extensions.add_key_identifiers(key, issuer)?;
    Ok(extensions.list)
}

fn leaf_extensions(
    subject: &Name,
    key: &KeyPair,
    issuer: &KeyPair,
    leaf: &Leaf,
) -> Result<Vec<Extension>, Bug> {
    let purposes = match leaf.usage {
        Usage::Server => vec![ID_KP_SERVER_AUTH],
        Usage::Client => vec![ID_KP_CLIENT_AUTH],
        Usage::ServerAndClient => vec![ID_KP_SERVER_AUTH, ID_KP_CLIENT_AUTH],
    };
    let mut extensions = Extensions { subject, list: Vec::new() };
    // An ECDSA key only signs: keyEncipherment is for RSA (RFC 8813 section 3).
    extensions.add((true, &KeyUsage(FlagSet::from(KeyUsages::DigitalSignature))))?;
    extensions.add((false, &ExtendedKeyUsage(purposes)))?;
    extensions.add((true, &BasicConstraints { ca: false, path_len_constraint: None }))?;
    extensions.add_key_identifiers(key, Some(issuer))?;
    let names = alternative_names(leaf)?;
    if !names.is_empty() {
        // Not critical, since the subject is not empty (RFC 5280 section 4.2.1.6).
        extensions.add((false, &SubjectAltName(names)))?;
    }
    Ok(extensions.list)
}

fn alternative_names(leaf: &Leaf) -> Result<Vec<GeneralName>, Bug> {
    let mut names = Vec::new();
    for name in &leaf.dns_names {
        let text = Ia5String::new(name).map_err(|error| bug("a DNS name is not ASCII", error))?;
        names.push(GeneralName::DnsName(text));
    }
    names.extend(leaf.addresses.iter().copied().map(GeneralName::from));
    Ok(names)
}

/// A certificate's extensions as they are put together.
struct Extensions<'a> {
    subject: &'a Name,
    list: Vec<Extension>,
}

impl Extensions<'_> {
    fn add(&mut self, extension: impl ToExtension<Error = der::Error>) -> Result<(), Bug> {
        let extension = extension.to_extension(self.subject, &self.list);
        self.list.push(extension.map_err(|error| bug("an extension has no DER", error))?);
        Ok(())
    }

    /// The identifiers by which a chain is put together: the issuer's is the same in both. A root names no issuer
    /// (RFC 5280 section 4.2.1.1).
    fn add_key_identifiers(&mut self, key: &KeyPair, issuer: Option<&KeyPair>) -> Result<(), Bug> {
        self.add((false, &SubjectKeyIdentifier(key_identifier(key)?)))?;
        if let Some(issuer) = issuer {
            let key_identifier = Some(key_identifier(issuer)?);
            self.add((false, &AuthorityKeyIdentifier { key_identifier, ..Default::default() }))?;
        }
        Ok(())
    }
}

/// The first 160 bits of the public key's SHA-256: RFC 7093 section 2, method 1. RFC 5280's own method is SHA-1,
/// which Go has left too, and which systems that forbid SHA-1 cannot compute.
fn key_identifier(key: &KeyPair) -> Result<OctetString, Bug> {
    let info = public_key_info(key)?;
    let digest = Sha256::digest(info.subject_public_key.raw_bytes());
    let (identifier, _) = digest.split_at(20);
    OctetString::new(identifier).map_err(|error| bug("a key identifier has no DER", error))
}

fn public_key_info(key: &KeyPair) -> Result<SubjectPublicKeyInfoOwned, Bug> {
    SubjectPublicKeyInfoOwned::from_der(key.public_der())
        .map_err(|error| bug("a public key is unreadable", error))
}

/// Signs a certificate for `key` with the key of its issuer.
fn sign(content: &Content, key: &KeyPair, validity: Validity, issuer: &KeyPair) -> Result<Certificate, Bug> {
    let validity = x509_validity(validity)?;
    let info = public_key_info(key)?;
    let builder = |serial| CertificateBuilder::new(content.clone(), serial, validity, info.clone());
    let signed = match &issuer.signer {
        Signer::P256(signer) => numbered(builder, |unnumbered| unnumbered.finalize(signer))
            .and_then(|builder| builder.build::<_, p256::ecdsa::DerSignature>(signer)),
        Signer::P384(signer) => numbered(builder, |unnumbered| unnumbered.finalize(signer))
            .and_then(|builder| builder.build::<_, p384::ecdsa::DerSignature>(signer)),
    };
    let der = signed.and_then(|certificate| Ok(certificate.to_der()?));
    let der = der.map_err(|error| bug("a certificate cannot be signed", error))?;
    Certificate::from_der(&der).map_err(|error| bug("a certificate that was just made is unreadable", error))
}

/// A builder with the serial number that its content has: the first 127 bits of the SHA-256 of all that is signed,
/// the serial number in it being zero. So it is unique to its issuer (RFC 5280 section 4.1.2.2), positive (Go refuses
/// others), shorter than 20 bytes, and the same when the same certificate is made again.
fn numbered<P: BuilderProfile>(
    builder: impl Fn(SerialNumber) -> builder::Result<CertificateBuilder<P>>,
    to_be_signed: impl Fn(&mut CertificateBuilder<P>) -> builder::Result<Vec<u8>>,
) -> builder::Result<CertificateBuilder<P>> {
    let digest = Sha256::digest(to_be_signed(&mut builder(SerialNumber::from(0_u8))?)?);
    let mut serial = [0; 16];
    serial.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    let serial = (u128::from_be_bytes(serial) >> 1).max(1);
    builder(SerialNumber::new(&serial.to_be_bytes())?)
}

fn x509_validity(validity: Validity) -> Result<X509Validity, Bug> {
    if validity.not_after < validity.not_before {
        return Err(Bug(format!("a validity ends at {} before it begins", validity.not_after)));
    }
    Ok(X509Validity::new(x509_time(validity.not_before)?, x509_time(validity.not_after)?))
}

/// `UTCTime` up to 2049 and `GeneralizedTime` from 2050 on, as RFC 5280 section 4.1.2.5 demands; both in whole
/// seconds of UTC.
fn x509_time(time: Timestamp) -> Result<Time, Bug> {
    let out_of_range = || Bug(format!("{time} cannot be written in a certificate"));
    let since_1970 = SignedDuration::from_secs(time.as_second()).try_into().map_err(|_| out_of_range())?;
    let time = DateTime::from_unix_duration(since_1970).map_err(|_| out_of_range())?;
    Ok(Time::from(time))
}
