//! `kubernetes: {etcd_settings: ...}`

use schemars::JsonSchema;
use serde::Deserialize;

/// How etcd keeps the state of the cluster, wherever it runs.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EtcdSettings {
    /// The size at which the database refuses writes, 64MiB to 8GiB. Default: 2GiB.
    #[serde(default)]
    #[schemars(extend("examples" = ["2GiB"]))]
    pub quota: Option<String>,
    /// How often every member takes a snapshot, 10m to 168h. Default: 6h.
    #[serde(default)]
    #[schemars(extend("examples" = ["6h"]))]
    pub snapshot_every: Option<String>,
    /// How many snapshots a member keeps. Default: 28.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1000))]
    pub snapshots_kept: Option<u16>,
}
