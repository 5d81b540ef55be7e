//! What programs of a node take from the disk each time that they need it: no service has to hear of a new one.
//!
//! runc, which containerd calls for each container; the plugins that connect pods; `crictl`; and containerd's mirrors,
//! which it looks up at every download (`docs/hosts.md` of containerd).

use serde::Serialize;

use super::{CNI_PLUGINS, REGISTRIES, downloads};
use crate::bug::Bug;
use crate::setup::{File, Setup, Stage};
use crate::site::{ApiInPath, Cluster, Runtime, Site, api_in_path};
use crate::template::render;

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

/// Adds them, and the stage that downloads programs before what calls them.
pub(super) fn add(site: &Site, cluster: &Cluster, setup: &mut Setup) -> Result<(), Bug> {
    let mut names =
        vec![("cni-plugins", ["CNI_URL", "CNI_SHA256"]), ("crictl", ["CRICTL_URL", "CRICTL_SHA256"])];
    let mut body = include_str!("tools.sh").to_owned();
    // Docker brings a runc of its own, and has its mirrors in its configuration.
    if matches!(cluster.runtime, Runtime::Containerd(_)) {
        names.push(("runc", ["RUNC_URL", "RUNC_SHA256"]));
        body.push_str(include_str!("runc.sh"));
        for (registry, mirrors) in &cluster.registry_mirrors {
            let path = format!("{REGISTRIES}/{registry}/hosts.toml");
            setup.files.push(File::text(path, hosts(registry, mirrors)?));
        }
    }
    setup.files.push(File::text("/etc/crictl.yaml", crictl(cluster)));
    let mut variables = vec![("CNI_PLUGINS", CNI_PLUGINS)];
    variables.extend(downloads(site, &names)?);
    setup.stages.push(Stage::new(24, "container-tools", &variables, &body));
    Ok(())
}

/// What `crictl` asks if it is not told otherwise.
fn crictl(cluster: &Cluster) -> String {
    let socket = cluster.runtime.cri_socket();
    format!("runtime-endpoint: {socket}\nimage-endpoint: {socket}\ntimeout: 10\n")
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
