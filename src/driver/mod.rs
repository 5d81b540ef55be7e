//! The only reader: finds and reads what the compiler needs, and carries out each command.

mod discover;
mod read;
mod vault;

use std::io::Write;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::diag::render::{Style, render};
use crate::diag::{Code, Diagnostic, Files, Place, has_errors};
use crate::plan::Plan;
use crate::site::Site;
use crate::{Bug, Compiled, Inputs, Report, compile, model, plan_site, write};

/// How a command ended: the process's exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// All is well.
    Success = 0,
    /// A blueprint has errors.
    Findings = 1,
    /// The command line is wrong, or the system refused something.
    Failure = 2,
}

/// Where a command says what it has to say, and how.
pub struct Terminal<'a> {
    /// Results.
    pub out: &'a mut dyn Write,
    /// Diagnostics and failures.
    pub err: &'a mut dyn Write,
    /// The form of diagnostics.
    pub style: Style,
}

/// A blueprint that was read.
struct Opened {
    path: PathBuf,
    inputs: Inputs,
}

/// Builds the blueprints at `paths` (every one below `blueprints/` if there are none) into `out`.
///
/// If one of them has an error nothing is written at all.
pub fn build(terminal: &mut Terminal<'_>, paths: &[PathBuf], out: &Path, vault: Option<&Path>) -> Status {
    let Some(opened) = terminal.open(paths) else { return Status::Failure };
    let results: Vec<Result<(Option<Compiled>, Report), Bug>> =
        opened.par_iter().map(|blueprint| compile(&blueprint.inputs)).collect();
    let mut compiled = Vec::new();
    let mut failed = false;
    for (blueprint, result) in opened.iter().zip(results) {
        match result {
            Ok((built, report)) => {
                terminal.report(&blueprint.inputs.files, &report);
                failed |= built.is_none();
                compiled.extend(built.map(|built| (&blueprint.path, built)));
            }
            Err(bug) => {
                terminal.fail(&bug.to_string());
                return Status::Failure;
            }
        }
    }
    if failed {
        return Status::Findings;
    }
    let sites: Vec<_> = compiled.iter().map(|(path, built)| (*path, built.site.name.as_str())).collect();
    if terminal.names_taken(&sites) {
        return Status::Findings;
    }
    for (path, built) in &compiled {
        if !terminal.vault(vault, path) || !terminal.write(built, out) {
            return Status::Failure;
        }
    }
    Status::Success
}

/// Reports what is wrong with the blueprints at `paths`: a build that writes nothing.
pub fn check(terminal: &mut Terminal<'_>, paths: &[PathBuf]) -> Status {
    let Some(opened) = terminal.open(paths) else { return Status::Failure };
    let results: Vec<_> = opened.par_iter().map(|blueprint| compile(&blueprint.inputs)).collect();
    let mut names = Vec::new();
    let mut failed = false;
    for (blueprint, result) in opened.iter().zip(&results) {
        match result {
            Ok((built, report)) => {
                terminal.report(&blueprint.inputs.files, report);
                failed |= built.is_none();
                names.extend(built.iter().map(|built| (&blueprint.path, built.site.name.as_str())));
            }
            Err(bug) => {
                terminal.fail(&bug.to_string());
                return Status::Failure;
            }
        }
    }
    if terminal.names_taken(&names) || failed { Status::Findings } else { Status::Success }
}

/// Shows what the blueprints at `paths` decide, as tables or as one JSON document each.
pub fn plan(terminal: &mut Terminal<'_>, paths: &[PathBuf]) -> Status {
    let Some(opened) = terminal.open(paths) else { return Status::Failure };
    let results: Vec<_> = opened.iter().map(|blueprint| plan_site(&blueprint.inputs)).collect();
    for (blueprint, (_, report)) in opened.iter().zip(&results) {
        terminal.report(&blueprint.inputs.files, report);
    }
    let sites: Option<Vec<Site>> = results.into_iter().map(|(site, _)| site).collect();
    let Some(sites) = sites else { return Status::Findings };
    for (index, plan) in sites.iter().map(Plan::new).enumerate() {
        let text = match terminal.style {
            Style::Json => serde_json::to_string_pretty(&plan).unwrap_or_default() + "\n",
            _ if index > 0 => format!("\n{}", plan.to_table()),
            _ => plan.to_table(),
        };
        terminal.say(&text);
    }
    Status::Success
}

/// Prints the JSON Schema of a blueprint.
pub fn schema(terminal: &mut Terminal<'_>) -> Status {
    let text = serde_json::to_string_pretty(&model::schema()).unwrap_or_default();
    terminal.say(&format!("{text}\n"));
    Status::Success
}

/// Prints the long text of a diagnostic code.
pub fn explain(terminal: &mut Terminal<'_>, number: &str) -> Status {
    let Some(code) = Code::find(number) else {
        let message = format!("there is no code `{number}`; codes look like {}", Code::Syntax.as_str());
        terminal.fail(&message);
        return Status::Failure;
    };
    terminal.say(code.explanation());
    Status::Success
}

impl Terminal<'_> {
    /// Reads all blueprints; `None` if one could not be read.
    fn open(&mut self, paths: &[PathBuf]) -> Option<Vec<Opened>> {
        let found = match discover::blueprints(paths) {
            Ok(found) => found,
            Err(failure) => {
                self.diagnose(&failure);
                return None;
            }
        };
        let mut opened = Vec::new();
        let mut failed = false;
        for path in found {
            match read::inputs(&path) {
                Ok(inputs) => opened.push(Opened { path, inputs }),
                Err(failure) => {
                    self.diagnose(&failure);
                    failed = true;
                }
            }
        }
        (!failed).then_some(opened)
    }

    fn report(&mut self, files: &Files, report: &Report) {
        let text = render(&report.diagnostics, files, report, self.style);
        self.complain(&text);
        if has_errors(&report.diagnostics) && matches!(self.style, Style::Human | Style::Color) {
            let codes: std::collections::BTreeSet<&str> =
                report.diagnostics.iter().map(|diagnostic| diagnostic.code.as_str()).collect();
            let example = codes.first().copied().unwrap_or_default();
            let errors =
                report.diagnostics.iter().filter(|one| has_errors(std::slice::from_ref(one))).count();
            let noun = if errors == 1 { "error" } else { "errors" };
            let name = files.display_name(files.root());
            self.complain(&format!("{name}: {errors} {noun}; `bpc explain {example}` says more\n"));
        }
    }

    /// Reports blueprints that would be built into the same folder.
    fn names_taken(&mut self, names: &[(&PathBuf, &str)]) -> bool {
        let mut taken = false;
        for (index, (path, name)) in names.iter().enumerate() {
            let Some((other, _)) = names.iter().take(index).find(|(_, other)| other == name) else {
                continue;
            };
            let message = format!("{} and {} are both called '{name}'", other.display(), path.display());
            self.diagnose(
                &Diagnostic::new(Code::BlueprintNameTaken, Place::Outside, message)
                    .help("each is built into a folder of its name: rename one of them"),
            );
            taken = true;
        }
        taken
    }

    fn vault(&mut self, named: Option<&Path>, blueprint: &Path) -> bool {
        match vault::open(named, blueprint) {
            Ok(vault::Opened { made: None, .. }) => true,
            Ok(vault::Opened { made: Some(path), vault }) => {
                let fingerprint = vault.fingerprint();
                self.complain(&format!(
                    "made a new vault, {} (fingerprint {fingerprint}): all secrets come from it, so keep a copy in a \
                     safe place and never put it into git\n",
                    path.display()
                ));
                true
            }
            Err(failure) => {
                self.diagnose(&failure);
                false
            }
        }
    }

    fn write(&mut self, compiled: &Compiled, out: &Path) -> bool {
        let name = &compiled.artifacts.name;
        let folder = out.join(name);
        match write::write(&compiled.artifacts, out) {
            Ok(report) if report.is_unchanged() => {
                self.say(&format!(
                    "{name}: nothing changed, {} files in {}\n",
                    report.unchanged,
                    folder.display()
                ));
                true
            }
            Ok(report) => {
                let machines = compiled.site.machines.len();
                self.say(&format!(
                    "{name}: {machines} machines, {} files written, {} removed, {} unchanged in {}\n",
                    report.written,
                    report.removed,
                    report.unchanged,
                    folder.display()
                ));
                true
            }
            Err(error) => {
                self.fail(&error.to_string());
                false
            }
        }
    }

    fn say(&mut self, text: &str) {
        // A reader that has gone away, as `head` does, is no failure of ours.
        let _ = self.out.write_all(text.as_bytes());
    }

    fn complain(&mut self, text: &str) {
        let _ = self.err.write_all(text.as_bytes());
    }

    fn fail(&mut self, message: &str) {
        self.complain(&format!("error: {message}\n"));
    }

    fn diagnose(&mut self, diagnostic: &Diagnostic) {
        let text =
            render(std::slice::from_ref(diagnostic), &Files::default(), &Report::default(), self.style);
        self.complain(&text);
    }
}
