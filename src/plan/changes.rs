//! What a build would do to machines that are there already.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::table::table;
use crate::artifact::Artifacts;
use crate::site::{Bound, Effect, Machine, Site, VAULT};

/// Digests of the files of an earlier build, by path: what its `SHA256SUMS` says.
pub type Earlier = BTreeMap<String, String>;

/// What the machines of an earlier build are bound to, and the lines of a file that says so: its path.
pub const BOUND_FILE: &str = "virtualbox/bound";

/// What `up.sh` does to each machine that a build changes; machines that stay as they are are left out.
#[derive(Clone, Debug, Serialize)]
pub struct Changes {
    name: String,
    /// Whether the file or the size of the system disk differs, which only machines that are made anew follow.
    system_disk: bool,
    machines: Vec<Changed>,
    /// Settings that machines which are there are bound to.
    settings: Vec<ChangedSetting>,
}

/// A setting whose new value machines cannot follow.
#[derive(Clone, Debug, Serialize)]
struct ChangedSetting {
    setting: &'static str,
    from: String,
    to: String,
    machines: Vec<String>,
    /// The line of the blueprint.
    origin: String,
    effect: &'static str,
    lost: &'static str,
    way: &'static str,
}

#[derive(Clone, Debug, Serialize)]
struct Changed {
    name: String,
    change: Change,
    /// Files on the machine that differ.
    files: Vec<String>,
}

/// What is done to a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Change {
    /// It is made.
    New,
    /// It is shut down, gets another seed, and starts.
    Seed,
    /// It is shut down, gets other hardware, and starts.
    Hardware,
    /// Both at a time.
    HardwareAndSeed,
    /// Everything secret on it is another one.
    OtherVault,
    /// It stays until it is destroyed.
    Gone,
}

impl Change {
    const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Seed => "new seed",
            Self::Hardware => "new hardware",
            Self::HardwareAndSeed => "new hardware and seed",
            Self::OtherVault => "another machine: its keys are another vault's",
            Self::Gone => "gone; stays until destroy.sh",
        }
    }
}

/// The file by which `up.sh` knows what a machine is to be.
fn definition(machine: &str) -> String {
    format!("virtualbox/machines/{machine}.conf")
}

impl Changes {
    /// Compares what was built with what an earlier build has left: digests, and the text of [`BOUND_FILE`]. `vault` is the
    /// fingerprint of the vault, if there is one.
    #[must_use]
    pub fn new(
        site: &Site,
        built: &Artifacts,
        (earlier, bound): (&Earlier, &str),
        vault: Option<&str>,
    ) -> Self {
        let settings = settings(site, bound, vault.unwrap_or("none"));
        let other_vault = settings.iter().any(|it| it.setting == VAULT);
        let digest = |bytes: &[u8]| base16ct::lower::encode_string(&Sha256::digest(bytes));
        let now: Earlier =
            built.files.iter().map(|file| (file.path.clone(), digest(file.content.bytes()))).collect();
        let mut machines = Vec::new();
        for machine in &site.machines {
            let name = &machine.name;
            let differs = |path: &str| now.get(path) != earlier.get(path);
            let seed = differs(&format!("machines/{name}/seed.iso"));
            let change = match (differs(&definition(name)), seed) {
                _ if !earlier.contains_key(&definition(name)) => Change::New,
                _ if other_vault => Change::OtherVault,
                (true, true) => Change::HardwareAndSeed,
                (true, false) => Change::Hardware,
                (false, true) => Change::Seed,
                (false, false) => continue,
            };
            let all = matches!(change, Change::New | Change::OtherVault);
            let files = if all { Vec::new() } else { differing(name, &now, earlier) };
            machines.push(Changed { name: name.clone(), change, files });
        }
        let were = earlier.keys().filter_map(|path| {
            path.strip_prefix("virtualbox/machines/").and_then(|file| file.strip_suffix(".conf"))
        });
        let gone = were.filter(|name| !now.contains_key(&definition(name)));
        let gone =
            gone.map(|name| Changed { name: name.to_owned(), change: Change::Gone, files: Vec::new() });
        machines.extend(gone);
        let disk = "virtualbox/system-disk.conf";
        let system_disk = earlier.get(disk).is_some_and(|was| now.get(disk) != Some(was));
        Self { name: site.name.clone(), system_disk, machines, settings }
    }

    /// As a table.
    #[must_use]
    pub fn to_table(&self) -> String {
        let changes = match self.machines.len() {
            0 => "no machine changes".to_owned(),
            1 => "1 machine changes".to_owned(),
            count => format!("{count} machines change"),
        };
        let mut text = format!("{}: {changes}\n", self.name);
        let (vault, settings): (Vec<_>, Vec<_>) = self.settings.iter().partition(|it| it.setting == VAULT);
        if let [vault] = vault.as_slice() {
            text += &vault.to_text();
            text.push('\n');
        }
        let rows: Vec<Vec<String>> = self.machines.iter().flat_map(Changed::rows).collect();
        text += &table(&["MACHINE", "CHANGE", "FILE"], &rows);
        text += &settings.into_iter().map(ChangedSetting::to_text).collect::<String>();
        if self.system_disk {
            text +=
                "\nThe system disk is another one: machines keep theirs until `up.sh --recreate MACHINE`.\n";
        }
        text
    }
}

/// The settings of machines that are bound to another value, each once.
fn settings(site: &Site, was: &str, vault: &str) -> Vec<ChangedSetting> {
    let was: BTreeMap<&str, &str> = was.lines().filter_map(|line| line.split_once(' ')).collect();
    let mut found: Vec<ChangedSetting> = Vec::new();
    for machine in &site.machines {
        let now = site.bound(machine, vault);
        let pairs = was.get(machine.name.as_str()).unwrap_or(&"").split(' ');
        for (name, old) in pairs.filter_map(|pair| pair.split_once('=')) {
            let Some(bound) = crate::site::BOUND.iter().find(|bound| bound.name == name) else { continue };
            let new = now.iter().find(|(it, _)| it.name == name).map_or("-", |(_, value)| value);
            if bound.rule.is_broken(old, new) {
                let same = |it: &&mut ChangedSetting| it.setting == name && it.from == old && it.to == new;
                match found.iter_mut().find(same) {
                    Some(known) => known.machines.push(machine.name.clone()),
                    None => found.push(ChangedSetting::new(site, machine, bound, (old, new))),
                }
            }
        }
    }
    found
}

impl ChangedSetting {
    fn new(site: &Site, machine: &Machine, bound: &Bound, (from, to): (&str, &str)) -> Self {
        Self {
            setting: bound.name,
            from: from.to_owned(),
            to: to.to_owned(),
            machines: vec![machine.name.clone()],
            origin: site.bound_origin(bound.name, machine).to_owned(),
            effect: bound.effect.as_str(),
            lost: bound.lost,
            way: bound.way,
        }
    }

    fn to_text(&self) -> String {
        let Self { setting, from, to, origin, lost, way, .. } = self;
        let then = if self.effect == Effect::Refused.as_str() {
            format!("`up.sh` refuses this without `--accept={setting}`.")
        } else if self.effect == Effect::Kept.as_str() {
            "What is there stays as it is.".to_owned()
        } else if self.effect == Effect::Strange.as_str() {
            "`bpc build` refuses this without `--new-vault`, and `up.sh` while machines of the old one are there.".to_owned()
        } else {
            "These machines change together.".to_owned()
        };
        format!(
            "\n{origin}: {setting} was {from} and is to be {to}, on {}:\n  {lost}\n  instead: {way}\n  {then}\n",
            self.machines.join(", ")
        )
    }
}

impl Changed {
    fn rows(&self) -> Vec<Vec<String>> {
        let file = |index: usize| self.files.get(index).cloned().unwrap_or_default();
        let first = vec![self.name.clone(), self.change.as_str().to_owned(), file(0)];
        let more = self.files.iter().skip(1).map(|path| vec![String::new(), String::new(), path.clone()]);
        std::iter::once(first).chain(more).collect()
    }
}

/// The files on a machine that only one of both has, or that differ.
fn differing(machine: &str, now: &Earlier, earlier: &Earlier) -> Vec<String> {
    let prefix = format!("machines/{machine}/files");
    let of_machine = |path: &&String| path.starts_with(&prefix);
    let paths: BTreeSet<&String> = now.keys().chain(earlier.keys()).filter(of_machine).collect();
    let differ = paths.into_iter().filter(|path| now.get(*path) != earlier.get(*path));
    differ.filter_map(|path| path.strip_prefix(&prefix).map(str::to_owned)).collect()
}
