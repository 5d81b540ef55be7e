//! What has to be so between actions.

use std::collections::BTreeMap;

use super::{Action, FILE_SYSTEMS, Length, Malformed, malformed};

/// Every action has a name of its own, stands on what is above it, and says what can be done.
pub(super) fn check(actions: &[Action]) -> Result<(), Malformed> {
    let mut above: BTreeMap<&str, &Action> = BTreeMap::new();
    // What something is made on already, which takes nothing else.
    let mut taken = Vec::new();
    for action in actions {
        for name in action.stands_on() {
            let below = above.get(name.as_str()).ok_or_else(|| malformed("nothing above is called", name))?;
            if !fits_on(action, below) {
                return Err(malformed("it cannot be made on this", name));
            }
            if taken.contains(&name) {
                return Err(malformed("two things are made on", name));
            }
            if !matches!(below, Action::Disk { .. } | Action::LvmVolgroup { .. }) {
                taken.push(name);
            }
        }
        alone(action)?;
        if above.insert(action.id(), action).is_some() {
            return Err(malformed("two actions are called", action.id()));
        }
    }
    rest_is_last(actions)?;
    mounts(actions)
}

const fn fits_on(action: &Action, below: &Action) -> bool {
    match action {
        Action::Disk { .. } => false,
        Action::Partition { .. } => matches!(below, Action::Disk { .. }),
        Action::LvmVolgroup { .. } => matches!(below, Action::Partition { .. }),
        Action::LvmPartition { .. } => matches!(below, Action::LvmVolgroup { .. }),
        Action::Format { .. } => matches!(below, Action::Partition { .. } | Action::LvmPartition { .. }),
        Action::Mount { .. } => matches!(below, Action::Format { .. }),
    }
}

/// What an action says of itself.
fn alone(action: &Action) -> Result<(), Malformed> {
    match action {
        Action::Format { fstype, .. } if !FILE_SYSTEMS.contains(&fstype.as_str()) => {
            Err(malformed("not a file system", fstype))
        }
        Action::LvmVolgroup { id, devices, .. } if devices.is_empty() => {
            Err(malformed("a group on nothing", id))
        }
        // The installer lets partitions take the rest; of a group it would be all, and is not needed here.
        Action::LvmPartition { id, size: Length::Rest, .. } => Err(malformed("a volume without a size", id)),
        Action::Mount { path, .. } if path != "none" && !path.starts_with('/') => {
            Err(malformed("not a place", path))
        }
        _ => Ok(()),
    }
}

/// Only the last partition of a disk can take the rest.
fn rest_is_last(actions: &[Action]) -> Result<(), Malformed> {
    let mut full = Vec::new();
    for action in actions {
        if let Action::Partition { id, device, size, .. } = action {
            if full.contains(&device) {
                return Err(malformed("nothing is left for", id));
            }
            if *size == Length::Rest {
                full.push(device);
            }
        }
    }
    Ok(())
}

/// There is a root, and nothing is mounted on a place before what is above it, which would hide it.
fn mounts(actions: &[Action]) -> Result<(), Malformed> {
    let mut mounted: Vec<&str> = Vec::new();
    for action in actions {
        let Action::Mount { path, .. } = action else { continue };
        if path == "none" {
            continue;
        }
        let folder = if path == "/" { "/".to_owned() } else { format!("{path}/") };
        if mounted.iter().any(|earlier| *earlier == path || earlier.starts_with(&folder)) {
            return Err(malformed("something is mounted there or below it already", path));
        }
        mounted.push(path);
    }
    if mounted.first() == Some(&"/") {
        Ok(())
    } else {
        Err(malformed("the first mount is not the root", mounted.first().unwrap_or(&"none")))
    }
}
