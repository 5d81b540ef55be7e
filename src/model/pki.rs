//! `pki:`

use schemars::JsonSchema;
use serde::Deserialize;

/// Settings of certificates and authorities.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pki {
    /// The algorithm of all X.509 keys.
    #[serde(default)]
    pub algorithm: Algorithm,
    /// Validity of authorities in days, from the epoch. Default: 3650.
    #[serde(default)]
    #[schemars(range(min = 1, max = 36500))]
    pub authority_days: Option<u32>,
    /// Validity of all other certificates in days, from the epoch. Default: 365.
    #[serde(default)]
    #[schemars(range(min = 1, max = 36500))]
    pub certificate_days: Option<u32>,
    /// When the operator's SSH certificate begins (RFC 3339, UTC). Default: the epoch.
    #[serde(default)]
    pub operator_from: Option<String>,
    /// Validity of the operator's SSH certificate in days. Default: as other certificates.
    #[serde(default)]
    #[schemars(range(min = 1, max = 36500))]
    pub operator_days: Option<u32>,
    /// One root authority above the others; without it each signs itself.
    #[serde(default)]
    pub root: bool,
    /// Where the keys of authorities are.
    #[serde(default)]
    pub authority_keys: AuthorityKeys,
}

/// An algorithm that kubeadm knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    /// ECDSA on P-256.
    #[default]
    EcdsaP256,
    /// ECDSA on P-384.
    EcdsaP384,
}

/// Where the keys of authorities are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AuthorityKeys {
    /// On the control planes, which can then sign the certificates of new nodes.
    #[default]
    Machines,
    /// In the vault only: every certificate is made by bpc, and renewed by building again with a later epoch.
    Vault,
}
