//! What machines download by themselves.

use super::Site;
use crate::assets::Version;
use crate::bug::Bug;

/// A file that machines download.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Download {
    /// Its version.
    pub version: Version,
    /// Where it is: on the mirror, if the blueprint names one.
    pub url: String,
    /// The SHA-256 that it must have, in hex; empty if nobody knows it.
    pub sha256: String,
}

impl Site {
    /// The download of that name.
    ///
    /// # Errors
    /// [`Bug`] if it was not decided that machines need it.
    pub fn download(&self, name: &str) -> Result<&Download, Bug> {
        self.downloads
            .get(name)
            .ok_or_else(|| Bug(format!("nothing was decided to need a download of {name}")))
    }
}
