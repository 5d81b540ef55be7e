//! Distinguished names.

use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::der::asn1::{Any, ObjectIdentifier, PrintableStringRef};
use x509_cert::der::oid::db::rfc4519::{COMMON_NAME, ORGANIZATION_NAME};
use x509_cert::der::{Decode, Encode, Tag};
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};

use super::bug;
use crate::bug::Bug;

/// Who a certificate is about. To Kubernetes the common name is a user and the organizations are its groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// Organizations, in the order in which they are written.
    pub organizations: Vec<String>,
    /// The common name.
    ///
    /// RFC 5280 (appendix A, `ub-common-name`) ends it at 64 characters, Kubernetes does not: a kubelet's is
    /// `system:node:` and a machine's name of up to 63. Go and OpenSSL read longer ones.
    pub common_name: String,
}

impl Subject {
    /// One with nothing but a common name.
    #[must_use]
    pub fn named(common_name: &str) -> Self {
        Self { common_name: common_name.to_owned(), organizations: Vec::new() }
    }

    /// The X.501 name, the most general part first, one attribute in each relative name: as OpenSSL writes it.
    pub(super) fn to_name(&self) -> Result<Name, Bug> {
        let organizations = self.organizations.iter().map(|name| (ORGANIZATION_NAME, name));
        let parts = organizations.chain([(COMMON_NAME, &self.common_name)]);
        let parts = parts.map(|(oid, text)| relative_name(oid, text)).collect::<Result<Vec<_>, _>>()?;
        let der = RdnSequence::from(parts).to_der();
        der.and_then(|der| Name::from_der(&der))
            .map_err(|error| bug("a certificate's name has no DER", error))
    }

    /// What a certificate's name says of these two attributes.
    pub(super) fn from_name(name: &Name) -> Self {
        let texts = |oid| name.iter().filter(move |attribute| attribute.oid == oid).map(text);
        Self {
            organizations: texts(ORGANIZATION_NAME).collect(),
            common_name: texts(COMMON_NAME).next().unwrap_or_default(),
        }
    }
}

/// A `DirectoryString` (RFC 5280 section 4.1.2.4): a `PrintableString` if that can hold it, else a `UTF8String`, as
/// Go does.
fn relative_name(oid: ObjectIdentifier, text: &str) -> Result<RelativeDistinguishedName, Bug> {
    if text.is_empty() {
        return Err(Bug("a certificate's name has an empty part".into()));
    }
    let tag = PrintableStringRef::new(text).map_or(Tag::Utf8String, |_| Tag::PrintableString);
    Any::new(tag, text.as_bytes())
        .and_then(|value| RelativeDistinguishedName::try_from(vec![AttributeTypeAndValue { oid, value }]))
        .map_err(|error| bug("a certificate's name has no DER", error))
}

/// The text of an attribute; the kinds of strings that certificates of this century hold are all UTF-8.
fn text(attribute: &AttributeTypeAndValue) -> String {
    String::from_utf8_lossy(attribute.value.value()).into_owned()
}

#[cfg(test)]
mod tests {
    use x509_cert::der::Tagged;

    use super::*;

    #[test]
    fn a_name_is_written_as_go_writes_it() {
        let subject =
            Subject { organizations: vec!["system:nodes".into()], common_name: "system:node:a".into() };
        let name = subject.to_name().unwrap();
        assert_eq!(name.to_string(), "CN=system:node:a,O=system:nodes");
        let mut expected = b"\x30\x2f\x31\x15\x30\x13\x06\x03\x55\x04\x0a\x13\x0csystem:nodes".to_vec();
        expected.extend(b"\x31\x16\x30\x14\x06\x03\x55\x04\x03\x13\x0dsystem:node:a");
        assert_eq!(name.to_der().unwrap(), expected);
    }

    #[test]
    fn the_string_type_is_the_narrowest_that_fits() {
        let tag = |text: &str| {
            let name = Subject::named(text).to_name().unwrap();
            name.iter().next().unwrap().value.tag()
        };
        assert_eq!(tag("kubernetes-ca"), Tag::PrintableString);
        for text in ["M\u{fc}nchen", "ops@kube.demo", "a_b", "a*b"] {
            assert_eq!(tag(text), Tag::Utf8String, "{text}");
        }
    }

    #[test]
    fn a_name_comes_back() {
        let subject =
            Subject { organizations: vec!["b, c".into(), "a+\u{e9}".into()], common_name: "x=y".into() };
        assert_eq!(Subject::from_name(&subject.to_name().unwrap()), subject);
    }

    #[test]
    fn an_empty_part_is_a_bug() {
        assert!(Subject::named("").to_name().is_err());
    }
}
