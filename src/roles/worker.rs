//! Workers.

use super::kubeconfig::Kubeconfig;
use crate::bug::Bug;
use crate::credentials::Credentials;
use crate::setup::Setup;
use crate::site::{AuthorityKeys, Machine, Site};

/// The kubelet's identity, if no machine can sign one.
///
/// Otherwise the kubelet gets it by TLS bootstrap with a token, and renews it by itself. kubeadm's preflight refuses to
/// join a machine that has a kubelet.conf (`FileAvailable--etc-kubernetes-kubelet.conf`) and is told not to; the kubelet
/// takes a kubelet.conf with a good certificate for the end of its bootstrap. A worker has no ca.crt from bpc where
/// kubeadm puts one, for that is refused too.
pub(super) fn add(
    site: &Site,
    credentials: &Credentials,
    machine: &Machine,
    setup: &mut Setup,
) -> Result<(), Bug> {
    let Some(cluster) = &site.kubernetes else { return Ok(()) };
    if cluster.certificates.authority_keys == AuthorityKeys::Vault {
        setup.files.push(Kubeconfig::kubelet(machine, cluster.server()).file(site, credentials)?);
    }
    Ok(())
}
