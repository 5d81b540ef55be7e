//! What a stage is held to.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bpc::setup::Stage;
use rayon::prelude::*;

use super::normal;
use super::root::{Fault, Ran, Root, Tree};

/// What became of a stage.
pub(super) struct Verdict {
    /// Its file name.
    pub(super) stage: String,
    /// What its first run does, whatever machine it is.
    pub(super) record: String,
    /// What is wrong with it.
    pub(super) complaints: Vec<String>,
}

/// How all is after an undisturbed run.
struct Done {
    then: Tree,
    /// After the power has gone and the stage has run again.
    after_boot: Tree,
}

/// Runs a stage on the machine, which stays as it is: undisturbed, again, and with everything that can go wrong.
pub(super) fn judge(machine: &Root<'_>, name: &str, stage: &Stage) -> Verdict {
    let (stage, script) = (stage.file_name(), &stage.script);
    let stage = stage.as_str();
    let mut complaints = Vec::new();
    let mut complain = |what: String| complaints.push(format!("{name} {stage}: {what}"));
    let root = machine.above();
    let before = root.tree();
    let first = root.run(stage, None);
    let then = root.tree();
    if !first.good || !first.unknown.is_empty() || first.said.contains(": not found") {
        complain(format!("the first run fails: {}{}", first.said, tell("no stub for", &first.unknown)));
    }
    if first.calls.is_empty() && then == before {
        complain("the first run does nothing".to_owned());
    }
    let record = record(&first, &before, &then);
    let second = root.run(stage, None);
    let changing: Vec<&String> = second.changes.iter().map(|number| &second.calls[number - 1]).collect();
    if !second.good || !changing.is_empty() {
        complain(format!("the second run: {}{}", second.said, tell("changes something by", &changing)));
    }
    if let Some(difference) = difference(&[&then], &root.tree()) {
        complain(format!("the second run: {difference}"));
    }
    root.boot();
    let booted = root.run(stage, None);
    if !booted.good {
        complain(format!("the run after a boot fails: {}", booted.said));
    }
    let done = Done { then, after_boot: root.tree() };
    if let Some(difference) = renew(machine, stage, script, (&first.calls, &done.then)) {
        complain(format!("with services that have read older files: {difference}"));
    }
    if complaints.is_empty() {
        complaints = faults(&first)
            .par_iter()
            .filter_map(|fault| {
                let call = &first.calls[fault.call() - 1];
                Some(format!(
                    "{name} {stage}: {fault:?} ({call}): {}",
                    repair(machine, stage, *fault, &done)?
                ))
            })
            .collect();
    }
    Verdict { stage: stage.to_owned(), record, complaints }
}

/// All that can go wrong in a run that makes these calls.
fn faults(first: &Ran) -> Vec<Fault> {
    let cuts = (1..=first.calls.len()).map(Fault::Cut);
    // Without a program that removes files nobody can tidy up.
    let tidying =
        |call: &str| ["rm -rf /tmp/", "rm -f /run/bpc/"].iter().any(|start| call.starts_with(start));
    let failing = first.calls.iter().zip(1..).filter(|(call, _)| !tidying(call));
    let failures = failing.map(|(_, number)| Fault::Fail(number));
    cuts.chain(failures).chain(first.halves.iter().copied()).collect()
}

/// What is wrong after a run with this fault and the next one.
fn repair(machine: &Root<'_>, stage: &str, fault: Fault, done: &Done) -> Option<String> {
    let root = machine.above();
    let (good, next) = root.repair(stage, fault);
    if !next.good {
        return Some(format!("the next run fails: {}", next.said));
    }
    // What runs may have gone on, or been started by the boot.
    let differs = match fault {
        Fault::Cut(_) | Fault::Half(..) => difference(&[&done.then, &done.after_boot], &root.tree()),
        Fault::Fail(_) => difference(&[&done.then], &root.tree()),
    };
    if let Some(difference) = differs {
        return Some(format!("after the next run {difference}"));
    }
    if good {
        let root = machine.above();
        root.run(stage, Some(fault));
        return Some(format!("it exits 0 although {}", difference(&[&done.then], &root.tree())?));
    }
    None
}

/// What is wrong after a run on a machine whose services, if they are among what the stage puts into force, have read
/// older files.
fn renew(machine: &Root<'_>, stage: &str, script: &str, (calls, then): (&[String], &Tree)) -> Option<String> {
    let units = |tree: &Tree| -> Tree {
        let units = tree.iter().filter(|(path, _)| path.starts_with("/run/stubs/active"));
        units.map(|(path, what)| (path.clone(), what.clone())).collect()
    };
    let (_, applied) = script.split_once("\n# Puts into force:\n")?;
    let root = machine.above();
    for path in units(then).keys() {
        let unit = path.file_name().unwrap().to_str().unwrap();
        // A socket is not restarted while its service has it.
        let mut files = applied.lines().filter_map(|line| line.split_once(" /etc/"));
        let told =
            calls.iter().any(|call| call.starts_with("systemctl ") && call.ends_with(&format!(" {unit}")));
        if told
            && !unit.ends_with(".socket")
            && files.any(|(_, file)| file.contains(unit.trim_start_matches("systemd-")))
        {
            root.outdate(&[path, &Path::new("/run").join(format!("{unit}.pid"))]);
        }
    }
    root.run(stage, None);
    difference(&[&units(then)], &units(&root.tree()))
}

/// The first paths that are not as in any tree of those expected.
fn difference(expected: &[&Tree], found: &Tree) -> Option<String> {
    let paths: BTreeSet<_> = expected.iter().flat_map(|tree| tree.keys()).chain(found.keys()).collect();
    let differ =
        paths.into_iter().filter(|path| !expected.iter().any(|tree| tree.get(*path) == found.get(*path)));
    let as_below = "as before".to_owned();
    let line = |path: &PathBuf| {
        let [wanted, found] = [expected[0], found].map(|tree| tree.get(path).unwrap_or(&as_below));
        format!("{} is {found}, not {wanted}", path.display())
    };
    let lines: Vec<String> = differ.map(line).take(5).collect();
    (!lines.is_empty()).then(|| lines.join("; "))
}

fn tell<T: AsRef<str>>(what: &str, calls: &[T]) -> String {
    let lines = calls.iter().map(|call| format!("{what} `{}`", call.as_ref()));
    lines.collect::<Vec<_>>().join("\n")
}

/// The calls of a run, those that change something marked, and the files that it makes or changes.
fn record(ran: &Ran, before: &Tree, after: &Tree) -> String {
    let mut lines = Vec::new();
    for (call, number) in ran.calls.iter().zip(1..) {
        lines.push(format!("{} {call}", if ran.changes.contains(&number) { '!' } else { ' ' }));
    }
    for (path, what) in after.iter().filter(|(path, what)| before.get(*path) != Some(what)) {
        let of_stub = path.extension().is_some_and(|it| it == "pid") || path.iter().any(|it| it == "stubs");
        if !of_stub && !what.ends_with(" folder") {
            let what = what.rsplit_once(" 0:0 file ").map_or(what.as_str(), |(mode, _)| mode);
            lines.push(format!("{} {what}", path.display()));
        }
    }
    normal::record(&lines.join("\n"))
}
