//! The certificates: who holds them, what they say, and until when.

use jiff::{SignedDuration, Timestamp};
use serde::{Serialize, Serializer};

use super::place::{Place, files};
use super::table::{table, wrapped};
use crate::bug::Bug;
use crate::credentials::Credentials;
use crate::pki::Certificate;
use crate::setup::{File, Setups};
use crate::site::{Holder, SSH_HOST_AUTHORITY, SSH_USER_AUTHORITY, Site};

/// How wide a list of names in a table is.
const NAMES: usize = 72;

/// Every certificate of a site.
#[derive(Clone, Debug, Serialize)]
pub struct Certificates {
    name: String,
    domain: String,
    #[serde(rename = "certificates")]
    all: Vec<ListedCertificate>,
}

/// A certificate of any kind: what is listed knows no more of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListedCertificate {
    /// Who has its key; that of an authority is the operator's, for it comes from the vault, even if machines have it too.
    #[serde(flatten)]
    holder: Place,
    /// The last word of its purpose: `apiserver`.
    certificate: String,
    /// What its key is derived for: `kube-mast01/apiserver`.
    pub purpose: String,
    /// The format: `x509` or `ssh`.
    format: &'static str,
    /// Where its holder has it.
    file: Option<String>,
    /// Of an SSH certificate the name by which sshd logs it.
    common_name: String,
    organizations: Vec<String>,
    /// Names and addresses that it is good for, if a server shows it; of an SSH certificate its principals.
    names: Vec<String>,
    issuer: String,
    /// The first second in which it is good.
    #[serde(serialize_with = "rfc3339")]
    pub not_before: Timestamp,
    /// The last second in which it is good.
    #[serde(serialize_with = "rfc3339")]
    pub not_after: Timestamp,
    /// As `openssl x509 -fingerprint -sha256` prints it, and of an SSH certificate that of its key, as `ssh-keygen -l`
    /// does; none if there is no vault yet.
    fingerprint: Option<String>,
    /// What decides how long it is good.
    pub term: Term,
}

/// What decides how long a certificate is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Term {
    /// `pki.authority_days`
    Authority,
    /// `pki.certificate_days`
    Certificate,
    /// `pki.operator_from` and `pki.operator_days`
    Operator,
}

impl Certificates {
    /// The certificates of `site`, and where `setups` have them.
    ///
    /// # Errors
    /// [`Bug`] if one that is planned was not made.
    pub fn new(site: &Site, credentials: &Credentials, setups: &Setups) -> Result<Self, Bug> {
        let all = [x509(site, credentials, setups)?, ssh(site, credentials, setups)?].concat();
        Ok(Self { name: site.name.clone(), domain: site.domain.clone(), all })
    }

    /// The same before there is a vault: what does not depend on it.
    #[must_use]
    pub fn without_fingerprints(mut self) -> Self {
        for listed in &mut self.all {
            listed.fingerprint = None;
        }
        self
    }

    /// All of them, authorities first.
    #[must_use]
    pub fn all(&self) -> &[ListedCertificate] {
        &self.all
    }

    /// When the first of them ends; `None` if there are none.
    #[must_use]
    pub fn good_until(&self) -> Option<Timestamp> {
        self.all.iter().map(|listed| listed.not_after).min()
    }

    /// As tables, one a question, for all that a certificate says fits on no line.
    #[must_use]
    pub fn to_table(&self) -> String {
        let all = &self.all;
        let mut out = format!("{} ({}), certificates: {}\n", self.name, self.domain, all.len());
        let subjects: Vec<_> = all.iter().map(ListedCertificate::subject_row).collect();
        out += &table(&["HOLDER", "CERTIFICATE", "COMMON NAME", "ORGANIZATION", "ISSUER"], &subjects);
        let files: Vec<_> = all.iter().map(ListedCertificate::file_row).collect();
        out += &table(&["HOLDER", "FILE", "GOOD FROM", "GOOD UNTIL"], &files);
        let names: Vec<_> = all.iter().flat_map(ListedCertificate::name_rows).collect();
        out += &table(&["HOLDER", "CERTIFICATE", "GOOD FOR"], &names);
        let fingerprints: Vec<_> = all.iter().filter_map(ListedCertificate::fingerprint_row).collect();
        out + &table(&["HOLDER", "CERTIFICATE", "SHA-256 FINGERPRINT"], &fingerprints)
    }
}

impl ListedCertificate {
    fn head(&self) -> Vec<String> {
        vec![self.holder.cell(), self.certificate.clone()]
    }

    fn subject_row(&self) -> Vec<String> {
        let tail = [self.common_name.clone(), self.organizations.join(", "), self.issuer.clone()];
        [self.head(), tail.into()].concat()
    }

    fn file_row(&self) -> Vec<String> {
        let file = self.file.clone().unwrap_or_default();
        vec![self.holder.cell(), file, self.not_before.to_string(), self.not_after.to_string()]
    }

    /// As many rows as the names need; none without names.
    fn name_rows(&self) -> Vec<Vec<String>> {
        let heads = std::iter::once(self.head()).chain(std::iter::repeat(vec![String::new(); 2]));
        let lines = wrapped(&self.names, NAMES).into_iter();
        lines.zip(heads).map(|(line, head)| [head, vec![line]].concat()).collect()
    }

    fn fingerprint_row(&self) -> Option<Vec<String>> {
        Some([self.head(), vec![self.fingerprint.clone()?]].concat())
    }
}

/// The X.509 certificates: the authorities, then all others in the order of the machines.
fn x509(site: &Site, credentials: &Credentials, setups: &Setups) -> Result<Vec<ListedCertificate>, Bug> {
    let mut all = Vec::new();
    for (kind, authority) in credentials.authorities() {
        let (certificate, purpose) = (authority.certificate(), kind.as_str());
        let file = public_file(&files(site, setups, &Holder::Operator), &certificate.pem());
        all.push(ListedCertificate { file, ..listed(Place::Operator, purpose, purpose, certificate) });
    }
    for planned in site.kubernetes.iter().flat_map(|cluster| &cluster.certificates.certificates) {
        let certificate = &credentials.certificate(&planned.holder, planned.kind)?.certificate;
        let (place, purpose) = (Place::from(&planned.holder), planned.purpose());
        let files = files(site, setups, &planned.holder);
        let file = public_file(&files, &certificate.pem()).or_else(|| secret_file(&files, &purpose));
        let term = Term::Certificate;
        all.push(ListedCertificate {
            file,
            term,
            ..listed(place, planned.kind.as_str(), &purpose, certificate)
        });
    }
    Ok(all)
}

/// The SSH certificates, in the order of the machines; their authorities have none.
fn ssh(site: &Site, credentials: &Credentials, setups: &Setups) -> Result<Vec<ListedCertificate>, Bug> {
    let mut all = Vec::new();
    for planned in &site.ssh.certificates {
        let certificate = &credentials.ssh().of(&planned.holder)?.certificate;
        let line = certificate.line()?;
        let grant = certificate.grant().ok_or_else(|| Bug(format!("{} cannot be read back", planned.id)))?;
        let (name, issuer, term) = match planned.holder {
            Holder::Machine(_) => ("ssh-host", SSH_HOST_AUTHORITY, Term::Certificate),
            Holder::Operator => ("ssh-operator", SSH_USER_AUTHORITY, Term::Operator),
        };
        all.push(ListedCertificate {
            holder: Place::from(&planned.holder),
            certificate: name.to_owned(),
            purpose: planned.holder.ssh_purpose(),
            format: "ssh",
            file: public_file(&files(site, setups, &planned.holder), &line),
            common_name: grant.id,
            organizations: Vec::new(),
            names: grant.principals,
            issuer: issuer.to_owned(),
            not_before: grant.validity.not_before,
            // The end that it says is the first second in which it is not good.
            not_after: grant.validity.not_after - SignedDuration::from_secs(1),
            fingerprint: Some(certificate.key_fingerprint()),
            term,
        });
    }
    Ok(all)
}

/// What a certificate itself says; its file is not known here, and its term is an authority's.
fn listed(holder: Place, name: &str, purpose: &str, certificate: &Certificate) -> ListedCertificate {
    let addresses = certificate.addresses.iter().map(ToString::to_string);
    let issuer = certificate.issuer_text.as_str();
    ListedCertificate {
        holder,
        certificate: name.to_owned(),
        purpose: purpose.to_owned(),
        format: "x509",
        file: None,
        common_name: certificate.subject.common_name.clone(),
        organizations: certificate.subject.organizations.clone(),
        names: certificate.dns_names.iter().cloned().chain(addresses).collect(),
        issuer: issuer.strip_prefix("CN=").unwrap_or(issuer).to_owned(),
        not_before: certificate.validity.not_before,
        not_after: certificate.validity.not_after,
        fingerprint: Some(certificate.openssl_fingerprint()),
        term: Term::Authority,
    }
}

/// The file that starts with a certificate; what follows there are the authorities that signed it.
fn public_file(files: &[&File], certificate: &str) -> Option<String> {
    let found = files.iter().find(|file| file.content.bytes().starts_with(certificate.as_bytes()));
    found.map(|file| file.path.clone())
}

/// The file that has both a certificate and its key: a kubeconfig.
fn secret_file(files: &[&File], purpose: &str) -> Option<String> {
    let holds = |file: &&&File| file.secrets.iter().any(|secret| secret.purpose == purpose);
    files.iter().find(holds).map(|file| file.path.clone())
}

fn rfc3339<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}
