//! X.509: every certificate of the plan is where its holder finds it, with its key, and no other is.

use std::collections::BTreeMap;
use std::net::IpAddr;

use base64ct::{Base64, Encoding};
use rayon::prelude::*;

use crate::artifact::{Artifact, Artifacts};
use crate::bug::Bug;
use crate::pki::{AuthorityConstraint, Certificate, KeyPair, Subject, Validity};
use crate::site::{AuthorityKind, CertificatePlan, CertificateUsage, Holder, PlannedCertificate, Site};

/// What a leaf says, and who says it.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Said {
    authority: AuthorityKind,
    common_name: String,
    organizations: Vec<String>,
    usages: Vec<String>,
    dns_names: Vec<String>,
    addresses: Vec<IpAddr>,
}

/// A certificate with what is sent along, and the key beside it.
struct Found<'a> {
    path: &'a str,
    chain: Vec<Certificate>,
    key: Option<KeyPair>,
}

/// Compares all certificates with their plan.
pub(super) fn verify(site: &Site, artifacts: &Artifacts) -> Result<(), Bug> {
    let Some(cluster) = &site.kubernetes else { return Ok(()) };
    let plan = &cluster.certificates;
    let published = site.published_api().is_some();
    let verifier = Verifier { plan, authorities: authorities(plan, artifacts)?, published };
    let machines = site.machines.iter().map(|machine| Holder::Machine(machine.name.clone()));
    let holders: Vec<Holder> = machines.chain([Holder::Operator]).collect();
    holders.par_iter().try_for_each(|holder| verifier.holder(holder, &found(holder, artifacts)?))
}

/// The certificates of the authorities, which the operator has, as they are planned.
fn authorities(
    plan: &CertificatePlan,
    artifacts: &Artifacts,
) -> Result<BTreeMap<AuthorityKind, Certificate>, Bug> {
    let mut authorities = BTreeMap::new();
    for kind in plan.authorities() {
        let path = format!("pki/{}.crt", kind.as_str());
        let file = artifacts.files.iter().find(|file| file.path == path);
        let file = file.ok_or_else(|| Bug(format!("{path} was not made")))?;
        let [certificate] = certificates(file)?.try_into().map_err(|_| differs(&path))?;
        let issuer = authorities.get(&AuthorityKind::Root).unwrap_or(&certificate);
        let depth = Some(u8::from(kind == AuthorityKind::Root));
        let agrees = certificate.subject == Subject::named(kind.common_name())
            && certificate.constraint == AuthorityConstraint::Authority { path_length: depth }
            && certificate.validity == validity(plan, plan.authorities_until)
            && certificate.is_signed_by(issuer);
        if !agrees {
            return Err(differs(&path));
        }
        authorities.insert(kind, certificate);
    }
    Ok(authorities)
}

struct Verifier<'a> {
    plan: &'a CertificatePlan,
    authorities: BTreeMap<AuthorityKind, Certificate>,
    /// Whether the operator has a second kubeconfig, for the host.
    published: bool,
}

impl Verifier<'_> {
    /// All that one holder has: each leaf is planned, each that is planned is there, and no key is another's.
    fn holder(&self, holder: &Holder, found: &[Found<'_>]) -> Result<(), Bug> {
        let mut said = Vec::new();
        for found in found {
            let Some((first, sent_along)) = found.chain.split_first() else {
                return Err(differs(found.path));
            };
            let own_key = found.key.as_ref().is_none_or(|key| key.public_der() == first.public_key);
            let known = match first.constraint {
                AuthorityConstraint::Leaf => {
                    self.leaf(first, sent_along).map(|leaf| said.push(leaf)).is_some()
                }
                AuthorityConstraint::Authority { .. } => {
                    sent_along.is_empty() && self.authorities.values().any(|authority| authority == first)
                }
            };
            if !own_key || !known {
                return Err(differs(found.path));
            }
        }
        let planned = self.plan.certificates.iter().filter(|planned| planned.holder == *holder);
        let copies = if self.published && *holder == Holder::Operator { 2 } else { 1 };
        let mut planned: Vec<Said> =
            planned.flat_map(|one| std::iter::repeat_with(|| expected(one)).take(copies)).collect();
        planned.sort();
        said.sort();
        if planned == said {
            Ok(())
        } else {
            Err(Bug(format!("the certificates of {holder:?} are not as planned")))
        }
    }

    /// What a leaf says, if it is good for as long as planned and from an authority of the plan. Whose signature it has
    /// is not computed: that would take as long as making it, and the key identifier tells keys apart.
    fn leaf(&self, leaf: &Certificate, sent_along: &[Certificate]) -> Option<Said> {
        let (kind, authority) = self.authorities.iter().find(|(_, authority)| leaf.names(authority))?;
        // A root is never sent along: who is to trust it has it.
        let intermediates = if self.plan.root { std::slice::from_ref(authority) } else { &[] };
        let agrees =
            sent_along == intermediates && leaf.validity == validity(self.plan, self.plan.certificates_until);
        agrees.then(|| Said {
            authority: *kind,
            common_name: leaf.subject.common_name.clone(),
            organizations: leaf.subject.organizations.clone(),
            usages: leaf.extended_key_usages.clone(),
            dns_names: leaf.dns_names.clone(),
            addresses: leaf.addresses.clone(),
        })
    }
}

fn validity(plan: &CertificatePlan, until: jiff::Timestamp) -> Validity {
    Validity { not_before: plan.not_before, not_after: until }
}

fn expected(planned: &PlannedCertificate) -> Said {
    let usages: &[&str] = match planned.kind.usage() {
        CertificateUsage::Server => &["serverAuth"],
        CertificateUsage::Client => &["clientAuth"],
        CertificateUsage::ServerAndClient => &["serverAuth", "clientAuth"],
    };
    Said {
        authority: planned.kind.authority(),
        common_name: planned.common_name.clone(),
        organizations: planned.kind.organization().map(str::to_owned).into_iter().collect(),
        usages: usages.iter().map(|usage| (*usage).to_owned()).collect(),
        dns_names: planned.dns_names.clone(),
        addresses: planned.addresses.clone(),
    }
}

/// The files `NAME.crt`, with `NAME.key` if there is one, and the kubeconfigs of a holder.
fn found<'a>(holder: &Holder, artifacts: &'a Artifacts) -> Result<Vec<Found<'a>>, Bug> {
    let folder = match holder {
        Holder::Machine(name) => format!("machines/{name}/files/"),
        Holder::Operator => "kubeconfig/".to_owned(),
    };
    let files: BTreeMap<&str, &Artifact> = artifacts
        .files
        .iter()
        .filter(|file| file.path.starts_with(&folder))
        .map(|file| (file.path.as_str(), file))
        .collect();
    let mut all = Vec::new();
    for (path, file) in &files {
        match path.rsplit_once('.') {
            Some((stem, "crt")) => {
                let key = files.get(format!("{stem}.key").as_str());
                let key = key.map(|key| KeyPair::from_private_pem(text(key)?)).transpose()?;
                all.push(Found { path, chain: certificates(file)?, key });
            }
            Some((stem, "conf")) if is_kubeconfig(stem) => {
                let (chain, key) = identity(file).ok_or_else(|| differs(path))?;
                let key = Some(KeyPair::from_private_pem(&key)?);
                all.push(Found { path, chain: read(path, &chain)?, key });
            }
            _ => {}
        }
    }
    Ok(all)
}

/// Whether a `.conf` file is a kubeconfig with a certificate: those of a machine are where kubeadm looks for them, or
/// where bpc has one for its user.
fn is_kubeconfig(stem: &str) -> bool {
    let folder = stem.rsplit_once('/').map_or("", |(folder, _)| folder);
    folder.ends_with("/etc/kubernetes") || folder.ends_with("/etc/bpc/kubernetes") || folder == "kubeconfig"
}

/// The certificate and the key of a kubeconfig's one user.
fn identity(kubeconfig: &Artifact) -> Option<(String, String)> {
    let document: serde_yaml::Value = serde_yaml::from_slice(kubeconfig.content.bytes()).ok()?;
    let user = document.get("users")?.get(0)?.get("user")?;
    let data = |key: &str| String::from_utf8(Base64::decode_vec(user.get(key)?.as_str()?).ok()?).ok();
    Some((data("client-certificate-data")?, data("client-key-data")?))
}

fn certificates(file: &Artifact) -> Result<Vec<Certificate>, Bug> {
    read(&file.path, text(file)?)
}

fn read(path: &str, text: &str) -> Result<Vec<Certificate>, Bug> {
    Certificate::from_pem(text).map_err(|error| Bug(format!("{path} cannot be read back: {error}")))
}

fn text(file: &Artifact) -> Result<&str, Bug> {
    std::str::from_utf8(file.content.bytes()).map_err(|_| Bug(format!("{} is no text", file.path)))
}

fn differs(path: &str) -> Bug {
    Bug(format!("{path} is not as planned"))
}
