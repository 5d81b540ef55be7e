//! How Ubuntu's installer divides a disk: the list under `config:` of its `storage:` (subiquity's autoinstall reference,
//! "Action-based configuration"), which is curtin's (its documentation, "Storage", and `curtin/block/schemas.py`) but for
//! disks that are found by what they are, and partitions that take the rest.
//!
//! That reader passes over words that it does not know, and over what refers to what is not there. So this one refuses
//! both, and any word that is not needed here.

mod rules;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_yaml::Value;

use super::yaml::Yaml;

/// File systems that curtin makes, and that are needed here.
const FILE_SYSTEMS: [&str; 6] = ["ext2", "ext3", "ext4", "fat32", "swap", "xfs"];

/// One step. Each has a name that is its own, by which those below it refer to it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Empties a disk.
    Disk {
        /// Its name here.
        id: String,
        /// Which one it is.
        #[serde(rename = "match")]
        which: Match,
        /// Its new partition table.
        ptable: Table,
        /// What goes of what was on it.
        wipe: Wipe,
        /// Whether the boot loader of a BIOS goes to its first sector.
        #[serde(default, skip_serializing_if = "is_false")]
        grub_device: bool,
    },
    /// Makes a partition, behind those that the disk has.
    Partition {
        /// Its name here.
        id: String,
        /// The disk.
        device: String,
        /// How long it is.
        size: Length,
        /// What it is for, if that has to be marked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        flag: Option<Flag>,
        /// What goes of what was there.
        wipe: Wipe,
        /// Whether it is the EFI system partition that gets the boot loader.
        #[serde(default, skip_serializing_if = "is_false")]
        grub_device: bool,
    },
    /// Makes a volume group.
    LvmVolgroup {
        /// Its name here.
        id: String,
        /// Its name.
        name: String,
        /// The partitions that it is on.
        devices: Vec<String>,
    },
    /// Makes a logical volume.
    LvmPartition {
        /// Its name here.
        id: String,
        /// The volume group.
        volgroup: String,
        /// Its name in the group.
        name: String,
        /// How long it is.
        size: Length,
    },
    /// Makes a file system, or what is swapped to.
    Format {
        /// Its name here.
        id: String,
        /// The partition or logical volume.
        volume: String,
        /// The kind of file system.
        fstype: String,
    },
    /// Mounts it, and writes it to fstab(5).
    Mount {
        /// Its name here.
        id: String,
        /// The file system.
        device: String,
        /// Where; `none` for what is swapped to.
        path: String,
        /// How, with commas between, if not by the defaults.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        options: Option<String>,
    },
}

/// What a disk is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Match {
    /// How long it is. With this, the disk that the installer itself runs from is left alone.
    pub size: Largest,
}

/// A word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Largest {
    /// The longest of all.
    Largest,
}

/// A kind of partition table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Table {
    /// GUID partition table.
    Gpt,
}

/// What is done to what was on a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wipe {
    /// The device's signature goes.
    Superblock,
    /// That of all that is on it goes too.
    SuperblockRecursive,
}

/// What a partition is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// The boot loader's second part, where a BIOS starts a disk with a GUID partition table.
    BiosGrub,
    /// The EFI system partition.
    Boot,
}

/// The length of a partition or a logical volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "Written", into = "Written")]
pub enum Length {
    /// So many mebibytes: `512M`.
    Mebibytes(u64),
    /// All that the other partitions leave: `-1`.
    Rest,
}

#[derive(Deserialize, Serialize)]
#[serde(untagged)]
enum Written {
    Number(i64),
    Text(String),
}

/// What is wrong with a list of actions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed(String);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a storage configuration: {}", self.0)
    }
}

impl std::error::Error for Malformed {}

impl TryFrom<Written> for Length {
    type Error = Malformed;

    fn try_from(written: Written) -> Result<Self, Malformed> {
        match written {
            Written::Number(-1) => Ok(Self::Rest),
            Written::Number(number) => Err(malformed("not a length", &number.to_string())),
            Written::Text(text) => {
                let number = text.strip_suffix('M').and_then(|number| number.parse().ok());
                let length = number.map(Self::Mebibytes).filter(|length| length.to_string() == text);
                length.ok_or_else(|| malformed("not a length", &text))
            }
        }
    }
}

impl From<Length> for Written {
    fn from(length: Length) -> Self {
        match length {
            Length::Mebibytes(_) => Self::Text(length.to_string()),
            Length::Rest => Self::Number(-1),
        }
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mebibytes(count) => write!(f, "{count}M"),
            Self::Rest => f.write_str("-1"),
        }
    }
}

/// The list as YAML.
///
/// # Errors
/// If it would be read as another one, or not at all.
pub fn write(actions: &[Action]) -> Result<Yaml, Malformed> {
    let value = serde_yaml::to_value(actions).map_err(|error| Malformed(error.to_string()))?;
    if read(&value)? == actions {
        Ok(Yaml::from(&value))
    } else {
        Err(Malformed("it is read as another one".to_owned()))
    }
}

/// Reads a list.
///
/// # Errors
/// If the installer would pass over a part of it, or fail half-way.
pub fn read(value: &Value) -> Result<Vec<Action>, Malformed> {
    let actions: Vec<Action> =
        serde_yaml::from_value(value.clone()).map_err(|error| Malformed(error.to_string()))?;
    rules::check(&actions)?;
    Ok(actions)
}

impl Action {
    /// Its name.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Disk { id, .. }
            | Self::Partition { id, .. }
            | Self::LvmVolgroup { id, .. }
            | Self::LvmPartition { id, .. }
            | Self::Format { id, .. }
            | Self::Mount { id, .. } => id,
        }
    }

    /// The names of what it is made on.
    #[must_use]
    pub fn stands_on(&self) -> &[String] {
        match self {
            Self::Disk { .. } => &[],
            Self::LvmVolgroup { devices, .. } => devices,
            Self::Partition { device: one, .. }
            | Self::LvmPartition { volgroup: one, .. }
            | Self::Format { volume: one, .. }
            | Self::Mount { device: one, .. } => std::slice::from_ref(one),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

fn malformed(what: &str, text: &str) -> Malformed {
    Malformed(format!("{what}: {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = "\
- {type: disk, id: disk, match: {size: largest}, ptable: gpt, wipe: superblock-recursive, grub_device: true}
- {type: partition, id: grub, device: disk, size: 1M, flag: bios_grub, wipe: superblock}
- {type: partition, id: boot, device: disk, size: 768M, wipe: superblock}
- {type: partition, id: rest, device: disk, size: -1, wipe: superblock}
- {type: lvm_volgroup, id: group, name: vg0, devices: [rest]}
- {type: lvm_partition, id: root, volgroup: group, name: root, size: 4096M}
- {type: format, id: root-made, volume: root, fstype: ext4}
- {type: format, id: boot-made, volume: boot, fstype: ext4}
- {type: mount, id: root-on, device: root-made, path: /}
- {type: mount, id: boot-on, device: boot-made, path: /boot, options: \"nodev,nosuid\"}
";

    fn read_text(text: &str) -> Result<Vec<Action>, Malformed> {
        read(&serde_yaml::from_str(text).unwrap())
    }

    #[test]
    fn a_list_is_read_and_written() {
        let actions = read_text(EXAMPLE).unwrap();
        assert_eq!(actions.len(), 10);
        let written = write(&actions).unwrap().to_string();
        assert_eq!(read_text(&written).unwrap(), actions, "{written}");
        assert!(written.contains("size: -1") && written.contains("size: \"768M\""), "{written}");
    }

    #[test]
    fn what_the_installer_would_pass_over_is_refused() {
        for (right, wrong) in [
            ("type: disk", "type: disc"),
            ("ptable: gpt", "ptable: gtp"),
            ("grub_device: true", "grub-device: true"),
            ("size: largest", "size: large"),
            ("flag: bios_grub", "flag: bios-grub"),
            ("size: 768M", "size: 768MiB"),
            ("size: 768M", "size: 0768M"),
            ("size: 768M", "size: 768"),
            ("size: 768M", "size: -1"),
            ("size: 4096M", "size: -1"),
            ("id: grub", "id: boot"),
            ("device: disk", "device: disc"),
            ("devices: [rest]", "devices: []"),
            ("devices: [rest]", "devices: [boot]"),
            ("devices: [rest]", "devices: [disk]"),
            ("volgroup: group", "volgroup: rest"),
            ("volume: boot", "volume: root"),
            ("volume: boot", "volume: rest"),
            ("fstype: ext4", "fstype: ext5"),
            ("device: boot-made", "device: boot"),
            ("device: boot-made", "device: root-made"),
            ("path: /boot", "path: boot"),
            ("path: /boot", "path: /"),
            ("path: /", "path: /srv"),
            ("path: /", "path: none"),
        ] {
            let text = EXAMPLE.replacen(right, wrong, 1);
            assert!(text != EXAMPLE && read_text(&text).is_err(), "{text}");
        }
        let mut lines: Vec<&str> = EXAMPLE.lines().collect();
        lines.swap(8, 9);
        assert!(read_text(&lines.join("\n")).is_err());
    }
}
