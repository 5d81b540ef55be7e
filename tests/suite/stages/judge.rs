//! What a stage is held to.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bpc::setup::Stage;
use rayon::prelude::*;

use super::root::{Fault, Ran, Root, Tree};
use super::{APPLIES, normal};

/// What became of a stage.
pub(super) struct Verdict {
    /// Its file name.
    pub(super) stage: String,
    /// What its first run does, whatever machine it is.
    pub(super) record: String,
    /// What is wrong with it.
    pub(super) complaints: Vec<String>,
}

/// How closely a stage is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// It runs undisturbed, again, and after a boot.
    Undisturbed,
    /// The same, and with everything that can go wrong.
    Disturbed,
}

/// How all is after an undisturbed run.
struct Done {
    then: Tree,
    /// After the power has gone and the stage has run again.
    after_boot: Tree,
}

/// Runs a stage on the machine, which stays as it is.
pub(super) fn judge(machine: &Root<'_>, name: &str, stage: &Stage, depth: Depth) -> Verdict {
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
    let (_, applied) = script.split_once(APPLIES).unwrap_or_default();
    let applied: Vec<&str> = applied.lines().filter_map(|line| line.split_whitespace().last()).collect();
    for file in applied.iter().filter(|file| !is_read(file, &done.then)) {
        complain(format!("nothing reads {file}"));
    }
    if let Some(difference) = renew(machine, stage, &applied, (&first.calls, &done.then)) {
        complain(format!("with services that have read older files: {difference}"));
    }
    if depth == Depth::Disturbed && complaints.is_empty() {
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

/// Programs that only ask: with the power gone before one of them, all is as with the power gone before what comes next.
const ASKING: [&str; 8] = ["blkid", "blockdev", "findmnt", "lsblk", "lvs", "pvs", "vgs", "wipefs"];

/// All that can go wrong in a run that makes these calls.
fn faults(first: &Ran) -> Vec<Fault> {
    let asks = |call: &String| ASKING.iter().any(|name| call.split(' ').next() == Some(name));
    let cuts =
        first.calls.iter().zip(1..).filter(|(call, _)| !asks(call)).map(|(_, number)| Fault::Cut(number));
    // Without a program that removes files nobody can tidy up.
    let failing = first.calls.iter().zip(1..).filter(|(call, _)| !call.starts_with("rm -rf /tmp/"));
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

/// Where what systemd has loaded, and what each unit has read that runs, is written down.
const LOADED: &str = "/run/stubs/loaded";
const ACTIVE: &str = "/run/stubs/active";

/// Where files are that no service reads: programs do, whenever they run.
const AT_USE: [&str; 7] = [
    "/etc/apt/",
    "/etc/bpc/",
    "/etc/kubernetes/",
    "/etc/modules-load.d/",
    "/etc/systemd/system/",
    "/etc/sysusers.d/",
    "/usr/local/",
];

/// The units that run.
fn active(tree: &Tree) -> impl Iterator<Item = &str> {
    let names = tree.keys().filter_map(|path| path.strip_prefix(ACTIVE).ok()?.to_str());
    names.filter(|name| !name.is_empty())
}

/// Whether a unit reads a file: one in `NAME`, `NAME.d` and the like, or one called `NAME.conf`, `NAME.service`, ...
fn reads(unit: &str, file: &str) -> bool {
    // The kubelet ends and is started again until these are there; another seed comes with a boot.
    if file.starts_with("/etc/kubernetes/") {
        return false;
    }
    let name = unit.trim_start_matches("systemd-");
    let rests = file.split('/').filter_map(|part| part.strip_prefix(name));
    rests.into_iter().any(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Whether there is something that reads a file.
fn is_read(file: &str, then: &Tree) -> bool {
    AT_USE.iter().any(|folder| file.starts_with(folder)) || active(then).any(|unit| reads(unit, file))
}

/// What is wrong after a run on a machine where all that reads what the stage puts into force has read older files.
fn renew(
    machine: &Root<'_>,
    stage: &str,
    applied: &[&str],
    (calls, then): (&[String], &Tree),
) -> Option<String> {
    let root = machine.above();
    for unit in active(then) {
        // The kernel can be told one file by itself.
        let told = |file: &str| calls.iter().any(|call| call.starts_with("sysctl ") && call.ends_with(file));
        // A socket is not restarted while its service has it.
        if !unit.ends_with(".socket") && applied.iter().any(|file| reads(unit, file) && !told(file)) {
            root.outdate(&[&format!("{ACTIVE}/{unit}"), &format!("/run/{unit}.pid")]);
        }
    }
    if applied.iter().any(|file| file.starts_with("/etc/systemd/system/")) {
        root.outdate(&[LOADED]);
    }
    root.run(stage, None);
    let read = |tree: &Tree| -> Tree {
        let is_read = |path: &Path| path.starts_with(ACTIVE) || path == Path::new(LOADED);
        tree.iter()
            .filter(|(path, _)| is_read(path))
            .map(|(path, what)| (path.clone(), what.clone()))
            .collect()
    };
    difference(&[&read(then)], &read(&root.tree()))
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
