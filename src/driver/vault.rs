//! The vault file: made once, then only read.

#![expect(clippy::disallowed_methods, reason = "the driver is the reader, and makes the vault")]

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::diag::{Code, Diagnostic, Place};
use crate::value::Secret;
use crate::vault::Vault;

/// A vault, and the path if it was made just now.
pub(super) struct Opened {
    pub(super) vault: Vault,
    pub(super) made: Option<PathBuf>,
}

/// The vault that was named, or the one beside the blueprint; made if there is none.
pub(super) fn open(named: Option<&Path>, blueprint: &Path) -> Result<Opened, Diagnostic> {
    let path = named.map_or_else(|| blueprint.with_file_name("vault.key"), Path::to_path_buf);
    match read(&path)? {
        Some(vault) => Ok(Opened { vault, made: None }),
        None => make(&path),
    }
}

fn read(path: &Path) -> Result<Option<Vault>, Diagnostic> {
    let failure = |error: &io::Error| unreadable(path, "read", error);
    let bytes = match fs::read(path) {
        Ok(bytes) => Secret::new(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failure(&error)),
    };
    let mode = fs::metadata(path).map_err(|error| failure(&error))?.permissions().mode();
    if mode & 0o077 != 0 {
        let message =
            format!("the vault {} can be read by others (mode {:04o})", path.display(), mode & 0o7777);
        return Err(Diagnostic::new(Code::VaultPermissions, Place::Outside, message)
            .help(format!("chmod 600 {}", crate::format::shell::quote(&path.to_string_lossy()))));
    }
    Vault::from_bytes(bytes.expose()).map(Some).map_err(|wrong| {
        let message = format!("the vault {} has {} bytes, not 32", path.display(), wrong.0);
        Diagnostic::new(Code::VaultSize, Place::Outside, message)
            .help("put your copy of it back; if there is none, move it away and bpc makes a new one (all secrets change)")
    })
}

/// A new vault from the system's randomness, readable by its owner only from its first moment.
fn make(path: &Path) -> Result<Opened, Diagnostic> {
    let failure = |error: io::Error| unreadable(path, "make", &error);
    let mut key = [0; 32];
    let mut filled = 0;
    while let Some(rest) = key.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        let flags = rustix::rand::GetRandomFlags::empty();
        filled += rustix::rand::getrandom(rest, flags).map_err(|error| failure(error.into()))?;
    }
    let mut options = OpenOptions::new();
    let mut file = match options.write(true).create_new(true).mode(0o600).open(path) {
        Ok(file) => file,
        // Another build made it in this moment.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return read(path)?.map(|vault| Opened { vault, made: None }).ok_or_else(|| failure(error));
        }
        Err(error) => return Err(failure(error)),
    };
    file.write_all(&key).and_then(|()| sync(&file)).map_err(failure)?;
    let vault =
        Vault::from_bytes(&key).map_err(|wrong| failure(io::Error::other(format!("{} bytes", wrong.0))))?;
    Ok(Opened { vault, made: Some(path.to_path_buf()) })
}

fn sync(file: &File) -> io::Result<()> {
    file.sync_all()
}

fn unreadable(path: &Path, verb: &str, error: &io::Error) -> Diagnostic {
    let message = format!("cannot {verb} the vault {}: {error}", path.display());
    Diagnostic::new(Code::VaultUnreadable, Place::Outside, message)
        .help("`--vault FILE` names another place for it")
}
