//! Which certificates there are, and what each one says.

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};

pub use crate::model::{Algorithm, AuthorityKeys};

/// What is left when a certificate counts as ending soon.
pub const EXPIRES_SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

/// All authorities and certificates of a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificatePlan {
    /// The algorithm of all keys.
    pub algorithm: Algorithm,
    /// When certificates start to be good.
    pub not_before: Timestamp,
    /// When authorities end.
    pub authorities_until: Timestamp,
    /// When all other certificates end.
    pub certificates_until: Timestamp,
    /// Whether one root signs the other authorities.
    pub root: bool,
    /// Where the keys of authorities are.
    pub authority_keys: AuthorityKeys,
    /// Certificates, those of each machine together, in the order of the machines.
    pub certificates: Vec<PlannedCertificate>,
}

/// A certificate that one of the authorities signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedCertificate {
    /// Who holds its key.
    pub holder: Holder,
    /// What it is for.
    pub kind: CertificateKind,
    /// Its common name.
    pub common_name: String,
    /// Names that it is good for, if a server shows it.
    pub dns_names: Vec<String>,
    /// Addresses that it is good for, if a server shows it.
    pub addresses: Vec<IpAddr>,
}

/// Who holds a key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holder {
    /// The machine of that name.
    Machine(String),
    /// The person who runs the data centre.
    Operator,
}

impl Holder {
    /// What the key of its certificate of this kind is derived for: `kube-mast01/apiserver`, and for the operator
    /// `admin`, which no machine's can be, whatever its name.
    #[must_use]
    pub fn purpose(&self, kind: CertificateKind) -> String {
        match self {
            Self::Machine(name) => format!("{name}/{}", kind.as_str()),
            Self::Operator => kind.as_str().to_owned(),
        }
    }
}

impl CertificatePlan {
    /// The authorities, a root first.
    #[must_use]
    pub fn authorities(&self) -> Vec<AuthorityKind> {
        let root = self.root.then_some(AuthorityKind::Root);
        root.into_iter()
            .chain([AuthorityKind::Kubernetes, AuthorityKind::FrontProxy, AuthorityKind::Etcd])
            .collect()
    }

    /// What keys are derived for.
    pub(super) fn purposes(&self) -> impl Iterator<Item = String> {
        let authorities = self.authorities().into_iter().map(|kind| kind.as_str().to_owned());
        let certificates = self.certificates.iter().map(PlannedCertificate::purpose);
        authorities.chain(certificates).chain([SERVICE_ACCOUNT.to_owned()])
    }
}

/// The purpose of the key pair that signs the tokens of service accounts.
pub const SERVICE_ACCOUNT: &str = "service-account";

impl PlannedCertificate {
    /// What its key is derived for: `kube-mast01/apiserver`.
    #[must_use]
    pub fn purpose(&self) -> String {
        self.holder.purpose(self.kind)
    }
}

/// The authorities of a cluster, as kubeadm has them ("PKI certificates and requirements" of the Kubernetes manual).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AuthorityKind {
    /// Signs the others, where there is one.
    Root,
    /// Signs what speaks to the API, and the API itself.
    Kubernetes,
    /// Signs the API where it stands before an extension API.
    FrontProxy,
    /// Signs what speaks to etcd, and etcd itself.
    Etcd,
}

/// What a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CertificateKind {
    /// The API.
    ApiServer,
    /// The API towards kubelets.
    ApiServerKubeletClient,
    /// The API towards etcd.
    ApiServerEtcdClient,
    /// The API towards extension APIs.
    FrontProxyClient,
    /// A member of etcd towards its clients.
    EtcdServer,
    /// A member of etcd towards the other members.
    EtcdPeer,
    /// What asks etcd whether it is well.
    EtcdHealthcheckClient,
    /// `kubectl` for an administrator.
    Admin,
    /// `kubectl` for the one who has lost all other rights.
    SuperAdmin,
    /// The controller manager.
    ControllerManager,
    /// The scheduler.
    Scheduler,
    /// The kubelet of a node.
    Kubelet,
    /// The kubelet of a node towards the API and what measures nodes.
    KubeletServer,
}

/// What a certificate's holder may be in a TLS handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateUsage {
    /// A server.
    Server,
    /// A client.
    Client,
    /// Both.
    ServerAndClient,
}

impl AuthorityKind {
    /// The name in purposes of the vault and in file names.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Root => "root-ca",
            Self::Kubernetes => "kubernetes-ca",
            Self::FrontProxy => "front-proxy-ca",
            Self::Etcd => "etcd-ca",
        }
    }

    /// The common name that kubeadm gives it; the root is bpc's own.
    #[must_use]
    pub const fn common_name(self) -> &'static str {
        match self {
            Self::Root => "root-ca",
            Self::Kubernetes => "kubernetes",
            Self::FrontProxy => "front-proxy-ca",
            Self::Etcd => "etcd-ca",
        }
    }
}

impl CertificateKind {
    /// The name in purposes of the vault.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiServer => "apiserver",
            Self::ApiServerKubeletClient => "apiserver-kubelet-client",
            Self::ApiServerEtcdClient => "apiserver-etcd-client",
            Self::FrontProxyClient => "front-proxy-client",
            Self::EtcdServer => "etcd-server",
            Self::EtcdPeer => "etcd-peer",
            Self::EtcdHealthcheckClient => "etcd-healthcheck-client",
            Self::Admin => "admin",
            Self::SuperAdmin => "super-admin",
            Self::ControllerManager => "controller-manager",
            Self::Scheduler => "scheduler",
            Self::Kubelet => "kubelet",
            Self::KubeletServer => "kubelet-server",
        }
    }

    /// Who signs it.
    #[must_use]
    pub const fn authority(self) -> AuthorityKind {
        match self {
            Self::FrontProxyClient => AuthorityKind::FrontProxy,
            Self::EtcdServer | Self::EtcdPeer | Self::EtcdHealthcheckClient | Self::ApiServerEtcdClient => {
                AuthorityKind::Etcd
            }
            _ => AuthorityKind::Kubernetes,
        }
    }

    /// The group that the API takes its holder for a member of: those of kubeadm 1.29 and later.
    #[must_use]
    pub const fn organization(self) -> Option<&'static str> {
        match self {
            Self::ApiServerKubeletClient | Self::Admin => Some("kubeadm:cluster-admins"),
            Self::SuperAdmin => Some("system:masters"),
            Self::Kubelet | Self::KubeletServer => Some("system:nodes"),
            _ => None,
        }
    }

    /// What its holder may be.
    #[must_use]
    pub const fn usage(self) -> CertificateUsage {
        match self {
            Self::ApiServer | Self::KubeletServer => CertificateUsage::Server,
            Self::EtcdServer | Self::EtcdPeer => CertificateUsage::ServerAndClient,
            _ => CertificateUsage::Client,
        }
    }
}
