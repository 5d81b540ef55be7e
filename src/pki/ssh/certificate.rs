//! SSH certificates: what they grant, and how they are read.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use ssh_key::certificate::CertType;
use ssh_key::{HashAlg, PublicKey};

use crate::bug::Bug;
use crate::pki::{Validity, bug};

/// What an SSH certificate says of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The name by which sshd logs the certificate.
    pub id: String,
    /// Who holds the key.
    pub holder: Holder,
    /// A host's names and addresses, or the accounts into which a user may log in.
    pub principals: Vec<String>,
    /// When it is good: from the first second up to, but without, the last.
    pub validity: Validity,
}

/// Who holds a certified key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A host.
    Host,
    /// A user, who may do these things.
    User {
        /// What sshd allows beyond running a command.
        permissions: BTreeSet<Permission>,
    },
}

/// What a user's certificate may allow (`Extensions` in OpenSSH's PROTOCOL.certkeys).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// Forwarding X11 connections.
    X11Forwarding,
    /// Forwarding the user's agent.
    AgentForwarding,
    /// Forwarding ports; also what `ssh -J` needs on the machine that is jumped from.
    PortForwarding,
    /// A terminal.
    Pty,
    /// Running `~/.ssh/rc`.
    UserRc,
}

impl Permission {
    /// All of them: what ssh-keygen(1) grants unless it is told otherwise.
    pub const ALL: [Self; 5] =
        [Self::X11Forwarding, Self::AgentForwarding, Self::PortForwarding, Self::Pty, Self::UserRc];

    /// The extension's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::X11Forwarding => "permit-X11-forwarding",
            Self::AgentForwarding => "permit-agent-forwarding",
            Self::PortForwarding => "permit-port-forwarding",
            Self::Pty => "permit-pty",
            Self::UserRc => "permit-user-rc",
        }
    }
}

/// A signed SSH certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate(pub(super) ssh_key::Certificate);

/// A line that is not an SSH certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotACertificate(String);

impl fmt::Display for NotACertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not an SSH certificate: {}", self.0)
    }
}

impl std::error::Error for NotACertificate {}

impl Certificate {
    /// The certificate in a line as [`Certificate::line`] gives it.
    ///
    /// # Errors
    /// [`NotACertificate`] if it is none.
    pub fn from_line(line: &str) -> Result<Self, NotACertificate> {
        let read = ssh_key::Certificate::from_openssh(line);
        read.map(Self).map_err(|error| NotACertificate(error.to_string()))
    }

    /// The line of a `-cert.pub` file: `ssh-ed25519-cert-v01@openssh.com AAAA... comment`, without a line feed.
    ///
    /// # Errors
    /// [`Bug`] if the certificate cannot be encoded.
    pub fn line(&self) -> Result<String, Bug> {
        self.0.to_openssh().map_err(|error| bug("an SSH certificate has no text", error))
    }

    /// Its principals.
    #[must_use]
    pub fn principals(&self) -> &[String] {
        self.0.valid_principals()
    }

    /// When it is good; `None` if that cannot be told in years that people use.
    #[must_use]
    pub fn validity(&self) -> Option<Validity> {
        let time = |seconds: u64| Timestamp::from_second(i64::try_from(seconds).ok()?).ok();
        Some(Validity { not_before: time(self.0.valid_after())?, not_after: time(self.0.valid_before())? })
    }

    /// The SHA-256 of its key, as `ssh-keygen -l` shows it: `SHA256:...`.
    #[must_use]
    pub fn key_fingerprint(&self) -> String {
        self.0.public_key().fingerprint(HashAlg::Sha256).to_string()
    }

    /// What it says of its key; `None` if that is more than a [`Grant`] can say.
    #[must_use]
    pub fn grant(&self) -> Option<Grant> {
        let certificate = &self.0;
        let permission = |name: &String| Permission::ALL.into_iter().find(|it| it.as_str() == name);
        let permissions = certificate.extensions().keys().map(permission).collect::<Option<BTreeSet<_>>>()?;
        let holder = match certificate.cert_type() {
            CertType::User => Holder::User { permissions },
            CertType::Host => permissions.is_empty().then_some(Holder::Host)?,
        };
        certificate.critical_options().is_empty().then_some(Grant {
            id: certificate.key_id().to_owned(),
            holder,
            principals: certificate.valid_principals().to_vec(),
            validity: self.validity()?,
        })
    }

    /// Whether it is about the key in this line of a `.pub` file.
    #[must_use]
    pub fn is_of(&self, public_line: &str) -> bool {
        PublicKey::from_openssh(public_line).is_ok_and(|key| key.key_data() == self.0.public_key())
    }

    /// Whether the key in this line of a `.pub` file has signed it.
    #[must_use]
    pub fn is_signed_by(&self, public_line: &str) -> bool {
        let signer = PublicKey::from_openssh(public_line);
        signer.is_ok_and(|key| key.key_data() == self.0.signature_key()) && self.0.verify_signature().is_ok()
    }

    /// The certificate in words, one field a line: what a snapshot shows beside it.
    #[must_use]
    pub fn describe(&self) -> String {
        let certificate = &self.0;
        let holder = match certificate.cert_type() {
            CertType::Host => "host",
            CertType::User => "user",
        };
        let time = |time: fn(Validity) -> Timestamp| self.validity().map(time).map(|time| time.to_string());
        let names = |options: &ssh_key::certificate::OptionsMap| {
            options.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
        };
        let lines = [
            ("holder", holder.to_owned()),
            ("id", certificate.key_id().to_owned()),
            ("serial", certificate.serial().to_string()),
            ("principals", certificate.valid_principals().join(", ")),
            ("not before", time(|validity| validity.not_before).unwrap_or_default()),
            ("until", time(|validity| validity.not_after).unwrap_or_default()),
            ("critical options", names(certificate.critical_options())),
            ("extensions", names(certificate.extensions())),
            ("key", self.key_fingerprint()),
            ("authority", certificate.signature_key().fingerprint(HashAlg::Sha256).to_string()),
        ];
        let said = lines.into_iter().filter(|(_, value)| !value.is_empty());
        said.flat_map(|(name, value)| [name, ": ", &value, "\n"].map(String::from)).collect()
    }
}

#[cfg(test)]
mod tests {
    use base64ct::{Base64, Encoding};

    use super::super::Key;
    use super::*;
    use crate::vault::Vault;

    fn key(purpose: &str, generation: u32) -> Key {
        let vault = Vault::from_bytes(&[7; 32]).unwrap();
        Key::derive(&vault.derivation("kube-demo", purpose, generation), purpose).unwrap()
    }

    fn grant() -> Grant {
        Grant {
            id: "ops@kube.demo".into(),
            holder: Holder::User { permissions: [Permission::Pty, Permission::PortForwarding].into() },
            principals: vec!["debian".into(), "root".into()],
            validity: Validity {
                not_before: "2026-01-01T00:00:00Z".parse().unwrap(),
                not_after: "2026-02-01T00:00:00Z".parse().unwrap(),
            },
        }
    }

    fn sign(grant: &Grant) -> Certificate {
        key("ca", 0).sign(&key("user", 0), grant).unwrap()
    }

    #[test]
    fn a_certificate_says_what_was_granted() {
        insta::assert_snapshot!(sign(&grant()).describe(), @r"
        holder: user
        id: ops@kube.demo
        serial: 1680390286811695526
        principals: debian, root
        not before: 2026-01-01T00:00:00Z
        until: 2026-02-01T00:00:00Z
        extensions: permit-port-forwarding, permit-pty
        key: SHA256:ofKiWchFPIysWpGlfu9hddN19I3P5TaxzIjWZvYnanU
        authority: SHA256:O9nbXb1CKZCdZOYU4SCWR16aNKmMjF/tTrQma0XReX4
        ");
    }

    #[test]
    fn a_host_has_no_extensions() {
        let host =
            Grant { holder: Holder::Host, principals: vec!["a".into(), "192.168.1.11".into()], ..grant() };
        insta::assert_snapshot!(sign(&host).describe(), @r"
        holder: host
        id: ops@kube.demo
        serial: 2391145801383770276
        principals: a, 192.168.1.11
        not before: 2026-01-01T00:00:00Z
        until: 2026-02-01T00:00:00Z
        key: SHA256:ofKiWchFPIysWpGlfu9hddN19I3P5TaxzIjWZvYnanU
        authority: SHA256:O9nbXb1CKZCdZOYU4SCWR16aNKmMjF/tTrQma0XReX4
        ");
    }

    #[test]
    fn a_line_comes_back() {
        let certificate = sign(&grant());
        let line = certificate.line().unwrap();
        assert!(
            line.starts_with("ssh-ed25519-cert-v01@openssh.com AAAA") && line.ends_with(" user"),
            "{line}"
        );
        assert_eq!(Certificate::from_line(&line), Ok(certificate));
        assert!(Certificate::from_line("ssh-ed25519 AAAA").is_err());
    }

    #[test]
    fn what_was_granted_is_what_is_read() {
        let host = Grant { holder: Holder::Host, ..grant() };
        for grant in [grant(), host] {
            assert_eq!(sign(&grant).grant(), Some(grant));
        }
    }

    #[test]
    fn keys_are_told_from_others() {
        let (certificate, line) = (sign(&grant()), |purpose| key(purpose, 0).public_line().unwrap());
        assert!(certificate.is_of(&line("user")) && !certificate.is_of(&line("ca")));
        assert!(certificate.is_signed_by(&line("ca")) && !certificate.is_signed_by(&line("user")));
        let text = certificate.line().unwrap();
        let mut bytes = Base64::decode_vec(text.split(' ').nth(1).unwrap()).unwrap();
        let place = bytes.windows(6).position(|window| window == b"debian").unwrap();
        bytes[place] = b'D';
        let changed = format!("ssh-ed25519-cert-v01@openssh.com {}", Base64::encode_string(&bytes));
        assert!(!Certificate::from_line(&changed).unwrap().is_signed_by(&line("ca")));
    }

    #[test]
    fn the_same_input_gives_the_same_bytes() {
        assert_eq!(sign(&grant()).line(), sign(&grant()).line());
        let private = |generation| key("ca", generation).private_openssh().unwrap();
        assert_eq!(private(0), private(0));
        assert_ne!(private(0), private(1));
    }

    #[test]
    fn every_change_changes_serial_number_and_nonce() {
        let changes: [fn(&mut Grant); 7] = [
            |_| {},
            |grant| grant.id.push('b'),
            |grant| grant.holder = Holder::Host,
            |grant| grant.holder = Holder::User { permissions: Permission::ALL.into() },
            |grant| grant.principals.truncate(1),
            |grant| grant.validity.not_before = "2026-01-01T00:00:01Z".parse().unwrap(),
            |grant| grant.validity.not_after = "2026-02-01T00:00:01Z".parse().unwrap(),
        ];
        let grants = changes.map(|change| {
            let mut grant = grant();
            change(&mut grant);
            grant
        });
        let mut certificates: Vec<_> = grants.iter().map(sign).collect();
        certificates.push(key("ca", 0).sign(&key("other", 0), &grant()).unwrap());
        certificates.push(key("ca", 1).sign(&key("user", 0), &grant()).unwrap());
        let serials: BTreeSet<_> = certificates.iter().map(|certificate| certificate.0.serial()).collect();
        let nonces: BTreeSet<_> = certificates.iter().map(|certificate| certificate.0.nonce()).collect();
        assert_eq!((serials.len(), nonces.len()), (certificates.len(), certificates.len()));
        assert!(nonces.iter().all(|nonce| nonce.len() == 32));
    }

    /// To sshd a certificate without principals is good for every account.
    #[test]
    fn a_certificate_for_everybody_is_a_bug() {
        let nobody = Grant { principals: vec![], ..grant() };
        assert!(key("ca", 0).sign(&key("user", 0), &nobody).is_err());
    }

    #[test]
    fn times_that_cannot_be_are_a_bug() {
        let mut before = grant();
        before.validity.not_before = "1969-12-31T23:59:59Z".parse().unwrap();
        let mut reversed = grant();
        reversed.validity.not_before = "2026-03-01T00:00:00Z".parse().unwrap();
        for grant in [before, reversed] {
            assert!(key("ca", 0).sign(&key("user", 0), &grant).is_err());
        }
    }

    #[test]
    fn nothing_shows_the_private_key() {
        let key = key("ca", 0);
        assert_eq!(format!("{key:?} {:?}", key.private_openssh().unwrap()), "Key([secret]) [secret]");
    }

    #[test]
    fn an_authority_has_its_line_in_known_hosts() {
        let line = key("ca", 0).known_hosts_line(&["*.kube.demo".into(), "192.168.*".into()]).unwrap();
        assert!(line.starts_with("@cert-authority *.kube.demo,192.168.* ssh-ed25519 AAAA"), "{line}");
        assert!(line.ends_with(" ca"), "{line}");
    }
}
