//! The answers for installers: what they say of the disk is what is planned, and fits on it.

mod autoinstall;
mod preseed;

use crate::artifact::Artifacts;
use crate::bug::Bug;
use crate::site::{Distribution, Site};

/// The installer of a site has what is planned, and there is one only where that is planned.
pub(super) fn verify(site: &Site, artifacts: &Artifacts) -> Result<(), Bug> {
    let Some(lvm) = &site.image.lvm else {
        let stray = artifacts.files.iter().find(|file| file.path.starts_with("installer/"));
        return stray.map_or(Ok(()), |file| Err(Bug(format!("{} is not planned", file.path))));
    };
    match site.image.distribution {
        Distribution::Debian => preseed::verify(site, lvm, artifacts),
        Distribution::Ubuntu => autoinstall::verify(site, lvm, artifacts),
    }
}
