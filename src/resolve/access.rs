//! `access:` and `system:`

use std::net::Ipv4Addr;

use base64ct::{Base64, Encoding};

use super::Resolver;
use super::releases::{GROUPS, USERS, has_locale, time_zones};
use crate::diag::{Code, Diagnostic, Path, Place, did_you_mean};
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
            let message =
                "no key is given, so only the operator's lets anybody in, as long as its certificate is good";
            self.report(
                Diagnostic::new(Code::OnlyOperatorMayEnter, Place::Key(path.key("ssh_keys")), message)
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
        let (timezone, locale) = (self.timezone(&path.key("timezone")), self.locale(&path.key("locale")));
        Some(Access {
            user,
            ssh_keys: blueprint.access.ssh_keys.iter().map(|key| key.trim().to_owned()).collect(),
            timezone: timezone?,
            locale: locale?,
            ntp: blueprint.system.ntp.clone(),
        })
    }

    /// A login name that `adduser` takes (adduser.conf(5), `NAME_REGEX`), and no account of the system.
    fn user(&mut self, user: &str, path: &Path) {
        let mut bytes = user.bytes();
        let first = bytes.next().is_some_and(|c| c.is_ascii_lowercase() || c == b'_');
        let rest = bytes.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_' || c == b'-');
        let why = if !first || !rest || user.len() > 32 {
            "1 to 32 lower-case letters, digits, `-` and `_`, a letter first (adduser.conf(5))"
        } else if user == "root" {
            "root is locked on every machine: people log in as a user of their own and use `sudo`"
        } else if USERS.contains(&user) {
            "the system has an account of this name already"
        } else if GROUPS.contains(&user) {
            "the system has a group of this name, so `useradd` refuses it as a user"
        } else {
            return;
        };
        let lower = user.to_ascii_lowercase();
        let free = !USERS.contains(&lower.as_str()) && !GROUPS.contains(&lower.as_str());
        let better = free && lower.bytes().all(|c| c.is_ascii_lowercase()) && !lower.is_empty();
        let example = if better && lower.len() <= 32 { lower.as_str() } else { "ops" };
        let message = format!("`{user}` cannot be the user that logs in");
        self.report(
            Diagnostic::new(Code::UserName, Place::Value(path.clone()), message)
                .note(why)
                .help(format!("for instance `{example}`")),
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
        let Some((why, help)) = refused_key(key) else { return };
        self.report(
            Diagnostic::new(Code::SshKey, place, format!("this is not an OpenSSH public key: {why}"))
                .note(format!(
                    "a key is one line: its type, its base64, a comment; types are {}",
                    KEY_TYPES.join(", ")
                ))
                .help(help),
        );
    }

    /// A name that the release's tzdata has: of any other one, a machine makes UTC and says nothing.
    fn timezone(&mut self, path: &Path) -> Option<String> {
        let zone = self.blueprint.system.timezone.clone().unwrap_or_else(|| "UTC".to_owned());
        let known = time_zones().find(|(name, _)| *name == zone);
        let former = known.and_then(|(_, successor)| successor);
        let message = match (known, former) {
            (Some(_), None) => return Some(zone),
            (Some(_), Some(_)) if self.is_bookworm() => return Some(zone),
            (Some(_), Some(_)) => {
                format!("`{zone}` is a former name of a time zone, which this release does not have")
            }
            (None, _) => format!("`{zone}` is not a time zone"),
        };
        let current = || time_zones().filter(|(_, successor)| successor.is_none()).map(|(name, _)| name);
        // The mistake is in the letters' case more often than in them.
        let same = || current().find(|name| name.eq_ignore_ascii_case(&zone));
        let city = || {
            current().find(|name| name.rsplit('/').next().is_some_and(|it| it.eq_ignore_ascii_case(&zone)))
        };
        let near = former.or_else(same).or_else(city).or_else(|| did_you_mean(&zone, current()));
        let help = match near {
            Some(near) if former.is_some() => format!("write `{near}`"),
            Some(near) => format!("did you mean `{near}`?"),
            None => "write a name of the tz database (`timedatectl list-timezones`): `UTC`, `Europe/Berlin`"
                .to_owned(),
        };
        let mut diagnostic = Diagnostic::new(Code::TimeZone, Place::Value(path.clone()), message).help(help);
        if former.is_some() {
            diagnostic = diagnostic
                .note("since Debian 13 and Ubuntu 24.04 former names are in the package tzdata-legacy");
        }
        self.report(diagnostic);
        None
    }

    /// Whether the release is Debian 12, which has former names of time zones and lacks locales of Debian 13.
    fn is_bookworm(&self) -> bool {
        let image = &self.blueprint.image;
        image.distribution == Distribution::Debian && image.release == "bookworm"
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
        let newest = self.blueprint.image.distribution == Distribution::Debian && !self.is_bookworm();
        if language == "C" || has_locale(language, newest) {
            return Some(locale);
        }
        let message = if named(language) {
            format!("the release has no locale `{locale}`")
        } else {
            format!("`{locale}` is not a UTF-8 locale")
        };
        let stem = locale.split(['.', '@']).next().unwrap_or_default();
        let help = if has_locale(stem, newest) {
            format!("write `{stem}.UTF-8`")
        } else {
            "for instance `C.UTF-8`, `en_US.UTF-8`, `de_DE.UTF-8`".to_owned()
        };
        self.report(Diagnostic::new(Code::Locale, Place::Value(path.clone()), message).help(help));
        None
    }

    pub(super) fn host(&mut self, host: &str, path: &Path) {
        if is_host(host) {
            return;
        }
        let message = format!("`{host}` is neither a host name nor an address");
        let bare = host.split_once("://").map(|(_, rest)| rest.split(['/', ':']).next().unwrap_or_default());
        let help = match bare.filter(|bare| is_dns_name(bare)) {
            Some(bare) => format!("write `{bare}`"),
            None => "for instance `time.example` or `192.0.2.1`".to_owned(),
        };
        self.report(Diagnostic::new(Code::HostName, Place::Value(path.clone()), message).help(help));
    }
}

/// Whether it is a host name or an IPv4 address.
pub(super) fn is_host(host: &str) -> bool {
    let top = host.rsplit('.').next().unwrap_or_default();
    let numeric = top.bytes().all(|c| c.is_ascii_digit());
    host.parse::<Ipv4Addr>().is_ok() || (is_dns_name(host) && !numeric)
}

/// Why a line is not a public key, and what to do.
fn refused_key(key: &str) -> Option<(String, String)> {
    let whole = "paste the whole line of the file that ends in .pub".to_owned();
    let mut words = key.split_whitespace();
    let (kind, blob) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if key.trim().contains(['\n', '\r']) {
        let help = "write each key as an item of its own".to_owned();
        Some(("it has more than one line".to_owned(), help))
    } else if KEY_TYPES.contains(&kind) {
        (!key_names_its_type(kind, blob))
            .then(|| (format!("what stands behind `{kind}` is cut short or damaged"), whole))
    } else if kind == "ssh-dss" {
        let help = "make another one: `ssh-keygen -t ed25519`".to_owned();
        Some(("OpenSSH does not take DSA keys any more".to_owned(), help))
    } else {
        Some(("it does not start with the type of a key".to_owned(), whole))
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
