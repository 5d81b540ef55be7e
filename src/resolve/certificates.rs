//! `pki:` and `rotate:`, and what every certificate says.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use jiff::{Timestamp, ToSpan};

use super::Resolver;
use crate::diag::{Code, Diagnostic, Path, Place, did_you_mean};
use crate::model::EtcdTopology;
use crate::site::{
    AuthorityKeys, CertificateKind, CertificatePlan, Cluster, FloatingAddress, Holder, Machine,
    PlannedCertificate, Role, Site,
};

/// What the host calls an API that a port of it leads to.
const PUBLISHED_NAMES: [&str; 2] = ["localhost", "127.0.0.1"];

impl Resolver<'_> {
    /// How certificates are made, without the certificates.
    pub(super) fn certificate_plan(&mut self, epoch: Option<Timestamp>) -> Option<CertificatePlan> {
        let pki = &self.blueprint.pki;
        let (authority_days, certificate_days) =
            (pki.authority_days.unwrap_or(3650), self.certificate_days());
        if certificate_days > authority_days {
            let message = format!(
                "certificates of {certificate_days} days would outlive their authorities of {authority_days}"
            );
            let place = Place::Value(Path::root().key("pki").key("certificate_days"));
            self.report(
                Diagnostic::new(Code::CertificateDays, place, message)
                    .help(format!("{authority_days} or less, or a larger `authority_days`")),
            );
            return None;
        }
        let epoch = epoch?;
        Some(CertificatePlan {
            algorithm: pki.algorithm,
            not_before: epoch,
            authorities_until: days_after(epoch, authority_days)?,
            certificates_until: days_after(epoch, certificate_days)?,
            root: pki.root,
            authority_keys: pki.authority_keys,
            certificates: Vec::new(),
        })
    }

    /// How long certificates are good that are no authority's.
    pub(super) fn certificate_days(&self) -> u32 {
        self.blueprint.pki.certificate_days.unwrap_or(365)
    }

    /// The certificates of a cluster, by the tables of kubeadm ("PKI certificates and requirements").
    pub(super) fn certificates(
        &self,
        cluster: &Cluster,
        machines: &[Machine],
        floating: &[FloatingAddress],
    ) -> Vec<PlannedCertificate> {
        let written = self.blueprint.kubernetes.as_ref().map_or(&[][..], |written| &written.api_names);
        let published = if self.publishes_api(machines) { &PUBLISHED_NAMES[..] } else { &[] };
        let published = published.iter().map(|name| (*name).to_owned());
        let more: Vec<String> = written.iter().cloned().chain(published).collect();
        let more = more.as_slice();
        let first = machines.iter().find(|machine| machine.role == Role::ControlPlane);
        let names = Names { domain: &self.blueprint.domain, cluster, more, floating, first };
        let of_machines = machines.iter().flat_map(|machine| names.machine(machine));
        let operator = client(Holder::Operator, CertificateKind::Admin, "kubernetes-admin");
        of_machines.chain(first.map(|_| operator)).collect()
    }

    /// Reports generations of secrets that the site does not have.
    pub(super) fn rotate(&mut self, site: &Site) {
        let known = site.purposes();
        let blueprint = self.blueprint;
        for purpose in blueprint.rotate.keys().filter(|purpose| !known.contains(*purpose)) {
            let near = did_you_mean(purpose, known.iter().map(String::as_str));
            let help = near.map_or_else(
                || "secrets are called `ssh-operator` or `kube-mast01/ssh-host`, and in a cluster `kubernetes-ca` or `kube-mast01/apiserver`".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            let message = format!("this blueprint has no secret `{purpose}`");
            let place = Place::Key(Path::root().key("rotate").key(purpose));
            self.report(
                Diagnostic::new(Code::UnknownSecret, place, message)
                    .help(help)
                    // Not before: a blueprint with an error has no plan.
                    .help("once this line is gone, `bpc plan --secrets` lists all names"),
            );
        }
    }
}

/// So many days later.
pub(super) fn days_after(time: Timestamp, days: u32) -> Option<Timestamp> {
    // Hours, because a day is one on a calendar only; no leap seconds are counted.
    time.checked_add((i64::from(days) * 24).hours()).ok()
}

/// What the names in certificates are made from.
struct Names<'a> {
    domain: &'a str,
    cluster: &'a Cluster,
    /// What the blueprint adds for the API.
    more: &'a [String],
    floating: &'a [FloatingAddress],
    /// The control plane that starts the cluster.
    first: Option<&'a Machine>,
}

impl Names<'_> {
    fn machine(&self, machine: &Machine) -> Vec<PlannedCertificate> {
        match machine.role {
            Role::ControlPlane => [self.control_plane(machine), self.kubelet(machine)].concat(),
            Role::Worker => self.kubelet(machine),
            Role::Etcd => self.etcd(machine),
            // By its own name, so that audit logs tell it from the operator at home.
            Role::Bastion if self.first.is_some() => {
                let name = format!("kubernetes-admin-{}", machine.name);
                vec![client(Holder::Machine(machine.name.clone()), CertificateKind::Admin, &name)]
            }
            Role::Gateway | Role::Bastion | Role::LoadBalancer => Vec::new(),
        }
    }

    /// A kubelet's certificate to serve with is bpc's: a cluster of kubeadm's approves none that a kubelet asks for,
    /// since nobody there would look at the names in it. One to be a client with it asks for, and for a new one in time,
    /// where an authority's key is on the control planes; where it is not, bpc makes that too.
    fn kubelet(&self, machine: &Machine) -> Vec<PlannedCertificate> {
        // The API knows a node by this name and lets it do what concerns that node only.
        let name = format!("system:node:{}", machine.name);
        let dns_names = vec![machine.name.clone(), self.fqdn(&machine.name)];
        let mut all = vec![server(
            machine,
            CertificateKind::KubeletServer,
            &name,
            dns_names,
            vec![machine.address().into()],
        )];
        if self.cluster.certificates.authority_keys == AuthorityKeys::Vault {
            all.push(client(Holder::Machine(machine.name.clone()), CertificateKind::Kubelet, &name));
        }
        all
    }

    fn control_plane(&self, machine: &Machine) -> Vec<PlannedCertificate> {
        let holder = || Holder::Machine(machine.name.clone());
        let mut all = vec![
            self.api_server(machine),
            client(holder(), CertificateKind::ApiServerKubeletClient, "kube-apiserver-kubelet-client"),
            client(holder(), CertificateKind::ApiServerEtcdClient, "kube-apiserver-etcd-client"),
            client(holder(), CertificateKind::FrontProxyClient, "front-proxy-client"),
            client(holder(), CertificateKind::Admin, "kubernetes-admin"),
            client(holder(), CertificateKind::ControllerManager, "system:kube-controller-manager"),
            client(holder(), CertificateKind::Scheduler, "system:kube-scheduler"),
        ];
        // kubeadm has it where it starts the cluster, and nowhere else.
        if self.first == Some(machine) {
            all.push(client(holder(), CertificateKind::SuperAdmin, "kubernetes-super-admin"));
        }
        if self.cluster.etcd != EtcdTopology::External {
            all.extend(self.etcd(machine));
        }
        all
    }

    /// The API: by the names that pods know it by, and by those that machines and people do.
    fn api_server(&self, machine: &Machine) -> PlannedCertificate {
        let service = |suffix: &str| format!("kubernetes{suffix}");
        let mut dns_names = vec![
            machine.name.clone(),
            self.fqdn(&machine.name),
            service(""),
            service(".default"),
            service(".default.svc"),
            service(&format!(".default.svc.{}", self.cluster.cluster_domain)),
        ];
        // kubeadm has the first address of the services for the API.
        let first_service = Ipv4Addr::from(u32::from(self.cluster.service_cidr.network()) + 1);
        let mut addresses: Vec<IpAddr> = vec![first_service.into(), machine.address().into()];
        for floating in self.floating {
            dns_names.extend([floating.name.clone(), self.fqdn(&floating.name)]);
            addresses.push(floating.address.into());
        }
        addresses.push(self.cluster.endpoint.into());
        for name in self.more {
            match name.parse() {
                Ok(address) => addresses.push(address),
                Err(_) => dns_names.push(name.clone()),
            }
        }
        server(machine, CertificateKind::ApiServer, "kube-apiserver", dns_names, addresses)
    }

    /// A member of etcd: other members and the API know it by its address, itself by localhost.
    ///
    /// Both loopback addresses, though nothing of bpc's asks at `::1`: `kubeadm join` refuses a certificate that lacks one
    /// (`getAltNames` in kubeadm's `util/pkiutil/pki_helpers.go`).
    fn etcd(&self, machine: &Machine) -> Vec<PlannedCertificate> {
        let dns_names = || vec![machine.name.clone(), self.fqdn(&machine.name), "localhost".to_owned()];
        let addresses =
            || vec![machine.address().into(), Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        let name = machine.name.as_str();
        vec![
            server(machine, CertificateKind::EtcdServer, name, dns_names(), addresses()),
            server(machine, CertificateKind::EtcdPeer, name, dns_names(), addresses()),
            client(
                Holder::Machine(machine.name.clone()),
                CertificateKind::EtcdHealthcheckClient,
                "kube-etcd-healthcheck-client",
            ),
        ]
    }

    fn fqdn(&self, name: &str) -> String {
        format!("{name}.{}", self.domain)
    }
}

fn client(holder: Holder, kind: CertificateKind, common_name: &str) -> PlannedCertificate {
    let common_name = common_name.to_owned();
    PlannedCertificate { holder, kind, common_name, dns_names: Vec::new(), addresses: Vec::new() }
}

fn server(
    machine: &Machine,
    kind: CertificateKind,
    common_name: &str,
    dns_names: Vec<String>,
    addresses: Vec<IpAddr>,
) -> PlannedCertificate {
    let holder = Holder::Machine(machine.name.clone());
    let common_name = common_name.to_owned();
    PlannedCertificate {
        holder,
        kind,
        common_name,
        dns_names: unique(dns_names),
        addresses: unique(addresses),
    }
}

/// Each value once, where it stands first.
fn unique<T: Ord + Clone>(values: Vec<T>) -> Vec<T> {
    let mut seen = BTreeSet::new();
    values.into_iter().filter(|value| seen.insert(value.clone())).collect()
}
