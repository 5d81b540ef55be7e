//! What stays with the person who runs the data centre: whom to trust, and the ways in.

use super::kubeconfig::Kubeconfig;
use crate::bug::Bug;
use crate::credentials::Credentials;
use crate::setup::{File, SecretUse};
use crate::site::{CertificateKind, Holder, Role, SharedSecret, Site};
use crate::value::Secret;

/// Certificates of all authorities, a kubeconfig if there is an API, a password if there are load balancers.
pub(super) fn files(site: &Site, credentials: &Credentials) -> Result<Vec<File>, Bug> {
    let authorities = credentials.authorities();
    let mut files: Vec<File> = authorities
        .map(|(kind, authority)| {
            File::text(format!("pki/{}.crt", kind.as_str()), authority.certificate().pem())
        })
        .collect();
    let has = |role| site.with_role(role).next().is_some();
    if let Some(cluster) = site.kubernetes.as_ref().filter(|_| has(Role::ControlPlane)) {
        let admin = Kubeconfig {
            path: "kubeconfig/admin.conf",
            holder: Holder::Operator,
            kind: CertificateKind::Admin,
            server: cluster.server(),
            why: "kubectl of the operator",
        };
        files.push(admin.file(site, credentials)?);
    }
    if has(Role::LoadBalancer) {
        files.push(stats_password(credentials)?);
    }
    Ok(files)
}

/// The password of `operator` on the load balancers' statistics pages.
fn stats_password(credentials: &Credentials) -> Result<File, Bug> {
    let secret = SharedSecret::StatsPassword;
    let line = Secret::new(format!("{}\n", credentials.shared_text(secret)?.expose()));
    let used = SecretUse { purpose: secret.as_str().to_owned(), why: "opens the statistics pages" };
    Ok(File::secret("load-balancer/stats-password", &line, used))
}
