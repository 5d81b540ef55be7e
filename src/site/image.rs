//! What machines start from.

use super::{Architecture, Distribution};
use crate::value::Size;

/// The distribution, its disk and its packages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// The distribution.
    pub distribution: Distribution,
    /// The release by its code name.
    pub release: String,
    /// The processor, as Debian names it.
    pub architecture: Architecture,
    /// The size of the system disk.
    pub disk: Size,
    /// Where packages come from, if not from where the image says.
    pub sources: Option<PackageSources>,
}

/// Package mirrors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageSources {
    /// For the release and its updates.
    pub mirror: String,
    /// For security updates.
    pub security: String,
    /// Whether they show one moment of the past, whose signatures may have run out.
    pub dated: bool,
}
