//! containerd (`docs/cri/config.md` of containerd).

use serde::Serialize;

use super::{CNI_CONFIGURATION, CNI_PLUGINS, REGISTRIES, downloads, pause};
use crate::assets::Version;
use crate::bug::Bug;
use crate::setup::{File, Setup, Stage};
use crate::site::{Cluster, Site};
use crate::template::render;

#[derive(Serialize)]
struct Configuration {
    pause: String,
    registries: &'static str,
    cni_plugins: &'static str,
    cni_networks: &'static str,
}

/// Adds containerd's configuration, its unit, and the stage that installs and starts it.
pub(super) fn add(site: &Site, cluster: &Cluster, version: Version, setup: &mut Setup) -> Result<(), Bug> {
    setup.install(["apparmor"]);
    let variables = downloads(site, &[("containerd", ["CONTAINERD_URL", "CONTAINERD_SHA256"])])?;
    let files = vec![
        File::text("/etc/containerd/config.toml", configuration(cluster, version)?),
        File::text("/etc/systemd/system/containerd.service", include_str!("containerd.service")),
    ];
    setup.apply(Stage::new(25, "containerd", &variables, include_str!("containerd.sh")), files);
    Ok(())
}

/// containerd 2 has other names for most of it, and reads the old ones by converting them.
fn configuration(cluster: &Cluster, version: Version) -> Result<String, Bug> {
    let values = Configuration {
        pause: pause(cluster),
        registries: REGISTRIES,
        cni_plugins: CNI_PLUGINS,
        cni_networks: CNI_CONFIGURATION,
    };
    let template =
        if version.major < 2 { include_str!("config-2.toml.j2") } else { include_str!("config-3.toml.j2") };
    render("config.toml", template, &values)
}
