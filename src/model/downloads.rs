//! `downloads:`

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

/// Software that machines download by themselves.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Downloads {
    /// Where all of it is, instead of where it is published: below this address each file has the host and the path of
    /// its own one.
    #[serde(default)]
    #[schemars(extend("examples" = ["https://mirror.example/downloads"]))]
    pub mirror: Option<String>,
    /// Other files than those that bpc has, by the name of what they bring.
    #[serde(default)]
    pub assets: IndexMap<String, Asset>,
}

/// Another file.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Asset {
    /// Its version, in quotes. Default: that which goes with the version of Kubernetes.
    #[serde(default)]
    #[schemars(extend("examples" = ["2.3.5"]))]
    pub version: Option<String>,
    /// Where it is. Default: where its publisher has that version.
    #[serde(default)]
    pub url: Option<String>,
    /// The SHA-256 that it must have, in hex.
    #[serde(default)]
    pub sha256: Option<String>,
}
