//! Every good blueprint, compiled in memory: those that come with bpc, and those of `tests/blueprints/`.

use std::fs;
use std::path::{Path, PathBuf};

use bpc::diag::{Diagnostic, Files};
use bpc::site::Machine;
use bpc::vault::Vault;
use bpc::{Compiled, Inputs, compile, named_files, plan_site, source};

use crate::support::vault::vault;

/// All good blueprints.
pub(crate) fn blueprints() -> Vec<Compiled> {
    let mut found = Vec::new();
    for folder in ["blueprints", "tests/blueprints"] {
        let entries = fs::read_dir(repository().join(folder)).unwrap();
        let candidates = entries.map(|entry| entry.unwrap().path().join("blueprint.yaml"));
        found.extend(candidates.filter(|path| path.is_file()));
    }
    found.sort();
    assert!(found.len() >= 4, "{found:?}");
    found.iter().map(|path| compiled(path, &text(path))).collect()
}

/// The blueprint `tests/blueprints/NAME`.
pub(crate) fn blueprint(name: &str) -> Compiled {
    changed(name, |text| text)
}

/// The blueprint `tests/blueprints/NAME`, its text changed.
pub(crate) fn changed(name: &str, change: impl Fn(String) -> String) -> Compiled {
    changed_in("tests/blueprints", name, change)
}

/// What makes the certificates of the blueprints that come with bpc good for ten years.
pub(crate) const PKI: &str = "pki: {certificate_days: 3650} # may be built at any time; without it certificates are good for 365 days\n";

/// The blueprint `FOLDER/NAME`, its text changed. It has no `pki:` but what the change adds.
pub(crate) fn changed_in(folder: &str, name: &str, change: impl Fn(String) -> String) -> Compiled {
    let path = repository().join(folder).join(name).join("blueprint.yaml");
    compiled(&path, &change(text(&path).replace(PKI, "")))
}

/// The blueprint `FOLDER/NAME` with another vault than that of the tests.
pub(crate) fn with_another_vault(folder: &str, name: &str) -> Compiled {
    let path = repository().join(folder).join(name).join("blueprint.yaml");
    with_vault(&path, &text(&path).replace(PKI, ""), &Vault::from_key([8; 32]))
}

fn compiled(path: &Path, text: &str) -> Compiled {
    with_vault(path, text, &vault())
}

/// What is said of the blueprint `FOLDER/NAME`, its text changed.
pub(crate) fn said_of(folder: &str, name: &str, change: impl Fn(String) -> String) -> Vec<Diagnostic> {
    let path = repository().join(folder).join(name).join("blueprint.yaml");
    plan_site(&inputs(&path, &change(text(&path).replace(PKI, "")))).1.diagnostics
}

fn with_vault(path: &Path, text: &str, vault: &Vault) -> Compiled {
    let (compiled, report) =
        compile(&inputs(path, text), vault).unwrap_or_else(|bug| panic!("{}: {bug}", path.display()));
    compiled.unwrap_or_else(|| panic!("{}: {:?}", path.display(), report.diagnostics))
}

fn inputs(path: &Path, text: &str) -> Inputs {
    let mut inputs = Inputs { files: Files::new(""), ..Inputs::default() };
    inputs.files.add("blueprint.yaml", text);
    for fragment in source::wanted(&inputs.files) {
        inputs.files.add(fragment.as_str(), self::text(&path.with_file_name(&fragment)));
    }
    for name in named_files(&inputs.files, &[]) {
        let text = self::text(&path.with_file_name(&name));
        inputs.named.insert(name, Ok(text));
    }
    inputs
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The bytes of an artifact of a machine: `user-data`, `files/etc/hosts`.
pub(crate) fn artifact<'a>(built: &'a Compiled, machine: &str, name: &str) -> &'a [u8] {
    let path = format!("machines/{machine}/{name}");
    let file = built.artifacts.files.iter().find(|file| file.path == path);
    file.unwrap_or_else(|| panic!("{} has no {path}", built.site.name)).content.bytes()
}

/// The files that a seed puts on a machine: path there, and content.
pub(crate) fn files<'a>(built: &'a Compiled, machine: &Machine) -> Vec<(&'a str, &'a [u8])> {
    let prefix = format!("machines/{}/files", machine.name);
    let files = built.artifacts.files.iter();
    files.filter_map(|file| Some((file.path.strip_prefix(&prefix)?, file.content.bytes()))).collect()
}

/// One document of every machine of these blueprints, by a name that is good as a file's.
pub(crate) fn documents<'a>(built: &'a [Compiled], name: &str) -> Vec<(String, &'a [u8])> {
    let mut documents = Vec::new();
    for one in built {
        for machine in &one.site.machines {
            let id = format!("{}.{}.{name}", one.site.name, machine.name);
            documents.push((id, artifact(one, &machine.name, name)));
        }
    }
    documents
}
