//! What installs the system disk without a question, where the blueprint says how it is divided: answers for the
//! installer of the distribution.
//!
//! There is nothing for other blueprints: without `lvm` the disk is a cloud image, or divided as its owner likes.

mod autoinstall;
mod preseed;
mod storage;

use crate::artifact::Content;
use crate::bug::Bug;
use crate::site::{Distribution, Site};

/// The last command of an installation: what `base-image.sh` waits for on the console. Whoever prints the command, as Debian's
/// installer does with one that fails, does not print what it says.
const SAY_READY: &str = "echo 'bpc: base-image' ready > /dev/console";

/// The files, by name.
pub(super) fn documents(site: &Site) -> Result<Vec<(&'static str, Content)>, Bug> {
    let Some(lvm) = &site.image.lvm else { return Ok(Vec::new()) };
    let made = match site.image.distribution {
        Distribution::Debian => preseed::documents(site, lvm),
        Distribution::Ubuntu => autoinstall::documents(site, lvm),
    };
    made.map_err(|error| Bug(format!("installer: {error}")))
}
