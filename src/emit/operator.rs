//! What the person who runs the data centre gets: certificates of the authorities, and a kubeconfig.

use crate::artifact::{Artifact, Kind};
use crate::setup::File;
use crate::site::Site;

/// These files, at their paths in the output tree.
pub(super) fn artifacts(site: &Site, files: &[File]) -> Vec<Artifact> {
    // Only a cluster has any.
    let origin = site.kubernetes.as_ref().map(|cluster| cluster.origin.as_str()).unwrap_or_default();
    let artifact = |file: &File| Artifact {
        path: file.path.clone(),
        kind: if file.path.starts_with("pki/") { Kind::Certificate } else { Kind::Kubeconfig },
        content: file.content.clone(),
        executable: false,
        origin: origin.to_owned(),
    };
    files.iter().map(artifact).collect()
}
