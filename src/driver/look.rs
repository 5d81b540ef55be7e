//! The commands that only look: `check` and `plan`.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::{Found, Sources, Status, Terminal, all, compiled, paths_of, read, vault};
use crate::format::terminal::path as shown_path;
use crate::plan::{Certificates, Changes, Plan, Secrets};
use crate::{Bug, Compiled};

/// A blueprint compiled with its vault, or with a stand-in if it has none yet.
struct Looked {
    found: Found,
    built: Compiled,
    /// The vault that is not there.
    missing: Option<PathBuf>,
}

/// What of a blueprint is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View<'a> {
    /// Networks, machines, adapters and ports.
    Site,
    /// Which secret is in which file; that does not depend on the vault.
    Secrets,
    /// The certificates as they are with this vault, or with those beside the blueprints.
    Certificates(Option<&'a Path>),
    /// What a build into this folder would do to the machines of an earlier one, with this vault, or with those beside the
    /// blueprints.
    Changes(&'a Path, Option<&'a Path>),
}

/// Reports what is wrong with blueprints: a build that writes nothing, not even a vault.
///
/// If a time is given, certificates that are not good then are wrong too.
pub fn check(
    terminal: &mut Terminal<'_>,
    sources: Sources<'_>,
    vault: Option<&Path>,
    at: Option<Timestamp>,
) -> Status {
    let looked = match look(terminal, sources, vault) {
        Ok(looked) => looked,
        Err(status) => return status,
    };
    looked.into_iter().map(|one| check_one(terminal, one, at)).max().unwrap_or(Status::Success)
}

fn check_one(terminal: &mut Terminal<'_>, one: Looked, at: Option<Timestamp>) -> Status {
    let Some(at) = at else {
        terminal.checked(&one.found, None);
        return Status::Success;
    };
    let certificates = match certificates(terminal, &one) {
        Ok(certificates) => certificates,
        Err(status) => return status,
    };
    let mut found = one.found;
    found.report = found.report.of_expiry(&certificates, at);
    let counted = terminal.report(&found.files, &found.report);
    if counted.errors > 0 {
        return Status::Findings;
    }
    found.warnings += counted.warnings;
    terminal.checked(&found, Some(&certificates));
    Status::Success
}

/// The time of the host's clock, in whole seconds.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the driver is what reads the clock")]
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

/// Shows what blueprints decide, as tables or as one JSON document each.
pub fn plan(terminal: &mut Terminal<'_>, sources: Sources<'_>, view: View<'_>) -> Status {
    let shown = match view {
        View::Site => plan_sites(terminal, sources),
        View::Secrets => plan_secrets(terminal, sources),
        View::Certificates(vault) => plan_certificates(terminal, sources, vault),
        View::Changes(out, vault) => plan_changes(terminal, sources, out, vault),
    };
    shown.err().unwrap_or(Status::Success)
}

fn plan_sites(terminal: &mut Terminal<'_>, sources: Sources<'_>) -> Result<(), Status> {
    let sites = all(terminal, sources)?;
    let plans: Vec<Plan> = sites.iter().map(|found| Plan::new(&found.site)).collect();
    terminal.plans(&plans, Plan::to_table);
    Ok(())
}

fn plan_secrets(terminal: &mut Terminal<'_>, sources: Sources<'_>) -> Result<(), Status> {
    let sites = all(terminal, sources)?;
    let vaults = sites.iter().map(|_| vault::stand_in()).collect();
    let built = compiled(terminal, &sites, vaults)?;
    let maps: Vec<Secrets> = built.iter().map(|built| Secrets::new(&built.site, &built.setups)).collect();
    terminal.plans(&maps, Secrets::to_table);
    Ok(())
}

fn plan_certificates(
    terminal: &mut Terminal<'_>,
    sources: Sources<'_>,
    vault: Option<&Path>,
) -> Result<(), Status> {
    let mut lists = Vec::new();
    for one in look(terminal, sources, vault)? {
        let listed = certificates(terminal, &one)?;
        lists.push(match &one.missing {
            Some(path) => {
                terminal.no_vault(path);
                listed.without_fingerprints()
            }
            None => listed,
        });
    }
    terminal.plans(&lists, Certificates::to_table);
    Ok(())
}

fn plan_changes(
    terminal: &mut Terminal<'_>,
    sources: Sources<'_>,
    out: &Path,
    vault: Option<&Path>,
) -> Result<(), Status> {
    let mut all = Vec::new();
    for one in look(terminal, sources, vault)? {
        let earlier = read::digests(&out.join(&one.built.site.name)).map_err(|why| terminal.fail(&why))?;
        let bound = read::bound(&out.join(&one.built.site.name)).map_err(|why| terminal.fail(&why))?;
        // Of one that is lost the changes themselves tell.
        if let (Some(path), false, None) = (&one.missing, earlier.is_empty(), vault::earlier(&bound)) {
            terminal.no_vault(path);
        }
        let vault = one.missing.is_none().then(|| one.built.credentials.fingerprint());
        all.push(Changes::new(&one.built.site, &one.built.artifacts, (&earlier, &bound), vault));
    }
    terminal.plans(&all, Changes::to_table);
    Ok(())
}

fn look(
    terminal: &mut Terminal<'_>,
    sources: Sources<'_>,
    vault: Option<&Path>,
) -> Result<Vec<Looked>, Status> {
    let sites = all(terminal, sources)?;
    let vaults = vault::found(vault, &paths_of(&sites)).map_err(|refused| terminal.refuse(&refused))?;
    let (missing, vaults): (Vec<_>, Vec<_>) = vaults
        .into_iter()
        .map(|(path, vault)| match vault {
            Some(vault) => (None, vault),
            None => (Some(path), vault::stand_in()),
        })
        .unzip();
    let built = compiled(terminal, &sites, vaults)?;
    let looked = sites.into_iter().zip(built).zip(missing);
    Ok(looked.map(|((found, built), missing)| Looked { found, built, missing }).collect())
}

fn certificates(terminal: &mut Terminal<'_>, one: &Looked) -> Result<Certificates, Status> {
    let failed = |bug: Bug| terminal.fail(&format!("{}: {bug}", shown_path(&one.found.path)));
    one.built.certificates().map_err(failed)
}
