//! metrics-server, of objects of bpc's own: its project publishes a manifest, but no digest of it.

use serde::Serialize;

use super::Addon;
use super::kustomization::Kustomization;
use crate::bug::Bug;
use crate::template::render;

/// Its image.
const IMAGE: &str = "registry.k8s.io/metrics-server/metrics-server:v0.9.0";

#[derive(Serialize)]
struct Objects {
    image: &'static str,
}

/// The server. It asks kubelets only whose certificates it can verify.
pub(super) fn addon() -> Result<Addon, Bug> {
    let kustomization = Kustomization { resources: vec!["metrics-server.yaml"], ..Kustomization::default() };
    let objects =
        render("metrics-server.yaml", include_str!("metrics-server.yaml.j2"), &Objects { image: IMAGE })?;
    Ok(Addon {
        name: "metrics-server",
        files: vec![("kustomization.yaml", kustomization.document()), ("metrics-server.yaml", objects)],
        ready: vec!["rollout status deployment/metrics-server --namespace kube-system".to_owned()],
        ..Addon::default()
    })
}
