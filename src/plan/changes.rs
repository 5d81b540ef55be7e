//! What a build would do to machines that are there already.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::table::table;
use crate::artifact::Artifacts;
use crate::site::Site;

/// Digests of the files of an earlier build, by path: what its `SHA256SUMS` says.
pub type Earlier = BTreeMap<String, String>;

/// What `up.sh` does to each machine that a build changes; machines that stay as they are are left out.
#[derive(Clone, Debug, Serialize)]
pub struct Changes {
    name: String,
    /// Whether the file or the size of the system disk differs, which only machines that are made anew follow.
    system_disk: bool,
    machines: Vec<Changed>,
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
            Self::Gone => "gone; stays until destroy.sh",
        }
    }
}

/// The file by which `up.sh` knows what a machine is to be.
fn definition(machine: &str) -> String {
    format!("virtualbox/machines/{machine}.conf")
}

impl Changes {
    /// Compares what was built with what an earlier build has left.
    #[must_use]
    pub fn new(site: &Site, built: &Artifacts, earlier: &Earlier) -> Self {
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
                (true, true) => Change::HardwareAndSeed,
                (true, false) => Change::Hardware,
                (false, true) => Change::Seed,
                (false, false) => continue,
            };
            let files = if change == Change::New { Vec::new() } else { differing(name, &now, earlier) };
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
        Self { name: site.name.clone(), system_disk, machines }
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
        let rows: Vec<Vec<String>> = self.machines.iter().flat_map(Changed::rows).collect();
        text += &table(&["MACHINE", "CHANGE", "FILE"], &rows);
        if self.system_disk {
            text +=
                "\nThe system disk is another one: machines keep theirs until `up.sh --recreate MACHINE`.\n";
        }
        text
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
