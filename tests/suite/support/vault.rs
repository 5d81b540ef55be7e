//! The vault of all tests: it is public, so nothing but tests may use it.

use bpc::vault::Vault;

/// Its key.
pub(crate) const KEY: [u8; 32] = [7; 32];

/// The vault.
pub(crate) fn vault() -> Vault {
    Vault::from_key(KEY)
}
