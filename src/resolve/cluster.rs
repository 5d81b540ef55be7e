//! `kubernetes:` beyond its version: what its certificates and its services are made from.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use jiff::Timestamp;

use super::Resolver;
use super::machine::MachineDraft;
use super::network::NetworkDraft;
use crate::diag::{Code, Diagnostic, Path, Place};
use crate::model::Kubernetes;
use crate::site::{Cluster, FloatingAddress, Machine, Role};
use crate::value::is_dns_name;

/// kubeadm's default for the addresses of services.
const SERVICE_CIDR: &str = "10.96.0.0/12";
/// kubeadm's default for the domain of services.
const CLUSTER_DOMAIN: &str = "cluster.local";

impl Resolver<'_> {
    /// The cluster without what the addresses of its machines decide.
    pub(super) fn cluster(
        &mut self,
        epoch: Option<Timestamp>,
        machines: &[MachineDraft],
        networks: &[NetworkDraft],
    ) -> Option<Cluster> {
        let version = self.kubernetes_version(machines);
        let certificates = self.certificate_plan(epoch);
        let written = self.blueprint.kubernetes.as_ref()?;
        let service_cidr = self.service_cidr(written, machines, networks);
        let cluster_domain = self.cluster_domain(written);
        self.api_names(written);
        let etcd_settings = self.etcd_settings(&written.etcd_settings);
        let pod_cidr = self.pod_cidr(written, service_cidr, machines, networks);
        let network_plugin = self.network_plugin(written);
        let addons = self.addons(written, machines, networks);
        self.ingress_ports(network_plugin.as_ref());
        let resources = network_plugin.as_ref().map(|it| self.resources(&written.resources, it, &addons));
        let manifests = self.manifests(written);
        let kubeadm = self.kubeadm(written, version.map(|(_, release)| release));
        let registry_mirrors = self.registry_mirrors(written);
        let (version, release) = version?;
        let runtime = self.runtime(written, release);
        Some(Cluster {
            version,
            release,
            etcd: written.etcd,
            etcd_settings: etcd_settings?,
            service_cidr: service_cidr?,
            pod_cidr: pod_cidr?,
            cluster_domain,
            endpoint: Ipv4Addr::UNSPECIFIED,
            origin: self.document.origin(&Path::root().key("kubernetes")),
            certificates: certificates?,
            anonymous_auth: written.anonymous_auth.unwrap_or(true),
            runtime: runtime?,
            registry_mirrors,
            network_plugin: network_plugin?,
            addons,
            resources: resources?,
            manifests,
            kubeadm,
        })
    }

    /// The cluster once its machines have addresses.
    pub(super) fn finish_cluster(
        &self,
        mut cluster: Cluster,
        machines: &[Machine],
        floating: &[FloatingAddress],
    ) -> Cluster {
        let first = machines.iter().find(|machine| machine.role == Role::ControlPlane).map(Machine::address);
        let endpoint = floating.first().map(|floating| floating.address).or(first);
        cluster.endpoint = endpoint.unwrap_or(Ipv4Addr::UNSPECIFIED);
        cluster.certificates.certificates = self.certificates(&cluster, machines, floating);
        cluster
    }

    /// kubeadm wants at least 10 addresses and at most 20 bits for them; and no machine may have one of them.
    fn service_cidr(
        &mut self,
        written: &Kubernetes,
        machines: &[MachineDraft],
        networks: &[NetworkDraft],
    ) -> Option<Ipv4Net> {
        let place = if written.service_cidr.is_some() {
            Place::Value(Path::root().key("kubernetes").key("service_cidr"))
        } else {
            Place::Key(Path::root().key("kubernetes"))
        };
        let text = written.service_cidr.as_deref().unwrap_or(SERVICE_CIDR);
        let cidr: Option<Ipv4Net> = text.parse().ok().filter(|cidr: &Ipv4Net| cidr.addr() == cidr.network());
        let Some(cidr) = cidr.filter(|cidr| (12..=28).contains(&cidr.prefix_len())) else {
            let message = format!("`{text}` cannot be the network of services");
            self.report(
                Diagnostic::new(Code::ServiceNetwork, place, message)
                    .help("a network from /12 to /28 in CIDR form, for instance `10.96.0.0/12`"),
            );
            return None;
        };
        let help = "choose another range: `service_cidr: 172.20.0.0/16`";
        if !self.usable_in_cluster(("services", help), cidr, machines, place.clone()) {
            return None;
        }
        let overlapping = networks.iter().find(|network| {
            network
                .space
                .as_ref()
                .is_some_and(|space| space.cidr.contains(&cidr) || cidr.contains(&space.cidr))
        });
        if let Some(network) = overlapping {
            let message = format!("the network of services, {cidr}, overlaps network '{}'", network.name);
            self.report(
                Diagnostic::new(Code::ServiceNetwork, place, message)
                    .other(Place::Value(network.path.key("cidr")), "the network of machines")
                    .help("choose another range for one of them: `service_cidr: 172.20.0.0/16`"),
            );
            return None;
        }
        Some(cidr)
    }

    fn cluster_domain(&mut self, written: &Kubernetes) -> String {
        let domain = written.cluster_domain.as_deref().unwrap_or(CLUSTER_DOMAIN);
        if !is_dns_name(domain) || domain == self.blueprint.domain {
            let message = format!("`{domain}` cannot be the domain of services");
            let place = Place::Value(Path::root().key("kubernetes").key("cluster_domain"));
            self.report(
                Diagnostic::new(Code::ClusterDomain, place, message)
                    .help("a DNS name that differs from the machines' domain: `cluster.local`"),
            );
        }
        domain.to_owned()
    }

    fn api_names(&mut self, written: &Kubernetes) {
        let path = Path::root().key("kubernetes").key("api_names");
        for (index, name) in written.api_names.iter().enumerate() {
            self.host(name, &path.index(index));
        }
    }
}
