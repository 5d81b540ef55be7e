//! What every node of the cluster has, whether it is a control plane or a worker: what kubeadm wants to find.
//!
//! A kernel that forwards the traffic of pods, without swap; a container runtime; the kubelet, which waits for kubeadm to
//! configure it; and the certificate that the kubelet serves with. None of it knows which node it is on.

mod containerd;
mod docker;
mod flows;
mod kubernetes;
mod tools;

pub(super) use flows::flows;

use crate::bug::Bug;
use crate::credentials::Credentials;
use crate::setup::{File, Setup, Stage};
use crate::site::{Cluster, Machine, Role, Runtime, Site};

/// Where the plugins are that connect pods, and their configuration: where network plugins put both if they are not told
/// otherwise.
const CNI_PLUGINS: &str = "/opt/cni/bin";
const CNI_CONFIGURATION: &str = "/etc/cni/net.d";

/// containerd's folder of mirrors: one for each registry that has some.
const REGISTRIES: &str = "/etc/containerd/certs.d";

/// networkd.conf(5): when systemd-networkd is restarted, as an upgrade of it does, it removes what it did not put there itself
/// unless it is told that others work here too.
const NETWORKD: &str = "\
# Rules and routes of the cluster's network plugin stay when systemd-networkd is restarted.
[Network]
ManageForeignRoutingPolicyRules=no
ManageForeignRoutes=no
";

/// Adds it, if the machine is a node.
pub(super) fn add(
    site: &Site,
    credentials: &Credentials,
    machine: &Machine,
    setup: &mut Setup,
) -> Result<(), Bug> {
    let (Some(cluster), Role::ControlPlane | Role::Worker) = (&site.kubernetes, machine.role) else {
        return Ok(());
    };
    kernel(cluster, setup);
    let networkd = File::text("/etc/systemd/networkd.conf.d/zz-bpc.conf", NETWORKD);
    let stage = Stage::new(20, "foreign-routes", &[], "apply try-restart systemd-networkd\n");
    setup.apply(stage, vec![networkd]);
    match cluster.runtime {
        Runtime::Containerd(version) => containerd::add(site, cluster, version, setup)?,
        Runtime::Docker => docker::add(site, cluster, setup)?,
    }
    tools::add(site, cluster, setup)?;
    kubernetes::add(site, credentials, machine, setup)
}

fn kernel(cluster: &Cluster, setup: &mut Setup) {
    setup.install(["kmod", "mount", "procps"]);
    let mut text = include_str!("modules.conf").to_owned();
    if cluster.kubeadm.proxy_mode() == Some("ipvs") {
        // For whoever wants to see what kube-proxy made.
        setup.install(["ipvsadm"]);
        let scheduler = cluster.kubeadm.ipvs_scheduler();
        text.push_str("# Services, in kube-proxy's mode ipvs (its scheduler is a module too).\nip_vs\n");
        text.push_str(&["ip_vs_", scheduler, "\nnf_conntrack\n"].concat());
    }
    let modules: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let modules = modules.join(" ");
    let stage = Stage::new(20, "kernel", &[("MODULES", &modules)], include_str!("kernel.sh"));
    let modules = File::text("/etc/modules-load.d/bpc-kubernetes.conf", text);
    let settings = File::text("/etc/sysctl.d/zz-bpc-kubernetes.conf", include_str!("sysctl.conf"));
    setup.apply(stage, vec![modules, settings]);
}

/// The image that holds the namespaces of a pod. It is the runtime that starts it, and nothing else knows which it is; it
/// comes from where kubeadm takes its images.
fn pause(cluster: &Cluster) -> String {
    let repository = cluster.kubeadm.image_repository().unwrap_or("registry.k8s.io");
    format!("{repository}/pause:{}", cluster.release.images.pause)
}

/// The variables of a stage that downloads these: `NAME_URL` and `NAME_SHA256` of each.
fn downloads<'a>(
    site: &'a Site,
    names: &[(&str, [&'static str; 2])],
) -> Result<Vec<(&'static str, &'a str)>, Bug> {
    let mut variables = Vec::new();
    for (name, [url, digest]) in names {
        let download = site.download(name)?;
        variables.extend([(*url, download.url.as_str()), (*digest, download.sha256.as_str())]);
    }
    Ok(variables)
}
