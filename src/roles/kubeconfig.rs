//! Kubeconfigs: where the API is, whom to trust there, and who one is (kubectl's "Organizing Cluster Access").

use base64ct::{Base64, Encoding};

use crate::bug::Bug;
use crate::credentials::Credentials;
use crate::format::yaml::Yaml;
use crate::setup::{File, SecretUse};
use crate::site::{CertificateKind, Holder, Machine, Site};
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
        let data = |text: &str| Yaml::from(Base64::encode_string(text.as_bytes()));
        let user = issued.certificate.subject.common_name.as_str();
        let cluster = Yaml::map([
            ("certificate-authority-data", data(&authority.certificate().pem())),
            ("server", self.server.as_str().into()),
        ]);
        let identity = Yaml::map([
            ("client-certificate-data", data(&authority.chain_pem(&issued.certificate))),
            ("client-key-data", data(issued.key.private_pem()?.expose())),
        ]);
        let context = Yaml::map(
            [("cluster", site.name.as_str()), ("user", user)].map(|(key, value)| (key, Yaml::from(value))),
        );
        let context_name = format!("{user}@{}", site.name);
        let document = Yaml::map([
            ("apiVersion", "v1".into()),
            ("kind", "Config".into()),
            ("clusters", named(&site.name, "cluster", cluster)),
            ("users", named(user, "user", identity)),
            ("contexts", named(&context_name, "context", context)),
            ("current-context", context_name.as_str().into()),
        ]);
        let secret = SecretUse { purpose: self.holder.purpose(self.kind), why: self.why };
        Ok(File::secret(self.path, &Secret::new(document.to_string()), secret))
    }
}

/// A list of one thing with its name.
fn named(name: &str, key: &str, value: Yaml) -> Yaml {
    Yaml::seq([Yaml::map([("name", name.into()), (key, value)])])
}
