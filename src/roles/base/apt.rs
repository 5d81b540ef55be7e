//! Package sources: sources.list(5), in the style of deb822.

use crate::site::{Distribution, Image, PackageSources};

/// The release, its updates, and its security updates.
pub(super) fn sources(image: &Image, sources: &PackageSources) -> String {
    let (components, keyring) = match image.distribution {
        Distribution::Debian => ("main contrib non-free non-free-firmware", "debian"),
        Distribution::Ubuntu => ("main restricted universe multiverse", "ubuntu"),
    };
    // The signature of a state of the past may have run out; it is checked all the same.
    let dated = if sources.dated { "Check-Valid-Until: no\n" } else { "" };
    let stanza = |uri: &str, suites: String| {
        format!(
            "Types: deb\nURIs: {uri}\nSuites: {suites}\nComponents: {components}\n\
             Signed-By: /usr/share/keyrings/{keyring}-archive-keyring.gpg\n{dated}"
        )
    };
    let release = &image.release;
    let main = stanza(&sources.mirror, format!("{release} {release}-updates"));
    let security = stanza(&sources.security, format!("{release}-security"));
    format!("{main}\n{security}")
}
