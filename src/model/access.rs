//! `access:` and `system:`

use schemars::JsonSchema;
use serde::Deserialize;

/// Who may log in.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// The user on every machine, with sudo and without a password. Default: `debian` or `ubuntu`.
    #[serde(default)]
    pub user: Option<String>,
    /// OpenSSH public keys of those who may log in.
    #[serde(default)]
    pub ssh_keys: Vec<String>,
}

/// Time, language and extras of every machine.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct System {
    /// The time zone. Default: UTC.
    #[serde(default)]
    #[schemars(extend("examples" = ["UTC", "Europe/Berlin"]))]
    pub timezone: Option<String>,
    /// The locale. Default: C.UTF-8.
    #[serde(default)]
    #[schemars(extend("examples" = ["C.UTF-8", "en_US.UTF-8"]))]
    pub locale: Option<String>,
    /// Time servers. Default: the distribution's own.
    #[serde(default)]
    pub ntp: Vec<String>,
    /// Packages for every machine; one that keeps the time takes the place of systemd-timesyncd.
    #[serde(default)]
    pub packages: Vec<String>,
}
