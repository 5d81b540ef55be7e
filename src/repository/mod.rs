//! A user's own repository: what `bpc init` puts into it.
//!
//! None of its files but those of the blueprint depends on the blueprint's name, so a second blueprint can be put beside
//! the first one in the same way.

mod start;

use std::collections::BTreeMap;

use crate::model;

pub use start::{EPOCH, STARTS, Start};

/// The files of a repository with a blueprint of that name, which is a DNS label, and of that epoch, or the start's own:
/// their texts by their paths.
#[must_use]
pub fn files(start: &Start, name: &str, epoch: Option<&str>) -> BTreeMap<String, String> {
    let folder = format!("blueprints/{name}");
    let mut files: BTreeMap<_, _> =
        start.files(name, epoch).map(|(path, text)| (format!("{folder}/{path}"), text)).collect();
    let shared = [
        ("README.md", include_str!("README.md").to_owned()),
        (".gitignore", include_str!("gitignore").to_owned()),
        (".github/workflows/bpc.yml", include_str!("bpc.yml").to_owned()),
        ("justfile", concat!(include_str!("justfile"), include_str!("blueprints.just")).to_owned()),
        ("blueprints/blueprint.schema.json", format!("{:#}\n", model::schema())),
    ];
    files.extend(shared.map(|(path, text)| (path.to_owned(), text)));
    files
}
