//! Certificates as they are read: ours and others'.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use jiff::Timestamp;
use p256::ecdsa::signature::Verifier;
use p256::pkcs8::DecodePublicKey;
use sha2::{Digest, Sha256};
use x509_cert::certificate::TbsCertificate;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::oid::AssociatedOid;
use x509_cert::der::oid::db::rfc5912::{
    ECDSA_WITH_SHA_256, ECDSA_WITH_SHA_384, ID_EC_PUBLIC_KEY, SECP_256_R_1, SECP_384_R_1,
};
use x509_cert::der::{self, Decode, Encode};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAltName,
    SubjectKeyIdentifier,
};
use x509_cert::spki::SubjectPublicKeyInfoOwned;
use x509_cert::time::Time;

use super::{Subject, Validity, describe};
use crate::format::pem::{self, NotPem};

/// What basic constraints say (RFC 5280 section 4.2.1.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorityConstraint {
    /// A leaf: it signs no certificates.
    Leaf,
    /// An authority, with at most so many others between it and a leaf.
    Authority {
        /// `None`: without a limit.
        path_length: Option<u8>,
    },
}

/// A certificate and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    /// The serial number, big-endian, without leading zeros.
    pub serial: Vec<u8>,
    /// Whom it is about.
    pub subject: Subject,
    /// The whole subject as in RFC 4514: the most special part first.
    pub subject_text: String,
    /// The whole issuer, likewise.
    pub issuer_text: String,
    /// When it is good.
    pub validity: Validity,
    /// The public key: `SubjectPublicKeyInfo` in DER.
    pub public_key: Vec<u8>,
    /// The kind of the public key: `P-256`, `P-384`, or the algorithm's object identifier.
    pub key_kind: String,
    /// How it is signed: `ecdsa-with-SHA256`, `ecdsa-with-SHA384`, or the object identifier.
    pub signature_kind: String,
    /// Whether it is an authority's.
    pub constraint: AuthorityConstraint,
    /// What the key may be used for, in the words of RFC 5280 section 4.2.1.3: `digitalSignature`, ...
    pub key_usages: Vec<&'static str>,
    /// The purposes, in the words of RFC 5280 section 4.2.1.12 (`serverAuth`, ...) or as object identifiers.
    pub extended_key_usages: Vec<String>,
    /// DNS names among the subject alternative names.
    pub dns_names: Vec<String>,
    /// Addresses among the subject alternative names.
    pub addresses: Vec<IpAddr>,
    /// The subject key identifier.
    pub subject_key_id: Option<Vec<u8>>,
    /// The key identifier of the issuer.
    pub authority_key_id: Option<Vec<u8>>,
    /// Object identifiers of the critical extensions, in the order of the certificate.
    pub critical: Vec<String>,
}

/// Bytes or text that hold no certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotACertificate {
    /// The text is not PEM.
    Pem(NotPem),
    /// No block is a `CERTIFICATE`.
    Absent,
    /// The bytes are not a certificate as in RFC 5280.
    Der(String),
}

impl fmt::Display for NotACertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pem(error) => error.fmt(f),
            Self::Absent => f.write_str("there is no block CERTIFICATE"),
            Self::Der(error) => f.write_str(error),
        }
    }
}

impl std::error::Error for NotACertificate {}

impl From<der::Error> for NotACertificate {
    fn from(error: der::Error) -> Self {
        Self::Der(error.to_string())
    }
}

impl Certificate {
    /// The certificate in DER.
    ///
    /// # Errors
    /// [`NotACertificate::Der`] if it is none.
    pub fn from_der(der: &[u8]) -> Result<Self, NotACertificate> {
        let certificate = x509_cert::Certificate::from_der(der)?;
        let body = certificate.tbs_certificate();
        let (dns_names, addresses) = alternative_names(body)?;
        Ok(Self {
            der: der.to_vec(),
            serial: body.serial_number().as_bytes().to_vec(),
            subject: Subject::from_name(body.subject()),
            subject_text: body.subject().to_string(),
            issuer_text: body.issuer().to_string(),
            validity: Validity {
                not_before: timestamp(body.validity().not_before)?,
                not_after: timestamp(body.validity().not_after)?,
            },
            public_key: body.subject_public_key_info().to_der()?,
            key_kind: key_kind(body.subject_public_key_info()),
            signature_kind: signature_kind(certificate.signature_algorithm().oid),
            constraint: constraint(body)?,
            key_usages: extension::<KeyUsage>(body)?.map(describe::key_usages).unwrap_or_default(),
            extended_key_usages: extension::<ExtendedKeyUsage>(body)?
                .map(|usage| usage.0.into_iter().map(describe::purpose).collect())
                .unwrap_or_default(),
            dns_names,
            addresses,
            subject_key_id: extension::<SubjectKeyIdentifier>(body)?.map(|id| id.0.into_bytes().into_vec()),
            authority_key_id: extension::<AuthorityKeyIdentifier>(body)?
                .and_then(|id| id.key_identifier)
                .map(|id| id.into_bytes().into_vec()),
            critical: critical(body),
        })
    }

    /// All certificates of a PEM text, in order; other blocks (a key, say) are passed over.
    ///
    /// # Errors
    /// [`NotACertificate`] if there is none or one is unreadable.
    pub fn from_pem(text: &str) -> Result<Vec<Self>, NotACertificate> {
        let blocks = pem::decode(text).map_err(NotACertificate::Pem)?;
        let certificates = blocks.iter().filter(|block| block.label == "CERTIFICATE");
        let certificates =
            certificates.map(|block| Self::from_der(&block.der)).collect::<Result<Vec<_>, _>>()?;
        if certificates.is_empty() { Err(NotACertificate::Absent) } else { Ok(certificates) }
    }

    /// The bytes that were signed and the signature.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The certificate as a `CERTIFICATE` block (RFC 7468 section 5).
    #[must_use]
    pub fn pem(&self) -> String {
        pem::encode("CERTIFICATE", &self.der)
    }

    /// The certificate as a trust anchor for servers, whoever signed it: OpenSSL's `TRUSTED CERTIFICATE`, which
    /// `openssl x509 -trustout -addtrust serverAuth` writes too (`X509_CERT_AUX` behind the certificate).
    #[must_use]
    pub fn trusted_pem(&self) -> String {
        /// SEQUENCE { SEQUENCE OF trusted purposes { id-kp-serverAuth } }
        const TRUST: [u8; 14] = [0x30, 12, 0x30, 10, 0x06, 8, 0x2b, 6, 1, 5, 5, 7, 3, 1];
        pem::encode("TRUSTED CERTIFICATE", &[&self.der[..], &TRUST].concat())
    }

    /// The SHA-256 of the DER, in hex.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        base16ct::lower::encode_string(&Sha256::digest(&self.der))
    }

    /// The same as `openssl x509 -fingerprint -sha256` shows it: `AB:CD:...`.
    #[must_use]
    pub fn openssl_fingerprint(&self) -> String {
        let bytes = Sha256::digest(&self.der);
        bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
    }

    /// The SHA-256 of the public key, as kubeadm pins an authority: `--discovery-token-ca-cert-hash`.
    #[must_use]
    pub fn public_key_pin(&self) -> String {
        format!("sha256:{}", base16ct::lower::encode_string(&Sha256::digest(&self.public_key)))
    }

    /// Whether it names this authority as the one that signed it: by name and by key identifier.
    #[must_use]
    pub fn names(&self, authority: &Self) -> bool {
        // A root identifies no issuer.
        let identified = self.authority_key_id.is_none() || self.authority_key_id == authority.subject_key_id;
        self.issuer_text == authority.subject_text && identified
    }

    /// Whether this authority has signed it: it [names](Self::names) that one, and the signature is good.
    #[must_use]
    pub fn is_signed_by(&self, authority: &Self) -> bool {
        self.names(authority) && self.has_signature_of(&authority.public_key).unwrap_or(false)
    }

    /// Whether the signature is that of this public key; `None` if one of them is unreadable.
    fn has_signature_of(&self, public_key: &[u8]) -> Option<bool> {
        let certificate = x509_cert::Certificate::from_der(&self.der).ok()?;
        let signed = certificate.tbs_certificate().to_der().ok()?;
        let signature = certificate.signature().as_bytes()?;
        if let Ok(key) = p256::ecdsa::VerifyingKey::from_public_key_der(public_key) {
            let signature = p256::ecdsa::DerSignature::from_bytes(signature).ok()?;
            return Some(key.verify(&signed, &signature).is_ok());
        }
        let key = p384::ecdsa::VerifyingKey::from_public_key_der(public_key).ok()?;
        let signature = p384::ecdsa::DerSignature::from_bytes(signature).ok()?;
        Some(key.verify(&signed, &signature).is_ok())
    }

    /// The certificate in words, one field a line: what a snapshot shows in its place.
    #[must_use]
    pub fn describe(&self) -> String {
        describe::certificate(self)
    }
}

/// Certificates one after the other, as a chain or a file of trusted authorities holds them.
pub fn bundle_pem<'a>(certificates: impl IntoIterator<Item = &'a Certificate>) -> String {
    certificates.into_iter().map(Certificate::pem).collect()
}

/// The extension of this type, if there is one.
fn extension<'a, T: Decode<'a, Error = der::Error> + AssociatedOid>(
    body: &'a TbsCertificate,
) -> Result<Option<T>, NotACertificate> {
    Ok(body.get_extension::<T>()?.map(|(_, extension)| extension))
}

fn constraint(body: &TbsCertificate) -> Result<AuthorityConstraint, NotACertificate> {
    Ok(match extension::<BasicConstraints>(body)? {
        Some(BasicConstraints { ca: true, path_len_constraint: path_length }) => {
            AuthorityConstraint::Authority { path_length }
        }
        Some(BasicConstraints { ca: false, .. }) | None => AuthorityConstraint::Leaf,
    })
}

fn critical(body: &TbsCertificate) -> Vec<String> {
    let extensions = body.extensions().map(Vec::as_slice).unwrap_or_default();
    let critical = extensions.iter().filter(|extension| extension.critical);
    critical.map(|extension| describe::extension(extension.extn_id)).collect()
}

/// DNS names and addresses; other kinds of names mean nothing in TLS.
fn alternative_names(body: &TbsCertificate) -> Result<(Vec<String>, Vec<IpAddr>), NotACertificate> {
    let (mut names, mut addresses) = (Vec::new(), Vec::new());
    for name in extension::<SubjectAltName>(body)?.into_iter().flat_map(|names| names.0) {
        match name {
            GeneralName::DnsName(name) => names.push(name.to_string()),
            GeneralName::IpAddress(octets) => addresses.push(address(octets.as_bytes())?),
            _ => {}
        }
    }
    Ok((names, addresses))
}

fn address(octets: &[u8]) -> Result<IpAddr, NotACertificate> {
    let short = <[u8; 4]>::try_from(octets).map(|octets| Ipv4Addr::from(octets).into());
    let long = <[u8; 16]>::try_from(octets).map(|octets| Ipv6Addr::from(octets).into());
    short.or(long).map_err(|_| NotACertificate::Der(format!("an address of {} bytes", octets.len())))
}

fn timestamp(time: Time) -> Result<Timestamp, NotACertificate> {
    let seconds = i64::try_from(time.to_unix_duration().as_secs());
    let time = seconds.ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.ok_or_else(|| NotACertificate::Der("a time out of range".into()))
}

fn key_kind(info: &SubjectPublicKeyInfoOwned) -> String {
    let algorithm = &info.algorithm;
    let curve = algorithm.parameters.as_ref().and_then(|any| any.decode_as::<ObjectIdentifier>().ok());
    match (algorithm.oid, curve) {
        (ID_EC_PUBLIC_KEY, Some(SECP_256_R_1)) => "P-256".into(),
        (ID_EC_PUBLIC_KEY, Some(SECP_384_R_1)) => "P-384".into(),
        (ID_EC_PUBLIC_KEY, Some(curve)) => curve.to_string(),
        (other, _) => other.to_string(),
    }
}

fn signature_kind(algorithm: ObjectIdentifier) -> String {
    match algorithm {
        ECDSA_WITH_SHA_256 => "ecdsa-with-SHA256".into(),
        ECDSA_WITH_SHA_384 => "ecdsa-with-SHA384".into(),
        other => other.to_string(),
    }
}
