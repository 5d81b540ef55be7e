//! What is the same for all of a cluster: `ClusterConfiguration`, `KubeletConfiguration`, `KubeProxyConfiguration`.
//!
//! kubeadm keeps them in the cluster, where machines that join find them.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::Ipv4Net;
use jiff::Timestamp;

use super::merge::{get, merge};
use super::{AUTHENTICATION, PKI};
use crate::format::yaml::Yaml;
use crate::site::{API_PORT, AddOn, Algorithm, AuthorityKeys, CertificateKind, Cluster, EtcdTopology, Site};

/// The documents, merged with what the blueprint says.
pub(super) fn documents(site: &Site, cluster: &Cluster) -> Vec<Yaml> {
    let extras = &cluster.kubeadm;
    vec![
        configuration(site, cluster),
        merge(kubelet(cluster), Yaml::from(&extras.kubelet)),
        merge(kube_proxy(cluster), Yaml::from(&extras.kube_proxy)),
    ]
}

/// Where a stacked etcd has its data.
pub(super) fn data_dir(site: &Site, cluster: &Cluster) -> Option<String> {
    let configuration = configuration(site, cluster);
    match get(get(get(&configuration, "etcd")?, "local")?, "dataDir")? {
        Yaml::Str(path) => Some(path.clone()),
        _ => None,
    }
}

fn configuration(site: &Site, cluster: &Cluster) -> Yaml {
    let plan = &cluster.certificates;
    let algorithm = match plan.algorithm {
        Algorithm::EcdsaP256 => "ECDSA-P256",
        Algorithm::EcdsaP384 => "ECDSA-P384",
    };
    let until = |end| Yaml::from(format!("{}h", hours(plan.not_before, end)));
    let networking = Yaml::map(
        [
            ("podSubnet", cluster.pod_cidr.to_string()),
            ("serviceSubnet", cluster.service_cidr.to_string()),
            ("dnsDomain", cluster.cluster_domain.clone()),
        ]
        .map(|(key, value)| (key, Yaml::from(value))),
    );
    let document = Yaml::map([
        ("apiVersion", Yaml::from(api(cluster))),
        ("kind", "ClusterConfiguration".into()),
        ("kubernetesVersion", format!("v{}", cluster.version).into()),
        ("clusterName", site.name.as_str().into()),
        ("controlPlaneEndpoint", format!("{}:{API_PORT}", cluster.endpoint).into()),
        ("networking", networking),
        ("certificatesDir", PKI.into()),
        ("encryptionAlgorithm", algorithm.into()),
        ("certificateValidityPeriod", until(plan.certificates_until)),
        ("caCertificateValidityPeriod", until(plan.authorities_until)),
        ("apiServer", api_server(cluster)),
        ("etcd", etcd(site, cluster)),
    ]);
    merge(document, Yaml::from(&cluster.kubeadm.cluster))
}

/// The group and version of kubeadm's own documents.
pub(super) fn api(cluster: &Cluster) -> String {
    format!("kubeadm.k8s.io/{}", cluster.release.kubeadm_api)
}

fn hours(from: Timestamp, until: Timestamp) -> i64 {
    (until.as_second() - from.as_second()) / 3600
}

/// Kubelets show certificates that bpc made, at their addresses or by their names.
///
/// Where strangers learn nothing, an API server still answers its own health checks, which come without credentials, as
/// kubeadm writes them into its pod: with `--anonymous-auth=false` they would fail, and the kubelet would stop it over and
/// over (kubernetes/kubeadm#798). A file says that strangers are let in there and nowhere else
/// (`AuthenticationConfiguration`, stable since 1.34).
fn api_server(cluster: &Cluster) -> Yaml {
    let mut arguments = vec![
        argument("kubelet-certificate-authority", &format!("{PKI}/ca.crt")),
        argument("kubelet-preferred-address-types", "InternalIP,Hostname"),
    ];
    let mut entries = Vec::new();
    if !cluster.anonymous_auth {
        arguments.push(argument("authentication-config", AUTHENTICATION));
        let volume = Yaml::map([
            ("name", Yaml::from("bpc-authentication")),
            ("hostPath", AUTHENTICATION.into()),
            ("mountPath", AUTHENTICATION.into()),
            ("readOnly", true.into()),
            ("pathType", "File".into()),
        ]);
        entries.push(("extraVolumes", Yaml::Seq(vec![volume])));
    }
    entries.insert(0, ("extraArgs", Yaml::Seq(arguments)));
    entries.insert(0, ("certSANs", Yaml::seq(names(cluster))));
    Yaml::map(entries)
}

/// Strangers are answered on health pages only.
pub(super) fn authentication() -> Yaml {
    let paths = ["/livez", "/readyz", "/healthz"].map(|path| Yaml::map([("path", Yaml::from(path))]));
    let anonymous = Yaml::map([("enabled", true.into()), ("conditions", Yaml::seq(paths))]);
    Yaml::map([
        ("apiVersion", "apiserver.config.k8s.io/v1".into()),
        ("kind", "AuthenticationConfiguration".into()),
        ("anonymous", anonymous),
    ])
}

/// The names and addresses that the certificate of every API server is good for.
fn names(cluster: &Cluster) -> Vec<String> {
    let certificates = &cluster.certificates.certificates;
    let mut all = certificates.iter().filter(|it| it.kind == CertificateKind::ApiServer).map(|it| {
        let addresses = it.addresses.iter().map(IpAddr::to_string);
        it.dns_names.iter().cloned().chain(addresses).collect::<Vec<_>>()
    });
    let mut common = all.next().unwrap_or_default();
    for names in all {
        let names: BTreeSet<String> = names.into_iter().collect();
        common.retain(|name| names.contains(name));
    }
    common
}

fn etcd(site: &Site, cluster: &Cluster) -> Yaml {
    if cluster.etcd == EtcdTopology::Stacked {
        let quota = cluster.etcd_settings.quota.bytes().to_string();
        let arguments = Yaml::Seq(vec![argument("quota-backend-bytes", &quota)]);
        let local = Yaml::map([("dataDir", Yaml::from("/var/lib/etcd")), ("extraArgs", arguments)]);
        return Yaml::map([("local", local)]);
    }
    let external = Yaml::map([
        ("endpoints", Yaml::seq(site.etcd_endpoints())),
        ("caFile", format!("{PKI}/etcd/ca.crt").into()),
        ("certFile", format!("{PKI}/apiserver-etcd-client.crt").into()),
        ("keyFile", format!("{PKI}/apiserver-etcd-client.key").into()),
    ]);
    Yaml::map([("external", external)])
}

/// systemd-resolved, which images have, answers at 127.0.0.53: the DNS of the cluster would ask itself there, so pods get the servers
/// that it asks. The certificate is one that bpc made (`tlsCertFile`); kubelets ask for none (`serverTLSBootstrap`).
fn kubelet(cluster: &Cluster) -> Yaml {
    let mut entries = vec![
        ("apiVersion", Yaml::from("kubelet.config.k8s.io/v1beta1")),
        ("kind", "KubeletConfiguration".into()),
        ("cgroupDriver", "systemd".into()),
        ("clusterDNS", Yaml::seq([tenth(cluster.service_cidr).to_string()])),
        ("clusterDomain", cluster.cluster_domain.as_str().into()),
        ("failSwapOn", true.into()),
        ("resolvConf", "/run/systemd/resolve/resolv.conf".into()),
    ];
    // Elsewhere a patch says so, for kubeadm makes it true whatever stands here.
    if cluster.certificates.authority_keys == AuthorityKeys::Machines {
        entries.push(("rotateCertificates", true.into()));
    }
    entries.extend([
        ("tlsCertFile", "/etc/bpc/kubelet/server.crt".into()),
        ("tlsPrivateKeyFile", "/etc/bpc/kubelet/server.key".into()),
    ]);
    Yaml::map(entries)
}

/// kubeadm gives the tenth address of the services to DNS.
fn tenth(services: Ipv4Net) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(services.network()) + 10)
}

/// In its mode ipvs the addresses of services are on every node: `MetalLB` wants that only the one answers for an address
/// that it says ("Preparation" of its manual).
fn kube_proxy(cluster: &Cluster) -> Yaml {
    let mut entries = vec![
        ("apiVersion", Yaml::from("kubeproxy.config.k8s.io/v1alpha1")),
        ("kind", "KubeProxyConfiguration".into()),
        ("clusterCIDR", cluster.pod_cidr.to_string().into()),
    ];
    let metallb = cluster.addons.iter().any(|addon| matches!(addon, AddOn::MetalLb(_)));
    if metallb && cluster.kubeadm.proxy_mode() == Some("ipvs") {
        entries.push(("ipvs", Yaml::map([("strictARP", true.into())])));
    }
    Yaml::map(entries)
}

/// An argument of a program: a list of them, so that one may stand there twice.
pub(super) fn argument(name: &str, value: &str) -> Yaml {
    Yaml::map([("name", Yaml::from(name)), ("value", value.into())])
}
