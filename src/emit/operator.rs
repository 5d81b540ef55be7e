//! What the person who runs the data centre gets: certificates of the authorities, a kubeconfig, passwords.

use crate::artifact::{Artifact, Kind};
use crate::setup::File;
use crate::site::Site;

/// These files, at their paths in the output tree.
pub(super) fn artifacts(site: &Site, files: &[File]) -> Vec<Artifact> {
    // What there is none of has no files here.
    let cluster = site.kubernetes.as_ref().map(|cluster| cluster.origin.as_str());
    let balancing = site.load_balancing.as_ref().map(|balancing| balancing.origin.as_str());
    let artifact = |file: &File| {
        let (kind, origin) = match file.path.split('/').next() {
            Some("pki") => (Kind::Certificate, cluster),
            Some("kubeconfig") => (Kind::Kubeconfig, cluster),
            _ => (Kind::Password, balancing),
        };
        Artifact {
            path: file.path.clone(),
            kind,
            content: file.content.clone(),
            executable: false,
            origin: origin.unwrap_or_default().to_owned(),
        }
    };
    files.iter().map(artifact).collect()
}
