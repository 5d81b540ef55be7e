//! The only reader: finds and reads what the compiler needs, and carries out each command.

mod discover;
mod read;
mod terminal;
mod vault;

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::diag::{Code, Diagnostic, Place};
use crate::plan::Plan;
use crate::site::Site;
use crate::{Bug, Inputs, Report, compile, model, plan_site, write};

pub use read::inputs;
pub use terminal::Terminal;

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

/// Builds the blueprints at `paths` (every one below `blueprints/` if there are none) into `out`.
///
/// If one of them has an error, or its vault is refused, nothing is written for any of them.
pub fn build(terminal: &mut Terminal<'_>, paths: &[PathBuf], out: &Path, vault: Option<&Path>) -> Status {
    let compiled = match all(terminal, paths, compile, |compiled| &compiled.site) {
        Ok(compiled) => compiled,
        Err(status) => return status,
    };
    let blueprints: Vec<&Path> = compiled.iter().map(|found| found.path.as_path()).collect();
    match vault::open(vault, &blueprints) {
        Ok(opened) => opened.iter().for_each(|opened| terminal.vault(opened)),
        Err(refused) => return terminal.refuse(&refused),
    }
    for Found { made, .. } in &compiled {
        match write::write(&made.artifacts, out) {
            Ok(report) => terminal.built(made, &report, &out.join(&made.artifacts.name)),
            Err(error) => return terminal.fail(&error.to_string()),
        }
    }
    Status::Success
}

/// Reports what is wrong with the blueprints at `paths`: a build that writes nothing.
pub fn check(terminal: &mut Terminal<'_>, paths: &[PathBuf]) -> Status {
    match all(terminal, paths, compile, |compiled| &compiled.site) {
        Ok(compiled) => {
            for found in &compiled {
                terminal.checked(&found.path, &found.made.site, found.warnings);
            }
            Status::Success
        }
        Err(status) => status,
    }
}

/// Shows what the blueprints at `paths` decide, as tables or as one JSON document each.
pub fn plan(terminal: &mut Terminal<'_>, paths: &[PathBuf]) -> Status {
    match all(terminal, paths, |inputs| Ok(plan_site(inputs)), |site| site) {
        Ok(sites) => {
            let plans: Vec<Plan> = sites.iter().map(|found| Plan::new(&found.made)).collect();
            terminal.plans(&plans);
            Status::Success
        }
        Err(status) => status,
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
            terminal.say(code.explanation());
            Status::Success
        }
        None => terminal.fail(&format!("there is no code `{number}`; `bpc explain` lists them all")),
    }
}

/// A blueprint without errors.
struct Found<T> {
    path: PathBuf,
    made: T,
    warnings: usize,
}

/// Takes the blueprints at `paths` through `phase`, side by side, and reports all that is wrong with any of them.
fn all<T: Send>(
    terminal: &mut Terminal<'_>,
    paths: &[PathBuf],
    phase: impl Fn(&Inputs) -> Result<(Option<T>, Report), Bug> + Sync,
    site: impl Fn(&T) -> &Site,
) -> Result<Vec<Found<T>>, Status> {
    let paths = discover::blueprints(paths).map_err(|refused| terminal.refuse(&refused))?;
    let results: Vec<_> =
        paths.par_iter().map(|path| read::inputs(path).map(|inputs| (phase(&inputs), inputs))).collect();
    let mut status = Status::Success;
    let mut all = Vec::new();
    for (path, result) in paths.into_iter().zip(results) {
        let ended = match result {
            Ok((Ok((made, report)), inputs)) => {
                let counted = terminal.report(&inputs.files, &report);
                all.extend(made.map(|made| Found { path, made, warnings: counted.warnings }));
                if counted.errors == 0 { Status::Success } else { Status::Findings }
            }
            Ok((Err(bug), _)) => terminal.fail(&format!("{}: {bug}", path.display())),
            Err(unreadable) => terminal.refuse(&[unreadable]),
        };
        status = status.max(ended);
    }
    let names: Vec<_> =
        all.iter().map(|found| (found.path.as_path(), site(&found.made).name.as_str())).collect();
    let taken = names_taken(&names);
    if !taken.is_empty() {
        terminal.refuse(&taken);
        status = status.max(Status::Findings);
    }
    if status == Status::Success { Ok(all) } else { Err(status) }
}

/// Blueprints that would be built into the same folder.
fn names_taken(names: &[(&Path, &str)]) -> Vec<Diagnostic> {
    let twin = |(index, (path, name)): (usize, &(&Path, &str))| {
        let (other, _) = names.iter().take(index).find(|(_, other)| other == name)?;
        let message = format!("{} and {} are both called '{name}'", other.display(), path.display());
        let help = "each is built into a folder of its name: rename one of them";
        Some(Diagnostic::new(Code::BlueprintNameTaken, Place::Outside, message).help(help))
    };
    names.iter().enumerate().filter_map(twin).collect()
}
