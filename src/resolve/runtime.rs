//! What runs containers, and where their images come from.

use std::collections::BTreeMap;

use super::Resolver;
use super::downloads::is_url;
use crate::assets::{self, Release, Version};
use crate::diag::{Code, Diagnostic, Path, Place};
use crate::model::{ContainerRuntime, Kubernetes};
use crate::site::{Runtime, api_in_path};
use crate::value::is_dns_name;

impl Resolver<'_> {
    /// The container runtime of all nodes.
    pub(super) fn runtime(&mut self, written: &Kubernetes, release: &Release) -> Option<Runtime> {
        let place = Place::Value(Path::root().key("kubernetes").key("containerd"));
        match (written.runtime, &written.containerd) {
            (ContainerRuntime::Docker, None) => Some(Runtime::Docker),
            (ContainerRuntime::Docker, Some(_)) => {
                let message = "Docker brings a containerd of its own";
                self.report(
                    Diagnostic::new(Code::ContainerdVersion, place, message)
                        .help("remove `containerd`, or `runtime: docker`"),
                );
                None
            }
            (ContainerRuntime::Containerd, None) => {
                newest(release.containerd.last()?).map(Runtime::Containerd)
            }
            (ContainerRuntime::Containerd, Some(text)) => {
                let found = containerd(text, release).map(Runtime::Containerd);
                if found.is_none() {
                    let message = format!(
                        "the kubelet of Kubernetes {} does not work with containerd `{text}`",
                        release.minor
                    );
                    self.report(
                        Diagnostic::new(Code::ContainerdVersion, place, message)
                            .help(format!("one of: {}", release.containerd.join(", "))),
                    );
                }
                found
            }
        }
    }

    /// Mirrors of registries, by the host name of each.
    pub(super) fn registry_mirrors(&mut self, written: &Kubernetes) -> BTreeMap<String, Vec<String>> {
        let path = Path::root().key("kubernetes").key("registry_mirrors");
        for (registry, mirrors) in &written.registry_mirrors {
            if !is_registry(registry) {
                let message = format!("`{registry}` is not the host of a registry");
                self.report(
                    Diagnostic::new(Code::RegistryMirror, Place::Key(path.key(registry)), message).help(
                        "write a host, and a port if there is one: `docker.io`, `registry.example:5000`",
                    ),
                );
            }
            for index in 0..mirrors.len() {
                self.mirror(written.runtime, mirrors, index, Place::Value(path.key(registry).index(index)));
            }
        }
        if written.runtime == ContainerRuntime::Docker {
            // `registry-mirrors` of dockerd's configuration file is for Docker Hub alone.
            for registry in written.registry_mirrors.keys().filter(|registry| *registry != "docker.io") {
                let message = format!("Docker asks no mirror for images of {registry}");
                self.report(
                    Diagnostic::new(Code::RegistryMirror, Place::Key(path.key(registry)), message)
                        .help("only `docker.io` can have mirrors with `runtime: docker`"),
                );
            }
        }
        written
            .registry_mirrors
            .iter()
            .map(|(registry, mirrors)| (registry.clone(), mirrors.clone()))
            .collect()
    }

    fn mirror(&mut self, runtime: ContainerRuntime, mirrors: &[String], index: usize, place: Place) {
        if let Some((message, help)) = mirror_fault(runtime, mirrors, index) {
            self.report(Diagnostic::new(Code::RegistryMirror, place, message).help(help));
        }
    }
}

/// What keeps a mirror from being asked, and the way out.
fn mirror_fault(runtime: ContainerRuntime, mirrors: &[String], index: usize) -> Option<(String, String)> {
    let mirror = mirrors.get(index)?;
    if !is_url(mirror) {
        let help = "write `http://` or `https://`, a host and maybe a path: `https://mirror.example`";
        return Some((format!("`{mirror}` is not the address of a mirror"), help.to_owned()));
    }
    // containerd reads nothing of a file that has a table twice.
    if mirrors.iter().take(index).any(|other| other == mirror) {
        return Some((format!("the mirror `{mirror}` stands here twice"), "name it once".to_owned()));
    }
    // dockerd adds `/v2/` to every address (seen with 28.5), and nothing keeps it from that.
    if runtime == ContainerRuntime::Docker && api_in_path(mirror).is_some() {
        let message = format!("Docker asks below `v2/` of this address, which has a `v2` in it: `{mirror}`");
        let help = "use an address without it, or `runtime: containerd`, which is told that it has one";
        return Some((message, help.to_owned()));
    }
    None
}

/// The version that a minor or an exact version means, if the release works with it.
fn containerd(text: &str, release: &Release) -> Option<Version> {
    let works = |minor: &str| release.containerd.iter().any(|known| known == minor);
    match text.parse::<Version>() {
        Ok(version) => works(&version.minor()).then_some(version),
        Err(_) => newest(text).filter(|_| works(text)),
    }
}

/// The newest containerd of a minor that bpc has.
fn newest(minor: &str) -> Option<Version> {
    assets::versions("containerd").into_iter().rev().find(|version| version.minor() == minor)
}

/// A host name, with a port or without.
fn is_registry(text: &str) -> bool {
    let (host, port) = text.split_once(':').unwrap_or((text, "443"));
    is_dns_name(host) && port.parse::<u16>().is_ok_and(|port| port > 0)
}
