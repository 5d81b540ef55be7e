//! What stays with the person who runs the cluster: whom to trust, and the way in.

use super::kubeconfig::Kubeconfig;
use crate::bug::Bug;
use crate::credentials::Credentials;
use crate::setup::File;
use crate::site::{CertificateKind, Holder, Role, Site};

/// Certificates of all authorities, and a kubeconfig if there is an API; nothing without a cluster.
pub(super) fn files(site: &Site, credentials: &Credentials) -> Result<Vec<File>, Bug> {
    let Some(cluster) = &site.kubernetes else { return Ok(Vec::new()) };
    let authorities = credentials.authorities();
    let mut files: Vec<File> = authorities
        .map(|(kind, authority)| {
            File::text(format!("pki/{}.crt", kind.as_str()), authority.certificate().pem())
        })
        .collect();
    if site.with_role(Role::ControlPlane).next().is_none() {
        return Ok(files);
    }
    let admin = Kubeconfig {
        path: "kubeconfig/admin.conf",
        holder: Holder::Operator,
        kind: CertificateKind::Admin,
        server: cluster.server(),
        why: "kubectl of the operator",
    };
    files.push(admin.file(site, credentials)?);
    Ok(files)
}
