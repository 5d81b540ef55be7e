//! The only reader: finds and reads what the compiler needs, and carries out each command.

mod boundary;
mod bundle;
mod discover;
mod disk;
mod init;
mod look;
mod read;
mod terminal;
mod threads;
mod vault;

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::diag::{Code, Diagnostic, Files, Place};
use crate::format::terminal::path as shown_path;
use crate::site::Site;
use crate::vault::Vault;
use crate::{Compiled, Report, make, model, plan_site, write};

pub use bundle::bundle;
pub use init::{init, starts};
pub use look::{View, check, now, plan};
pub use read::inputs;
pub use terminal::Terminal;
pub use threads::on_threads;

/// How a command ended: the process's exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// All is well.
    Success = 0,
    /// A blueprint has errors.
    Findings = 1,
    /// The command line is wrong, or the system refused something.
    Failure = 2,
}

/// Which blueprints a command is about.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sources<'a> {
    /// Files and folders; none of them means every one below `blueprints/`.
    pub paths: &'a [PathBuf],
    /// Folders that they may name files in, besides their repositories.
    pub allowed: &'a [PathBuf],
}

/// Which vault secrets come from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Vaults<'a> {
    /// The one that was named, in place of those beside the blueprints.
    pub named: Option<&'a Path>,
    /// Whether it may be another one than that of an earlier tree.
    pub another: bool,
}

/// Builds blueprints into `out`.
///
/// If one of them has an error, or its vault is refused, nothing is written for any of them.
pub fn build(terminal: &mut Terminal<'_>, sources: Sources<'_>, out: &Path, vaults: Vaults<'_>) -> Status {
    let compiled = match all(terminal, sources).and_then(|sites| made(terminal, &sites, vaults, out)) {
        Ok(compiled) => compiled,
        Err(status) => return status,
    };
    for built in &compiled {
        match write::write(&built.artifacts, out) {
            Ok(report) => terminal.built(built, &report, &out.join(&built.artifacts.name)),
            Err(error) => return terminal.fail(&error.to_string()),
        }
    }
    Status::Success
}

/// Makes a vault in `file`, or, if none is named, beside every blueprint below `blueprints/` that has none.
pub fn new_vault(terminal: &mut Terminal<'_>, file: Option<&Path>) -> Status {
    let paths = match file {
        Some(file) => vec![file.to_path_buf()],
        None => match discover::blueprints(Sources::default()) {
            Ok(blueprints) => vault::wanted(&blueprints),
            Err(refused) => return terminal.refuse(&refused),
        },
    };
    for path in paths {
        match vault::new(path) {
            Ok(opened) => {
                terminal.vault(&opened);
                terminal.fingerprint(&opened.path, Some(&opened.vault));
            }
            Err(refused) => return terminal.refuse(&[refused]),
        }
    }
    Status::Success
}

/// Shows the fingerprints of these vaults, or, if none is named, of those beside the blueprints below `blueprints/`.
pub fn show_vaults(terminal: &mut Terminal<'_>, files: &[PathBuf]) -> Status {
    let found = if files.is_empty() {
        discover::blueprints(Sources::default()).and_then(|blueprints| vault::found(None, &blueprints))
    } else {
        vault::all_named(files)
    };
    match found {
        Ok(found) => {
            for (path, vault) in found {
                terminal.fingerprint(&path, vault.as_ref());
            }
            Status::Success
        }
        Err(refused) => terminal.refuse(&refused),
    }
}

/// Prints the JSON Schema of a blueprint.
pub fn schema(terminal: &mut Terminal<'_>) -> Status {
    terminal.document(&model::schema());
    Status::Success
}

/// Prints the long text of a diagnostic code, or a list of all codes.
pub fn explain(terminal: &mut Terminal<'_>, number: Option<&str>) -> Status {
    let Some(number) = number else {
        for code in Code::ALL {
            terminal.say(&format!("{} {:8} {}\n", code.as_str(), code.severity().as_str(), code.meaning()));
        }
        return Status::Success;
    };
    match Code::find(number) {
        Some(code) => {
            terminal.own(code.explanation());
            Status::Success
        }
        None => terminal.fail(&format!("there is no code `{number}`; `bpc explain` lists them all")),
    }
}

/// A blueprint without errors.
struct Found {
    path: PathBuf,
    site: Site,
    warnings: usize,
    /// Its text, and where its keys are in it.
    files: Files,
    report: Report,
}

fn paths_of(sites: &[Found]) -> Vec<PathBuf> {
    sites.iter().map(|found| found.path.clone()).collect()
}

/// Decides what blueprints mean, side by side, and reports all that is wrong with any of them.
fn all(terminal: &mut Terminal<'_>, sources: Sources<'_>) -> Result<Vec<Found>, Status> {
    let allowed = sources.allowed;
    let paths = discover::blueprints(sources).map_err(|refused| terminal.refuse(&refused))?;
    let results: Vec<_> = paths
        .par_iter()
        .map(|path| read::inputs(path, allowed).map(|inputs| (plan_site(&inputs), inputs)))
        .collect();
    let mut status = Status::Success;
    let mut all = Vec::new();
    for (path, result) in paths.into_iter().zip(results) {
        let ended = match result {
            Ok(((site, report), inputs)) => {
                let counted = terminal.report(&inputs.files, &report);
                let (warnings, files) = (counted.warnings, inputs.files);
                all.extend(site.map(|site| Found { path, site, warnings, files, report }));
                if counted.errors == 0 { Status::Success } else { Status::Findings }
            }
            Err(unreadable) => terminal.refuse(&[unreadable]),
        };
        status = status.max(ended);
    }
    let names: Vec<_> = all.iter().map(|found| (found.path.as_path(), found.site.name.as_str())).collect();
    let taken = names_taken(&names);
    if !taken.is_empty() {
        terminal.refuse(&taken);
        status = status.max(Status::Findings);
    }
    if status == Status::Success { Ok(all) } else { Err(status) }
}

/// Makes the artifacts of these sites, each from its vault, which is made if it is missing: unless what is in `out` was
/// built with another one.
fn made(
    terminal: &mut Terminal<'_>,
    sites: &[Found],
    vaults: Vaults<'_>,
    out: &Path,
) -> Result<Vec<Compiled>, Status> {
    let found = vault::found(vaults.named, &paths_of(sites)).map_err(|refused| terminal.refuse(&refused))?;
    if !vaults.another {
        let trees = sites.iter().map(|found| out.join(&found.site.name));
        let earlier = trees.map(|tree| Ok((read::bound(&tree)?, tree))).collect::<Result<Vec<_>, String>>();
        let earlier = earlier.map_err(|why| terminal.fail(&why))?;
        let others: Vec<Diagnostic> = found
            .iter()
            .zip(&earlier)
            .filter_map(|(found, (bound, tree))| vault::another(found, bound, tree))
            .collect();
        if !others.is_empty() {
            return Err(terminal.refuse(&others));
        }
    }
    let vaults = vault::open(found).map_err(|refused| terminal.refuse(&[refused]))?;
    for opened in &vaults {
        terminal.vault(opened);
    }
    compiled(terminal, sites, vaults.into_iter().map(|opened| opened.vault).collect())
}

/// Makes the artifacts of these sites, side by side, each from its vault.
fn compiled(
    terminal: &mut Terminal<'_>,
    sites: &[Found],
    vaults: Vec<Vault>,
) -> Result<Vec<Compiled>, Status> {
    let results: Vec<_> =
        sites.par_iter().zip(vaults).map(|(found, vault)| make(found.site.clone(), &vault)).collect();
    let mut all = Vec::new();
    for (found, result) in sites.iter().zip(results) {
        match result {
            Ok(compiled) => all.push(compiled),
            Err(bug) => return Err(terminal.fail(&format!("{}: {bug}", shown_path(&found.path)))),
        }
    }
    Ok(all)
}

/// Blueprints that would be built into the same folder.
fn names_taken(names: &[(&Path, &str)]) -> Vec<Diagnostic> {
    let twin = |(index, (path, name)): (usize, &(&Path, &str))| {
        let (other, _) = names.iter().take(index).find(|(_, other)| other == name)?;
        let message = format!("{} and {} are both called '{name}'", shown_path(other), shown_path(path));
        let help = "each is built into a folder of its name: rename one of them";
        Some(Diagnostic::new(Code::BlueprintNameTaken, Place::Outside, message).help(help))
    };
    names.iter().enumerate().filter_map(twin).collect()
}
