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
    /// The vault with this key.
    #[must_use]
    pub const fn from_key(key: [u8; 32]) -> Self {
        Self(Secret::new(key))
    }

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
        self.expand(blueprint, purpose, generation)
    }

    /// The same with as many bytes as are asked for; a shorter output is the beginning of a longer one.
    #[must_use]
    pub fn expand<const N: usize>(&self, blueprint: &str, purpose: &str, generation: u32) -> Secret<[u8; N]> {
        let info = format!("bpc/1/{blueprint}/{purpose}/{generation}");
        Secret::new(hkdf(self.0.expose(), info.as_bytes()))
    }

    /// What derives the secrets of one purpose, in one generation.
    #[must_use]
    pub fn derivation<'a>(&'a self, blueprint: &'a str, purpose: &'a str, generation: u32) -> Derivation<'a> {
        Derivation { vault: self, blueprint, purpose, generation }
    }

    /// Eight bytes in hex by which people tell vaults apart; they tell nothing about the vault.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let derived = self.derive("", "fingerprint", 0);
        let (shown, _) = derived.expose().split_at(8);
        base16ct::lower::encode_string(shown)
    }
}

/// One purpose of one blueprint in one generation: all that a key, a token or a password depends on.
#[derive(Clone, Copy, Debug)]
pub struct Derivation<'a> {
    vault: &'a Vault,
    blueprint: &'a str,
    purpose: &'a str,
    generation: u32,
}

impl Derivation<'_> {
    /// Bytes for one `kind` of secret, as [`Vault::expand`] gives them for the purpose `<purpose>:<kind>`.
    ///
    /// Two kinds differ even if they are asked for under the same purpose: a password that somebody reads tells
    /// nothing about a key. A purpose has no colon, so that none looks like another's kind.
    #[must_use]
    pub fn bytes<const N: usize>(&self, kind: &str) -> Secret<[u8; N]> {
        let purpose = format!("{}:{kind}", self.purpose);
        self.vault.expand(self.blueprint, &purpose, self.generation)
    }

    /// Blocks of bytes without end, for what has to throw some away: the kinds are `<kind>:0`, `<kind>:1`, ...
    pub fn blocks<const N: usize>(&self, kind: &str) -> impl Iterator<Item = Secret<[u8; N]>> {
        (0..=u64::MAX).map(move |counter| self.bytes(&format!("{kind}:{counter}")))
    }
}

/// HKDF-SHA256 (RFC 5869) without salt.
fn hkdf<const N: usize>(key: &[u8], info: &[u8]) -> [u8; N] {
    const { assert!(N <= 255 * 32, "HKDF gives up to 255 hash lengths: RFC 5869 section 2.3") };
    let mut output = [0; N];
    let filled = Hkdf::<Sha256>::new(None, key).expand(info, &mut output);
    debug_assert!(filled.is_ok(), "the length was checked when this was compiled");
    output
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

    /// RFC 5869 appendix A.3: no salt, no info.
    #[test]
    fn hkdf_is_that_of_the_rfc() {
        let output: [u8; 42] = hkdf(&[0x0b; 22], b"");
        let expected = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8";
        assert_eq!(base16ct::lower::encode_string(&output), expected);
    }

    #[test]
    fn a_short_output_begins_a_long_one() {
        let vault = Vault::from_bytes(&[7; 32]).unwrap();
        let long: Secret<[u8; 256]> = vault.expand("a", "b", 0);
        assert_eq!(long.expose()[..32], vault.derive("a", "b", 0).expose()[..]);
    }

    #[test]
    fn a_kind_is_a_purpose_of_its_own() {
        let vault = Vault::from_bytes(&[7; 32]).unwrap();
        let derivation = vault.derivation("a", "b", 4);
        assert_eq!(derivation.bytes("c"), vault.derive("a", "b:c", 4));
        let blocks: Vec<Secret<[u8; 32]>> = derivation.blocks("c").take(2).collect();
        assert_eq!(blocks, [vault.derive("a", "b:c:0", 4), vault.derive("a", "b:c:1", 4)]);
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
