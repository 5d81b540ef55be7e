//! local-path-provisioner: volumes that are folders of the machine that a pod runs on.

use super::Addon;
use super::kustomization::{Kustomization, UPSTREAM};
use crate::bug::Bug;
use crate::site::Site;

/// The provisioner, its volumes below /var, and its class the default one.
pub(super) fn addon(site: &Site) -> Result<Addon, Bug> {
    let kustomization = Kustomization {
        resources: vec![UPSTREAM],
        merges: vec!["class.yaml", "config.yaml"],
        ..Kustomization::default()
    };
    let version = site.download("local-path-provisioner")?.version;
    Ok(Addon {
        name: "local-path",
        download: Some("local-path-provisioner"),
        files: vec![
            ("kustomization.yaml", kustomization.document()),
            ("class.yaml", include_str!("local-path-class.yaml").to_owned()),
            ("config.yaml", include_str!("local-path-config.yaml").to_owned()),
        ],
        expected: vec![
            format!("/local-path-provisioner:v{version}"),
            "\"/var/lib/local-path\"".to_owned(),
            "image: docker.io/library/busybox:1.37.0".to_owned(),
            "storageclass.kubernetes.io/is-default-class: \"true\"".to_owned(),
        ],
        ready: vec![
            "rollout status deployment/local-path-provisioner --namespace local-path-storage".to_owned(),
        ],
    })
}
