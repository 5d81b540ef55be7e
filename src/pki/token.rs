//! Tokens, shared secrets and passwords in the forms that programs want.
//!
//! Characters are drawn without a bias: a byte that would make some of them likelier than others is thrown away.

use crate::value::Secret;
use crate::vault::Derivation;

/// Digits and lower-case letters.
const LOWER_CASE: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// Digits and letters: they need no quoting in a shell, a URL, YAML, or the configuration of any server.
const LETTERS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A bootstrap token of kubeadm, `[a-z0-9]{6}\.[a-z0-9]{16}`: the first part names it, the second is the secret.
#[must_use]
pub fn bootstrap_token(derivation: &Derivation<'_>) -> Secret<String> {
    let mut token = characters(derivation, "bootstrap-token", LOWER_CASE, 22);
    token.insert(6, '.');
    Secret::new(token)
}

/// Corosync's authkey: 256 bytes, the length that corosync-keygen(8) takes.
#[must_use]
pub fn corosync_authkey(derivation: &Derivation<'_>) -> Secret<[u8; 256]> {
    derivation.bytes("corosync-authkey")
}

/// A password for VRRP: 8 characters, since keepalived reads no more (`auth_pass` in keepalived.conf(5)).
#[must_use]
pub fn vrrp_password(derivation: &Derivation<'_>) -> Secret<String> {
    Secret::new(characters(derivation, "vrrp-password", LETTERS, 8))
}

/// A password that a person types or pastes: 24 letters and digits, 142 bits.
#[must_use]
pub fn password(derivation: &Derivation<'_>) -> Secret<String> {
    Secret::new(characters(derivation, "password", LETTERS, 24))
}

/// The key under which the agents of Consul or Nomad gossip (`encrypt`): 32 bytes in base64.
#[must_use]
pub fn gossip_key(derivation: &Derivation<'_>) -> Secret<String> {
    use base64ct::{Base64, Encoding};
    Secret::new(Base64::encode_string(derivation.bytes::<32>("gossip-key").expose()))
}

/// What stands beside a secret that is too short for a digest of both to be public: 32 hex digits.
#[must_use]
pub fn salt(derivation: &Derivation<'_>) -> Secret<String> {
    Secret::new(base16ct::lower::encode_string(derivation.bytes::<16>("salt").expose()))
}

/// So many characters of an alphabet, each equally likely.
fn characters(derivation: &Derivation<'_>, kind: &str, alphabet: &[u8], count: usize) -> String {
    let blocks = derivation.blocks::<32>(kind);
    choose(blocks.flat_map(|block| *block.expose()), alphabet).take(count).collect()
}

/// One character for each byte, but none for the bytes above the largest multiple of the alphabet's length.
fn choose(bytes: impl Iterator<Item = u8>, alphabet: &[u8]) -> impl Iterator<Item = char> {
    let fair = 256 - 256 % alphabet.len();
    let places = bytes.map(usize::from).filter(move |byte| *byte < fair);
    places.filter_map(|byte| alphabet.get(byte % alphabet.len()).copied().map(char::from))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::vault::Vault;

    fn vault() -> Vault {
        Vault::from_bytes(&[7; 32]).unwrap()
    }

    /// Every kind of secret as bytes.
    fn all(derivation: &Derivation<'_>) -> Vec<Vec<u8>> {
        let texts = [bootstrap_token, vrrp_password, password, gossip_key, salt];
        let texts = texts.iter().map(|make| make(derivation).expose().clone().into_bytes());
        texts.chain([corosync_authkey(derivation).expose().to_vec()]).collect()
    }

    fn is_made_of(text: &str, alphabet: &[u8]) -> bool {
        text.bytes().all(|character| alphabet.contains(&character))
    }

    #[test]
    fn each_has_the_form_that_its_program_wants() {
        let vault = vault();
        for generation in 0..50 {
            let derivation = vault.derivation("kube-demo", "any", generation);
            let token = bootstrap_token(&derivation);
            let (id, secret) = token.expose().split_once('.').unwrap();
            assert!(id.len() == 6 && secret.len() == 16, "{} {}", id.len(), secret.len());
            assert!(is_made_of(id, LOWER_CASE) && is_made_of(secret, LOWER_CASE));
            let key = salt(&derivation);
            assert!(key.expose().len() == 32 && is_made_of(key.expose(), b"0123456789abcdef"));
            for (password, length) in [(vrrp_password(&derivation), 8), (password(&derivation), 24)] {
                assert!(password.expose().len() == length && is_made_of(password.expose(), LETTERS));
            }
            let gossip = gossip_key(&derivation);
            assert!(gossip.expose().len() == 44 && gossip.expose().ends_with('='));
        }
    }

    #[test]
    fn each_is_the_same_again_and_differs_by_all_it_depends_on() {
        let (vault, other) = (vault(), Vault::from_bytes(&[8; 32]).unwrap());
        let secrets = all(&vault.derivation("a", "b", 0));
        assert_eq!(all(&vault.derivation("a", "b", 0)), secrets);
        let others = [
            vault.derivation("a", "b", 1),
            vault.derivation("a", "c", 0),
            vault.derivation("c", "b", 0),
            other.derivation("a", "b", 0),
        ];
        for other in others {
            assert!(all(&other).iter().zip(&secrets).all(|(one, two)| one != two));
        }
    }

    /// Two kinds of secret under one purpose have nothing in common.
    #[test]
    fn kinds_are_apart() {
        let vault = vault();
        let derivation = vault.derivation("a", "b", 0);
        let (password, vrrp) = (password(&derivation), vrrp_password(&derivation));
        assert!(!password.expose().starts_with(vrrp.expose()));
    }

    /// With every byte once, every character comes as often as any other.
    #[test]
    fn no_character_is_likelier() {
        for (alphabet, times) in [(LOWER_CASE, 7), (LETTERS, 4), (&b"0123456789abcdef"[..], 16)] {
            let mut counts = BTreeMap::new();
            choose(0..=255, alphabet).for_each(|character| *counts.entry(character).or_insert(0) += 1);
            assert_eq!(counts.len(), alphabet.len());
            assert!(counts.values().all(|count| *count == times), "{counts:?}");
        }
    }

    #[test]
    fn a_password_takes_as_many_blocks_as_it_needs() {
        let vault = vault();
        let derivation = vault.derivation("a", "b", 0);
        let long = characters(&derivation, "password", LETTERS, 1000);
        assert!(long.len() == 1000 && long.starts_with(password(&derivation).expose()));
    }
}
