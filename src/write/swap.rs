//! The step in which the new tree goes live, and the way back if it was cut short.

use std::fs;
use std::io;
use std::path::Path;

use super::clear;
use super::error::Error;
use super::filesystem::{FileSystem, is_unsupported, sync};
use super::place::{Place, exists};

/// Makes the staged tree the live one; the tree that was live before, if any, is in the swap folder then.
pub(super) fn put_in_place(system: FileSystem, place: &Place) -> Result<(), Error> {
    let result =
        if exists(&place.live) { trade(system, place) } else { fs::rename(&place.staging, &place.live) };
    result.map_err(|source| place.failed("replace", &place.live, source))?;
    sync(&place.out).map_err(leftover("sync", &place.out))
}

fn trade(system: FileSystem, place: &Place) -> io::Result<()> {
    fs::rename(&place.staging, &place.swap)?;
    let Err(error) = (system.exchange)(&place.swap, &place.live) else { return Ok(()) };
    fs::rename(&place.swap, &place.staging)?;
    if !is_unsupported(&error) {
        return Err(error);
    }
    fs::rename(&place.live, &place.swap)?;
    fs::rename(&place.staging, &place.live).inspect_err(|_| {
        // What put the old tree aside can put it back; if not, the next build does.
        let _ = fs::rename(&place.swap, &place.live);
    })
}

/// Brings `out/` back in order after a build that was killed.
pub(super) fn recover(place: &Place) -> Result<(), Error> {
    if exists(&place.swap) && !exists(&place.live) {
        fs::rename(&place.swap, &place.live).map_err(leftover("put back", &place.swap))?;
        sync(&place.out).map_err(leftover("sync", &place.out))?;
    }
    match fs::remove_dir_all(&place.staging) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        result => result.map_err(leftover("delete", &place.staging))?,
    }
    clear_away(place)
}

/// Clears the swap folder, if there is one.
pub(super) fn clear_away(place: &Place) -> Result<(), Error> {
    if exists(&place.swap) { clear::clear(place) } else { Ok(()) }
}

/// Turns the system's answer into an error about a copy beside the live tree.
pub(super) fn leftover(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Leftover { doing, path, source }
}
