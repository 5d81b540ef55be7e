//! Software that machines download by themselves, pinned by digest: the table is `assets.yaml`.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use serde::Deserialize;

/// A file to download.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asset {
    /// What it is: `kubectl`.
    pub name: String,
    /// Its version.
    #[serde(deserialize_with = "version")]
    pub version: Version,
    /// The processor that it runs on, as Debian names it: `amd64`, `arm64`.
    pub arch: String,
    /// Where it is.
    pub url: String,
    /// The digest that it must have, in hex.
    pub sha256: String,
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

impl FromStr for Version {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut numbers = text.splitn(3, '.').map(str::parse);
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

/// Every pinned download.
static TABLE: LazyLock<Vec<Asset>> =
    // The unit test below reads the whole table, so that an unreadable one never ships.
    LazyLock::new(|| serde_yaml::from_str(include_str!("assets.yaml")).unwrap_or_default());

/// The versions of `name` that bpc has, oldest first.
#[must_use]
pub fn versions(name: &str) -> Vec<Version> {
    let mut versions: Vec<Version> =
        TABLE.iter().filter(|asset| asset.name == name).map(|asset| asset.version).collect();
    versions.sort_unstable();
    versions.dedup();
    versions
}

/// The download of `name` for one version and processor.
#[must_use]
pub fn find(name: &str, version: Version, arch: &str) -> Option<&'static Asset> {
    TABLE.iter().find(|asset| asset.name == name && asset.version == version && asset.arch == arch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_readable_and_complete() {
        let table: Vec<Asset> = serde_yaml::from_str(include_str!("assets.yaml")).unwrap();
        for asset in &table {
            assert!(asset.url.contains(&format!("/v{}/", asset.version)), "{asset:?}");
            assert!(asset.url.contains(&asset.arch), "{asset:?}");
            assert!(
                asset.sha256.len() == 64 && asset.sha256.bytes().all(|c| c.is_ascii_hexdigit()),
                "{asset:?}"
            );
            for arch in ["amd64", "arm64"] {
                assert!(find(&asset.name, asset.version, arch).is_some(), "{arch} of {asset:?}");
            }
        }
        assert_eq!(versions("kubectl").len(), 3);
    }

    #[test]
    fn versions_have_three_numbers() {
        assert_eq!("1.35.8".parse(), Ok(Version { major: 1, minor: 35, patch: 8 }));
        for text in ["1", "1.35", "1.35.x", "v1.35.8", "1.35.8.1"] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
    }
}
