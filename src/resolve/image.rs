//! `epoch:` and `image:`

use jiff::Timestamp;

use super::Resolver;
use super::access::is_host;
use super::downloads::is_url;
use crate::diag::{Code, Diagnostic, Path, Place, Step, did_you_mean};
use crate::model::Distribution;
use crate::site::{Image, PackageSources};
use crate::value::Size;

/// The releases that bpc knows, with the numbers that people call them by.
const RELEASES: [(Distribution, &str, &str); 3] = [
    (Distribution::Debian, "bookworm", "12"),
    (Distribution::Debian, "trixie", "13"),
    (Distribution::Ubuntu, "noble", "24.04"),
];

impl Resolver<'_> {
    /// The time that every artifact carries.
    pub(super) fn epoch(&mut self) -> Option<Timestamp> {
        self.time("the epoch", &self.blueprint.epoch, &Path::root().key("epoch"))
    }

    /// A time that every file format and certificate can carry.
    pub(super) fn time(&mut self, what: &str, text: &str, path: &Path) -> Option<Timestamp> {
        let time = self.timestamp(text, path)?;
        // Tar and FAT dates start in 1970 and 1980, ISO 9660 and X.509 UTCTime end in the 2100s and 2050.
        let range = "1980-01-01T00:00:00Z".parse().ok()?.."2050-01-01T00:00:00Z".parse().ok()?;
        if !range.contains(&time) {
            let message = format!("{what} {time} is outside what file formats and certificates can carry");
            self.report(
                Diagnostic::new(Code::EpochRange, Place::Value(path.clone()), message)
                    .help("from 1980-01-01T00:00:00Z to before 2050-01-01T00:00:00Z; the start of this year is a good choice"),
            );
            return None;
        }
        Some(time)
    }

    fn timestamp(&mut self, text: &str, path: &Path) -> Option<Timestamp> {
        let parsed = text
            .parse::<Timestamp>()
            .ok()
            .filter(|time| text.ends_with('Z') && time.subsec_nanosecond() == 0);
        if parsed.is_none() {
            let message = format!("`{text}` is not a time in UTC with whole seconds");
            self.report(
                Diagnostic::new(Code::EpochSyntax, Place::Value(path.clone()), message)
                    .help(format!("write it as RFC 3339 does: `{}`", near_timestamp(text))),
            );
        }
        parsed
    }

    pub(super) fn image(&mut self) -> Option<Image> {
        let image = &self.blueprint.image;
        let path = Path::root().key("image");
        self.release();
        let disk = match &image.disk {
            Some(disk) => self.size(disk, &path.key("disk"), Size::gib(2)..=Size::gib(2048)),
            None => Some(Size::gib(32)),
        };
        let firmware = self.firmware();
        let lvm = match (&image.lvm, disk) {
            (Some(lvm), Some(disk)) => Some(self.lvm(lvm, disk, firmware)),
            _ => None,
        };
        let sources = self.package_sources();
        let (disk_file, proxy) = (self.disk_file(), self.proxy());
        Some(Image {
            distribution: image.distribution,
            release: image.release.clone(),
            architecture: image.architecture,
            disk: disk?,
            disk_file,
            firmware,
            lvm,
            sources,
            proxy,
        })
    }

    fn release(&mut self) {
        let image = &self.blueprint.image;
        let known = || RELEASES.iter().filter(|(distribution, ..)| *distribution == image.distribution);
        if known().any(|(_, name, _)| *name == image.release) {
            return;
        }
        let by_number = known().find(|(_, _, number)| *number == image.release).map(|(_, name, _)| *name);
        let elsewhere = RELEASES.iter().find(|(_, name, _)| *name == image.release);
        let help = match by_number.or_else(|| did_you_mean(&image.release, known().map(|(_, name, _)| *name)))
        {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("one of: {}", known().map(|(_, name, _)| *name).collect::<Vec<_>>().join(", ")),
        };
        let message = match elsewhere {
            Some((Distribution::Debian, ..)) => {
                format!("`{}` is a release of Debian, not of Ubuntu", image.release)
            }
            Some((Distribution::Ubuntu, ..)) => {
                format!("`{}` is a release of Ubuntu, not of Debian", image.release)
            }
            None => format!("bpc does not know the release `{}`", image.release),
        };
        let place = Place::Value(Path::root().key("image").key("release"));
        self.report(Diagnostic::new(Code::Release, place, message).help(help));
    }

    /// A size within a range.
    pub(super) fn size(
        &mut self,
        text: &str,
        path: &Path,
        range: std::ops::RangeInclusive<Size>,
    ) -> Option<Size> {
        let place = Place::Value(path.clone());
        let Ok(size) = text.parse::<Size>() else {
            let message = format!("`{text}` is not a size");
            self.report(Diagnostic::new(Code::SizeSyntax, place, message).help(size_help(text)));
            return None;
        };
        if range.contains(&size) {
            return Some(size);
        }
        let help = format!("write a size from {} to {}", range.start(), range.end());
        let amount = if size < *range.start() { "little" } else { "much" };
        let what = match path.steps().last() {
            Some(Step::Key(key)) => key.as_str(),
            _ => "this",
        };
        let message = format!("{size} is too {amount} for `{what}`");
        self.report(Diagnostic::new(Code::SizeRange, place, message).help(help));
        None
    }

    /// The proxy as `http://HOST:PORT/`. apt would take more than that; Debian's installer would not.
    fn proxy(&mut self) -> Option<String> {
        let image = &self.blueprint.image;
        let url = image.proxy.as_ref()?;
        let place = Place::Value(Path::root().key("image").key("proxy"));
        let Some(proxy) = proxy(url) else {
            let message = format!("`{url}` is not the address of a proxy for packages");
            let mut diagnostic = Diagnostic::new(Code::Proxy, place, message)
                .help("write `http://`, a host and a port, nothing else: `http://proxy.example:3128`");
            if url.contains('@') {
                diagnostic =
                    diagnostic.note("a name or a password would be in artifacts that anybody may read");
            }
            self.report(diagnostic);
            return None;
        };
        // Debian's installer tells apt of a proxy for the mirror's scheme only, and apt takes one for HTTP for HTTPS too.
        let by_https = |url: &Option<String>| url.as_ref().is_some_and(|url| url.starts_with("https:"));
        let mixed =
            image.security_mirror.is_some() && by_https(&image.mirror) && !by_https(&image.security_mirror);
        if mixed && image.lvm.is_some() && image.distribution == Distribution::Debian {
            let message =
                "the installer would ask this proxy for the mirror, and none for its security updates";
            let other = Place::Value(Path::root().key("image").key("security_mirror"));
            self.report(
                Diagnostic::new(Code::Proxy, place, message)
                    .other(other, "by HTTP, and the mirror by HTTPS")
                    .help("write both mirrors with `https://`, or both with `http://`"),
            );
        }
        Some(proxy)
    }

    fn package_sources(&mut self) -> Option<PackageSources> {
        let image = &self.blueprint.image;
        let path = Path::root().key("image");
        let keys = [("mirror", &image.mirror), ("security_mirror", &image.security_mirror)];
        for (key, url) in keys {
            if let Some(url) = url.as_ref().filter(|url| !is_url(url)) {
                let message = format!("`{url}` is not the address of a package mirror");
                self.report(
                    Diagnostic::new(Code::Mirror, Place::Value(path.key(key)), message)
                        .help("write `http://` or `https://`, a host and a path, nothing else: `https://mirror.example/debian`"),
                );
            }
        }
        let snapshot = match &image.snapshot {
            Some(text) => Some(self.timestamp(text, &path.key("snapshot"))?),
            None => None,
        };
        let Some(mirror) = &image.mirror else {
            let without = [
                ("snapshot", image.snapshot.is_some()),
                ("security_mirror", image.security_mirror.is_some()),
            ];
            for (key, _) in without.into_iter().filter(|(_, given)| *given) {
                let message = format!("`{key}` means nothing without `mirror`");
                self.report(
                    Diagnostic::new(Code::SnapshotWithoutMirror, Place::Key(path.key(key)), message)
                        .help("add `mirror:` with the address of a mirror (for `snapshot`: one that keeps the past)"),
                );
            }
            return None;
        };
        let mirror = mirror.trim_end_matches('/');
        let security = match (&image.security_mirror, image.distribution) {
            (Some(security), _) => security.trim_end_matches('/').to_owned(),
            (None, Distribution::Debian) => format!("{mirror}-security"),
            (None, Distribution::Ubuntu) => mirror.to_owned(),
        };
        // Snapshot mirrors keep each state in a folder named like 20260101T000000Z.
        let folder =
            snapshot.map_or_else(String::new, |time| format!("/{}", time.strftime("%Y%m%dT%H%M%SZ")));
        Some(PackageSources {
            mirror: format!("{mirror}{folder}"),
            security: format!("{security}{folder}"),
            dated: snapshot.is_some(),
        })
    }
}

/// The address of a proxy, if it is one, in one form.
fn proxy(url: &str) -> Option<String> {
    let authority = url.strip_prefix("http://")?;
    let (host, port) = authority.strip_suffix('/').unwrap_or(authority).rsplit_once(':')?;
    let number = port.parse::<u16>().ok().filter(|number| *number > 0 && number.to_string() == port)?;
    is_host(host).then(|| format!("http://{host}:{number}/"))
}

/// The time that a text most likely means, in the form that bpc takes.
fn near_timestamp(text: &str) -> String {
    let midnight = format!("{text}T00:00:00Z");
    let parsed = text.parse::<Timestamp>().or_else(|_| midnight.parse()).ok();
    let whole = parsed.and_then(|time| Timestamp::from_second(time.as_second()).ok());
    whole.map_or_else(|| "2026-01-01T00:00:00Z".to_owned(), |time| time.to_string())
}

/// What to write instead of something that is not a size.
fn size_help(text: &str) -> String {
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let end = compact.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(compact.len());
    let (number, unit) = compact.split_at(end);
    let letter = unit.chars().next().map_or('M', |c| c.to_ascii_uppercase());
    let unit = format!("1{letter}iB").parse::<Size>().map_or(0, Size::bytes);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let parts = (whole.parse::<u64>(), format!("{fraction}000").get(..3).map(str::parse::<u64>));
    let near = match parts {
        (Ok(whole), Some(Ok(thousandths))) => {
            let bytes = u128::from(unit) * (u128::from(whole) * 1000 + u128::from(thousandths)) / 1000;
            Size::mib(u64::try_from(bytes >> 20).unwrap_or(0))
        }
        _ => Size::default(),
    };
    if near == Size::default() {
        "write a whole number and a binary unit: `512MiB`, `32GiB`".to_owned()
    } else {
        format!("write a whole number and a binary unit, without a blank: `{near}`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_a_host_and_a_port() {
        for url in ["http://proxy.example:3128", "http://proxy.example:3128/"] {
            assert_eq!(proxy(url).as_deref(), Some("http://proxy.example:3128/"));
        }
        assert_eq!(proxy("http://192.0.2.1:1").as_deref(), Some("http://192.0.2.1:1/"));
        for url in [
            "",
            "http://",
            "http://:3128",
            "http://proxy.example",
            "http://proxy.example:",
            "http://proxy.example:0",
            "http://proxy.example:65536",
            "http://proxy.example:+3128",
            "http://proxy.example:03128",
            "http://proxy.example:3128//",
            "http://proxy.example:3128/path",
            "http://me@proxy.example:3128",
            "http://proxy example:3128",
            "http://[2001:db8::1]:3128",
            "https://proxy.example:3128",
            "proxy.example:3128",
        ] {
            assert_eq!(proxy(url), None, "{url}");
        }
    }
}
