//! kubeadm, kubectl, and the kubelet, which waits for kubeadm.

use super::downloads;
use crate::bug::Bug;
use crate::credentials::Credentials;
use crate::roles::pki::Keyring;
use crate::setup::{File, Setup, Stage};
use crate::site::{CertificateKind, Machine, Site};

/// What kubeadm's preflight checks look for (`socat` is what `kubectl port-forward` needs with cri-dockerd), and what
/// kube-proxy uses: `ipset` in its mode `ipvs`, and `conntrack` to forget connections.
const PACKAGES: [&str; 8] =
    ["conntrack", "ebtables", "ethtool", "iproute2", "ipset", "iptables", "socat", "util-linux"];

/// The names of a certificate and its key, without their ends, as the kubelet is told them.
const SERVER: &str = "/etc/bpc/kubelet/server";

/// Adds the programs, the kubelet's unit and its certificate.
pub(super) fn add(
    site: &Site,
    credentials: &Credentials,
    machine: &Machine,
    setup: &mut Setup,
) -> Result<(), Bug> {
    setup.install(PACKAGES);
    let names = [
        ("kubeadm", ["KUBEADM_URL", "KUBEADM_SHA256"]),
        ("kubelet", ["KUBELET_URL", "KUBELET_SHA256"]),
        ("kubectl", ["KUBECTL_URL", "KUBECTL_SHA256"]),
    ];
    let version = site.download("kubelet")?.version.to_string();
    let mut variables = vec![("VERSION", version.as_str())];
    variables.extend(downloads(site, &names)?);
    let unit = "/etc/systemd/system/kubelet.service";
    let mut files = vec![
        File::text(unit, include_str!("kubelet.service")),
        File::text(format!("{unit}.d/10-kubeadm.conf"), include_str!("10-kubeadm.conf")),
    ];
    let why = "the kubelet serves the API and what measures nodes";
    files.extend(Keyring::new(credentials, machine).certificate(
        CertificateKind::KubeletServer,
        SERVER,
        why,
    )?);
    setup.apply(Stage::new(30, "kubernetes", &variables, include_str!("kubernetes.sh")), files);
    Ok(())
}
