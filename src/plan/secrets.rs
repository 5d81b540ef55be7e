//! The secret map: which secret is in which file, and why.

use std::collections::BTreeMap;

use serde::Serialize;

use super::place::{Place, secret_files};
use super::table::table;
use crate::setup::Setups;
use crate::site::Site;

/// Every secret of a site and the files that it can be read in, by purpose; no secret is in here.
#[derive(Clone, Debug, Serialize)]
pub struct Secrets {
    name: String,
    domain: String,
    #[serde(rename = "secrets")]
    all: Vec<MappedSecret>,
}

#[derive(Clone, Debug, Serialize)]
struct MappedSecret {
    /// What it is derived for: the name that `rotate:` knows.
    secret: String,
    generation: u32,
    /// None if it is kept in the vault only.
    files: Vec<SecretFile>,
}

#[derive(Clone, Debug, Serialize)]
struct SecretFile {
    #[serde(flatten)]
    place: Place,
    path: String,
    why: &'static str,
}

impl Secrets {
    /// The secrets of `site`, and where `setups` have them.
    #[must_use]
    pub fn new(site: &Site, setups: &Setups) -> Self {
        let none = site.purposes().into_iter().map(|purpose| (purpose, Vec::new()));
        let mut found: BTreeMap<String, Vec<SecretFile>> = none.collect();
        for (place, file) in secret_files(site, setups) {
            for secret in &file.secrets {
                let (place, path) = (place.clone(), file.path.clone());
                let one = SecretFile { place, path, why: secret.why };
                found.entry(secret.purpose.clone()).or_default().push(one);
            }
        }
        let generation = |secret: &String| site.generations.get(secret).copied().unwrap_or(0);
        let all = found.into_iter().map(|(secret, files)| MappedSecret {
            generation: generation(&secret),
            secret,
            files,
        });
        Self { name: site.name.clone(), domain: site.domain.clone(), all: all.collect() }
    }

    /// As a table.
    #[must_use]
    pub fn to_table(&self) -> String {
        let title = format!("{} ({}), secrets: {}\n", self.name, self.domain, self.all.len());
        let rows: Vec<Vec<String>> = self.all.iter().flat_map(MappedSecret::rows).collect();
        title + &table(&["SECRET", "WHERE", "FILE", "WHY"], &rows)
    }
}

impl MappedSecret {
    fn rows(&self) -> Vec<Vec<String>> {
        let row = |place: &Place, path: &str, why: &str| {
            vec![self.secret.clone(), place.cell(), path.to_owned(), why.to_owned()]
        };
        if self.files.is_empty() {
            return vec![row(&Place::Vault, "", "kept in the vault only")];
        }
        self.files.iter().map(|file| row(&file.place, &file.path, file.why)).collect()
    }
}
