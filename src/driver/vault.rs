//! The vault file: made once, then only read.

#![expect(clippy::disallowed_methods, reason = "the driver is the reader, and makes the vault")]

use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::diag::{Code, Diagnostic, Place};
use crate::format::shell;
use crate::format::terminal::path as shown_path;
use crate::site::VAULT;
use crate::value::Secret;
use crate::vault::Vault;
use crate::write::{self, Unread};

/// The name of the vault beside a blueprint.
const NAME: &str = "vault.key";
/// How long a vault is, in bytes.
const SIZE: usize = 32;

/// A vault file.
pub(super) struct Opened {
    pub(super) path: PathBuf,
    pub(super) vault: Vault,
    /// Whether it was made just now.
    pub(super) made: bool,
}

/// A path and the vault that is there.
pub(super) type Found = (PathBuf, Option<Vault>);

/// The same vaults, those made that are missing.
pub(super) fn open(found: Vec<Found>) -> Result<Vec<Opened>, Diagnostic> {
    let open = |(path, vault)| match vault {
        Some(vault) => Ok(Opened { path, vault, made: false }),
        None => make(path),
    };
    found.into_iter().map(open).collect()
}

/// The vaults of these blueprints, one for each: the one that was named, or those beside them, which may be missing.
///
/// One that was named is there, or refused, and so never made: a slip in its name must not change all secrets.
pub(super) fn found(named: Option<&Path>, blueprints: &[PathBuf]) -> Result<Vec<Found>, Vec<Diagnostic>> {
    match named {
        Some(path) => {
            let vault = all_named(&[path.to_path_buf()])?;
            Ok(blueprints.iter().flat_map(|_| vault.clone()).collect())
        }
        None => each(blueprints.iter().map(|blueprint| beside(blueprint)), read),
    }
}

/// The fingerprint of the vault that a tree was built with, by its list of what machines are bound to.
pub(super) fn earlier(bound: &str) -> Option<&str> {
    bound.split_whitespace().find_map(|word| word.strip_prefix(VAULT)?.strip_prefix('='))
}

/// What is wrong if a vault is not the one that the tree was built with, whose list of what machines are bound to is `bound`.
pub(super) fn another((path, vault): &Found, bound: &str, tree: &Path) -> Option<Diagnostic> {
    let earlier = earlier(bound)?;
    let (tree, path) = (shown_path(tree), shown_path(path));
    let message = match vault.as_ref().map(Vault::fingerprint) {
        Some(now) if now == earlier => return None,
        Some(now) => format!("{tree} was built with the vault {earlier}, and {path} is another one, {now}"),
        None => format!("{tree} was built with the vault {earlier}, and there is none at {path}"),
    };
    Some(
        Diagnostic::new(Code::OtherVault, Place::Outside, message)
            .note("with another vault every key, certificate and password is another one: machines that run accept none of them")
            .help(format!("put your copy of that vault back as {path}; `bpc vault show FILE` prints which one a file is"))
            .help("to go on with another one: `virtualbox/destroy.sh` of that tree, if its machines are there, then `--new-vault`"),
    )
}

/// Vaults that must be there.
pub(super) fn all_named(paths: &[PathBuf]) -> Result<Vec<Found>, Vec<Diagnostic>> {
    let there = |path: &Path| read(path)?.ok_or_else(|| missing(path)).map(Some);
    each(paths.iter().cloned(), there)
}

/// What is at these paths, or all that is wrong with any of them, once.
fn each(
    paths: impl Iterator<Item = PathBuf>,
    read: impl Fn(&Path) -> Result<Option<Vault>, Diagnostic>,
) -> Result<Vec<Found>, Vec<Diagnostic>> {
    let (mut found, mut refused) = (Vec::new(), Vec::new());
    for path in paths {
        match read(&path) {
            Ok(vault) => found.push((path, vault)),
            Err(diagnostic) if refused.contains(&diagnostic) => {}
            Err(diagnostic) => refused.push(diagnostic),
        }
    }
    if refused.is_empty() { Ok(found) } else { Err(refused) }
}

/// Where vaults are to be made for blueprints: beside those that have none, or, if all have one, beside all, where
/// [`new`] says so.
pub(super) fn wanted(blueprints: &[PathBuf]) -> Vec<PathBuf> {
    let paths: Vec<PathBuf> = blueprints.iter().map(|blueprint| beside(blueprint)).collect();
    let wanted: Vec<PathBuf> =
        paths.iter().filter(|path| fs::symlink_metadata(path).is_err()).cloned().collect();
    if wanted.is_empty() { paths } else { wanted }
}

/// A new one; never over another file.
pub(super) fn new(path: PathBuf) -> Result<Opened, Diagnostic> {
    if fs::symlink_metadata(&path).is_ok() {
        return Err(exists(&path));
    }
    let opened = make(path)?;
    if opened.made { Ok(opened) } else { Err(exists(&opened.path)) }
}

/// Where the vault of a blueprint is unless another one is named.
fn beside(blueprint: &Path) -> PathBuf {
    blueprint.with_file_name(NAME)
}

/// What a blueprint is compiled with before it has a vault; nothing secret that is made of it gets out.
pub(super) const fn stand_in() -> Vault {
    Vault::from_key([0; SIZE])
}

fn read(path: &Path) -> Result<Option<Vault>, Diagnostic> {
    let failure = |error: &io::Error| unreadable(path, "read", error);
    let file = match write::open(path) {
        Ok(file) => file,
        Err(Unread::Missing) => return Ok(None),
        Err(unread) => return Err(unreadable(path, "read", &unread)),
    };
    let mode = file.metadata().map_err(|error| failure(&error))?.permissions().mode();
    if mode & 0o077 != 0 {
        let message = format!("others may use the vault {} (mode {:04o})", shown_path(path), mode & 0o7777);
        return Err(Diagnostic::new(Code::VaultPermissions, Place::Outside, message)
            .help(format!("chmod 600 {}", shell::quote(&path.to_string_lossy()))));
    }
    let mut bytes = Vec::with_capacity(SIZE + 1);
    file.take(SIZE as u64 + 1).read_to_end(&mut bytes).map_err(|error| failure(&error))?;
    let bytes = Secret::new(bytes);
    Vault::from_bytes(bytes.expose()).map(Some).map_err(|wrong| {
        let size = if wrong.0 > SIZE { format!("more than {SIZE}") } else { wrong.0.to_string() };
        let message = format!("the vault {} has {size} bytes, not {SIZE}", shown_path(path));
        Diagnostic::new(Code::VaultSize, Place::Outside, message)
            .help("put your copy of it back; if there is none, move it away and bpc makes a new one (all secrets change)")
    })
}

/// A new vault from the system's randomness, readable by its owner only from its first moment.
fn make(path: PathBuf) -> Result<Opened, Diagnostic> {
    let failure = |error: &io::Error| unreadable(&path, "make", error);
    let mut key = [0; SIZE];
    // random(4): as good as getrandom(2) once the system is up, and not on Linux only.
    File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut key))
        .map_err(|error| failure(&error))?;
    let key = Secret::new(key);
    let vault = match write::put(&path, key.expose(), write::Readers::Owner) {
        Ok(()) => Vault::from_bytes(key.expose()).ok(),
        // Another build made it in this moment.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let vault = read(&path)?;
            return vault
                .map(|vault| Opened { path: path.clone(), vault, made: false })
                .ok_or_else(|| failure(&error));
        }
        Err(error) => return Err(failure(&error)),
    };
    let vault = vault.ok_or_else(|| failure(&io::ErrorKind::InvalidData.into()))?;
    Ok(Opened { path, vault, made: true })
}

fn missing(path: &Path) -> Diagnostic {
    let message = format!("there is no vault {}", shown_path(path));
    let quoted = shell::quote(&path.to_string_lossy());
    Diagnostic::new(Code::VaultUnreadable, Place::Outside, message)
        .note("bpc makes the vault beside a blueprint by itself, never one that is named")
        .help(format!("to make it: bpc vault new {quoted}"))
}

fn exists(path: &Path) -> Diagnostic {
    let message = format!("cannot make the vault {}: something is there already", shown_path(path));
    Diagnostic::new(Code::VaultUnreadable, Place::Outside, message)
        .help("nothing is ever overwritten: name another file, or move this one away (with another vault all secrets change)")
}

fn unreadable(path: &Path, verb: &str, error: &impl Display) -> Diagnostic {
    let message = format!("cannot {verb} the vault {}: {error}", shown_path(path));
    Diagnostic::new(Code::VaultUnreadable, Place::Outside, message).help("`--vault FILE` names another one")
}
