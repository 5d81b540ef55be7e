//! The seed image: cloud-init's NoCloud data source on a CD (its documentation, section "NoCloud").

use crate::artifact::Content;
use crate::bug::Bug;
use crate::format::iso9660::{Error, Image};
use crate::site::Site;
use crate::value::Secret;

/// The label by which cloud-init finds a seed. Upper case is also what ISO 9660 allows in a volume identifier.
const LABEL: &str = "CIDATA";

/// An image with these files in its root.
pub(super) fn image(site: &Site, files: &[(&str, Content)]) -> Result<Content, Bug> {
    let secret = files.iter().any(|(_, content)| content.is_secret());
    let bytes = build(site, files).map_err(|error| Bug(format!("seed image: {error}")))?;
    Ok(if secret { Content::Secret(Secret::new(bytes)) } else { Content::Public(bytes) })
}

fn build(site: &Site, files: &[(&str, Content)]) -> Result<Vec<u8>, Error> {
    let mut image = Image::new(LABEL, site.epoch)?;
    for (name, content) in files {
        image.file(name, content.bytes(), if content.is_secret() { 0o600 } else { 0o644 })?;
    }
    image.finish()
}
