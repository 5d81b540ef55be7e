//! The vault: 32 random bytes from which every secret of a data centre is derived.

use hkdf::Hkdf;
use sha2::Sha256;

use crate::value::Secret;

/// The one secret that a blueprint's owner keeps.
#[derive(Clone, Debug)]
pub struct Vault(Secret<[u8; 32]>);

/// A vault file that is not 32 bytes long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongSize(pub usize);

impl Vault {
    /// The vault in a file's bytes.
    ///
    /// # Errors
    /// [`WrongSize`] if these are not 32.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WrongSize> {
        let key = bytes.try_into().map_err(|_| WrongSize(bytes.len()))?;
        Ok(Self(Secret::new(key)))
    }

    /// 32 bytes for one purpose of one blueprint: HKDF-SHA256 (RFC 5869) without salt, the info string being
    /// `bpc/1/<blueprint>/<purpose>/<generation>`. None of them tells anything about another or about the vault.
    #[must_use]
    pub fn derive(&self, blueprint: &str, purpose: &str, generation: u32) -> Secret<[u8; 32]> {
        let info = format!("bpc/1/{blueprint}/{purpose}/{generation}");
        let mut key = [0; 32];
        // HKDF gives up to 255 hash lengths; one is always to be had.
        let filled = Hkdf::<Sha256>::new(None, self.0.expose()).expand(info.as_bytes(), &mut key);
        debug_assert!(filled.is_ok(), "HKDF-SHA256 gives 32 bytes");
        Secret::new(key)
    }

    /// Eight bytes in hex by which people tell vaults apart; they tell nothing about the vault.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let derived = self.derive("", "fingerprint", 0);
        let (shown, _) = derived.expose().split_at(8);
        base16ct::lower::encode_string(shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_the_purpose_matters() {
        let vault = Vault::from_bytes(&[7; 32]).unwrap();
        let keys = [
            vault.derive("a", "b", 0),
            vault.derive("a", "b", 1),
            vault.derive("a", "c", 0),
            vault.derive("d", "b", 0),
            Vault::from_bytes(&[8; 32]).unwrap().derive("a", "b", 0),
        ];
        for (index, key) in keys.iter().enumerate() {
            assert!(keys.iter().skip(index + 1).all(|other| other != key));
        }
    }

    /// Computed with the HMAC of Python's standard library: what is derived must never change, or machines are locked out.
    #[test]
    fn derivation_is_as_specified() {
        let vault = Vault::from_bytes(&[7; 32]).unwrap();
        let token = vault.derive("kube-demo", "bootstrap-token", 2);
        let expected = "c7eab4aab82e4fac288af8ab9ac722aa4f847648fa85e81354a97db0804c14bc";
        assert_eq!(base16ct::lower::encode_string(token.expose()), expected);
        assert_eq!(vault.fingerprint(), "04cd3585c2a7be5c");
    }

    #[test]
    fn a_vault_has_32_bytes() {
        assert_eq!(Vault::from_bytes(&[0; 31]).err(), Some(WrongSize(31)));
    }

    #[test]
    fn nothing_shows_the_key() {
        let vault = Vault::from_bytes(&[0xab; 32]).unwrap();
        assert_eq!(format!("{vault:?}"), "Vault([secret])");
        assert!(!vault.fingerprint().contains("abab"));
    }
}
