//! bpc, the blueprint compiler: one YAML blueprint of a small data centre in, reproducible artifacts out.
//!
//! # How data flows
//!
//! [`compile`] is a pure function: no clock, randomness, environment, network or file enters it but by its
//! [`Inputs`] and the [`Vault`]. [`driver`] is the only reader, [`mod@write`] the only writer; clippy's `disallowed-methods` holds that.
//!
//! | phase | makes | knows |
//! |---|---|---|
//! | [`source`] | text into a tree of YAML nodes, fragments merged, variables replaced | where everything was written |
//! | [`model`] | the tree into structs, by the JSON Schema that editors use too | the user's words |
//! | `resolve` | every default, name, address and check | the user's mistakes: after it nothing the user wrote can fail |
//! | [`site`] | the data centre as decided: what both ends share | no position, nothing undecided |
//! | [`credentials`] | the keys and certificates of the plan, from the vault | what each says, not where it goes |
//! | `roles` | for each machine its [`setup`]: files, packages, bootstrap stages; and the `flow`s that it needs | one role each, none knows another |
//! | `emit` | [`artifact`]s: user-data, network-config, seed images, disks, OVF descriptors, the report | one artifact kind a file |
//! | `verify` | the artifacts read back and compared with the plan | nothing of how they were made |
//!
//! Modules beside the phases: [`diag`] (diagnostics and their rendering), [`value`] (small checked types), [`mod@format`]
//! (codecs that know nothing of clusters), [`vault`] (derivation of secrets), [`pki`] (keys, certificates and tokens
//! made of them), [`assets`] (pinned downloads),
//! [`bootstrap`] (what runs on a machine after cloud-init), [`plan`] (the site, its secret map and its certificates as
//! tables and JSON), `expiry` (certificates that are not good at a given time),
//! [`repository`] (what a user's own repository starts with).
//! The command line is in `cli.rs`, which knows [`driver`] only.
//!
//! Which of them may use which is a table in `tests/suite/architecture.rs`, without circles; a test there holds every
//! import against it. [`compile`] alone knows the order of the phases, roles know nothing of each other, and neither do
//! the files of `emit`.

pub mod artifact;
pub mod assets;
pub mod bootstrap;
mod bug;
pub mod credentials;
pub mod diag;
pub mod driver;
mod emit;
mod expiry;
mod flow;
pub mod format;
pub mod model;
pub mod pki;
pub mod plan;
pub mod repository;
mod resolve;
mod roles;
pub mod setup;
pub mod site;
pub mod source;
mod template;
pub mod value;
pub mod vault;
mod verify;
pub mod write;

use std::collections::BTreeMap;

use artifact::{Appliance, Artifacts, SharedDisk};
use credentials::Credentials;
use diag::{Diagnostic, Files, Locate, Path, Span, has_errors};
use jiff::Timestamp;
use plan::Certificates;
use setup::Setups;
use site::{Machine, Site};
use source::{Reason, Unreadable};
use vault::Vault;

pub use bug::Bug;

/// All that a blueprint's artifacts depend on, besides bpc itself.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// The blueprint and the fragments that it includes.
    pub files: Files,
    /// Fragments that could not be read.
    pub unreadable: Vec<Unreadable>,
    /// The other files that it [names](named_files), by their paths: what is in them, or why they cannot be read.
    pub named: BTreeMap<String, Result<String, Reason>>,
    /// Folders, by their absolute paths, in which a blueprint may have files written besides those of its repository.
    pub allowed: Vec<String>,
}

/// A blueprint that has no errors.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// What it decides.
    pub site: Site,
    /// Its keys and certificates.
    pub credentials: Credentials,
    /// What each machine and the operator get.
    pub setups: Setups,
    /// What is made of it.
    pub artifacts: Artifacts,
}

/// What a phase has to say about a blueprint, and where.
#[derive(Debug, Default)]
pub struct Report {
    /// Errors and warnings.
    pub diagnostics: Vec<Diagnostic>,
    document: Option<source::Document>,
}

/// The files besides fragments that a blueprint names, by their paths relative to it.
#[must_use]
pub fn named_files(files: &Files, unreadable: &[Unreadable]) -> Vec<String> {
    let document = source::load(files, unreadable, &mut Vec::new());
    let read = document.and_then(|document| model::read(&document, &mut Vec::new()));
    read.map_or_else(Vec::new, |read| resolve::named_files(&read.blueprint))
}

/// Decides what a blueprint means; `None` if it has errors.
#[must_use]
pub fn plan_site(inputs: &Inputs) -> (Option<Site>, Report) {
    let mut diagnostics = Vec::new();
    let Some(document) = source::load(&inputs.files, &inputs.unreadable, &mut diagnostics) else {
        return (None, Report { diagnostics, document: None });
    };
    let mut site = None;
    if let Some(read) = model::read(&document, &mut diagnostics) {
        let mut found = Vec::new();
        site = resolve::resolve(&read.blueprint, &document, &inputs.named, &inputs.allowed, &mut found);
        found.retain(|diagnostic| !read.explains(diagnostic));
        diagnostics.append(&mut found);
        resolve::without_derived(&mut diagnostics);
    }
    let site = site.filter(|_| !has_errors(&diagnostics));
    (site, Report { diagnostics, document: Some(document) })
}

/// Compiles a blueprint: the whole pipeline, in order. All secrets come from `vault`.
///
/// # Errors
/// [`Bug`] if something fails that cannot be the user's fault. The user's mistakes are in the [`Report`].
pub fn compile(inputs: &Inputs, vault: &Vault) -> Result<(Option<Compiled>, Report), Bug> {
    let (site, report) = plan_site(inputs);
    let Some(site) = site else { return Ok((None, report)) };
    Ok((Some(make(site, vault)?), report))
}

/// Makes all artifacts of a site that is decided: the second half of [`compile`].
///
/// # Errors
/// [`Bug`], since nothing that a user wrote can be wrong any more.
pub fn make(site: Site, vault: &Vault) -> Result<Compiled, Bug> {
    let credentials = Credentials::issue(&site, vault)?;
    let setups = roles::setups(&site, &credentials)?;
    let artifacts = Artifacts { name: site.name.clone(), files: emit::site(&site, &credentials, &setups)? };
    verify::verify(&site, &artifacts)?;
    Ok(Compiled { site, credentials, setups, artifacts })
}

impl Compiled {
    /// Its certificates, for people and programs.
    ///
    /// # Errors
    /// [`Bug`] if one that is planned was not made.
    pub fn certificates(&self) -> Result<Certificates, Bug> {
        Certificates::new(&self.site, &self.credentials, &self.setups)
    }

    /// One of its machines as a package, with the system disk that all are copied from, if there is one.
    ///
    /// # Errors
    /// [`Bug`], as in [`make`].
    pub fn appliance(&self, machine: &Machine, disk: Option<SharedDisk>) -> Result<Appliance<'_>, Bug> {
        emit::appliance(&self.site, machine, &self.artifacts, disk)
    }

    /// The artifacts as they may be shown: made in the same way of [redacted](Setups::redacted) files.
    ///
    /// The instance-id differs, for it is a digest of all that is on a machine.
    ///
    /// # Errors
    /// [`Bug`], as in [`make`].
    pub fn redacted(&self) -> Result<Artifacts, Bug> {
        let files = emit::site(&self.site, &self.credentials, &self.setups.redacted())?;
        Ok(Artifacts { name: self.artifacts.name.clone(), files })
    }
}

impl Report {
    /// The same about what is not good at a time, or not for long, of the certificates of the blueprint.
    fn of_expiry(self, certificates: &Certificates, at: Timestamp) -> Self {
        let document = self.document.as_ref();
        let is_written = |path: &Path| document.is_some_and(|document| document.has(path));
        let diagnostics = expiry::diagnostics(certificates, at, is_written);
        Self { diagnostics, ..self }
    }
}

impl Locate for Report {
    fn key(&self, path: &Path) -> Span {
        self.document.as_ref().map_or_else(Span::default, |document| document.key(path))
    }

    fn value(&self, path: &Path) -> Span {
        self.document.as_ref().map_or_else(Span::default, |document| document.value(path))
    }
}
