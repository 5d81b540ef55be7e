//! The two files that list all others: `manifest.json` and `SHA256SUMS`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::bounded::read;
use super::path;
use crate::artifact::{Artifact, Artifacts, Content, Kind};
use crate::format::terminal;

/// The name of the list of all artifacts.
pub(super) const MANIFEST: &str = "manifest.json";
/// The name of the list of digests, which `sha256sum -c` reads.
pub(super) const DIGESTS: &str = "SHA256SUMS";
/// How long a list can be that a build left: far more than any build lists.
pub const MOST_BYTES: usize = 64 << 20;

#[derive(Serialize)]
struct Entry<'a> {
    path: &'a str,
    kind: &'a str,
    size: u64,
    mode: String,
    visibility: &'a str,
    origin: &'a str,
}

/// What is said of a file.
#[derive(Debug)]
pub(super) struct Listed<'a> {
    /// Its path in the tree.
    pub(super) path: &'a str,
    /// What it is for.
    pub(super) kind: Kind,
    /// Its length in bytes.
    pub(super) size: u64,
    /// Its SHA-256, in hex.
    pub(super) sha256: String,
    /// Its mode.
    pub(super) mode: u32,
    /// Whether it must stay hidden.
    pub(super) secret: bool,
    /// Where it comes from.
    pub(super) origin: &'a str,
}

impl<'a> From<&'a Artifact> for Listed<'a> {
    fn from(artifact: &'a Artifact) -> Self {
        Self {
            path: &artifact.path,
            kind: artifact.kind,
            size: artifact.content.bytes().len() as u64,
            sha256: digest(artifact.content.bytes()),
            mode: artifact.mode(),
            secret: artifact.content.is_secret(),
            origin: &artifact.origin,
        }
    }
}

/// `manifest.json`, which lists every artifact, and `SHA256SUMS`, which also covers `manifest.json`.
#[must_use]
pub fn manifest(artifacts: &Artifacts) -> Vec<Artifact> {
    lists(&artifacts.name, artifacts.files.par_iter().map(Listed::from).collect())
}

/// The two lists of these files of a blueprint.
pub(super) fn lists(blueprint: &str, mut listed: Vec<Listed<'_>>) -> Vec<Artifact> {
    listed.sort_by_key(|file| file.path);
    // A line for each file, for whoever reads what changed; digests are in the other list.
    let entries: Vec<String> = listed.iter().map(|file| format!("    {}", json(&entry(file)))).collect();
    let json = format!(
        "{{\n  \"bpc\": {},\n  \"blueprint\": {},\n  \"files\": [\n{}\n  ]\n}}\n",
        json(&env!("CARGO_PKG_VERSION")),
        json(&blueprint),
        entries.join(",\n")
    )
    .into_bytes();

    let json_digest = digest(&json);
    let mut lines: Vec<(&str, &str)> = listed.iter().map(|file| (file.path, file.sha256.as_str())).collect();
    lines.push((MANIFEST, &json_digest));
    lines.sort_unstable();
    let sums: String = lines.iter().map(|(path, digest)| sum_line(path, digest)).collect();
    vec![
        listing(MANIFEST, Kind::Manifest, json, blueprint),
        listing(DIGESTS, Kind::Digests, sums.into_bytes(), blueprint),
    ]
}

/// As JSON: strings and numbers only, so there is nothing in it that JSON could not hold.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn entry<'a>(file: &'a Listed<'_>) -> Entry<'a> {
    Entry {
        path: file.path,
        kind: file.kind.as_str(),
        size: file.size,
        mode: format!("{:04o}", file.mode),
        visibility: if file.secret { "secret" } else { "public" },
        origin: file.origin,
    }
}

fn listing(path: &str, kind: Kind, bytes: Vec<u8>, origin: &str) -> Artifact {
    let content = Content::Public(bytes);
    Artifact { path: path.to_owned(), kind, content, executable: false, origin: origin.to_owned() }
}

/// One line of `sha256sum(1)`; a backslash in a name is doubled and announced by one in front of the line.
fn sum_line(path: &str, digest: &str) -> String {
    if path.contains('\\') {
        format!("\\{digest}  {}\n", path.replace('\\', "\\\\"))
    } else {
        format!("{digest}  {path}\n")
    }
}

fn digest(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(&Sha256::digest(bytes))
}

/// The paths that an earlier build wrote, according to the manifest it left.
#[derive(Debug, Default)]
pub(super) struct Owned {
    /// Files.
    pub(super) files: BTreeSet<PathBuf>,
    /// Folders that those files are in.
    pub(super) folders: BTreeSet<PathBuf>,
    /// Why nothing is known, if so.
    pub(super) unknown: Option<String>,
}

#[derive(Deserialize)]
struct OldManifest {
    files: Vec<OldEntry>,
}

#[derive(Deserialize)]
struct OldEntry {
    path: String,
}

impl Owned {
    /// Reads the manifest in `tree`; one that is missing or damaged says that nothing is known to be bpc's.
    pub(super) fn read(tree: &Path) -> Self {
        let path = tree.join(MANIFEST);
        let shown = terminal::path(&path);
        let is_file = fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file());
        let owned = if is_file {
            let bytes =
                read(&path, MOST_BYTES).map_err(|unread| format!("{shown} cannot be read ({unread})"));
            bytes.and_then(|bytes| {
                Self::parse(&bytes).map_err(|error| format!("{shown} is damaged ({error})"))
            })
        } else {
            Err(format!("{shown} is missing"))
        };
        owned.unwrap_or_else(|reason| Self { unknown: Some(reason), ..Self::default() })
    }

    fn parse(json: &[u8]) -> Result<Self, String> {
        let old: OldManifest = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        let mut owned = Self::default();
        let listed = old.files.into_iter().map(|entry| entry.path);
        for file in listed.chain([MANIFEST.to_owned(), DIGESTS.to_owned()]) {
            if let Some(fault) = path::fault(&file) {
                return Err(format!("the path {file:?} {fault}"));
            }
            owned.folders.extend(folders_of(Path::new(&file)).map(Path::to_owned));
            owned.files.insert(PathBuf::from(file));
        }
        Ok(owned)
    }
}

/// The folders that a relative path goes through, the tree itself not among them.
pub(super) fn folders_of(path: &Path) -> impl Iterator<Item = &Path> {
    path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{build, file, secret};
    use super::*;

    #[test]
    fn the_manifest_tells_all_about_each_file() {
        let artifacts = build(&[file("b/seed.iso", "iso"), secret("a.key", "hunter2")]);
        let files = manifest(&artifacts);
        let text = String::from_utf8(files[0].content.bytes().to_vec()).unwrap();
        insta::assert_snapshot!(text.replace(env!("CARGO_PKG_VERSION"), "VERSION"), @r#"
        {
          "bpc": "VERSION",
          "blueprint": "demo",
          "files": [
            {"path":"a.key","kind":"machine-file","size":7,"mode":"0600","visibility":"secret","origin":"blueprint.yaml:1"},
            {"path":"b/seed.iso","kind":"machine-file","size":3,"mode":"0644","visibility":"public","origin":"blueprint.yaml:1"}
          ]
        }
        "#);
    }

    #[test]
    fn the_digests_cover_the_manifest_but_not_themselves() {
        let files = manifest(&build(&[file("z", ""), file("a\\b", "")]));
        let sums = String::from_utf8(files[1].content.bytes().to_vec()).unwrap();
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let json = digest(files[0].content.bytes());
        assert_eq!(sums, format!("\\{empty}  a\\\\b\n{json}  manifest.json\n{empty}  z\n"));
    }

    #[test]
    fn the_order_of_the_artifacts_does_not_matter() {
        let (one, two) = (file("a/b", "1"), file("a.b", "2"));
        assert_eq!(manifest(&build(&[one.clone(), two.clone()])), manifest(&build(&[two, one])));
    }

    #[test]
    fn a_manifest_tells_which_files_are_bpcs() {
        let files = manifest(&build(&[file("a/b/c", "")]));
        let owned = Owned::parse(files[0].content.bytes()).unwrap();
        assert_eq!(owned.files, ["SHA256SUMS", "a/b/c", "manifest.json"].map(PathBuf::from).into());
        assert_eq!(owned.folders, ["a", "a/b"].map(PathBuf::from).into());
    }

    #[test]
    fn a_manifest_that_points_outside_the_tree_is_damaged() {
        for path in ["../x", "/etc/passwd", "a/../../x", ""] {
            let json = serde_json::json!({"files": [{"path": path}]}).to_string();
            assert!(Owned::parse(json.as_bytes()).is_err(), "{path}");
        }
    }
}
