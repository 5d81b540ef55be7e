//! metrics-server, of objects of bpc's own: its project publishes a manifest, but no digest of it.

use serde::Serialize;

use super::Addon;
use super::kustomization::Kustomization;
use super::pods;
use crate::bug::Bug;
use crate::site::{Cluster, Workload};
use crate::template::render;

/// Its image.
const IMAGE: &str = "registry.k8s.io/metrics-server/metrics-server:v0.9.0";

#[derive(Serialize)]
struct Objects {
    image: &'static str,
}

/// The server. It asks kubelets only whose certificates it can verify.
pub(super) fn addon(cluster: &Cluster) -> Result<Addon, Bug> {
    let kustomization = Kustomization {
        resources: vec!["metrics-server.yaml"],
        patches: vec![("resources.yaml", "Deployment")],
        ..Kustomization::default()
    };
    let (resources, expected) = pods::resources_file(cluster, Workload::MetricsServer);
    let objects =
        render("metrics-server.yaml", include_str!("metrics-server.yaml.j2"), &Objects { image: IMAGE })?;
    Ok(Addon {
        name: "metrics-server",
        files: vec![
            ("kustomization.yaml", kustomization.document()),
            ("metrics-server.yaml", objects),
            ("resources.yaml", resources),
        ],
        expected,
        ready: vec!["rollout status deployment/metrics-server --namespace kube-system".to_owned()],
        ..Addon::default()
    })
}
