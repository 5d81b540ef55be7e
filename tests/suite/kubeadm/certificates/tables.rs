//! What kubeadm makes on a control plane, as kubeadm 1.36 has it below `cmd/kubeadm/app`.

/// A certificate that kubeadm makes if it does not find it.
pub(super) struct Wanted {
    /// Its path below `/etc/kubernetes/pki`, without the ending.
    pub(super) path: &'static str,
    /// That of its authority.
    pub(super) authority: &'static str,
    /// Its common name; `None` stands for the name of the node.
    pub(super) common_name: Option<&'static str>,
    /// Its organizations.
    pub(super) organizations: &'static [&'static str],
    /// What its holder may be.
    pub(super) usages: &'static [&'static str],
    /// The names that a server is reached by.
    pub(super) names: Names,
    /// Whether kubeadm makes it with an etcd elsewhere too (`certlist.go`: `GetCertsWithoutEtcd`).
    pub(super) always: bool,
    /// The variable of `phases/certs/certlist.go` that says so.
    pub(super) source: &'static str,
}

/// Which function of kubeadm's `util/pkiutil/pki_helpers.go` makes the names of a certificate.
pub(super) enum Names {
    /// None: a client has no names.
    Client,
    /// `GetAPIServerAltNames`.
    Api,
    /// `GetEtcdAltNames` and `GetEtcdPeerAltNames`, which are `getAltNames` both.
    Member,
}

const BOTH: &[&str] = &["serverAuth", "clientAuth"];

/// kubeadm 1.36's `phases/certs/certlist.go`: `GetDefaultCertList`, without the authorities.
pub(super) const CERTIFICATES: [Wanted; 7] = [
    Wanted {
        path: "apiserver",
        authority: "ca",
        common_name: Some("kube-apiserver"),
        organizations: &[],
        usages: &["serverAuth"],
        names: Names::Api,
        always: true,
        source: "KubeadmCertAPIServer",
    },
    Wanted {
        path: "apiserver-kubelet-client",
        authority: "ca",
        common_name: Some("kube-apiserver-kubelet-client"),
        organizations: &["kubeadm:cluster-admins"],
        usages: &["clientAuth"],
        names: Names::Client,
        always: true,
        source: "KubeadmCertKubeletClient",
    },
    Wanted {
        path: "front-proxy-client",
        authority: "front-proxy-ca",
        common_name: Some("front-proxy-client"),
        organizations: &[],
        usages: &["clientAuth"],
        names: Names::Client,
        always: true,
        source: "KubeadmCertFrontProxyClient",
    },
    Wanted {
        path: "etcd/server",
        authority: "etcd/ca",
        common_name: None,
        organizations: &[],
        usages: BOTH,
        names: Names::Member,
        always: false,
        source: "KubeadmCertEtcdServer",
    },
    Wanted {
        path: "etcd/peer",
        authority: "etcd/ca",
        common_name: None,
        organizations: &[],
        usages: BOTH,
        names: Names::Member,
        always: false,
        source: "KubeadmCertEtcdPeer",
    },
    Wanted {
        path: "etcd/healthcheck-client",
        authority: "etcd/ca",
        common_name: Some("kube-etcd-healthcheck-client"),
        organizations: &[],
        usages: &["clientAuth"],
        names: Names::Client,
        always: false,
        source: "KubeadmCertEtcdHealthcheck",
    },
    Wanted {
        path: "apiserver-etcd-client",
        authority: "etcd/ca",
        common_name: Some("kube-apiserver-etcd-client"),
        organizations: &[],
        usages: &["clientAuth"],
        names: Names::Client,
        always: false,
        source: "KubeadmCertEtcdAPIClient",
    },
];

/// The authorities of `certlist.go` (`KubeadmCertRootCA`, `KubeadmCertFrontProxyCA`, `KubeadmCertEtcdCA`) and their names.
pub(super) const AUTHORITIES: [(&str, &str); 3] =
    [("ca", "kubernetes"), ("front-proxy-ca", "front-proxy-ca"), ("etcd/ca", "etcd-ca")];

/// kubeadm 1.36's `phases/kubeconfig/kubeconfig.go`: `getKubeConfigSpecsBase`. File, common name (`%` is the node),
/// organization, and whether it asks the API server beside it.
pub(super) const KUBECONFIGS: [(&str, &str, &str, bool); 5] = [
    ("admin.conf", "kubernetes-admin", "kubeadm:cluster-admins", false),
    ("super-admin.conf", "kubernetes-super-admin", "system:masters", false),
    ("kubelet.conf", "system:node:%", "system:nodes", false),
    ("controller-manager.conf", "system:kube-controller-manager", "", true),
    ("scheduler.conf", "system:kube-scheduler", "", true),
];
