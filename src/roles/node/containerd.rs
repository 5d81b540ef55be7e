//! containerd and runc (`docs/cri/config.md` and `docs/hosts.md` of containerd).

use serde::Serialize;

use super::{CNI_CONFIGURATION, CNI_PLUGINS, downloads, pause};
use crate::assets::Version;
use crate::bug::Bug;
use crate::setup::{File, Setup, Stage};
use crate::site::{ApiInPath, Cluster, Site, api_in_path};
use crate::template::render;

/// A folder for each registry that has mirrors.
const REGISTRIES: &str = "/etc/containerd/certs.d";

#[derive(Serialize)]
struct Configuration {
    pause: String,
    registries: &'static str,
    cni_plugins: &'static str,
    cni_networks: &'static str,
}

/// Where images of a registry come from.
#[derive(Serialize)]
struct Hosts<'a> {
    /// The registry, which is asked last.
    server: String,
    mirrors: Vec<Mirror<'a>>,
}

#[derive(Serialize)]
struct Mirror<'a> {
    address: &'a str,
    /// Whether the path is that of the API: containerd adds `/v2` to every other one that does not end so.
    override_path: bool,
}

/// Adds containerd's configuration, its unit, and the stage that installs and starts it.
pub(super) fn add(site: &Site, cluster: &Cluster, version: Version, setup: &mut Setup) -> Result<(), Bug> {
    setup.install(["apparmor"]);
    let names = [
        ("containerd", ["CONTAINERD_URL", "CONTAINERD_SHA256"]),
        ("runc", ["RUNC_URL", "RUNC_SHA256"]),
        ("crictl", ["CRICTL_URL", "CRICTL_SHA256"]),
    ];
    let registries: Vec<&str> = cluster.registry_mirrors.keys().map(String::as_str).collect();
    let registries = registries.join(" ");
    let mut variables = downloads(site, &names)?;
    variables.push(("REGISTRIES", &registries));
    let mut files = vec![
        File::text("/etc/containerd/config.toml", configuration(cluster, version)?),
        File::text("/etc/systemd/system/containerd.service", include_str!("containerd.service")),
    ];
    for (registry, mirrors) in &cluster.registry_mirrors {
        files.push(File::text(format!("{REGISTRIES}/{registry}/hosts.toml"), hosts(registry, mirrors)?));
    }
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

fn hosts(registry: &str, mirrors: &[String]) -> Result<String, Bug> {
    // Docker Hub is the one registry whose name is not that of its host.
    let host = if registry == "docker.io" { "registry-1.docker.io" } else { registry };
    let mirrors = mirrors
        .iter()
        .map(|address| Mirror { address, override_path: api_in_path(address) == Some(ApiInPath::Within) });
    let values = Hosts { server: format!("https://{host}"), mirrors: mirrors.collect() };
    render("hosts.toml", include_str!("hosts.toml.j2"), &values)
}
