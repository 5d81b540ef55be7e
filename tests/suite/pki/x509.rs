//! Certificates and keys as OpenSSL and GnuTLS read them.

use bpc::pki::{Curve, Leaf, Subject, Usage};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;

/// OpenSSL with a root (`root.crt`), another (`other.crt`), and an authority below the root (`chain.crt`).
fn openssl(on: On, curve: Curve) -> Option<(Reader, Authority, Authority)> {
    let root = root("root", curve);
    let other = self::root("other", curve);
    let subject = Subject { organizations: vec!["kube demo".into()], common_name: "etcd-ca".into() };
    let below = root.subordinate(key("etcd-ca", curve), &subject, Some(0), decade()).unwrap();
    let reader = Reader::new(on, "openssl", &[])?;
    reader.add("root.crt", root.certificate().pem());
    reader.add("other.crt", other.certificate().pem());
    reader.add("chain.crt", below.certificate().pem());
    Some((reader, root, below))
}

/// `openssl verify` at its strictest, trusting nothing but `authority`.
fn verify(reader: &Reader, authority: &str, purpose: &str, rest: &[&str]) -> (bool, String) {
    let strict = ["verify", "-x509_strict", "-check_ss_sig", "-no-CApath", "-no-CAstore", "-attime", NOW];
    reader.try_run(&[&strict[..], &["-CAfile", authority, "-purpose", purpose], rest].concat())
}

fn assert_accepted(reader: &Reader, authority: &str, purpose: &str, rest: &[&str]) {
    let (accepted, said) = verify(reader, authority, purpose, rest);
    assert!(accepted, "{authority} {purpose} {rest:?}: {said}");
}

fn assert_refused(reader: &Reader, authority: &str, purpose: &str, rest: &[&str], because: &str) {
    let (accepted, said) = verify(reader, authority, purpose, rest);
    assert!(!accepted && said.contains(because), "{authority} {purpose} {rest:?}: {said}");
}

#[test]
fn openssl_accepts_each_leaf_for_its_purpose_alone() {
    for on in EVERYWHERE {
        for curve in [Curve::P256, Curve::P384] {
            let Some((reader, root, below)) = openssl(on, curve) else { continue };
            for (authority, rest) in
                [(&root, &["@leaf.crt"][..]), (&below, &["-untrusted", "@chain.crt", "@leaf.crt"])]
            {
                for (usage, server, client) in [
                    (Usage::Server, true, false),
                    (Usage::Client, false, true),
                    (Usage::ServerAndClient, true, true),
                ] {
                    add_leaf(&reader, "leaf", authority, curve, &member(usage));
                    for (purpose, fits) in [("sslserver", server), ("sslclient", client)] {
                        if fits {
                            assert_accepted(&reader, "@root.crt", purpose, rest);
                        } else {
                            let because = "certificate purpose"; // unsupported (3.0), unsuitable (3.2)
                            assert_refused(&reader, "@root.crt", purpose, rest, because);
                        }
                        assert_refused(&reader, "@other.crt", purpose, rest, "unable to get");
                    }
                }
            }
        }
    }
}

#[test]
fn openssl_finds_the_names_and_addresses_and_no_others() {
    for on in EVERYWHERE {
        let Some((reader, root, _)) = openssl(on, Curve::P256) else { continue };
        add_leaf(&reader, "leaf", &root, Curve::P256, &member(Usage::Server));
        let asked = |option: &str, name: &str| {
            verify(&reader, "@root.crt", "sslserver", &[option, name, "@leaf.crt"]).0
        };
        for name in ["kube-mast01", "kube-mast01.kube.demo", "localhost"] {
            assert!(asked("-verify_hostname", name), "{name}");
        }
        for name in ["kube-mast02", "kube.demo", "a.kube-mast01", "192.168.1.11"] {
            assert!(!asked("-verify_hostname", name), "{name}");
        }
        for address in ["192.168.1.11", "127.0.0.1", "::1"] {
            assert!(asked("-verify_ip", address), "{address}");
        }
        for address in ["192.168.1.12", "::2"] {
            assert!(!asked("-verify_ip", address), "{address}");
        }
    }
}

#[test]
fn a_certificate_is_good_from_its_first_to_its_last_second() {
    let Some((reader, root, _)) = openssl(On::Host, Curve::P256) else { return };
    add_leaf(&reader, "leaf", &root, Curve::P256, &member(Usage::Server));
    // date -u -d 2026-01-01 +%s; date -u -d 2027-01-01 +%s
    for (time, good) in
        [("1767225599", false), ("1767225600", true), ("1798761599", true), ("1798761601", false)]
    {
        let (accepted, said) =
            reader.try_run(&["verify", "-attime", time, "-CAfile", "@root.crt", "@leaf.crt"]);
        assert_eq!(accepted, good, "{time}: {said}");
    }
}

/// A root that lasts beyond 2049 and so is written in the other form of time.
#[test]
fn openssl_reads_both_forms_of_time() {
    for on in EVERYWHERE {
        let Some(reader) = Reader::new(on, "openssl", &[]) else { continue };
        let validity = validity("2026-01-01T00:00:00Z", "2050-01-01T00:00:00Z");
        let long =
            Authority::root(key("long", Curve::P256), &Subject::named("long"), None, validity).unwrap();
        reader.add("root.crt", long.certificate().pem());
        add_leaf(&reader, "leaf", &long, Curve::P256, &member(Usage::Server));
        assert_accepted(&reader, "@root.crt", "sslserver", &["@leaf.crt"]);
        let dates = reader.run(&["x509", "-in", "@root.crt", "-noout", "-dates"]);
        assert_eq!(dates, "notBefore=Jan  1 00:00:00 2026 GMT\nnotAfter=Jan  1 00:00:00 2050 GMT\n");
    }
}

/// With no room for another authority below it, one that stands there nonetheless is refused.
#[test]
fn a_path_length_is_obeyed() {
    let Some((reader, _, below)) = openssl(On::Host, Curve::P256) else { return };
    let lower =
        below.subordinate(key("lower", Curve::P256), &Subject::named("lower"), None, decade()).unwrap();
    add_leaf(&reader, "leaf", &lower, Curve::P256, &member(Usage::Server));
    let rest = ["-untrusted", "@leaf.crt", "@leaf.crt"];
    assert_refused(&reader, "@root.crt", "sslserver", &rest, "path length constraint exceeded");
}

#[test]
fn openssl_shows_what_we_describe() {
    for on in EVERYWHERE {
        let Some((reader, _, below)) = openssl(on, Curve::P256) else { continue };
        let certificate = add_leaf(&reader, "leaf", &below, Curve::P256, &member(Usage::ServerAndClient));
        let shown = reader.run(&["x509", "-in", "@leaf.crt", "-noout", "-text", "-fingerprint", "-sha256"]);
        let colons =
            |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":");
        for expected in [
            "Version: 3 (0x2)".to_owned(),
            colons(&certificate.serial).to_lowercase(),
            "Issuer: O = kube demo, CN = etcd-ca".to_owned(),
            "Not Before: Jan  1 00:00:00 2026 GMT".to_owned(),
            "Not After : Jan  1 00:00:00 2027 GMT".to_owned(),
            "Subject: CN = kube-mast01".to_owned(),
            "ASN1 OID: prime256v1".to_owned(),
            "X509v3 Key Usage: critical\n Digital Signature\n".to_owned(),
            "X509v3 Extended Key Usage: \n TLS Web Server Authentication, TLS Web Client Authentication\n"
                .to_owned(),
            "X509v3 Basic Constraints: critical\n CA:FALSE\n".to_owned(),
            format!(
                "X509v3 Subject Key Identifier: \n {}\n",
                colons(certificate.subject_key_id.as_ref().unwrap())
            ),
            format!(
                "X509v3 Authority Key Identifier: \n {}\n",
                colons(certificate.authority_key_id.as_ref().unwrap())
            ),
            "X509v3 Subject Alternative Name: \n DNS:kube-mast01, DNS:kube-mast01.kube.demo, DNS:localhost, \
             IP Address:192.168.1.11, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1\n"
                .to_owned(),
            "Signature Algorithm: ecdsa-with-SHA256".to_owned(),
        ] {
            assert!(normal(&shown).contains(&normal(&expected)), "{expected}\n{shown}");
        }
        let fingerprint = shown.lines().find_map(|line| line.split_once("Fingerprint=")).unwrap().1;
        assert_eq!(fingerprint.replace(':', "").to_lowercase(), certificate.fingerprint());
    }
}

/// The same text for OpenSSL 3.0 (`CN = a`) and 3.5 (`CN=a`), however far it is indented.
fn normal(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    words.join(" ").replace(" = ", "=")
}

#[test]
fn openssl_reads_the_private_keys_and_finds_the_public_ones() {
    for on in EVERYWHERE {
        for curve in [Curve::P256, Curve::P384] {
            let Some(reader) = Reader::new(on, "openssl", &[]) else { continue };
            let key = key("service-account", curve);
            reader.add("sa.key", key.private_pem().unwrap().expose());
            assert!(reader.run(&["ec", "-in", "@sa.key", "-noout", "-check"]).contains("EC Key valid"));
            assert_eq!(reader.run(&["pkey", "-in", "@sa.key", "-pubout"]), key.public_pem());
            // Written again by OpenSSL, it is the same file.
            assert!(reader.run(&["ec", "-in", "@sa.key"]).contains(key.private_pem().unwrap().expose()));
        }
    }
}

/// kubeadm's `--discovery-token-ca-cert-hash`, computed as its documentation does.
#[test]
fn the_pin_of_an_authority_is_that_of_its_public_key() {
    let Some((reader, root, _)) = openssl(On::Host, Curve::P256) else { return };
    let public = reader.run(&["x509", "-in", "@root.crt", "-noout", "-pubkey"]);
    reader.add("public", public);
    let der =
        reader.command(&["pkey", "-pubin", "-in", "@public", "-outform", "der"]).output().unwrap().stdout;
    reader.add("public.der", der);
    let digest = reader.run(&["dgst", "-sha256", "-r", "@public.der"]);
    assert_eq!(root.certificate().public_key_pin(), format!("sha256:{}", digest.split_once(' ').unwrap().0));
}

/// On Debian 13 alone: before, certtool could not be told the time.
#[test]
fn gnutls_agrees() {
    let Some((openssl, root, below)) = openssl(On::Trixie, Curve::P256) else { return };
    let Some(certtool) = tool(On::Trixie, "certtool") else { return };
    let reader = Reader { tool: certtool, files: openssl.files };
    for authority in [&root, &below] {
        add_leaf(&reader, "leaf", authority, Curve::P256, &member(Usage::Server));
        for (trusted, option, value, good) in [
            ("@root.crt", "--verify-purpose", "1.3.6.1.5.5.7.3.1", true), // serverAuth
            ("@root.crt", "--verify-purpose", "1.3.6.1.5.5.7.3.2", false), // clientAuth
            ("@root.crt", "--verify-hostname", "kube-mast01", true),
            ("@root.crt", "--verify-hostname", "kube-mast02", false),
            ("@other.crt", "--verify-hostname", "kube-mast01", false),
        ] {
            let files = ["--infile", "@leaf.crt", "--load-ca-certificate", trusted];
            let how = ["--attime", "2026-06-01", "--verify", option, value];
            let (accepted, said) = reader.try_run(&[&files[..], &how].concat());
            assert_eq!(accepted, good, "{trusted} {option} {value}: {said}");
        }
    }
}

fn dns_name() -> impl Strategy<Value = String> {
    "[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?){0,3}"
}

/// Text without control characters and with something to see: what a name may say.
fn name_part() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9:._@ ,+=/\"<>#;é日-]{0,80}[a-z]"
}

fn random_leaf() -> impl Strategy<Value = Leaf> {
    let names = prop::collection::vec(dns_name(), 1..8);
    let addresses = prop::collection::vec(any::<std::net::IpAddr>(), 0..8);
    let organizations = prop::collection::vec(name_part(), 0..4);
    (name_part(), organizations, names, addresses).prop_map(
        |(common_name, organizations, dns_names, addresses)| Leaf {
            subject: Subject { organizations, common_name },
            dns_names,
            addresses,
            ..member(Usage::ServerAndClient)
        },
    )
}

#[test]
fn whatever_a_leaf_says_openssl_reads() {
    let Some((reader, root, _)) = openssl(On::Host, Curve::P256) else { return };
    let mut runner = TestRunner::new(Config { cases: 40, failure_persistence: None, ..Config::default() });
    let judged = runner.run(&random_leaf(), |leaf| {
        let certificate = add_leaf(&reader, "leaf", &root, Curve::P256, &leaf);
        prop_assert_eq!(&certificate.subject, &leaf.subject);
        let mut rest = vec!["@leaf.crt"];
        let address = leaf.addresses.last().map(ToString::to_string);
        if let Some(address) = &address {
            rest.splice(0..0, ["-verify_ip", address]);
        }
        rest.splice(0..0, ["-verify_hostname", leaf.dns_names.last().unwrap()]);
        let (accepted, said) = verify(&reader, "@root.crt", "sslserver", &rest);
        prop_assert!(accepted, "{}", said);
        let shown = reader.run(&[
            "x509",
            "-in",
            "@leaf.crt",
            "-noout",
            "-subject",
            "-nameopt",
            "RFC2253,-esc_msb,utf8",
        ]);
        prop_assert_eq!(shown.trim_end(), format!("subject={}", certificate.subject_text));
        Ok(())
    });
    judged.unwrap_or_else(|failure| panic!("{failure}"));
}
