//! What commands say: results on one stream, diagnostics and failures on the other.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use super::{Found, Status, vault};
use crate::diag::render::{Style, render};
use crate::diag::{Diagnostic, Files, Severity};
use crate::format::terminal::{self, path as shown_path};
use crate::plan::Certificates;
use crate::site::Image;
use crate::vault::Vault;
use crate::{Compiled, Report, write};

/// Where a command says what it has to say, and how.
pub struct Terminal<'a> {
    out: &'a mut dyn Write,
    err: &'a mut dyn Write,
    style: Style,
    /// Whether warnings are errors.
    strict: bool,
    /// Why a result could not be said.
    lost: Option<io::Error>,
}

/// How many diagnostics a blueprint has.
pub(super) struct Counted {
    pub(super) errors: usize,
    pub(super) warnings: usize,
}

/// A blueprint that was built, for programs.
#[derive(Serialize)]
struct Built<'a> {
    blueprint: &'a str,
    folder: &'a Path,
    machines: usize,
    written: usize,
    removed: usize,
    unchanged: usize,
}

/// A blueprint whose machines were bundled, for programs.
#[derive(Serialize)]
struct Bundled<'a> {
    blueprint: &'a str,
    folder: &'a Path,
    appliances: usize,
    bytes: u64,
}

/// A blueprint that was checked, for programs.
#[derive(Serialize)]
struct Checked<'a> {
    blueprint: &'a str,
    path: &'a Path,
    machines: usize,
    warnings: usize,
    /// Not there if nobody asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    certificates_until: Option<String>,
}

/// A repository that was begun, for programs.
#[derive(Serialize)]
struct Begun<'a> {
    blueprint: &'a str,
    folder: &'a Path,
    added: &'a [&'a str],
}

/// A vault, for programs.
#[derive(Serialize)]
struct Shown<'a> {
    vault: &'a Path,
    /// `null` if it is not there yet.
    fingerprint: Option<String>,
}

/// What is no diagnostic of a blueprint, for programs: it has the keys that all diagnostics have.
#[derive(Serialize)]
struct Remark<'a> {
    severity: &'a str,
    code: Option<&'a str>,
    message: &'a str,
    help: &'a [String],
}

impl<'a> Terminal<'a> {
    /// Results go to `out`, diagnostics and failures to `err`, in the form of `style`.
    pub fn new(out: &'a mut dyn Write, err: &'a mut dyn Write, style: Style) -> Self {
        Self { out, err, style, strict: false, lost: None }
    }

    /// The same, for which warnings are errors.
    #[must_use]
    pub fn strict(self, strict: bool) -> Self {
        Self { strict, ..self }
    }

    /// Ends a command: results that did not get where they should make it a failure.
    ///
    /// A reader that has gone away, as `head` does, wanted no more: that is none.
    #[must_use]
    pub fn finish(mut self, status: Status) -> Status {
        let flushed = self.out.flush();
        match self.lost.take().or(flushed.err()) {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                self.fail(&format!("cannot write the results: {error}"))
            }
            _ => status,
        }
    }

    /// Shows what a phase has to say about a blueprint, and counts it.
    pub(super) fn report(&mut self, files: &Files, report: &Report) -> Counted {
        let text = render(&report.diagnostics, files, report, self.style);
        self.complain(&text);
        let count = |severity| report.diagnostics.iter().filter(|one| one.severity() == severity).count();
        let mut counted = Counted { errors: count(Severity::Error), warnings: count(Severity::Warning) };
        let codes = report.diagnostics.iter().filter(|one| one.severity() == Severity::Error);
        let codes: BTreeSet<&str> = codes.map(|one| one.code.as_str()).collect();
        if let (Some(code), true) = (codes.first(), self.is_for_people()) {
            let name = files.display_name(files.root());
            let name = terminal::line(&name);
            let errors = plural(counted.errors, "error");
            self.complain(&terminal::lines(&format!("{name}: {errors}; `bpc explain {code}` says more\n")));
        }
        if self.strict && counted.warnings > 0 {
            let name = files.display_name(files.root());
            let name = terminal::line(&name);
            let warnings = plural(counted.warnings, "warning");
            self.remark("error", &format!("{name}: {warnings}, and --strict lets none pass"), &[]);
            counted.errors += counted.warnings;
        }
        counted
    }

    /// Shows what keeps a command from going on, whatever the blueprints say.
    pub(super) fn refuse(&mut self, diagnostics: &[Diagnostic]) -> Status {
        let text = render(diagnostics, &Files::default(), &Report::default(), self.style);
        self.complain(&text);
        Status::Failure
    }

    /// Shows a failure.
    pub fn fail(&mut self, message: &str) -> Status {
        self.remark("error", message, &[]);
        Status::Failure
    }

    /// Shows a failure, and the way out.
    pub(super) fn fail_with_help(&mut self, message: &str, help: &str) -> Status {
        self.remark("error", message, &[help.to_owned()]);
        Status::Failure
    }

    /// Says that system disks are empty.
    pub(super) fn no_disk(&mut self) {
        let help = "`--disk FILE` names what is to be on them, a raw image or a stream-optimized VMDK";
        self.remark("note", "the system disks of these appliances are empty", &[help.to_owned()]);
    }

    /// Says so if a vault was made.
    pub(super) fn vault(&mut self, opened: &vault::Opened) {
        if !opened.made {
            return;
        }
        let path = shown_path(&opened.path);
        let message = format!("made a new vault: {path} (fingerprint {})", opened.vault.fingerprint());
        let help = [
            "every secret of this data centre comes from it, and nothing can make it again".to_owned(),
            format!(
                "keep a copy where you keep passwords (`base64 {path}` prints it), and keep it out of git"
            ),
        ];
        self.remark("note", &message, &help);
    }

    /// Says what a build did.
    pub(super) fn built(&mut self, built: &Compiled, report: &write::Report, folder: &Path) {
        let (name, machines) = (&built.site.name, built.site.machines.len());
        let &write::Report { written, removed, unchanged, .. } = report;
        if self.style == Style::Json {
            self.line(&Built { blueprint: name, folder, machines, written, removed, unchanged });
            return;
        }
        let folder = shown_path(folder);
        let machines = plural(machines, "machine");
        let did = if report.is_unchanged() {
            format!("nothing changed, {} as before", plural(unchanged, "file"))
        } else {
            let counts = [(removed, "removed"), (unchanged, "unchanged")];
            let counts = counts.iter().filter(|(count, _)| *count > 0);
            let counts: Vec<String> = counts.map(|(count, what)| format!("{count} {what}")).collect();
            [&[format!("{} written", plural(written, "file"))], counts.as_slice()].concat().join(", ")
        };
        self.say(&format!("{name}: {machines} in {folder}: {did}\n"));
    }

    /// Says which files of a user's repository were added, and what to do with them.
    pub(super) fn begun(&mut self, (folder, name): (&Path, &str), added: &[&str], image: Option<&Image>) {
        if self.style == Style::Json {
            self.line(&Begun { blueprint: name, folder, added });
            return;
        }
        let place = shown_path(folder);
        let made = match added.len() {
            0 => format!("{place}: nothing was missing\n"),
            count => format!("{place}: added {}\n  {}\n", plural(count, "file"), added.join("\n  ")),
        };
        let mut steps = vec![
            "to do next, there:".to_owned(),
            format!("put your own SSH key into blueprints/{name}/blueprint.yaml"),
        ];
        steps.extend(image.map(|image| system_disk(name, image)).unwrap_or_default());
        steps.push("git init, and say in .github/workflows/bpc.yml where bpc comes from".to_owned());
        self.say(&format!("{made}{}\n", steps.join("\n  ")));
    }

    /// Says where the appliances of a blueprint are.
    pub(super) fn bundled(&mut self, built: &Compiled, folder: &Path, bytes: u64) {
        let (blueprint, appliances) = (&built.site.name, built.site.machines.len());
        if self.style == Style::Json {
            self.line(&Bundled { blueprint, folder, appliances, bytes });
            return;
        }
        let mib = bytes.div_ceil(1 << 20);
        let appliances = plural(appliances, "appliance");
        self.say(&format!("{blueprint}: {appliances} in {}: {mib} MiB\n", shown_path(folder)));
    }

    /// Says that a blueprint has no errors, and, if its certificates were looked at, until when they are good.
    pub(super) fn checked(&mut self, found: &Found, certificates: Option<&Certificates>) {
        let Found { path, site, warnings, .. } = found;
        let (warnings, machines) = (*warnings, site.machines.len());
        let until = certificates.and_then(Certificates::good_until).map(|time| time.to_string());
        if self.style == Style::Json {
            let certificates_until = until;
            self.line(&Checked { blueprint: &site.name, path, machines, warnings, certificates_until });
        } else if self.is_for_people() {
            let warnings =
                if warnings == 0 { String::new() } else { format!(", {}", plural(warnings, "warning")) };
            let machines = plural(machines, "machine");
            let until = until.map_or_else(String::new, |time| format!(", certificates good until {time}"));
            self.say(&format!("{}: no errors{warnings}, {machines}{until}\n", shown_path(path)));
        }
    }

    /// Says which vault a file is: by its fingerprint, never by what is in it.
    pub(super) fn fingerprint(&mut self, path: &Path, vault: Option<&Vault>) {
        let fingerprint = vault.map(Vault::fingerprint);
        if self.style == Style::Json {
            self.line(&Shown { vault: path, fingerprint });
        } else {
            let fingerprint = fingerprint.unwrap_or_else(|| "none yet, the first build makes it".to_owned());
            self.say(&format!("{}: {fingerprint}\n", shown_path(path)));
        }
    }

    /// Says why there are no fingerprints of certificates.
    pub(super) fn no_vault(&mut self, path: &Path) {
        let message = format!("there is no vault {} yet, so no keys and no fingerprints", shown_path(path));
        self.remark("note", &message, &["`bpc build` makes it, and so does `bpc vault new`".to_owned()]);
    }

    /// Prints plans, as tables or as one JSON document each.
    pub(super) fn plans<P: Serialize>(&mut self, plans: &[P], to_table: fn(&P) -> String) {
        for (index, plan) in plans.iter().enumerate() {
            if self.style == Style::Json {
                self.document(plan);
            } else {
                let gap = if index > 0 { "\n" } else { "" };
                self.say(&format!("{gap}{}", to_table(plan)));
            }
        }
    }

    /// Prints a JSON document for people and programs.
    pub(super) fn document(&mut self, value: &impl Serialize) {
        // What bpc prints are structs and maps with text keys: they always become JSON.
        let text = serde_json::to_string_pretty(value).unwrap_or_default();
        self.print(&format!("{}\n", terminal::json(&text)));
    }

    /// Prints a result for people, whole lines of it.
    pub(super) fn say(&mut self, text: &str) {
        self.print(&terminal::lines(text));
    }

    /// Prints a text of bpc's own as it is: nothing in it comes from a blueprint.
    pub(super) fn own(&mut self, text: &str) {
        self.print(text);
    }

    fn print(&mut self, text: &str) {
        let said = self.out.write_all(text.as_bytes());
        self.lost = self.lost.take().or(said.err());
    }

    fn line(&mut self, value: &impl Serialize) {
        let text = serde_json::to_string(value).unwrap_or_default();
        self.print(&format!("{}\n", terminal::json(&text)));
    }

    fn remark(&mut self, severity: &str, message: &str, help: &[String]) {
        if self.style == Style::Json {
            let remark = Remark { severity, code: None, message, help };
            let text = serde_json::to_string(&remark).unwrap_or_default();
            self.complain(&(terminal::json(&text) + "\n"));
            return;
        }
        let lines = [&[format!("{severity}: {message}")], help].concat();
        self.complain(&terminal::lines(&(lines.join("\n  ") + "\n")));
    }

    fn complain(&mut self, text: &str) {
        // Who closed the stream for complaints does not want to hear them.
        let _ = self.err.write_all(text.as_bytes());
    }

    fn is_for_people(&self) -> bool {
        matches!(self.style, Style::Human | Style::Color)
    }
}

fn plural(count: usize, noun: &str) -> impl Display {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// How a new blueprint's machines come up: by a disk that an installer divides, or by a cloud image.
fn system_disk(name: &str, image: &Image) -> Vec<String> {
    let source = image.source();
    if image.lvm.is_some() {
        vec![
            format!("download {} from {}", source.medium, source.media),
            format!(
                "just base-image {name} FILE   (FILE: that; the installer divides the disk as the blueprint says)"
            ),
            format!("just up {name}"),
        ]
    } else {
        let file = source.cloud_image.rsplit('/').next().unwrap_or_default();
        vec![
            format!("curl --fail --location --remote-name {}", source.cloud_image),
            format!("just up {name} --disk={file}"),
        ]
    }
}
