//! What certificates say, and what they depend on.

use x509_cert::der::{Decode, Encode};

use super::*;
use crate::vault::Vault;

fn key(purpose: &str, curve: Curve) -> KeyPair {
    let vault = Vault::from_bytes(&[7; 32]).unwrap();
    KeyPair::derive(&vault.derivation("kube-demo", purpose, 0), curve).unwrap()
}

fn validity(not_before: &str, not_after: &str) -> Validity {
    Validity { not_before: not_before.parse().unwrap(), not_after: not_after.parse().unwrap() }
}

fn year() -> Validity {
    validity("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z")
}

fn root(curve: Curve) -> Authority {
    let validity = validity("2026-01-01T00:00:00Z", "2036-01-01T00:00:00Z");
    Authority::root(key("root", curve), &Subject::named("root"), None, validity).unwrap()
}

fn leaf() -> Leaf {
    Leaf {
        subject: Subject { organizations: vec!["system:nodes".into()], common_name: "system:node:a".into() },
        usage: Usage::ServerAndClient,
        dns_names: vec!["a".into(), "a.kube.demo".into()],
        addresses: vec!["192.168.1.11".parse().unwrap(), "::1".parse().unwrap()],
        validity: year(),
    }
}

fn changed(change: fn(&mut Leaf)) -> Leaf {
    let mut leaf = leaf();
    change(&mut leaf);
    leaf
}

fn issue(leaf: &Leaf) -> Certificate {
    root(Curve::P256).issue(&key("leaf", Curve::P256), leaf).unwrap()
}

#[test]
fn a_leaf_says_what_was_asked_for() {
    insta::assert_snapshot!(issue(&leaf()).describe(), @r"
    subject: CN=system:node:a,O=system:nodes
    issuer: CN=root
    serial: 08a36fe0a57bf77e5e3ef3c5d11a5b70
    not before: 2026-01-01T00:00:00Z
    not after: 2027-01-01T00:00:00Z
    key: P-256
    signature: ecdsa-with-SHA256
    constraint: leaf
    key usage: digitalSignature
    extended key usage: serverAuth, clientAuth
    DNS names: a, a.kube.demo
    addresses: 192.168.1.11, ::1
    subject key id: 11dc63308d406bc25bbfe53bb95da1d601c5cefe
    authority key id: 36250f66bfb8bf9b89b76bea6067e62b56ad73d3
    critical: keyUsage, basicConstraints
    sha256: 83ddd04d5111e5c96539a628bcfdc74cc7dd797ef9cc9e28606348e6d74cdab5
    ");
}

#[test]
fn an_authority_says_so() {
    let authority = root(Curve::P384)
        .subordinate(key("ca", Curve::P384), &Subject::named("etcd-ca"), Some(0), year())
        .unwrap();
    insta::assert_snapshot!(authority.certificate().describe(), @r"
    subject: CN=etcd-ca
    issuer: CN=root
    serial: 2d3ab62b1f30a1915a68dc1e820ff3fd
    not before: 2026-01-01T00:00:00Z
    not after: 2027-01-01T00:00:00Z
    key: P-384
    signature: ecdsa-with-SHA384
    constraint: authority, path length 0
    key usage: digitalSignature, keyCertSign, cRLSign
    subject key id: 8ab50d030f8a18dc46a91e6ecd38af5b195a82c9
    authority key id: 62db6a27f5f992472e95b1612cc20a86cb976f4b
    critical: keyUsage, basicConstraints
    sha256: c3f7eb87c5de98a7161099d8a524ad7d54a7035d83a95d2797776ed76f099dd0
    ");
}

#[test]
fn a_root_names_no_issuer() {
    let root = root(Curve::P256);
    let certificate = root.certificate();
    assert_eq!(certificate.subject_text, certificate.issuer_text);
    assert_eq!(certificate.authority_key_id, None);
    assert_eq!(certificate.constraint, AuthorityConstraint::Authority { path_length: None });
}

#[test]
fn what_was_issued_is_what_is_read() {
    let (asked, certificate) = (leaf(), issue(&leaf()));
    assert_eq!(certificate.subject, asked.subject);
    assert_eq!(certificate.dns_names, asked.dns_names);
    assert_eq!(certificate.addresses, asked.addresses);
    assert_eq!(certificate.validity, asked.validity);
    assert_eq!(certificate.public_key, key("leaf", Curve::P256).public_der());
    assert_eq!(certificate.authority_key_id, root(Curve::P256).certificate().subject_key_id);
    assert_eq!(Certificate::from_pem(&certificate.pem()), Ok(vec![certificate]));
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    assert_eq!(issue(&leaf()), issue(&leaf()));
}

/// One change of each thing that a leaf can say; each is another certificate with another serial number.
#[test]
fn every_change_changes_the_serial_number() {
    let changes: [fn(&mut Leaf); 9] = [
        |_| {},
        |leaf| leaf.subject.common_name.push('b'),
        |leaf| leaf.subject.organizations.push("b".into()),
        |leaf| leaf.usage = Usage::Client,
        |leaf| leaf.dns_names.reverse(),
        |leaf| leaf.addresses.truncate(1),
        |leaf| leaf.validity.not_before = "2026-01-01T00:00:01Z".parse().unwrap(),
        |leaf| leaf.validity.not_after = "2027-01-01T00:00:01Z".parse().unwrap(),
        |leaf| leaf.dns_names.clear(),
    ];
    let mut serials: Vec<_> = changes.iter().map(|change| issue(&changed(*change)).serial).collect();
    let other_key = root(Curve::P256).issue(&key("other", Curve::P256), &leaf()).unwrap();
    let other_issuer = root(Curve::P384).issue(&key("leaf", Curve::P256), &leaf()).unwrap();
    serials.extend([other_key.serial, other_issuer.serial]);
    let count = serials.len();
    serials.sort();
    serials.dedup();
    assert_eq!(serials.len(), count);
}

/// Go refuses negative serial numbers, RFC 5280 those of more than 20 bytes.
#[test]
fn serial_numbers_are_positive_and_of_127_bits() {
    for machine in 0..64 {
        let certificate = issue(&Leaf { subject: Subject::named(&format!("node{machine}")), ..leaf() });
        assert!(certificate.serial.len() <= 16 && certificate.serial[0] > 0, "{:02x?}", certificate.serial);
        let length = u8::try_from(certificate.serial.len()).unwrap();
        let read = x509_cert::Certificate::from_der(certificate.der()).unwrap();
        let encoded = read.tbs_certificate().serial_number().to_der().unwrap();
        assert!(encoded[1] <= 16, "{encoded:02x?}");
        assert!(encoded[1] == length || (encoded[2] == 0 && encoded[1] == length + 1), "{encoded:02x?}");
    }
}

#[test]
fn times_are_utc_before_2050_and_generalized_from_then_on() {
    let der = |validity| issue(&Leaf { validity, ..leaf() }).der().to_vec();
    let holds = |der: &[u8], bytes: &[u8]| der.windows(bytes.len()).any(|window| window == bytes);
    let short = der(validity("2026-01-01T00:00:00Z", "2049-12-31T23:59:59Z"));
    assert!(holds(&short, b"\x17\x0d260101000000Z\x17\x0d491231235959Z"));
    let long = der(validity("2026-01-01T00:00:00Z", "2050-01-01T00:00:00Z"));
    assert!(holds(&long, b"\x17\x0d260101000000Z\x18\x0f20500101000000Z"));
}

#[test]
fn parts_of_a_second_do_not_count() {
    let exact = issue(&leaf());
    let validity = validity("2026-01-01T00:00:00.9Z", "2027-01-01T00:00:00.1Z");
    assert_eq!(issue(&Leaf { validity, ..leaf() }), exact);
}

#[test]
fn what_cannot_be_a_certificate_is_a_bug() {
    let mut refusals = Vec::new();
    for change in [
        (|leaf| leaf.subject.common_name.clear()) as fn(&mut Leaf),
        |leaf| leaf.dns_names.push("m\u{fc}nchen".into()),
        |leaf| leaf.validity = validity("2027-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        |leaf| leaf.validity.not_before = "1969-12-31T23:59:59Z".parse().unwrap(),
        |leaf| (leaf.dns_names, leaf.addresses) = (vec![], vec![]),
    ] {
        let refusal = root(Curve::P256).issue(&key("leaf", Curve::P256), &changed(change)).unwrap_err();
        refusals.push(refusal.0);
    }
    insta::assert_snapshot!(refusals.join("\n"), @r"
    a certificate's name has an empty part
    a DNS name is not ASCII: malformed ASN.1 DER value for IA5String
    a validity ends at 2026-01-01T00:00:00Z before it begins
    1969-12-31T23:59:59Z cannot be written in a certificate
    the server system:node:a has neither names nor addresses
    ");
}

#[test]
fn the_authority_that_signed_is_told_from_others() {
    for curve in [Curve::P256, Curve::P384] {
        let root = root(curve);
        let certificate = root.issue(&key("leaf", curve), &leaf()).unwrap();
        assert!(
            certificate.is_signed_by(root.certificate())
                && root.certificate().is_signed_by(root.certificate())
        );
        let validity = root.certificate().validity;
        let impostor = Authority::root(key("other", curve), &Subject::named("root"), None, validity).unwrap();
        assert!(!certificate.is_signed_by(impostor.certificate()), "another key under the same name");
        let renamed = Authority::root(key("root", curve), &Subject::named("other"), None, validity).unwrap();
        assert!(!certificate.is_signed_by(renamed.certificate()), "the same key under another name");
        let mut der = certificate.der().to_vec();
        let place = der.windows(4).position(|window| window == b"kube").unwrap();
        der[place] = b'K';
        assert!(!Certificate::from_der(&der).unwrap().is_signed_by(root.certificate()), "changed afterwards");
    }
}

#[test]
fn a_chain_ends_below_the_root() {
    let root = root(Curve::P256);
    let middle = root.subordinate(key("a", Curve::P256), &Subject::named("a"), Some(1), year()).unwrap();
    let low = middle.subordinate(key("b", Curve::P256), &Subject::named("b"), Some(0), year()).unwrap();
    let certificate = low.issue(&key("leaf", Curve::P256), &leaf()).unwrap();
    let chain = Certificate::from_pem(&low.chain_pem(&certificate)).unwrap();
    let names: Vec<_> = chain.iter().map(|certificate| certificate.subject.common_name.as_str()).collect();
    assert_eq!(names, ["system:node:a", "b", "a"]);
    let alone = root.issue(&key("leaf", Curve::P256), &leaf()).unwrap();
    assert_eq!(root.chain_pem(&alone), alone.pem());
}

#[test]
fn what_is_no_certificate_is_refused() {
    let certificate = issue(&leaf());
    let mut short = certificate.der().to_vec();
    short.pop();
    assert!(matches!(Certificate::from_der(&short), Err(NotACertificate::Der(_))));
    assert!(matches!(Certificate::from_der(b""), Err(NotACertificate::Der(_))));
    assert_eq!(Certificate::from_pem("hello"), Err(NotACertificate::Absent));
    let key = key("leaf", Curve::P256).private_pem().unwrap();
    assert_eq!(Certificate::from_pem(key.expose()), Err(NotACertificate::Absent));
    let both = format!("{}{}", key.expose(), certificate.pem());
    assert_eq!(Certificate::from_pem(&both), Ok(vec![certificate]));
}
