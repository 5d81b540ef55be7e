//! `downloads:` and what machines download.

use std::collections::BTreeMap;

use super::Resolver;
use crate::assets::{self, Version};
use crate::diag::{Code, Diagnostic, Path, Place, did_you_mean};
use crate::site::{AddOn, Cluster, Download, NetworkPlugin, Runtime};

impl Resolver<'_> {
    /// What machines download for this cluster, by name.
    pub(super) fn downloads(&mut self, cluster: Option<&Cluster>) -> BTreeMap<String, Download> {
        let blueprint = self.blueprint;
        let mirror = self.download_mirror();
        let wanted = cluster.map_or_else(Vec::new, wanted);
        if cluster.is_some() || blueprint.kubernetes.is_none() {
            self.unknown_downloads(&wanted);
        }
        let mut downloads = BTreeMap::new();
        for (name, version) in wanted {
            if let Some(download) = self.download(name, version, mirror.as_deref()) {
                downloads.insert(name.to_owned(), download);
            }
        }
        self.without_digest(&downloads);
        downloads
    }

    fn download(&mut self, name: &'static str, version: Version, mirror: Option<&str>) -> Option<Download> {
        let blueprint = self.blueprint;
        let path = Path::root().key("downloads").key("assets").key(name);
        let written = blueprint.downloads.assets.get(name).cloned().unwrap_or_default();
        let version = match &written.version {
            Some(text) => self.download_version(text, &path.key("version"))?,
            None => version,
        };
        let asset = assets::find(name, version, blueprint.image.architecture.as_str())?;
        let digest = match &written.sha256 {
            Some(text) => Some(self.download_digest(text, &path.key("sha256"))?),
            // What bpc knows is about the file that it knows.
            None => asset.sha256.filter(|_| written.url.is_none()),
        };
        let url = match &written.url {
            Some(url) => self.download_url(url, &path.key("url"))?,
            None => asset.url,
        };
        let url = match mirror {
            Some(mirror) => mirrored(mirror, &url),
            None => url,
        };
        Some(Download { version, url, sha256: digest.unwrap_or_default() })
    }

    /// Says once which of the files that follow from the version of Kubernetes nobody has a digest of, and of each that
    /// the blueprint names.
    fn without_digest(&mut self, downloads: &BTreeMap<String, Download>) {
        let assets = &self.blueprint.downloads.assets;
        let unknown = downloads.iter().filter(|(_, download)| download.sha256.is_empty());
        let (written, derived): (Vec<_>, Vec<_>) = unknown.partition(|(name, _)| assets.contains_key(*name));
        let path = Path::root().key("downloads").key("assets");
        for one in written {
            self.unverified(Place::Key(path.key(one.0)), &[one]);
        }
        if !derived.is_empty() {
            self.unverified(Place::Value(Path::root().key("kubernetes").key("version")), &derived);
        }
    }

    fn unverified(&mut self, place: Place, downloads: &[(&String, &Download)]) {
        let arch = self.blueprint.image.architecture.as_str();
        let list = |entry: fn(&String, &Download) -> String| {
            downloads.iter().map(|(name, download)| entry(name, download)).collect::<Vec<_>>().join(", ")
        };
        let message =
            format!("bpc has no digest of {} for {arch}", list(|name, it| format!("{name} {}", it.version)));
        let assets = list(|name, _| format!("{name}: {{sha256: ...}}"));
        self.report(
            Diagnostic::new(Code::DownloadWithoutDigest, place, message)
                .note("machines install what they get, unverified")
                .help(format!(
                    "add `downloads: {{assets: {{{assets}}}}}` with the digests that the publisher states"
                )),
        );
    }

    fn download_mirror(&mut self) -> Option<String> {
        let mirror = self.blueprint.downloads.mirror.as_ref()?;
        self.download_url(mirror, &Path::root().key("downloads").key("mirror"))?;
        Some(mirror.trim_end_matches('/').to_owned())
    }

    fn download_url(&mut self, url: &str, path: &Path) -> Option<String> {
        if is_url(url) {
            return Some(url.to_owned());
        }
        self.download_value(
            path,
            format!("`{url}` is not an address to download from"),
            "write `http://` or `https://`, a host and a path, nothing else: `https://mirror.example/downloads`",
        );
        None
    }

    fn download_version(&mut self, text: &str, path: &Path) -> Option<Version> {
        let version = text.parse().ok();
        if version.is_none() {
            let help = "write three numbers, in quotes and without a `v`: \"2.3.4\"";
            self.download_value(path, format!("`{text}` is not a version"), help);
        }
        version
    }

    fn download_digest(&mut self, text: &str, path: &Path) -> Option<String> {
        let digest = sha256(text);
        if digest.is_none() {
            self.download_value(path, format!("`{text}` is not a SHA-256 in hex"), SHA256_HELP);
        }
        digest
    }

    fn download_value(&mut self, path: &Path, message: String, help: &str) {
        self.report(Diagnostic::new(Code::DownloadValue, Place::Value(path.clone()), message).help(help));
    }

    /// Reports files that are named for something that no machine downloads.
    fn unknown_downloads(&mut self, wanted: &[(&'static str, Version)]) {
        let blueprint = self.blueprint;
        let unknown = |name: &&String| !wanted.iter().any(|(known, _)| known == name);
        for name in blueprint.downloads.assets.keys().filter(unknown) {
            let place = Place::Key(Path::root().key("downloads").key("assets").key(name));
            let names = || wanted.iter().map(|(name, _)| *name);
            let help = match did_you_mean(name, names()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if wanted.is_empty() => "remove it: without a cluster nothing is downloaded".to_owned(),
                None => format!("machines download: {}", names().collect::<Vec<_>>().join(", ")),
            };
            let message = format!("no machine of this blueprint downloads `{name}`");
            self.report(Diagnostic::new(Code::UnknownDownload, place, message).help(help));
        }
    }
}

/// What the machines of a cluster download, and in which version if the blueprint does not say.
fn wanted(cluster: &Cluster) -> Vec<(&'static str, Version)> {
    let mut wanted: Vec<_> = ["kubeadm", "kubelet", "kubectl"].map(|name| (name, cluster.version)).into();
    wanted.push(("crictl", cluster.release.crictl));
    let mut newest = |name: &'static str| wanted.extend(assets::versions(name).last().map(|it| (name, *it)));
    newest("cni-plugins");
    match cluster.runtime {
        Runtime::Containerd(_) => newest("runc"),
        Runtime::Docker => ["docker", "cri-dockerd"].into_iter().for_each(&mut newest),
    }
    match cluster.network_plugin {
        NetworkPlugin::Flannel => newest("flannel"),
        NetworkPlugin::Calico => newest("calico"),
        NetworkPlugin::Manifest(_) => {}
    }
    for addon in &cluster.addons {
        match addon {
            AddOn::MetalLb(_) => newest("metallb"),
            AddOn::LocalPath => newest("local-path-provisioner"),
            AddOn::Ingress { .. } => newest("haproxy-ingress"),
            AddOn::MetricsServer => {}
        }
    }
    if let Runtime::Containerd(version) = cluster.runtime {
        wanted.push(("containerd", version));
    }
    // A stacked etcd is an image, but its members have the programs that take and restore snapshots, too.
    wanted.push(("etcd", cluster.release.etcd));
    wanted
}

/// Where a mirror has what is at `url`.
fn mirrored(mirror: &str, url: &str) -> String {
    let (_, rest) = url.split_once("://").unwrap_or(("", url));
    format!("{mirror}/{rest}")
}

/// How a digest is written.
pub(super) const SHA256_HELP: &str = "write the 64 digits that `sha256sum` prints";

/// A SHA-256 in hex, in lower case.
pub(super) fn sha256(text: &str) -> Option<String> {
    let digest = text.to_ascii_lowercase();
    (digest.len() == 64 && digest.bytes().all(|c| c.is_ascii_hexdigit())).then_some(digest)
}

/// Whether curl and apt take it as an address, and no shell or configuration file sees more in it.
pub(super) fn is_url(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        !rest.starts_with(['/', ':'])
            && !rest.is_empty()
            && rest.bytes().all(|c| c.is_ascii_alphanumeric() || b".-_~/:%+".contains(&c))
    })
}
