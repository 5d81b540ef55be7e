//! What runs in a cluster besides Kubernetes: the network plugin, add-ons, and the manifests of the blueprint.
//!
//! The first control plane applies them. Each add-on is a kustomization below `/etc/bpc/addons/`: patches, objects of
//! bpc's own, and the pinned manifest that the machine downloads. So anybody may read there what differs from the
//! manifest, and `/var/lib/bpc/addons/` has what comes of it.
//!
//! Control planes run nothing but themselves and the network plugin. So all add-ons are applied first; then a stage waits
//! until they run, and what needs that (pools of `MetalLB`, the manifests) comes after it. None of these stages keeps the
//! others from having their turn ([`LAST`]): whatever can be applied is, and the machine is ready when all is well.

mod ingress;
mod kustomization;
mod local_path;
mod metallb;
mod metrics_server;
mod network_plugin;
mod pods;

use crate::bootstrap::LAST;
use crate::bug::Bug;
use crate::format::yaml::Yaml;
use crate::setup::{File, Setup, Stage};
use crate::site::{AddOn, Cluster, Machine, Manifest, Role, Site};

/// The order of the network plugin's stage; those of the add-ons follow it.
const ORDER: u8 = LAST;
/// The stage that waits until the add-ons run, and those of what needs them.
const READY: u8 = LAST + 10;

/// Something that is applied to the cluster.
#[derive(Clone, Debug, Default)]
struct Addon {
    /// What it and its stage are called.
    name: &'static str,
    /// The download that is its manifest, if it has one.
    download: Option<&'static str>,
    /// Files of its folder: `kustomization.yaml` and those that this names, or else `manifest.yaml`.
    files: Vec<(&'static str, String)>,
    /// Texts that its objects must have when all patches went where they should.
    expected: Vec<String>,
    /// What kubectl is asked in order to know that it runs: all of it has to be so.
    ready: Vec<String>,
}

/// All of it, on the first control plane.
pub(super) fn add(site: &Site, machine: &Machine, setup: &mut Setup) -> Result<(), Bug> {
    let Some(cluster) = &site.kubernetes else { return Ok(()) };
    if site.with_role(Role::ControlPlane).next() != Some(machine) {
        return Ok(());
    }
    let plugin = network_plugin::addon(cluster, machine);
    apply(site, ORDER, &plugin, &plugin.ready.join("\n"), setup)?;
    let mut waits = Vec::new();
    for (order, addon) in (ORDER + 1..).zip(&cluster.addons) {
        let addon = of_kind(site, cluster, addon)?;
        apply(site, order, &addon, "", setup)?;
        waits.extend(addon.ready.iter().map(|question| format!("{} {question}", addon.name)));
    }
    // Where there is no worker they run as soon as somebody lets them.
    if !waits.is_empty() && site.with_role(Role::Worker).next().is_some() {
        let body = concat!(include_str!("apply.sh"), include_str!("ready.sh"));
        setup.stages.push(Stage::new(READY, "addons", &[("WAITS", &waits.join("\n"))], body));
    }
    for addon in &cluster.addons {
        if let AddOn::MetalLb(pools) = addon {
            apply(site, READY + 1, &metallb::pools(site, pools), "", setup)?;
        }
    }
    manifests(cluster, setup);
    Ok(())
}

fn of_kind(site: &Site, cluster: &Cluster, addon: &AddOn) -> Result<Addon, Bug> {
    match addon {
        AddOn::MetalLb(pools) => metallb::addon(site, cluster, pools),
        AddOn::MetricsServer => metrics_server::addon(cluster),
        AddOn::LocalPath => local_path::addon(site, cluster),
        AddOn::Ingress { machines, http, https } => ingress::addon(site, cluster, machines, [*http, *https]),
    }
}

/// The files of an add-on, and the stage that applies it and then waits.
fn apply(site: &Site, order: u8, addon: &Addon, wait: &str, setup: &mut Setup) -> Result<(), Bug> {
    let (url, sha256) = match addon.download {
        Some(name) => {
            let download = site.download(name)?;
            (download.url.as_str(), download.sha256.as_str())
        }
        None => ("", ""),
    };
    let expected = addon.expected.join("\n");
    let variables =
        [("NAME", addon.name), ("URL", url), ("SHA256", sha256), ("EXPECTED", &expected), ("WAIT", wait)];
    let body = concat!(include_str!("apply.sh"), include_str!("addon.sh"));
    let file = |(name, text): &(&str, String)| {
        File::text(format!("/etc/bpc/addons/{}/{name}", addon.name), text.as_str())
    };
    setup.apply(Stage::new(order, addon.name, &variables, body), addon.files.iter().map(file).collect());
    Ok(())
}

/// What the blueprint applies, as it is. Only root reads it: bpc does not know what is in it.
fn manifests(cluster: &Cluster, setup: &mut Setup) {
    if cluster.manifests.is_empty() {
        return;
    }
    let names: Vec<&str> = cluster.manifests.iter().map(|manifest| manifest.name.as_str()).collect();
    let file = |manifest: &Manifest| {
        let path = format!("/etc/bpc/manifests/{}.yaml", manifest.name);
        File { mode: 0o600, ..File::text(path, manifest.text.as_str()) }
    };
    let files = cluster.manifests.iter().map(file).collect();
    let body = concat!(include_str!("apply.sh"), include_str!("manifests.sh"));
    setup.apply(Stage::new(READY + 2, "manifests", &[("MANIFESTS", &names.join(" "))], body), files);
}

/// Chooses nodes by their names.
fn on_machines(names: &[&str]) -> Yaml {
    Yaml::map([
        ("key", "kubernetes.io/hostname".into()),
        ("operator", "In".into()),
        ("values", Yaml::seq(names.iter().copied())),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::tests::{machine, site};

    const WORKER: &str = "node: {role: worker, count: 2, networks: [node]}";

    /// What the control plane of a site with these add-ons gets.
    fn with(machines: &[&str], addons: &[AddOn]) -> Setup {
        let mut site = site(machines, "");
        site.kubernetes.as_mut().unwrap().addons = addons.to_vec();
        let mut setup = Setup::default();
        add(&site, machine(&site, "mast"), &mut setup).unwrap();
        setup
    }

    fn stages(setup: &Setup) -> Vec<String> {
        setup.stages.iter().map(Stage::file_name).collect()
    }

    #[test]
    fn add_ons_follow_the_network_plugin_and_then_wait_for_a_worker() {
        let setup = with(&[WORKER], &[AddOn::MetricsServer]);
        assert_eq!(stages(&setup), ["70-flannel", "71-metrics-server", "80-addons"]);
    }

    #[test]
    fn nobody_waits_for_a_worker_that_is_not_planned() {
        let setup = with(&[], &[AddOn::MetricsServer]);
        assert_eq!(stages(&setup), ["70-flannel", "71-metrics-server"]);
    }

    #[test]
    fn without_add_ons_there_is_the_network_plugin() {
        assert_eq!(stages(&with(&[WORKER], &[])), ["70-flannel"]);
    }
}
