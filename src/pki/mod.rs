//! Keys, certificates and tokens: each a function of the vault, a purpose, a generation and what it is to say.
//!
//! Nothing here reads a clock or draws randomness. Private keys come from [`Derivation`]s, signatures are RFC 6979
//! or Ed25519, serial numbers and nonces are digests of what is signed: the same input gives the same bytes.
//! The room knows formats (X.509, OpenSSH, kubeadm's tokens), not who gets which of them.
//!
//! ```
//! use bpc::pki::{Authority, Curve, KeyPair, Leaf, Subject, Usage, Validity};
//! use bpc::vault::Vault;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let vault = Vault::from_bytes(&[7; 32]).map_err(|_| "not 32 bytes")?;
//! let key = |purpose| KeyPair::derive(&vault.derivation("kube-demo", purpose, 0), Curve::P256);
//! let validity =
//!     Validity { not_before: "2026-01-01T00:00:00Z".parse()?, not_after: "2027-01-01T00:00:00Z".parse()? };
//!
//! let root = Authority::root(key("root")?, &Subject::named("root"), None, validity)?;
//! let ca = root.subordinate(key("etcd/ca")?, &Subject::named("etcd-ca"), Some(0), validity)?;
//! let server = key("etcd/server/kube-mast01")?;
//! let certificate = ca.issue(
//!     &server,
//!     &Leaf {
//!         subject: Subject::named("kube-mast01"),
//!         usage: Usage::ServerAndClient,
//!         dns_names: vec!["kube-mast01".into(), "localhost".into()],
//!         addresses: vec!["192.168.1.11".parse()?],
//!         validity,
//!     },
//! )?;
//! let (server_key, server_crt, ca_crt) =
//!     (server.private_pem()?, ca.chain_pem(&certificate), root.certificate().pem());
//! # let _ = (server_key, server_crt, ca_crt);
//! # Ok(())
//! # }
//! ```
//!
//! [`Derivation`]: crate::vault::Derivation

mod authority;
mod certificate;
mod describe;
mod key;
mod name;
pub mod ssh;
#[cfg(test)]
mod tests;
pub mod token;

pub use authority::{Authority, Leaf, Usage, Validity};
pub use certificate::{AuthorityConstraint, Certificate, NotACertificate, bundle_pem};
pub use key::{Curve, KeyPair};
pub use name::Subject;

use crate::bug::Bug;

/// A failure of a codec on what bpc itself decided.
fn bug(what: &str, error: impl std::fmt::Display) -> Bug {
    Bug(format!("{what}: {error}"))
}
