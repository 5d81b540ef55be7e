//! `kubernetes: {etcd_settings: ...}`

use schemars::JsonSchema;
use serde::Deserialize;

/// How etcd keeps the state of the cluster, wherever it runs.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EtcdSettings {
    /// The size at which the database takes no more writes, 64MiB to 8GiB; 2GiB if nothing is said.
    #[serde(default)]
    #[schemars(extend("examples" = ["2GiB"]))]
    pub quota: Option<String>,
    /// How often every member takes a snapshot, 10m to 168h; 6h if nothing is said.
    #[serde(default)]
    #[schemars(extend("examples" = ["6h"]))]
    pub snapshot_every: Option<String>,
    /// How many snapshots a member keeps; 28 if nothing is said.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1000))]
    pub snapshots_kept: Option<u16>,
}
