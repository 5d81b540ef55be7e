//! What the releases know by name: the blueprint may say what is there, and nothing else.

use std::collections::BTreeSet;

use bpc::diag::Severity;

use crate::built::said_of;
use crate::support::tools::{On, tool};

/// The releases of the chroots.
const RELEASES: [(On, &str); 2] = [(On::Bookworm, "bookworm"), (On::Trixie, "trixie")];

/// Whether `tiny` may have this user on that release, and this `system:`.
fn may(release: &str, user: &str, system: &str) -> bool {
    let said = said_of("blueprints", "tiny", |text| {
        let on_release = text.replace("release: trixie", &format!("release: {release}"));
        let with_user = on_release.replace("\naccess:\n", &format!("\naccess:\n  user: {user}\n"));
        assert!(with_user.contains(release) && with_user.contains(&format!("user: {user}\n")), "{text}");
        format!("{with_user}\nsystem: {{{system}}}\n")
    });
    said.iter().all(|diagnostic| diagnostic.severity() != Severity::Error)
}

/// The files of a package below a folder, by their paths in it.
fn files_of(on: On, package: &str, folder: &str) -> Option<BTreeSet<String>> {
    let query = tool(on, "dpkg-query")?;
    let output = query.command().args(["-L", package]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let mut files: BTreeSet<String> =
        text.lines().filter_map(|line| line.strip_prefix(folder)).map(str::to_owned).collect();
    let folders: BTreeSet<String> =
        files.iter().filter_map(|file| Some(file.rsplit_once('/')?.0.to_owned())).collect();
    files.retain(|file| !folders.contains(file));
    Some(files)
}

/// Holds a list of names against the files of a package in each release: a blueprint may say just what is there. Gives what
/// the packages have, by release.
fn assert_known(
    list: &[&str],
    (package, folder): (&str, &str),
    system: impl Fn(&str) -> String,
) -> Vec<(&'static str, BTreeSet<String>)> {
    let mut packages = Vec::new();
    for (on, release) in RELEASES {
        let Some(there) = files_of(on, package, folder) else { continue };
        let is_wrong = |name: &&&str| may(release, "ops", &system(name)) != there.contains(**name);
        let wrong: Vec<&&str> = list.iter().filter(is_wrong).collect();
        assert!(wrong.is_empty(), "{package} of {release}: {wrong:?}");
        packages.push((release, there));
    }
    packages
}

/// The first word of each line.
fn names(list: &str) -> Vec<&str> {
    list.lines().filter_map(|line| line.split(' ').next()).collect()
}

#[test]
fn time_zones_are_those_of_the_release() {
    let listed = names(include_str!("../../src/resolve/releases/time_zones.txt"));
    let zone = |name: &str| format!("timezone: {name}");
    for (release, there) in assert_known(&listed, ("tzdata", "/usr/share/zoneinfo/"), zone) {
        // Tables, and the zones of other ways to count.
        let is_zone = |file: &&String| file.starts_with(char::is_uppercase) && !file.contains('.');
        let zones =
            there.iter().filter(is_zone).filter(|file| !["Factory", "SECURITY"].contains(&file.as_str()));
        let zones: Vec<&String> = zones.collect();
        let unknown: Vec<_> = zones.iter().filter(|file| !listed.contains(&file.as_str())).collect();
        assert!(unknown.is_empty() && zones.len() > 400, "{release}: {unknown:?}");
    }
    assert!(!may("trixie", "ops", "timezone: Europe/Berln"));
}

#[test]
fn locales_are_those_of_the_release() {
    let listed = names(include_str!("../../src/resolve/releases/locales.txt"));
    let locale = |name: &str| format!("locale: {name}.UTF-8");
    assert_known(&listed, ("locales", "/usr/share/i18n/locales/"), locale);
    assert!(listed.len() > 300 && !may("trixie", "ops", "locale: de_XX.UTF-8"));
}

#[test]
fn nobody_is_called_like_users_and_groups_of_an_image() {
    for (on, release) in RELEASES {
        let Some(shell) = tool(on, "sh") else { continue };
        let script =
            "cut -d: -f1 /etc/passwd /etc/group; awk '/^[ugm]/ { print $2 }' /usr/lib/sysusers.d/*.conf";
        let output = shell.command().args(["-euc", script]).output().unwrap();
        let names = String::from_utf8(output.stdout).unwrap();
        let names: BTreeSet<&str> = names.lines().collect();
        assert!(names.contains("kvm") && names.len() > 50, "{names:?}");
        let taken: Vec<&&str> = names.iter().filter(|name| may(release, name, "")).collect();
        assert!(taken.is_empty(), "{release}: {taken:?}");
    }
    assert!(may("trixie", "ops", ""));
}
