//! The walk through one of the two trees.

use std::collections::BTreeSet;

use super::{
    super::{
        SECTOR,
        descriptor::Tree,
        directory::{Extent, PARENT, SELF},
    },
    Malformed,
    record::{Record, units},
    source::{Source, sector_start},
    system_use::SystemUse,
};

/// A file or folder of one tree.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) path: String,
    pub(super) mode: u32,
    pub(super) extent: Extent,
    pub(super) is_directory: bool,
    /// Where its record is.
    pub(super) at: usize,
}

/// A directory that is still to be read.
struct Pending {
    path: String,
    extent: Extent,
    parent: Extent,
    level: usize,
    at: usize,
}

/// The deepest level of a directory, the root's being 1 (ECMA-119 6.8.2.1).
const LEVELS: usize = 8;

/// Everything below a root, in the order of paths.
pub(super) fn walk(source: Source<'_>, root: &Record<'_>, tree: Tree) -> Result<Vec<Found>, Malformed> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    let Record { extent, at, .. } = *root;
    let mut pending = vec![Pending { path: String::new(), extent, parent: extent, level: 1, at }];
    while let Some(directory) = pending.pop() {
        if directory.level > LEVELS {
            return Err(Malformed { at: directory.at, problem: "more than eight levels (ECMA-119 6.8.2.1)" });
        }
        let records = records(source, &directory, &mut seen)?;
        let [own, parent, children @ ..] = records.as_slice() else {
            return Err(Malformed { at: directory.at, problem: "the directory is empty (ECMA-119 6.8.2.2)" });
        };
        check_own(own, SELF, directory.extent)?;
        check_own(parent, PARENT, directory.parent)?;
        check_order(children, tree)?;
        if tree == Tree::Primary && directory.level == 1 {
            check_announced(source, own)?;
        }
        for record in children {
            let (name, mode) = name(source, record, tree)?;
            let Record { extent, is_directory, at, .. } = *record;
            let path = if directory.level == 1 { name } else { format!("{}/{name}", directory.path) };
            if is_directory {
                let (parent, level) = (directory.extent, directory.level + 1);
                pending.push(Pending { path: path.clone(), extent, parent, level, at });
            }
            found.push(Found { path, mode, extent, is_directory, at });
        }
    }
    found.sort_by(|left, right| left.path.cmp(&right.path));
    match found.iter().zip(found.iter().skip(1)).find(|(left, right)| left.path == right.path) {
        Some((_, again)) => Err(Malformed { at: again.at, problem: "a name is there twice" }),
        None => Ok(found),
    }
}

/// The records of a directory, none of whose sectors may have been read before.
fn records<'a>(
    source: Source<'a>,
    directory: &Pending,
    seen: &mut BTreeSet<usize>,
) -> Result<Vec<Record<'a>>, Malformed> {
    let wrong = |problem| Malformed { at: directory.at, problem };
    let bytes = source.extent(directory.at, directory.extent)?;
    let start = sector_start(directory.extent.sector).ok_or(wrong("the extent is outside the image"))?;
    if bytes.is_empty() || !bytes.len().is_multiple_of(SECTOR) {
        return Err(wrong("a directory is not whole sectors (ECMA-119 6.8.1.3)"));
    }
    let mut records = Vec::new();
    for sector in (start..start + bytes.len()).step_by(SECTOR) {
        if !seen.insert(sector) {
            return Err(wrong("directories overlap or contain themselves"));
        }
        let mut at = sector;
        while at < sector + SECTOR && source.byte(at)? != 0 {
            let record = Record::read(source, at)?;
            at += record.length;
            if at > sector + SECTOR {
                return Err(Malformed {
                    at: record.at,
                    problem: "a record crosses sectors (ECMA-119 6.8.1.1)",
                });
            }
            records.push(record);
        }
    }
    Ok(records)
}

/// Checks one of the two records with which a directory begins.
fn check_own(record: &Record<'_>, identifier: &[u8], extent: Extent) -> Result<(), Malformed> {
    if record.identifier == identifier && record.is_directory && record.extent == extent {
        Ok(())
    } else {
        Err(Malformed { at: record.at, problem: "not the directory itself or its parent (ECMA-119 6.8.2.2)" })
    }
}

fn check_order(records: &[Record<'_>], tree: Tree) -> Result<(), Malformed> {
    let order = |record: &Record<'_>| record.order(tree == Tree::Joliet);
    match records.iter().zip(records.iter().skip(1)).find(|(left, right)| order(left) >= order(right)) {
        Some((_, record)) => {
            Err(Malformed { at: record.at, problem: "records are not in order (ECMA-119 9.3)" })
        }
        None => Ok(()),
    }
}

/// Checks that the root says which protocol its system use fields follow.
fn check_announced(source: Source<'_>, own: &Record<'_>) -> Result<(), Malformed> {
    match SystemUse::read(source, own)?.announced {
        (true, true) => Ok(()),
        _ => Err(Malformed { at: own.at, problem: "the root has no SP or no ER entry (SUSP 5.3, 5.5)" }),
    }
}

/// The real name and the permissions of a record; Joliet knows no permissions.
fn name(source: Source<'_>, record: &Record<'_>, tree: Tree) -> Result<(String, u32), Malformed> {
    let (name, mode) = match tree {
        Tree::Primary => {
            let system_use = SystemUse::read(source, record)?;
            let mode = system_use.permissions(record)?;
            (String::from_utf8(system_use.name).ok(), mode)
        }
        Tree::Joliet if record.identifier.len() % 2 == 1 => (None, 0),
        Tree::Joliet => (String::from_utf16(&units(record.identifier)).ok(), 0),
    };
    let is_name = |name: &String| !matches!(name.as_str(), "" | "." | "..") && !name.contains(['/', '\0']);
    match name.filter(is_name) {
        Some(name) => Ok((name, mode)),
        None => Err(Malformed { at: record.at, problem: "not a name" }),
    }
}
