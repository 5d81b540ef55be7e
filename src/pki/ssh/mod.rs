//! SSH keys and certificates in OpenSSH's formats, Ed25519 throughout.
//!
//! An authority is a [`Key`] that signs: one for hosts, whose line in `known_hosts` ends all questions about host
//! keys, and one for users, which sshd trusts by `TrustedUserCAKeys`.

mod certificate;
mod key;

pub use certificate::{Certificate, Grant, Holder, NotACertificate, Permission};
pub use key::Key;
