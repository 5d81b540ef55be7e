//! local-path-provisioner: volumes that are folders of the machine that a pod runs on.

use super::Addon;
use super::kustomization::{Kustomization, UPSTREAM};
use super::pods;
use crate::bug::Bug;
use crate::site::{Cluster, Site, Workload};

/// The provisioner, its volumes below /var, and its class the default one.
pub(super) fn addon(site: &Site, cluster: &Cluster) -> Result<Addon, Bug> {
    let kustomization = Kustomization {
        resources: vec![UPSTREAM],
        merges: vec!["namespace.yaml", "class.yaml", "config.yaml"],
        patches: vec![("resources.yaml", "Deployment")],
        ..Kustomization::default()
    };
    let version = site.download("local-path-provisioner")?.version;
    let (resources, expected) = pods::resources_file(cluster, Workload::LocalPath);
    Ok(Addon {
        name: "local-path",
        download: Some("local-path-provisioner"),
        files: vec![
            ("kustomization.yaml", kustomization.document()),
            ("namespace.yaml", include_str!("local-path-namespace.yaml").to_owned()),
            ("class.yaml", include_str!("local-path-class.yaml").to_owned()),
            ("config.yaml", include_str!("local-path-config.yaml").to_owned()),
            ("resources.yaml", resources),
        ],
        expected: [
            format!("/local-path-provisioner:v{version}"),
            "\"/var/lib/local-path\"".to_owned(),
            "image: docker.io/library/busybox:1.37.0".to_owned(),
            "storageclass.kubernetes.io/is-default-class: \"true\"".to_owned(),
        ]
        .into_iter()
        .chain(expected)
        .collect(),
        ready: vec![
            "rollout status deployment/local-path-provisioner --namespace local-path-storage".to_owned(),
        ],
    })
}
