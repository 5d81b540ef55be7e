//! Certificates in words.

use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::oid::db::rfc5280::{
    ID_CE_BASIC_CONSTRAINTS, ID_CE_EXT_KEY_USAGE, ID_CE_KEY_USAGE, ID_CE_SUBJECT_ALT_NAME, ID_KP_CLIENT_AUTH,
    ID_KP_SERVER_AUTH,
};
use x509_cert::ext::pkix::{KeyUsage, KeyUsages};

use super::{AuthorityConstraint, Certificate};

/// The names of RFC 5280 section 4.2.1.3, in the order of their bits.
const KEY_USAGES: [(KeyUsages, &str); 9] = [
    (KeyUsages::DigitalSignature, "digitalSignature"),
    (KeyUsages::NonRepudiation, "nonRepudiation"),
    (KeyUsages::KeyEncipherment, "keyEncipherment"),
    (KeyUsages::DataEncipherment, "dataEncipherment"),
    (KeyUsages::KeyAgreement, "keyAgreement"),
    (KeyUsages::KeyCertSign, "keyCertSign"),
    (KeyUsages::CRLSign, "cRLSign"),
    (KeyUsages::EncipherOnly, "encipherOnly"),
    (KeyUsages::DecipherOnly, "decipherOnly"),
];

pub(super) fn key_usages(usage: KeyUsage) -> Vec<&'static str> {
    KEY_USAGES.iter().filter(|(flag, _)| usage.0.contains(*flag)).map(|(_, name)| *name).collect()
}

pub(super) fn purpose(oid: ObjectIdentifier) -> String {
    match oid {
        ID_KP_SERVER_AUTH => "serverAuth".into(),
        ID_KP_CLIENT_AUTH => "clientAuth".into(),
        other => other.to_string(),
    }
}

pub(super) fn extension(oid: ObjectIdentifier) -> String {
    match oid {
        ID_CE_BASIC_CONSTRAINTS => "basicConstraints".into(),
        ID_CE_KEY_USAGE => "keyUsage".into(),
        ID_CE_EXT_KEY_USAGE => "extKeyUsage".into(),
        ID_CE_SUBJECT_ALT_NAME => "subjectAltName".into(),
        other => other.to_string(),
    }
}

pub(super) fn certificate(certificate: &Certificate) -> String {
    let addresses: Vec<String> = certificate.addresses.iter().map(ToString::to_string).collect();
    let validity = certificate.validity;
    let lines = [
        ("subject", certificate.subject_text.clone()),
        ("issuer", certificate.issuer_text.clone()),
        ("serial", hex(&certificate.serial)),
        ("not before", validity.not_before.to_string()),
        ("not after", validity.not_after.to_string()),
        ("key", certificate.key_kind.clone()),
        ("signature", certificate.signature_kind.clone()),
        ("constraint", constraint(certificate.constraint)),
        ("key usage", certificate.key_usages.join(", ")),
        ("extended key usage", certificate.extended_key_usages.join(", ")),
        ("DNS names", certificate.dns_names.join(", ")),
        ("addresses", addresses.join(", ")),
        ("subject key id", certificate.subject_key_id.as_deref().map(hex).unwrap_or_default()),
        ("authority key id", certificate.authority_key_id.as_deref().map(hex).unwrap_or_default()),
        ("critical", certificate.critical.join(", ")),
        ("sha256", certificate.fingerprint()),
    ];
    let said = lines.into_iter().filter(|(_, value)| !value.is_empty());
    said.flat_map(|(name, value)| [name, ": ", &value, "\n"].map(String::from)).collect()
}

fn constraint(constraint: AuthorityConstraint) -> String {
    match constraint {
        AuthorityConstraint::Leaf => "leaf".into(),
        AuthorityConstraint::Authority { path_length: None } => "authority".into(),
        AuthorityConstraint::Authority { path_length: Some(length) } => {
            format!("authority, path length {length}")
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(bytes)
}
