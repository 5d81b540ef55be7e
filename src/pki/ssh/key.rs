//! Ed25519 keys that are derived, not drawn.

use std::fmt;

use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use ssh_key::certificate::{Builder, CertType};
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{LineEnding, PrivateKey, PublicKey};

use super::{Certificate, Grant, Holder};
use crate::bug::Bug;
use crate::pki::bug;
use crate::value::Secret;
use crate::vault::Derivation;

/// A private SSH key and its public half.
#[derive(Clone)]
pub struct Key {
    private: PrivateKey,
    /// What the nonces of the certificates that this key signs are made with.
    nonces: Secret<[u8; 32]>,
}

impl Key {
    /// The key of a purpose: its seed (RFC 8032 section 5.1.5) is the derivation's 32 bytes of kind `ed25519`.
    ///
    /// # Errors
    /// [`Bug`] if the key cannot be put together.
    pub fn derive(derivation: &Derivation<'_>, comment: &str) -> Result<Self, Bug> {
        let pair = Ed25519Keypair::from_seed(derivation.bytes("ed25519").expose());
        let private = PrivateKey::new(KeypairData::Ed25519(pair), comment);
        let private = private.map_err(|error| bug("an SSH key is unusable", error))?;
        Ok(Self { private, nonces: derivation.bytes("ssh-nonces") })
    }

    /// The private key as ssh-keygen writes it: `OPENSSH PRIVATE KEY` (OpenSSH's PROTOCOL.key), without a passphrase.
    /// The two check numbers in it, elsewhere random, are a checksum of the key.
    ///
    /// # Errors
    /// [`Bug`] if the key cannot be encoded.
    pub fn private_openssh(&self) -> Result<Secret<String>, Bug> {
        let text =
            self.private.to_openssh(LineEnding::LF).map_err(|error| bug("an SSH key has no text", error))?;
        Ok(Secret::new(text.to_string()))
    }

    /// The public key: `ssh-ed25519 AAAA... comment`, without a line feed.
    ///
    /// # Errors
    /// [`Bug`] if the key cannot be encoded.
    pub fn public_line(&self) -> Result<String, Bug> {
        self.private.public_key().to_openssh().map_err(|error| bug("an SSH key has no text", error))
    }

    /// The public key of a text as [`Key::private_openssh`] gives it, in a line as of [`Key::public_line`]. It is
    /// computed, not read.
    ///
    /// # Errors
    /// [`Bug`] if the text is no Ed25519 key.
    pub fn public_line_of(private: &str) -> Result<String, Bug> {
        let unreadable = |error| bug("an SSH key is unreadable", error);
        let private = PrivateKey::from_openssh(private).map_err(unreadable)?;
        let pair = private.key_data().ed25519().ok_or_else(|| Bug("an SSH key is not Ed25519".to_owned()))?;
        let public = Ed25519Keypair::from_seed(&pair.private.to_bytes()).public;
        PublicKey::new(public.into(), private.comment()).to_openssh().map_err(unreadable)
    }

    /// The line of `known_hosts` that has ssh trust every host whose name matches one of the patterns and whose key
    /// this authority has signed (`SSH_KNOWN_HOSTS FILE FORMAT` in sshd(8)). Without a line feed.
    ///
    /// # Errors
    /// [`Bug`] if the key cannot be encoded.
    pub fn known_hosts_line(&self, patterns: &[String]) -> Result<String, Bug> {
        Ok(format!("@cert-authority {} {}", patterns.join(","), self.public_line()?))
    }

    /// The certificate of another key, signed by this one (OpenSSH's PROTOCOL.certkeys).
    ///
    /// Its serial number and its nonce are digests of all else that it says: the nonce, which must not be foreseen by
    /// those who choose what is signed, under a key of this authority's own.
    ///
    /// # Errors
    /// [`Bug`] if the grant names nobody, which sshd would take for everybody, or has no valid times.
    pub fn sign(&self, key: &Self, grant: &Grant) -> Result<Certificate, Bug> {
        if grant.principals.is_empty() {
            return Err(Bug(format!("the SSH certificate {} has no principals", grant.id)));
        }
        let signed = self.sign_with(key, grant, 0, &[]).and_then(|draft| {
            let draft = draft.to_bytes()?;
            let (nonce, _) = Hkdf::<Sha256>::extract(Some(self.nonces.expose()), &draft);
            let mut serial = [0; 8];
            serial.iter_mut().zip(Sha256::digest(&draft)).for_each(|(to, from)| *to = from);
            self.sign_with(key, grant, u64::from_be_bytes(serial), &nonce)
        });
        signed.map(Certificate).map_err(|error| bug("an SSH certificate cannot be signed", error))
    }

    fn sign_with(
        &self,
        key: &Self,
        grant: &Grant,
        serial: u64,
        nonce: &[u8],
    ) -> ssh_key::Result<ssh_key::Certificate> {
        let seconds =
            |time: jiff::Timestamp| u64::try_from(time.as_second()).map_err(|_| ssh_key::Error::Time);
        let (from, until) = (seconds(grant.validity.not_before)?, seconds(grant.validity.not_after)?);
        let mut builder = Builder::new(nonce, key.private.public_key(), from, until)?;
        builder.serial(serial)?.key_id(&grant.id)?.comment(key.private.comment())?;
        for principal in &grant.principals {
            builder.valid_principal(principal)?;
        }
        match &grant.holder {
            Holder::Host => builder.cert_type(CertType::Host)?,
            Holder::User { permissions } => {
                for permission in permissions {
                    builder.extension(permission.as_str(), "")?;
                }
                builder.cert_type(CertType::User)?
            }
        };
        builder.sign(&self.private)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key([secret])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::Vault;

    #[test]
    fn a_private_key_comes_back() {
        let vault = Vault::from_bytes(&[7; 32]).unwrap();
        let key = Key::derive(&vault.derivation("kube-demo", "a", 0), "a@kube.demo").unwrap();
        let read = Key::public_line_of(key.private_openssh().unwrap().expose());
        assert_eq!(read, key.public_line());
        assert!(Key::public_line_of("hello").is_err());
    }
}
