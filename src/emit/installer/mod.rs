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

/// Packages of the boot loader remember the disk by its identity, which that of another machine does not have, and an
/// update of them fails without one that is there. cloud-init says it anew on each machine; on Debian 13 only if it is
/// told to.
const FOLLOW_BOOT_DISK: &str = "echo 'grub_dpkg: {enabled: true}' > /target/etc/cloud/cloud.cfg.d/91_bpc.cfg";

/// The last of our commands: what `base-image.sh` waits for on the console. Its quotes keep the line itself out of a log that
/// repeats the command, as Debian's installer does if one fails.
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
