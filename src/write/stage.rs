//! Assembles a tree beside the live one.

use std::fs::{self, DirBuilder, Metadata, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};

use super::error::Error;
use super::filesystem::{FileSystem, is_unsupported, sync};
use super::manifest::MANIFEST;
use super::place::{Place, exists};
use super::plan::{FOLDER_MODE, Plan};
use super::whole::set_mode;
use crate::artifact::Artifact;

/// How many files are on their way to the disk at once: they wait for it, not for a processor.
const THREADS: usize = 16;

/// Makes the whole new tree in the staging folder, durable, its manifest last.
pub(super) fn build(system: FileSystem, plan: &Plan<'_>, place: &Place) -> Result<(), Error> {
    let stage = Stage { system, place };
    stage.make_folder(Path::new(""), FOLDER_MODE)?;
    for (path, theirs) in &plan.folders {
        stage.make_folder(path, if theirs.is_some() { 0o700 } else { FOLDER_MODE })?;
    }
    let (manifest, others): (Vec<_>, Vec<_>) = plan.files.iter().partition(|(file, _)| file.path == MANIFEST);
    others.par_iter().try_for_each(|(artifact, current)| stage.put(artifact, *current))?;
    plan.foreign.par_iter().try_for_each(|path| stage.carry(path))?;
    manifest.iter().try_for_each(|(artifact, current)| stage.put(artifact, *current))?;
    for (path, theirs) in plan.folders.iter().rev() {
        if let Some(metadata) = theirs {
            stage.dress(path, metadata)?;
        }
    }
    // Only now, so that the file system can store all of it in few steps.
    let files = plan.files.iter().filter(|(_, current)| !current).map(|(file, _)| Path::new(&file.path));
    let folders = plan.folders.keys().map(AsRef::as_ref);
    let all: Vec<&Path> = files.chain(folders).chain([Path::new("")]).collect();
    let sync = || all.par_iter().try_for_each(|path| stage.sync(path));
    // Where the system refuses so many threads, those that work already take longer.
    pool().map_or_else(|_| sync(), |pool| pool.install(sync))
}

/// Deletes an unfinished tree after a failure, which then says whether it could; the next build deletes what it could not.
pub(super) fn abandon(place: &Place, mut failure: Error) -> Error {
    let _ = fs::remove_dir_all(&place.staging);
    if let Error::Failed { left, .. } = &mut failure {
        *left = exists(&place.staging).then(|| place.staging.clone());
    }
    failure
}

fn pool() -> Result<ThreadPool, ThreadPoolBuildError> {
    ThreadPoolBuilder::new().num_threads(THREADS).build()
}

struct Stage<'a> {
    system: FileSystem,
    place: &'a Place,
}

impl Stage<'_> {
    fn failed(&self, doing: &'static str, path: &Path, error: io::Error) -> Error {
        self.place.failed(doing, &self.place.staging.join(path), error)
    }

    fn make_folder(&self, path: &Path, mode: u32) -> Result<(), Error> {
        make_folder(&self.place.staging.join(path), mode)
            .map_err(|error| self.failed("make the folder", path, error))
    }

    /// Links a file from the live tree if it is `current` there, else writes it.
    fn put(&self, artifact: &Artifact, current: bool) -> Result<(), Error> {
        let path = Path::new(&artifact.path);
        let target = self.place.staging.join(path);
        if current && (self.system.link)(&self.place.live.join(path), &target).is_ok() {
            return Ok(());
        }
        write(&target, artifact).map_err(|error| self.failed("write", path, error))
    }

    /// Gives a file that is not bpc's a second name; what cannot have one is moved after the trees have changed places.
    fn carry(&self, path: &Path) -> Result<(), Error> {
        match (self.system.link)(&self.place.live.join(path), &self.place.staging.join(path)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound || is_unsupported(&error) => Ok(()),
            result => result.map_err(|error| self.failed("carry over", path, error)),
        }
    }

    /// Makes a folder that is not bpc's look as it did.
    fn dress(&self, path: &Path, metadata: &Metadata) -> Result<(), Error> {
        dress(&self.place.staging.join(path), metadata)
            .map_err(|error| self.failed("carry over", path, error))
    }

    fn sync(&self, path: &Path) -> Result<(), Error> {
        sync(&self.place.staging.join(path)).map_err(|error| self.failed("write", path, error))
    }
}

/// Makes a folder whose mode the umask has no say in.
pub(super) fn make_folder(path: &Path, mode: u32) -> io::Result<()> {
    DirBuilder::new().mode(mode).create(path)?;
    fs::set_permissions(path, Permissions::from_mode(mode))
}

/// Writes a file that is new, with its mode.
pub(super) fn write(path: &Path, artifact: &Artifact) -> io::Result<()> {
    // The mode is given twice: here so that a secret is never readable, below because of the umask.
    let mut file = OpenOptions::new().write(true).create_new(true).mode(artifact.mode()).open(path)?;
    set_mode(&file, artifact.mode())?;
    file.write_all(artifact.content.bytes())
}

fn dress(path: &Path, metadata: &Metadata) -> io::Result<()> {
    let here = fs::symlink_metadata(path)?;
    if (here.uid(), here.gid()) != (metadata.uid(), metadata.gid()) {
        std::os::unix::fs::lchown(path, Some(metadata.uid()), Some(metadata.gid()))?;
    }
    fs::set_permissions(path, metadata.permissions())?;
    let times = Timestamps {
        last_access: Timespec { tv_sec: metadata.atime(), tv_nsec: metadata.atime_nsec() },
        last_modification: Timespec { tv_sec: metadata.mtime(), tv_nsec: metadata.mtime_nsec() },
    };
    Ok(utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}
