//! Kubeconfigs: where the API is, whom to trust there, and who one is (kubectl's "Organizing Cluster Access").

use base64ct::{Base64, Encoding};

use crate::bug::Bug;
use crate::credentials::Credentials;
use crate::format::yaml::Yaml;
use crate::setup::{File, SecretUse};
use crate::site::{AuthorityKind, CertificateKind, Holder, Machine, SharedSecret, Site};
use crate::value::Secret;

/// A kubeconfig for the holder of a certificate.
pub(super) struct Kubeconfig {
    /// The path of the file.
    pub(super) path: &'static str,
    /// Who uses it.
    pub(super) holder: Holder,
    /// The certificate that is shown.
    pub(super) kind: CertificateKind,
    /// The URL of the API.
    pub(super) server: String,
    /// Why it is there.
    pub(super) why: &'static str,
}

impl Kubeconfig {
    /// The kubelet's, which asks for the API by the address that outlives a machine.
    pub(super) fn kubelet(machine: &Machine, server: String) -> Self {
        Self {
            path: "/etc/kubernetes/kubelet.conf",
            holder: Holder::Machine(machine.name.clone()),
            kind: CertificateKind::Kubelet,
            server,
            why: "the kubelet speaks to the API",
        }
    }

    /// The file. It holds everything in itself, so that it can be copied; the names in it are those of kubeadm, but that
    /// the cluster has the name of the site.
    pub(super) fn file(&self, site: &Site, credentials: &Credentials) -> Result<File, Bug> {
        let issued = credentials.certificate(&self.holder, self.kind)?;
        let authority = credentials.authority(self.kind.authority())?;
        let user = issued.certificate.subject.common_name.as_str();
        let identity = Yaml::map([
            ("client-certificate-data", data(&authority.chain_pem(&issued.certificate))),
            ("client-key-data", data(issued.key.private_pem()?.expose())),
        ]);
        let document = document(site, &self.server, &authority.certificate().pem(), (user, identity));
        let secret = SecretUse { purpose: self.holder.purpose(self.kind), why: self.why };
        Ok(File::secret(self.path, &Secret::new(document.to_string()), secret))
    }
}

/// What a machine joins the cluster with: where the API is, whom to trust there, and the token that opens it for the
/// request of a certificate.
pub(super) fn of_token(
    path: &str,
    site: &Site,
    server: &str,
    credentials: &Credentials,
) -> Result<File, Bug> {
    let authority = credentials.authority(AuthorityKind::Kubernetes)?.certificate().pem();
    let token = credentials.shared_text(SharedSecret::BootstrapToken)?;
    let identity = Yaml::map([("token", Yaml::from(token.expose().as_str()))]);
    let document = document(site, server, &authority, ("tls-bootstrap-token-user", identity));
    let purpose = SharedSecret::BootstrapToken.as_str().to_owned();
    let secret = SecretUse { purpose, why: "joins the cluster" };
    Ok(File::secret(path, &Secret::new(document.to_string()), secret))
}

/// A kubeconfig of one cluster and one user, who is known by `identity`.
fn document(site: &Site, server: &str, authority: &str, (user, identity): (&str, Yaml)) -> Yaml {
    let cluster = Yaml::map([("certificate-authority-data", data(authority)), ("server", server.into())]);
    let context = Yaml::map([("cluster", Yaml::from(site.name.as_str())), ("user", user.into())]);
    let context_name = format!("{user}@{}", site.name);
    Yaml::map([
        ("apiVersion", "v1".into()),
        ("kind", "Config".into()),
        ("clusters", named(&site.name, "cluster", cluster)),
        ("users", named(user, "user", identity)),
        ("contexts", named(&context_name, "context", context)),
        ("current-context", context_name.as_str().into()),
    ])
}

fn data(text: &str) -> Yaml {
    Base64::encode_string(text.as_bytes()).into()
}

/// A list of one thing with its name.
fn named(name: &str, key: &str, value: Yaml) -> Yaml {
    Yaml::seq([Yaml::map([("name", name.into()), (key, value)])])
}
