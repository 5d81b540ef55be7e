//! What stays with the person who runs the data centre: whom to trust, the ways in, and scripts for later.

mod day2;
mod ssh;
#[cfg(test)]
mod tests;
mod virtualbox;

use super::kubeconfig::Kubeconfig;
use crate::artifact::Kind;
use crate::bug::Bug;
use crate::credentials::Credentials;
use crate::setup::{File, OperatorFile, SecretUse};
use crate::site::{CertificateKind, Cluster, Holder, Role, SharedSecret, Site};
use crate::value::Secret;

/// What scripts of all folders share: how they read their arguments, and how they speak.
const CLI: &str = include_str!("cli.sh");

/// What `ssh` needs, with a cluster what `kubectl` does, with load balancers what opens their pages.
pub(super) fn files(site: &Site, credentials: &Credentials) -> Result<Vec<OperatorFile>, Bug> {
    let mut files = match &site.kubernetes {
        Some(cluster) => of_cluster(site, cluster, credentials)?,
        None => Vec::new(),
    };
    if let (Some(balancing), true) =
        (&site.load_balancing, site.with_role(Role::LoadBalancer).next().is_some())
    {
        let (file, origin) = (stats_password(credentials)?, balancing.origin.clone());
        files.push(OperatorFile { file, kind: Kind::Password, origin });
    }
    let origin = &site.ssh.origin;
    let ssh = ssh::files(site, credentials)?.into_iter();
    files.extend(ssh.map(|file| OperatorFile { file, kind: Kind::Ssh, origin: origin.clone() }));
    files.extend(virtualbox::files(site, credentials));
    Ok(files)
}

/// Certificates of all authorities, a kubeconfig if there is an API, and what is done with a cluster that runs.
fn of_cluster(site: &Site, cluster: &Cluster, credentials: &Credentials) -> Result<Vec<OperatorFile>, Bug> {
    let file = |file, kind| OperatorFile { file, kind, origin: cluster.origin.clone() };
    let mut files = Vec::new();
    for (kind, authority) in credentials.authorities() {
        let path = format!("pki/{}.crt", kind.as_str());
        files.push(file(File::text(path, authority.certificate().pem()), Kind::Certificate));
    }
    if site.with_role(Role::ControlPlane).next().is_some() {
        let admin = Kubeconfig {
            path: "kubeconfig/admin.conf",
            holder: Holder::Operator,
            kind: CertificateKind::Admin,
            server: cluster.server(),
            why: "kubectl of the operator",
        };
        files.push(file(admin.file(site, credentials)?, Kind::Kubeconfig));
        if let Some(port) = site.published_api() {
            let host = Kubeconfig {
                path: "kubeconfig/host.conf",
                server: format!("https://127.0.0.1:{port}"),
                why: "kubectl on the host",
                ..admin
            };
            files.push(file(host.file(site, credentials)?, Kind::Kubeconfig));
        }
    }
    files.extend(day2::files(site, cluster)?.into_iter().map(|script| file(script, Kind::Script)));
    Ok(files)
}

/// The password of `operator` on the load balancers' statistics pages.
fn stats_password(credentials: &Credentials) -> Result<File, Bug> {
    let secret = SharedSecret::StatsPassword;
    let line = Secret::new(format!("{}\n", credentials.shared_text(secret)?.expose()));
    let used = SecretUse { purpose: secret.as_str().to_owned(), why: "opens the statistics pages" };
    Ok(File::secret("load-balancer/stats-password", &line, used))
}
