//! Certificates and kubeconfigs of control planes, judged as `kubeadm join` judges what it finds.
//!
//! `kubeadm init` takes a certificate that is there for the one that it would have made, and `kubeadm init phase certs` too;
//! `kubeadm join` verifies each name that it would have given (kubeadm's `phases/certs/certs.go`:
//! `writeCertificateFilesIfNotExist` calls `validateCertificateWithConfig`). So every name is required here, and what is
//! required follows from the documents that kubeadm reads on the machine, not from the plan.

mod tables;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use bpc::Compiled;
use bpc::pki::{AuthorityConstraint, Certificate, Subject};
use bpc::site::{EtcdTopology, Machine, Role};
use serde_yaml::Value;

use super::{BLUEPRINTS, documents, file, with_all};
use crate::built::{changed_in, files};
use crate::pki::placed::{decoded, kubeconfig};
use tables::{AUTHORITIES, CERTIFICATES, KUBECONFIGS, Names, Wanted};

/// Blueprints with etcd as kubeadm runs it, beside control planes, and elsewhere.
const EACH_ETCD: [&str; 3] = ["kube-demo", "kube-compact", "kube-full"];

/// A name that a certificate must be good for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Name {
    Dns(String),
    Address(IpAddr),
}

impl Name {
    /// An address, or else a DNS name, as kubeadm takes `certSANs` (`appendSANsToAltNames`).
    fn new(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::Dns(text.to_owned()), Self::Address)
    }
}

/// What kubeadm reads on a control plane.
struct Configuration {
    node: String,
    advertised: IpAddr,
    cluster: Value,
}

impl Configuration {
    /// Of a machine that joins, or of the one that starts the cluster.
    fn new(built: &Compiled, machine: &Machine, own: &str) -> Self {
        let cluster = documents(file(built, &machine.name, "/etc/bpc/kubeadm/cluster.yaml")).remove(0);
        let own = documents(file(built, &machine.name, &format!("/etc/bpc/kubeadm/{own}.yaml"))).remove(0);
        let endpoint =
            own.get("localAPIEndpoint").unwrap_or_else(|| &own["controlPlane"]["localAPIEndpoint"]);
        Self {
            node: own["nodeRegistration"]["name"].as_str().unwrap().to_owned(),
            advertised: endpoint["advertiseAddress"].as_str().unwrap().parse().unwrap(),
            cluster,
        }
    }

    fn text(&self, section: &str, key: &str) -> &str {
        self.cluster[section][key].as_str().unwrap()
    }

    fn has_local_etcd(&self) -> bool {
        self.cluster["etcd"].get("external").is_none()
    }

    fn required(&self, names: &Names) -> Vec<Name> {
        let own = [Name::Dns(self.node.clone()), Name::Address(self.advertised)];
        let more = |value: &Value| -> Vec<Name> {
            value.as_sequence().into_iter().flatten().map(|it| Name::new(it.as_str().unwrap())).collect()
        };
        match names {
            Names::Client => Vec::new(),
            Names::Api => {
                let services = self.text("networking", "serviceSubnet").split('/').next().unwrap();
                let first = u32::from(services.parse::<Ipv4Addr>().unwrap()) + 1;
                let domain = self.text("networking", "dnsDomain");
                let service = ["", ".default", ".default.svc", &format!(".default.svc.{domain}")]
                    .map(|end| Name::Dns(format!("kubernetes{end}")));
                let endpoint = self.cluster["controlPlaneEndpoint"].as_str().unwrap();
                let host = Name::new(endpoint.rsplit_once(':').unwrap().0);
                let mut all = [&own[..], &service].concat();
                all.extend([Name::Address(Ipv4Addr::from(first).into()), host]);
                all.extend(more(&self.cluster["apiServer"]["certSANs"]));
                all
            }
            Names::Member => {
                let mut all = own.to_vec();
                all.push(Name::Dns("localhost".to_owned()));
                all.extend([Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()].map(Name::Address));
                for key in ["serverCertSANs", "peerCertSANs"] {
                    all.extend(more(&self.cluster["etcd"]["local"][key]));
                }
                all
            }
        }
    }

    fn wanted(&self) -> impl Iterator<Item = &'static Wanted> {
        let local = self.has_local_etcd();
        CERTIFICATES.iter().filter(move |it| local || it.always)
    }
}

/// The certificates of a machine by their paths below `/etc/kubernetes/pki`; of a chain the first.
fn certificates(built: &Compiled, machine: &Machine) -> BTreeMap<String, Certificate> {
    let found = files(built, machine).into_iter().filter_map(|(path, content)| {
        let path = path.strip_prefix("/etc/kubernetes/pki/")?.strip_suffix(".crt")?;
        let text = std::str::from_utf8(content).unwrap();
        Some((path.to_owned(), Certificate::from_pem(text).unwrap().remove(0)))
    });
    found.collect()
}

/// `validateCertificateWithConfig` by way of Go's `x509.Certificate.VerifyHostname`: only alternative names count.
fn is_good_for(certificate: &Certificate, name: &Name) -> bool {
    match name {
        Name::Dns(name) => certificate.dns_names.iter().any(|it| it.eq_ignore_ascii_case(name)),
        Name::Address(address) => certificate.addresses.contains(address),
    }
}

/// What `kubeadm join` would say of the certificates, and what else differs from those that kubeadm makes.
fn faults(configuration: &Configuration, found: &BTreeMap<String, Certificate>) -> Vec<String> {
    let mut faults = Vec::new();
    for wanted in configuration.wanted() {
        let path = wanted.path;
        let Some(certificate) = found.get(path) else {
            faults.push(format!("no {path} ({})", wanted.source));
            continue;
        };
        let authority = &found[wanted.authority];
        if !certificate.is_signed_by(authority) {
            faults.push(format!("certificate {path} is not signed by corresponding CA"));
        }
        let subject = Subject {
            common_name: wanted.common_name.unwrap_or(&configuration.node).to_owned(),
            organizations: wanted.organizations.iter().map(|it| (*it).to_owned()).collect(),
        };
        if certificate.subject != subject {
            faults.push(format!("{path} is {}, not {subject:?}", certificate.subject_text));
        }
        if certificate.extended_key_usages != wanted.usages {
            faults.push(format!("{path} is good for {:?}", certificate.extended_key_usages));
        }
        let names = configuration.required(&wanted.names);
        let missing = names.into_iter().filter(|name| !is_good_for(certificate, name));
        faults.extend(missing.map(|name| format!("certificate {path} is invalid: not {name:?}")));
    }
    faults
}

/// All blueprints with a cluster, and for each place of etcd the keys of authorities on machines and in the vault, below a
/// root and not.
fn clusters() -> &'static [Compiled] {
    static CLUSTERS: LazyLock<Vec<Compiled>> = LazyLock::new(all_clusters);
    &CLUSTERS
}

fn all_clusters() -> Vec<Compiled> {
    let mut all = vec![with_all()];
    all.extend(BLUEPRINTS.map(|(folder, name)| changed_in(folder, name, |text| text)));
    for (folder, name) in BLUEPRINTS.into_iter().filter(|(_, name)| EACH_ETCD.contains(name)) {
        for pki in ["{root: true}", "{authority_keys: vault}", "{authority_keys: vault, root: true}"] {
            all.push(changed_in(folder, name, |text| format!("{text}pki: {pki}\n")));
        }
    }
    all
}

/// Whether it starts the cluster or joins it: the first control plane joins too, if it was made anew.
fn configurations(built: &Compiled, machine: &Machine) -> Vec<Configuration> {
    let is_first = built.site.with_role(Role::ControlPlane).next() == Some(machine);
    let own = if is_first { &["init", "join"][..] } else { &["join"] };
    own.iter().map(|own| Configuration::new(built, machine, own)).collect()
}

#[test]
fn a_join_accepts_every_certificate() {
    let mut topologies = BTreeSet::new();
    for built in clusters() {
        let etcd = built.site.kubernetes.as_ref().unwrap().etcd;
        topologies.insert(format!("{etcd:?}"));
        for machine in built.site.with_role(Role::ControlPlane) {
            let found = certificates(built, machine);
            for configuration in configurations(built, machine) {
                assert_eq!(configuration.has_local_etcd(), etcd == EtcdTopology::Stacked);
                let faults = faults(&configuration, &found);
                assert_eq!(faults, Vec::<String>::new(), "{} {}", built.site.name, machine.name);
            }
            for (path, name) in AUTHORITIES {
                let authority = &found[path];
                assert_eq!(authority.subject.common_name, name);
                assert_ne!(authority.constraint, AuthorityConstraint::Leaf, "{path}");
            }
        }
    }
    assert_eq!(topologies.into_iter().collect::<Vec<_>>(), ["Colocated", "External", "Stacked"]);
}

/// That each name counts: a certificate without it is refused, with the name.
#[test]
fn a_join_refuses_a_certificate_that_lacks_a_name() {
    let built = with_all_stacked();
    let machine = built.site.with_role(Role::ControlPlane).nth(1).unwrap();
    let configuration = Configuration::new(&built, machine, "join");
    let good = certificates(&built, machine);
    let mut tried = 0;
    for wanted in configuration.wanted() {
        for name in configuration.required(&wanted.names) {
            let mut found = good.clone();
            let certificate = found.get_mut(wanted.path).unwrap();
            certificate.dns_names.retain(|it| Name::Dns(it.clone()) != name);
            certificate.addresses.retain(|it| Name::Address(*it) != name);
            let said = faults(&configuration, &found);
            let expected = format!("certificate {} is invalid: not {name:?}", wanted.path);
            assert!(!said.is_empty() && said.iter().all(|fault| *fault == expected), "{said:?}");
            tried += 1;
        }
    }
    // Five names of each of etcd's two; of the API its node, four of its service, three addresses, and those of `certSANs`.
    assert!(tried >= 2 * 5 + 8 + 2, "{tried}");
    let without = good.into_iter().filter(|(path, _)| path != "front-proxy-client").collect();
    assert_eq!(faults(&configuration, &without), ["no front-proxy-client (KubeadmCertFrontProxyClient)"]);
}

fn with_all_stacked() -> Compiled {
    changed_in("blueprints", "kube-demo", |text| {
        text.replace("\nkubernetes:", "\nkubernetes:\n  api_names: [api.example.org, 203.0.113.7]")
    })
}

/// `validateKubeConfig` wants the authority of `pki/ca.crt` and warns of another address; where no authority's key is on the
/// machine, `ValidateKubeconfigsForExternalCA` wants all five of the one that starts the cluster.
#[test]
fn a_join_accepts_every_kubeconfig() {
    for built in clusters() {
        let cluster = built.site.kubernetes.as_ref().unwrap();
        for (index, machine) in built.site.with_role(Role::ControlPlane).enumerate() {
            let place = format!("{} {}", built.site.name, machine.name);
            let own = files(built, machine);
            let authority = &certificates(built, machine)["ca"];
            let vault = !own.iter().any(|(path, _)| *path == "/etc/kubernetes/pki/ca.key");
            let mut missing = Vec::new();
            for (name, common_name, organization, here) in KUBECONFIGS {
                let path = format!("/etc/kubernetes/{name}");
                let Some((_, content)) = own.iter().find(|(found, _)| *found == path) else {
                    missing.push(name);
                    continue;
                };
                let read = kubeconfig(content);
                let address = if here { machine.address() } else { cluster.endpoint };
                assert_eq!(
                    read["clusters"][0]["cluster"]["server"],
                    format!("https://{address}:6443"),
                    "{place}"
                );
                let trusted = decoded(&read["clusters"][0]["cluster"]["certificate-authority-data"]);
                assert_eq!(Certificate::from_pem(&trusted).unwrap(), std::slice::from_ref(authority));
                let shown = decoded(&read["users"][0]["user"]["client-certificate-data"]);
                let shown = Certificate::from_pem(&shown).unwrap().remove(0);
                let organizations: Vec<_> = [organization].into_iter().filter(|it| !it.is_empty()).collect();
                assert_eq!(shown.subject.common_name, common_name.replace('%', &machine.name), "{place}");
                assert_eq!(shown.subject.organizations, organizations, "{place} {name}");
                assert_eq!(shown.extended_key_usages, ["clientAuth"], "{place} {name}");
                assert!(shown.is_signed_by(authority), "{place} {name}");
            }
            // A kubelet asks the authority that is there for its own; kubeadm has the super-administrator where it starts.
            let expected: &[&str] = match (vault, index) {
                (true, 0) => &[],
                (true, _) => &["super-admin.conf"],
                (false, 0) => &["kubelet.conf"],
                (false, _) => &["super-admin.conf", "kubelet.conf"],
            };
            assert_eq!(missing, expected, "{place}");
        }
    }
}
