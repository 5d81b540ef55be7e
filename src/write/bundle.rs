//! Bundles: files that are too large to be held, each written from where its bytes come from; all of them or none.
//!
//! They take the place of an earlier bundle as a tree does: assembled beside it, and exchanged with it in one step.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::error::{Error, Refusal};
use super::filesystem::{FileSystem, sync};
use super::manifest::{Listed, Owned, lists};
use super::place::{Place, exists};
use super::plan::FOLDER_MODE;
use super::scan::{Node, Shape};
use super::whole::set_mode;
use super::{lock, stage, swap};
use crate::artifact::{Artifact, Kind};

/// A bundle that is being written; one that is not [finished](Self::finish) leaves nothing behind.
#[derive(Debug)]
pub struct Bundle {
    place: Place,
    blueprint: String,
    /// Name, origin, length and digest.
    written: Vec<(String, String, u64, String)>,
    /// Held until the end.
    _lock: File,
}

/// The mode of a file that only its owner may read.
const SECRET_MODE: u32 = 0o600;
/// How much is written at once.
const BUFFER: usize = 1 << 20;

impl Bundle {
    /// Begins the bundle of a blueprint, `out/<blueprint>.bundle`, which is to have files of these names.
    ///
    /// A blueprint's name has no dot, so there is no blueprint of that name.
    ///
    /// # Errors
    /// [`Error::Refused`] if something that bpc did not write has one of the names; [`Error::Failed`] if the system
    /// refuses a call.
    pub fn begin(out: &Path, blueprint: &str, names: &[String]) -> Result<Self, Error> {
        let place = Place::new(out, &format!("{blueprint}.bundle"))?;
        let lock = lock::lock(&place)?;
        swap::recover(&place)?;
        refuse(&place, names)?;
        let made = stage::make_folder(&place.staging, FOLDER_MODE);
        made.map_err(|error| place.failed("make the folder", &place.staging, error))?;
        Ok(Self { place, blueprint: blueprint.to_owned(), written: Vec::new(), _lock: lock })
    }

    /// A file without a name, for what several files are made of; it goes when it is dropped.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub fn scratch(&self) -> Result<File, Error> {
        let path = self.place.staging.join(".scratch");
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(SECRET_MODE).open(&path);
        let file = file.and_then(|file| fs::remove_file(&path).map(|()| file));
        file.map_err(|error| self.place.failed("write", &path, error))
    }

    /// Writes a file that only its owner may read, which comes from this line of the blueprint.
    ///
    /// # Errors
    /// [`Error::Failed`], also if `content` fails.
    pub fn add(
        &mut self,
        name: &str,
        origin: &str,
        content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Error> {
        let path = self.place.staging.join(name);
        let write = || {
            let file = OpenOptions::new().write(true).create_new(true).mode(SECRET_MODE).open(&path)?;
            set_mode(&file, SECRET_MODE)?;
            let mut out = Digesting::new(BufWriter::with_capacity(BUFFER, file));
            content(&mut out)?;
            let (file, length, digest) = out.finish()?;
            file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
            Ok((length, digest))
        };
        let (length, digest) = write().map_err(|error| self.place.failed("write", &path, error))?;
        self.written.push((name.to_owned(), origin.to_owned(), length, digest));
        Ok(())
    }

    /// Puts the bundle in place, with its lists; gives its folder and its length in bytes.
    ///
    /// # Errors
    /// As [`write`](super::write).
    pub fn finish(self) -> Result<(PathBuf, u64), Error> {
        let ignore = Artifact::ignore(&self.blueprint);
        let listed = self.written.iter().map(|(name, origin, size, sha256)| Listed {
            path: name,
            kind: Kind::Ova,
            size: *size,
            sha256: sha256.clone(),
            mode: SECRET_MODE,
            secret: true,
            origin,
        });
        let lists = lists(&self.blueprint, listed.chain([Listed::from(&ignore)]).collect());
        for list in lists.iter().chain([&ignore]) {
            let path = self.place.staging.join(&list.path);
            let put = stage::write(&path, list).and_then(|()| sync(&path));
            put.map_err(|error| self.place.failed("write", &path, error))?;
        }
        sync(&self.place.staging).map_err(|error| self.place.failed("write", &self.place.staging, error))?;
        swap::put_in_place(FileSystem::NATIVE, &self.place)?;
        swap::clear_away(&self.place)?;
        Ok((self.place.live.clone(), self.written.iter().map(|(_, _, length, _)| length).sum()))
    }
}

impl Drop for Bundle {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.place.staging);
    }
}

/// Names everything that is in the way.
fn refuse(place: &Place, names: &[String]) -> Result<(), Error> {
    let live = &place.live;
    if !exists(live) {
        return Ok(());
    }
    let node = |path: &Path| Node::at(path, None).map_err(|error| place.failed("read", path, error));
    let refused = |refusals, unknown| Err(Error::Refused { refusals, unknown, live: live.clone() });
    let root = node(live)?;
    if root.shape != Shape::Folder {
        return refused(vec![Refusal { path: live.clone(), obstacle: root.shape.obstacle() }], None);
    }
    let owned = Owned::read(live);
    let foreign = |name: &&String| !owned.files.contains(Path::new(name)) && exists(&live.join(name));
    let mut refusals = Vec::new();
    for name in names.iter().filter(foreign) {
        let path = live.join(name);
        refusals.push(Refusal { obstacle: node(&path)?.shape.obstacle(), path });
    }
    if refusals.is_empty() { Ok(()) } else { refused(refusals, owned.unknown) }
}

/// Counts and digests what passes through.
#[derive(Debug)]
pub struct Digesting<W> {
    to: W,
    length: u64,
    digest: Sha256,
}

impl<W: Write> Digesting<W> {
    /// What is written goes on to `to`.
    pub fn new(to: W) -> Self {
        Self { to, length: 0, digest: Sha256::new() }
    }

    /// Where it went, how much it was, and its SHA-256 in hex.
    ///
    /// # Errors
    /// If not all of it can be passed on.
    pub fn finish(mut self) -> io::Result<(W, u64, String)> {
        self.to.flush()?;
        Ok((self.to, self.length, base16ct::lower::encode_string(&self.digest.finalize())))
    }
}

impl<W: Write> Write for Digesting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.to.write(bytes)?;
        self.digest.update(bytes.get(..count).unwrap_or_default());
        self.length += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
