//! Docker, and cri-dockerd, by which a kubelet uses it.

use serde_json::{Value, json};

use super::{CNI_CONFIGURATION, CNI_PLUGINS, downloads, pause};
use crate::bug::Bug;
use crate::setup::{File, Setup, Stage};
use crate::site::{Cluster, Site};
use crate::template::render;

/// Adds their units and configuration, and a stage for each that installs and starts it.
pub(super) fn add(site: &Site, cluster: &Cluster, setup: &mut Setup) -> Result<(), Bug> {
    setup.install(["apparmor", "iptables"]);
    let unit = |name: &str, text: &str| File::text(format!("/etc/systemd/system/{name}"), text);
    let variables = downloads(site, &[("docker", ["DOCKER_URL", "DOCKER_SHA256"])])?;
    let stage = Stage::new(25, "docker", &variables, include_str!("docker.sh"));
    setup.apply(stage, vec![unit("docker.service", include_str!("docker.service"))]);
    // Other mirrors are no reason to restart it: it reads its configuration again when it is told to.
    let configuration = File::text("/etc/docker/daemon.json", format!("{:#}\n", configuration(cluster)));
    let stage = Stage::new(26, "docker-mirrors", &[], "apply reload docker\n");
    setup.apply(stage, vec![configuration]);
    let values = json!({
        "pause": pause(cluster),
        "cni_plugins": CNI_PLUGINS,
        "cni_configuration": CNI_CONFIGURATION,
    });
    let service = render("cri-docker.service", include_str!("cri-docker.service.j2"), &values)?;
    let units = vec![
        unit("cri-docker.service", &service),
        unit("cri-docker.socket", include_str!("cri-docker.socket")),
    ];
    let variables = downloads(site, &[("cri-dockerd", ["CRI_DOCKERD_URL", "CRI_DOCKERD_SHA256"])])?;
    setup.apply(Stage::new(27, "cri-dockerd", &variables, include_str!("cri-dockerd.sh")), units);
    Ok(())
}

/// What dockerd reads again when it runs (dockerd(8), "daemon configuration file"); all else is in its unit, for no option
/// may be in both.
fn configuration(cluster: &Cluster) -> Value {
    json!({"registry-mirrors": cluster.registry_mirrors.get("docker.io").cloned().unwrap_or_default()})
}
