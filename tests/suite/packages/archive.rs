//! A distribution's list of packages, and what apt makes of some of them on a machine that has none.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::support::tools::{On, Staged, Tool, tool};

/// The fields of each package, and the apt that has the list.
pub(super) struct Archive {
    fields: BTreeMap<String, BTreeMap<String, String>>,
    apt_get: Tool,
    /// Where apt finds an empty list of installed packages, and keeps what it has read.
    empty: Staged,
}

impl Archive {
    /// The list of a chroot of that release.
    pub(super) fn of(on: On, release: &str) -> Option<Self> {
        let apt_get = tool(on, "apt-get")?;
        let entries = fs::read_dir(on.root().join("var/lib/apt/lists")).unwrap();
        let end = format!("_dists_{release}_main_binary-amd64_Packages");
        let mut paths = entries.map(|entry| entry.unwrap().path());
        let path = paths.find(|path| path.to_str().unwrap().ends_with(&end)).unwrap();
        let fields = |stanza: &str| -> BTreeMap<String, String> {
            let lines = stanza.lines().filter_map(|line| line.split_once(": "));
            lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
        };
        let text = fs::read_to_string(path).unwrap();
        let named = |fields: BTreeMap<String, String>| Some((fields.get("Package")?.clone(), fields));
        let fields = text.split("\n\n").map(fields).filter_map(named).collect();
        let empty = apt_get.stage(&[("status", b"")]);
        Some(Self { fields, apt_get, empty })
    }

    /// Whether it has a package of that name.
    pub(super) fn has(&self, package: &str) -> bool {
        self.fields.contains_key(package)
    }

    /// The names in a relation of a package, those of alternatives too, and whether each is of any version.
    fn names(&self, package: &str, relation: &str) -> Vec<(&str, bool)> {
        let value = self.fields.get(package).and_then(|fields| fields.get(relation));
        let parts = value.map_or("", String::as_str).split([',', '|']).map(str::trim);
        let name = |part: &'_ str| part.find([' ', ':']).unwrap_or(part.len());
        parts.filter(|part| !part.is_empty()).map(|part| (&part[..name(part)], !part.contains('('))).collect()
    }

    /// What a package needs, and first among alternatives.
    pub(super) fn depends(&self, package: &str) -> Vec<&str> {
        let values = ["Depends", "Pre-Depends"].map(|it| self.fields.get(package).and_then(|of| of.get(it)));
        let parts = values.into_iter().flatten().flat_map(|value| value.split(", "));
        parts.map(|part| part.split([' ', ':', '|']).next().unwrap()).collect()
    }

    /// These packages with all that they need.
    fn complete(&self, packages: &BTreeSet<String>) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut left: Vec<&str> = packages.iter().map(String::as_str).collect();
        while let Some(package) = left.pop() {
            if found.insert(package.to_owned()) {
                left.extend(self.depends(package));
            }
        }
        found
    }

    /// The packages that cannot be beside these, as these say or as they say themselves, in whatever version.
    pub(super) fn rivals(&self, packages: &BTreeSet<String>) -> BTreeSet<String> {
        let packages = self.complete(packages);
        let provided = |it: &str| self.names(it, "Provides").into_iter().map(|(name, _)| name.to_owned());
        let refused = |it: &str| {
            let names = ["Conflicts", "Breaks"].map(|relation| self.names(it, relation)).concat();
            let names: Vec<String> =
                names.into_iter().filter(|(_, any)| *any).map(|(name, _)| name.to_owned()).collect();
            names
        };
        let ours: BTreeSet<String> =
            packages.iter().flat_map(|it| provided(it).chain([it.clone()])).collect();
        let theirs: BTreeSet<String> = packages.iter().flat_map(|it| refused(it)).collect();
        let is_rival = |it: &String| {
            theirs.contains(it)
                || provided(it).any(|name| theirs.contains(&name))
                || refused(it).iter().any(|name| ours.contains(name))
        };
        self.fields.keys().filter(|it| !packages.contains(*it) && is_rival(it)).cloned().collect()
    }

    /// Whether apt would install these packages.
    pub(super) fn installs<'a>(&self, packages: impl IntoIterator<Item = &'a String>) -> bool {
        self.installed(packages).is_some()
    }

    /// The names of what apt would install for these packages, if it would.
    pub(super) fn installed<'a>(
        &self,
        packages: impl IntoIterator<Item = &'a String>,
    ) -> Option<Vec<String>> {
        let mut command = self.apt_get.command();
        command.args(["--simulate", "--yes", "-o", "Debug::NoLocking=1"]);
        command.arg("-o").arg(format!("Dir::State::status={}", self.empty.path_for("status").display()));
        command.arg("-o").arg(format!("Dir::Cache={}", self.empty.path_for("").display()));
        let output = command.arg("install").args(packages).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        // Anything else than packages that do not go together is a mistake of the test's.
        assert!(output.status.success() || said.contains("held broken packages"), "{said}");
        let lines = String::from_utf8(output.stdout).unwrap();
        let names = lines.lines().filter_map(|line| line.strip_prefix("Inst ")?.split(' ').next());
        output.status.success().then(|| names.map(str::to_owned).collect())
    }
}
