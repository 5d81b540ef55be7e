//! `access:` and `system:`

use base64ct::{Base64, Encoding};

use super::Resolver;
use crate::diag::{Code, Diagnostic, Path, Place};
use crate::model::Distribution;
use crate::value::is_dns_name;

/// Who may log in, and how the machines talk.
pub(super) struct Access {
    pub(super) user: String,
    pub(super) ssh_keys: Vec<String>,
    pub(super) timezone: String,
    pub(super) locale: String,
    pub(super) ntp: Vec<String>,
}

/// Key types that OpenSSH of the supported releases takes for logging in (`sshd_config(5)`, `PubkeyAcceptedAlgorithms`).
const KEY_TYPES: [&str; 7] = [
    "ssh-ed25519",
    "sk-ssh-ed25519@openssh.com",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-rsa",
];

/// System accounts that a login user must not be (Debian Policy, section 9.2.2, and the base-passwd package).
const SYSTEM_USERS: [&str; 10] =
    ["root", "daemon", "bin", "sys", "sync", "mail", "backup", "nobody", "www-data", "sshd"];

impl Resolver<'_> {
    pub(super) fn access(&mut self) -> Option<Access> {
        let blueprint = self.blueprint;
        let path = Path::root().key("access");
        let default_user = match blueprint.image.distribution {
            Distribution::Debian => "debian",
            Distribution::Ubuntu => "ubuntu",
        };
        let user = blueprint.access.user.clone().unwrap_or_else(|| default_user.to_owned());
        self.user(&user, &path.key("user"));
        for (index, key) in blueprint.access.ssh_keys.iter().enumerate() {
            self.ssh_key(key, &path.key("ssh_keys").index(index));
        }
        if blueprint.access.ssh_keys.is_empty() {
            let message = "no key is given, so nobody can log in to any machine";
            self.report(
                Diagnostic::new(Code::NobodyMayEnter, Place::Key(path.key("ssh_keys")), message)
                    .help("add your public key (`cat ~/.ssh/id_ed25519.pub`) to `ssh_keys:`"),
            );
        }
        let path = Path::root().key("system");
        for (index, package) in blueprint.system.packages.iter().enumerate() {
            self.package(package, &path.key("packages").index(index));
        }
        for (index, server) in blueprint.system.ntp.iter().enumerate() {
            self.host(server, &path.key("ntp").index(index));
        }
        Some(Access {
            user,
            ssh_keys: blueprint.access.ssh_keys.iter().map(|key| key.trim().to_owned()).collect(),
            timezone: self.timezone(&path.key("timezone"))?,
            locale: self.locale(&path.key("locale"))?,
            ntp: blueprint.system.ntp.clone(),
        })
    }

    /// A login name that `adduser` takes (adduser.conf(5), `NAME_REGEX`), and no system account.
    fn user(&mut self, user: &str, path: &Path) {
        let mut bytes = user.bytes();
        let first = bytes.next().is_some_and(|c| c.is_ascii_lowercase() || c == b'_');
        let rest = bytes.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_' || c == b'-');
        if first && rest && user.len() <= 32 && !SYSTEM_USERS.contains(&user) {
            return;
        }
        let message = format!("`{user}` cannot be the user that logs in");
        self.report(
            Diagnostic::new(Code::UserName, Place::Value(path.clone()), message)
                .note("1 to 32 lower-case letters, digits, `-` and `_`, a letter first, and no account of the system")
                .help("for instance `ops`"),
        );
    }

    fn ssh_key(&mut self, key: &str, path: &Path) {
        let place = Place::Value(path.clone());
        if key.contains("PRIVATE KEY") {
            self.report(
                Diagnostic::new(
                    Code::SshPrivateKey,
                    place,
                    "this is a private key: it must not be in a file that is shared",
                )
                .note("whoever has read this file can log in wherever the key is accepted: make a new one")
                .help("the public half is in the file that ends in .pub"),
            );
            return;
        }
        let mut words = key.split_whitespace();
        let (kind, blob) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let valid =
            KEY_TYPES.contains(&kind) && key_names_its_type(kind, blob) && !key.contains(['\n', '\r']);
        if !valid {
            let message = "this is not an OpenSSH public key";
            self.report(
                Diagnostic::new(Code::SshKey, place, message)
                    .note(format!("one line: type, base64, comment; types: {}", KEY_TYPES.join(", ")))
                    .help("paste the whole line of the file that ends in .pub"),
            );
        }
    }

    fn timezone(&mut self, path: &Path) -> Option<String> {
        let zone = self.blueprint.system.timezone.clone().unwrap_or_else(|| "UTC".to_owned());
        let part = |part: &str| {
            !part.is_empty() && part.bytes().all(|c| c.is_ascii_alphanumeric() || b"_+-".contains(&c))
        };
        if zone.split('/').all(part) && zone.starts_with(|c: char| c.is_ascii_uppercase()) {
            return Some(zone);
        }
        let message = format!("`{zone}` is not a time zone");
        self.report(
            Diagnostic::new(Code::TimeZone, Place::Value(path.clone()), message)
                .help("a name of the tz database: `UTC`, `Europe/Berlin`"),
        );
        None
    }

    fn locale(&mut self, path: &Path) -> Option<String> {
        let locale = self.blueprint.system.locale.clone().unwrap_or_else(|| "C.UTF-8".to_owned());
        let language = locale.strip_suffix(".UTF-8").unwrap_or("");
        let named = |text: &str| {
            let (language, territory) = text.split_once('_').unwrap_or((text, "XX"));
            (2..=3).contains(&language.len())
                && language.bytes().all(|c| c.is_ascii_lowercase())
                && territory.len() == 2
                && territory.bytes().all(|c| c.is_ascii_uppercase())
        };
        if language == "C" || named(language) {
            return Some(locale);
        }
        let message = format!("`{locale}` is not a UTF-8 locale");
        self.report(
            Diagnostic::new(Code::Locale, Place::Value(path.clone()), message)
                .help("`C.UTF-8`, `en_US.UTF-8`, `de_DE.UTF-8`"),
        );
        None
    }

    fn host(&mut self, host: &str, path: &Path) {
        if is_dns_name(host) {
            return;
        }
        let message = format!("`{host}` is neither a host name nor an address");
        self.report(
            Diagnostic::new(Code::HostName, Place::Value(path.clone()), message)
                .help("for instance `time.example` or `192.0.2.1`"),
        );
    }
}

/// Whether a key's base64 starts with the length and name of its own type (RFC 4253, section 6.6).
fn key_names_its_type(kind: &str, blob: &str) -> bool {
    let Ok(bytes) = Base64::decode_vec(blob) else { return false };
    let length = u32::try_from(kind.len()).unwrap_or(0).to_be_bytes();
    bytes
        .strip_prefix(&length)
        .is_some_and(|rest| rest.starts_with(kind.as_bytes()) && rest.len() > kind.len() + 32)
}
