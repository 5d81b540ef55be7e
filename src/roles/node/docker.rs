//! Docker, and cri-dockerd, by which a kubelet uses it.

use serde_json::{Value, json};

use super::{CNI_CONFIGURATION, CNI_PLUGINS, downloads, pause};
use crate::bug::Bug;
use crate::setup::{File, Setup, Stage};
use crate::site::{Cluster, Site};
use crate::template::render;

/// Adds their configuration and units, and the stage that installs and starts them.
pub(super) fn add(site: &Site, cluster: &Cluster, setup: &mut Setup) -> Result<(), Bug> {
    setup.install(["apparmor", "iptables"]);
    let names = [
        ("docker", ["DOCKER_URL", "DOCKER_SHA256"]),
        ("cri-dockerd", ["CRI_DOCKERD_URL", "CRI_DOCKERD_SHA256"]),
        ("crictl", ["CRICTL_URL", "CRICTL_SHA256"]),
    ];
    let unit = |name: &str, text: &str| File::text(format!("/etc/systemd/system/{name}"), text);
    let values = json!({
        "pause": pause(cluster),
        "cni_plugins": CNI_PLUGINS,
        "cni_configuration": CNI_CONFIGURATION,
    });
    let service = render("cri-docker.service", include_str!("cri-docker.service.j2"), &values)?;
    let files = vec![
        File::text("/etc/docker/daemon.json", format!("{:#}\n", configuration(cluster))),
        unit("docker.service", include_str!("docker.service")),
        unit("cri-docker.service", &service),
        unit("cri-docker.socket", include_str!("cri-docker.socket")),
    ];
    let variables = downloads(site, &names)?;
    setup.apply(Stage::new(25, "docker", &variables, include_str!("docker.sh")), files);
    Ok(())
}

/// dockerd(8), "daemon configuration file".
fn configuration(cluster: &Cluster) -> Value {
    json!({
        "exec-opts": ["native.cgroupdriver=systemd"],
        // Containers go on when dockerd is restarted.
        "live-restore": true,
        "log-driver": "json-file",
        "log-opts": {"max-size": "10m", "max-file": "5"},
        // Pods are connected by the cluster's plugins, and the firewall of a node is theirs and kube-proxy's.
        "bridge": "none",
        "iptables": false,
        "ip6tables": false,
        "userland-proxy": false,
        "registry-mirrors": cluster.registry_mirrors.get("docker.io").cloned().unwrap_or_default(),
    })
}
