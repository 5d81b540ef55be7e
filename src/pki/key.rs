//! Elliptic-curve key pairs that are derived, not drawn.

use std::fmt;

use p256::pkcs8::EncodePublicKey;

use super::bug;
use crate::bug::Bug;
use crate::format::pem;
use crate::value::Secret;
use crate::vault::Derivation;

/// The curves that kubeadm knows (`encryptionAlgorithm: ECDSA-P256`, `ECDSA-P384`); FIPS 186-5, SP 800-186.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Curve {
    /// NIST P-256, signatures with SHA-256.
    #[default]
    P256,
    /// NIST P-384, signatures with SHA-384.
    P384,
}

/// A private key and its public half.
#[derive(Clone)]
pub struct KeyPair {
    pub(super) signer: Signer,
    /// `SubjectPublicKeyInfo` in DER (RFC 5480).
    public: Vec<u8>,
}

/// The private key by its curve; both types wipe their memory when they are dropped.
#[derive(Clone)]
pub(super) enum Signer {
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
}

impl KeyPair {
    /// The key pair of a purpose.
    ///
    /// The private key is the first of the derivation's blocks of kind `p256` (32 bytes each) or `p384` (48 bytes)
    /// that, read as a big-endian number, is at least 1 and less than the order of the curve: rejection sampling, as
    /// in FIPS 186-5 appendix A.2.2, so that every key is equally likely.
    ///
    /// # Errors
    /// [`Bug`] if no block fits, which is as likely as guessing a key, or the key cannot be encoded.
    pub fn derive(derivation: &Derivation<'_>, curve: Curve) -> Result<Self, Bug> {
        Self::of(match curve {
            Curve::P256 => Signer::P256(first_valid(derivation.blocks("p256"), |block: &[u8; 32]| {
                p256::ecdsa::SigningKey::from_slice(block).ok()
            })?),
            Curve::P384 => Signer::P384(first_valid(derivation.blocks("p384"), |block: &[u8; 48]| {
                p384::ecdsa::SigningKey::from_slice(block).ok()
            })?),
        })
    }

    /// The key pair in a text as [`KeyPair::private_pem`] gives it. The public key is computed, not read.
    ///
    /// # Errors
    /// [`Bug`] if it is none.
    pub fn from_private_pem(text: &str) -> Result<Self, Bug> {
        let blocks = pem::decode(text).map_err(|error| bug("a private key is unreadable", error))?;
        let der = match blocks.as_slice() {
            [block] if block.label == "EC PRIVATE KEY" => block.der.as_slice(),
            _ => return Err(Bug("a private key is no single block EC PRIVATE KEY".to_owned())),
        };
        // The number has as many bytes as the order of its curve.
        let short = p256::SecretKey::from_sec1_der(der).map(|key| Signer::P256(key.into()));
        let signer =
            short.or_else(|_| p384::SecretKey::from_sec1_der(der).map(|key| Signer::P384(key.into())));
        Self::of(signer.map_err(|error| bug("a private key is unreadable", error))?)
    }

    fn of(signer: Signer) -> Result<Self, Bug> {
        let public = match &signer {
            Signer::P256(key) => key.verifying_key().to_public_key_der(),
            Signer::P384(key) => key.verifying_key().to_public_key_der(),
        };
        let public = public.map_err(|error| bug("a public key has no DER", error))?;
        Ok(Self { signer, public: public.into_vec() })
    }

    /// The private key as kubeadm writes it: `EC PRIVATE KEY`, RFC 5915 with the curve's name and the public key.
    ///
    /// # Errors
    /// [`Bug`] if the key cannot be encoded.
    pub fn private_pem(&self) -> Result<Secret<String>, Bug> {
        let der = match &self.signer {
            Signer::P256(key) => p256::SecretKey::from(key).to_sec1_der(),
            Signer::P384(key) => p384::SecretKey::from(key).to_sec1_der(),
        };
        let der = der.map_err(|error| bug("a private key has no DER", error))?;
        Ok(Secret::new(pem::encode("EC PRIVATE KEY", &der)))
    }

    /// The public key, `PUBLIC KEY` (RFC 7468 section 13): what `sa.pub` holds.
    #[must_use]
    pub fn public_pem(&self) -> String {
        pem::encode("PUBLIC KEY", &self.public)
    }

    /// The public key as a certificate holds it: `SubjectPublicKeyInfo` in DER.
    #[must_use]
    pub fn public_der(&self) -> &[u8] {
        &self.public
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyPair([secret])")
    }
}

/// The first key that `read` makes of a block. One in 2^32 blocks (P-256) is no key; 128 in a row never happen.
fn first_valid<const N: usize, Key>(
    blocks: impl Iterator<Item = Secret<[u8; N]>>,
    read: impl Fn(&[u8; N]) -> Option<Key>,
) -> Result<Key, Bug> {
    blocks
        .take(128)
        .find_map(|block| read(block.expose()))
        .ok_or_else(|| Bug("no block is a private key".into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::Vault;

    fn vault() -> Vault {
        Vault::from_bytes(&[7; 32]).unwrap()
    }

    fn derive(purpose: &str, generation: u32, curve: Curve) -> KeyPair {
        KeyPair::derive(&vault().derivation("kube-demo", purpose, generation), curve).unwrap()
    }

    fn read_p256(block: &[u8; 32]) -> Option<p256::ecdsa::SigningKey> {
        p256::ecdsa::SigningKey::from_slice(block).ok()
    }

    #[test]
    fn a_key_is_the_first_block_that_is_one() {
        let derived = vault().derive("kube-demo", "kubernetes/ca:p256:0", 3);
        let key = derive("kubernetes/ca", 3, Curve::P256);
        let Signer::P256(signer) = &key.signer else { panic!("another curve") };
        assert_eq!(signer.to_bytes().as_slice(), derived.expose());
    }

    /// Zero and what is not below the order of the curve (SP 800-186 section 3.2.1.3) are no keys.
    #[test]
    fn blocks_outside_of_the_field_are_passed_over() {
        let order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
        let mut block = [0; 32];
        base16ct::lower::decode(order, &mut block).unwrap();
        let order = block;
        block[31] -= 1;
        let largest = block;
        let blocks = [[0; 32], [0xff; 32], order, largest, [1; 32]].map(Secret::new);
        let key = first_valid(blocks.into_iter(), read_p256).unwrap();
        assert_eq!(key.to_bytes().as_slice(), largest);
    }

    #[test]
    fn no_key_in_many_blocks_is_a_bug() {
        let blocks = std::iter::repeat(Secret::new([0xff; 32]));
        assert!(first_valid(blocks, read_p256).is_err());
    }

    #[test]
    fn the_same_purpose_gives_the_same_key_and_no_other_does() {
        let pem = |purpose, generation, curve| derive(purpose, generation, curve).public_pem();
        let key = pem("a", 0, Curve::P256);
        assert_eq!(key, pem("a", 0, Curve::P256));
        assert_ne!(key, pem("b", 0, Curve::P256));
        assert_ne!(key, pem("a", 1, Curve::P256));
        assert_ne!(key, pem("a", 0, Curve::P384));
    }

    #[test]
    fn a_private_key_comes_back() {
        for curve in [Curve::P256, Curve::P384] {
            let key = derive("a", 0, curve);
            let read = KeyPair::from_private_pem(key.private_pem().unwrap().expose()).unwrap();
            assert_eq!(read.public_der(), key.public_der());
            assert!(KeyPair::from_private_pem(&key.public_pem()).is_err());
        }
    }

    #[test]
    fn keys_are_in_the_blocks_that_kubeadm_writes() {
        for (curve, private, public) in [(Curve::P256, 121, 91), (Curve::P384, 167, 120)] {
            let key = derive("service-account", 0, curve);
            let blocks = pem::decode(key.private_pem().unwrap().expose()).unwrap();
            let found: Vec<_> = blocks.iter().map(|block| (block.label.as_str(), block.der.len())).collect();
            assert_eq!(found, [("EC PRIVATE KEY", private)]);
            let blocks = pem::decode(&key.public_pem()).unwrap();
            let found: Vec<_> = blocks.iter().map(|block| (block.label.as_str(), block.der.len())).collect();
            assert_eq!(found, [("PUBLIC KEY", public)]);
        }
    }

    #[test]
    fn nothing_shows_the_private_key() {
        let key = derive("a", 0, Curve::P256);
        assert_eq!(format!("{key:?} {:?}", key.private_pem().unwrap()), "KeyPair([secret]) [secret]");
    }
}
