//! Software that machines download by themselves, pinned by digest: the table is `assets.yaml`.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use serde::Deserialize;

/// All that bpc knows about software that machines download.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    releases: Vec<Release>,
    downloads: Vec<Asset>,
}

/// A minor of Kubernetes and what goes with it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// The minor: `1.35`.
    pub minor: String,
    /// The patch release that is installed if none is named.
    #[serde(deserialize_with = "version")]
    pub version: Version,
    /// The version of kubeadm's configuration: `v1beta4`.
    pub kubeadm_api: String,
    /// The tags of the images that kubeadm runs beside its own.
    pub images: Images,
    /// Minors of containerd that its kubelet works with, the default last.
    pub containerd: Vec<String>,
    /// The version of crictl.
    #[serde(deserialize_with = "version")]
    pub crictl: Version,
    /// The version of an etcd outside of kubeadm.
    #[serde(deserialize_with = "version")]
    pub etcd: Version,
}

/// Tags of images that a release of kubeadm runs (`kubeadm config images list`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Images {
    /// What holds the namespaces of a pod.
    pub pause: String,
    /// The cluster's DNS.
    pub coredns: String,
    /// The stacked etcd.
    pub etcd: String,
}

/// A file to download.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asset {
    /// What it is: `kubectl`.
    pub name: String,
    /// Its version.
    #[serde(deserialize_with = "version")]
    pub version: Version,
    /// The processor that it runs on, as Debian names it: `amd64`, `arm64`, or `all`.
    #[serde(default = "all")]
    pub arch: String,
    /// Where it is.
    pub url: String,
    /// The digest that it must have, in hex, if it is known.
    #[serde(default)]
    pub sha256: Option<String>,
}

/// A version of three numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// The first number.
    pub major: u32,
    /// The second number.
    pub minor: u32,
    /// The third number.
    pub patch: u32,
}

impl Version {
    /// Its first two numbers: `1.35`.
    #[must_use]
    pub fn minor(&self) -> String {
        format!("{}.{}", self.major, self.minor)
    }
}

impl FromStr for Version {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut numbers = text.splitn(3, '.').map(|number| match number.as_bytes() {
            // `parse` takes a sign.
            [b'0'..=b'9', ..] => number.parse(),
            _ => "".parse(),
        });
        let mut next = || numbers.next().unwrap_or_else(|| "".parse());
        Ok(Self { major: next()?, minor: next()?, patch: next()? })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

fn version<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Version, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

fn all() -> String {
    "all".to_owned()
}

/// The table.
static TABLE: LazyLock<Table> =
    // The unit test below reads all of it, so that an unreadable one never ships.
    LazyLock::new(|| serde_yaml::from_str(include_str!("assets.yaml")).unwrap_or_default());

/// The minors of Kubernetes that bpc has, oldest first.
#[must_use]
pub fn releases() -> &'static [Release] {
    &TABLE.releases
}

/// The versions of `name` that bpc has, oldest first.
#[must_use]
pub fn versions(name: &str) -> Vec<Version> {
    let mut versions: Vec<Version> =
        TABLE.downloads.iter().filter(|asset| asset.name == name).map(|asset| asset.version).collect();
    versions.sort_unstable();
    versions.dedup();
    versions
}

/// The download of `name` for one version and processor.
///
/// A version that is not in the table is expected where another one is, and its digest is not known.
#[must_use]
pub fn find(name: &str, version: Version, arch: &str) -> Option<Asset> {
    let mut candidates = TABLE
        .downloads
        .iter()
        .filter(|asset| asset.name == name && [arch, "all"].contains(&asset.arch.as_str()));
    let newest = candidates.clone().next_back()?;
    let known = candidates.find(|asset| asset.version == version);
    Some(known.cloned().unwrap_or_else(|| Asset {
        version,
        url: newest.url.replace(&newest.version.to_string(), &version.to_string()),
        sha256: None,
        ..newest.clone()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        serde_yaml::from_str(include_str!("assets.yaml")).unwrap()
    }

    #[test]
    fn downloads_are_where_their_names_and_versions_say() {
        for asset in &table().downloads {
            assert!(asset.url.starts_with("https://"), "{asset:?}");
            assert!(asset.url.contains(&asset.version.to_string()), "{asset:?}");
            let digest = asset
                .sha256
                .as_deref()
                .unwrap_or("00000000000000000000000000000000000000000000000000000000000000aa");
            assert!(digest.len() == 64 && digest.bytes().all(|c| c.is_ascii_hexdigit()), "{asset:?}");
            let arches: &[&str] = if asset.arch == "all" { &["all"] } else { &["amd64", "arm64"] };
            for arch in arches {
                let found = table().downloads.into_iter().filter(|other| {
                    (other.name.as_str(), other.version, other.arch.as_str())
                        == (asset.name.as_str(), asset.version, arch)
                });
                assert_eq!(found.count(), 1, "{arch} of {asset:?}");
            }
        }
    }

    #[test]
    fn a_release_has_all_that_goes_with_it() {
        let table = table();
        assert_eq!(table.releases.len(), 3);
        for release in &table.releases {
            assert_eq!(release.version.minor(), release.minor);
            for name in ["kubeadm", "kubelet", "kubectl"] {
                assert!(versions(name).contains(&release.version), "{name} {}", release.version);
            }
            assert!(versions("crictl").contains(&release.crictl) && versions("etcd").contains(&release.etcd));
            let containerd: Vec<String> = versions("containerd").iter().map(Version::minor).collect();
            assert!(release.containerd.iter().all(|minor| containerd.contains(minor)), "{release:?}");
        }
    }

    #[test]
    fn another_version_is_expected_beside_those_in_the_table() {
        let version = "1.35.99".parse().unwrap();
        let found = find("kubelet", version, "arm64").unwrap();
        assert_eq!(found.url, "https://dl.k8s.io/release/v1.35.99/bin/linux/arm64/kubelet");
        assert_eq!((found.version, found.sha256), (version, None));
        assert_eq!(find("kubelet", version, "riscv64"), None);
        assert_eq!(find("flannel", "0.28.9".parse().unwrap(), "arm64").unwrap().arch, "all");
    }

    #[test]
    fn versions_have_three_numbers() {
        assert_eq!("1.35.8".parse(), Ok(Version { major: 1, minor: 35, patch: 8 }));
        for text in ["1", "1.35", "1.35.x", "v1.35.8", "1.35.8.1", "1.+35.8"] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
    }
}
