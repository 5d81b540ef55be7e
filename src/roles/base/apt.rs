//! Package sources, sources.list(5) in the style of deb822, and the way to them, apt.conf(5).

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

/// What has apt ask a proxy, for mirrors by HTTPS too (apt-transport-https(1)).
pub(super) fn proxy(proxy: &str) -> String {
    format!("Acquire::http::Proxy \"{proxy}\";\nAcquire::https::Proxy \"{proxy}\";\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::{Architecture, Firmware};
    use crate::value::Size;

    #[test]
    fn a_dated_mirror_is_trusted_beyond_its_time() {
        let image = Image {
            distribution: Distribution::Debian,
            release: "trixie".to_owned(),
            architecture: Architecture::Amd64,
            disk: Size::gib(32),
            disk_file: None,
            firmware: Firmware::Bios,
            lvm: None,
            sources: None,
            proxy: None,
        };
        let mirrors = PackageSources {
            mirror: "https://mirror.example/debian/20260101T000000Z".to_owned(),
            security: "https://mirror.example/debian-security/20260101T000000Z".to_owned(),
            dated: true,
        };
        assert_eq!(
            sources(&image, &mirrors),
            "Types: deb\n\
             URIs: https://mirror.example/debian/20260101T000000Z\n\
             Suites: trixie trixie-updates\n\
             Components: main contrib non-free non-free-firmware\n\
             Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\
             Check-Valid-Until: no\n\
             \n\
             Types: deb\n\
             URIs: https://mirror.example/debian-security/20260101T000000Z\n\
             Suites: trixie-security\n\
             Components: main contrib non-free non-free-firmware\n\
             Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\
             Check-Valid-Until: no\n"
        );
    }
}
