//! What a file or folder is called in each tree, and how those names are ordered.

use std::collections::{BTreeMap, BTreeSet};

use super::Error;

/// Joliet's own limit is 64 units. mkisofs calls the 103 that fit into a directory record `-joliet-long`: 254 bytes,
/// less the 33 of the record's fields and the 14 that CD-ROM XA may claim, halved (mkisofs(8)). We allow them because
/// isoinfo, libarchive and 7-Zip read them in full, and a name is never cut to what fits.
const JOLIET_UNITS: usize = 103;

/// Linux drops the part of a Rock Ridge name with which it would reach 254 bytes (`fs/isofs/rock.c`).
const ROCK_RIDGE_BYTES: usize = 253;

/// Directory levels, the root among them (ECMA-119 6.8.2.1).
const LEVELS: usize = 8;

/// The components of a path, each checked against what both trees can hold.
pub(super) fn components(path: &str) -> Result<Vec<&str>, Error> {
    let names: Vec<&str> = path.split('/').collect();
    for name in &names {
        check(name, path)?;
    }
    Ok(names)
}

/// Refuses more folders than the levels below the root.
pub(super) fn check_depth(folders: &[&str], path: &str) -> Result<(), Error> {
    if folders.len() < LEVELS { Ok(()) } else { Err(Error::TooDeep { path: path.into() }) }
}

fn check(name: &str, path: &str) -> Result<(), Error> {
    let path = || path.to_owned();
    if matches!(name, "" | "." | "..") {
        return Err(Error::Component { path: path() });
    }
    // Joliet forbids control characters and `*/:;?\`; UCS-2 ends with the Basic Multilingual Plane.
    let forbidden = |c: &char| *c < ' ' || "*/:;?\\".contains(*c) || *c > '\u{FFFF}';
    if let Some(character) = name.chars().find(forbidden) {
        return Err(Error::Character { path: path(), character });
    }
    if name.ends_with('.') {
        return Err(Error::TrailingDot { path: path() });
    }
    let units = name.chars().count();
    if units > JOLIET_UNITS {
        return Err(Error::JolietName { path: path(), units });
    }
    if name.len() > ROCK_RIDGE_BYTES {
        return Err(Error::RockRidgeName { path: path(), bytes: name.len() });
    }
    Ok(())
}

/// The Joliet identifier: the name as it is, in big-endian UCS-2. Like mkisofs and xorriso it has no version number.
pub(super) fn joliet(name: &str) -> Vec<u8> {
    name.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

/// The order of Joliet identifiers: by name, then by extension (ECMA-119 9.3), where the shorter is padded with
/// zeros and so comes first. Of a name with many dots either half may be the extension: a dot that sorts before
/// every other character gives the same order for each.
pub(super) fn joliet_order(name: &str) -> Vec<u16> {
    name.encode_utf16().map(|unit| if unit == u16::from(b'.') { 0 } else { unit }).collect()
}

/// A name of interchange level 1 (ECMA-119 10.1): eight d-characters and, for a file, three more. Level 2 would make
/// longer names that are just as mangled, and level 1 is what every reader must accept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ShortName {
    stem: String,
    extension: String,
}

impl ShortName {
    fn mangled(name: &str, is_folder: bool) -> Self {
        let (stem, extension) = match name.rsplit_once('.') {
            Some((stem, extension)) if !is_folder && !stem.is_empty() => (stem, extension),
            _ => (name, ""),
        };
        let clean = |text: &str, limit| -> String { text.chars().map(d_character).take(limit).collect() };
        Self { stem: clean(stem, 8), extension: clean(extension, 3) }
    }

    /// With a number in place of the last characters of the stem: `FILE0001` becomes `FILE1`, `FILE2`, ...
    fn numbered(&self, number: u32) -> Self {
        let digits = number.to_string();
        let stem: String = self.stem.chars().take(8_usize.saturating_sub(digits.len())).collect();
        Self { stem: stem + &digits, extension: self.extension.clone() }
    }

    /// The identifier of a directory (ECMA-119 7.6) or a file (7.5.1), which always has both separators and a version.
    pub(super) fn identifier(self, is_folder: bool) -> Vec<u8> {
        if is_folder {
            self.stem.into_bytes()
        } else {
            format!("{}.{};1", self.stem, self.extension).into_bytes()
        }
    }
}

fn d_character(c: char) -> char {
    match c.to_ascii_uppercase() {
        c @ ('A'..='Z' | '0'..='9') => c,
        _ => '_',
    }
}

/// Gives the names of one folder their short names. A file and a folder never share one: `A.;1` and `A` are the same
/// to readers that hide the separators.
#[derive(Debug, Default)]
pub(super) struct ShortNames {
    taken: BTreeSet<ShortName>,
    /// The number that each mangled name tries next, so that a folder of many like names does not start over.
    next: BTreeMap<ShortName, u32>,
}

impl ShortNames {
    /// The short name of the next name: mangled if that is free, else with the first number that makes it so.
    pub(super) fn assign(&mut self, name: &str, is_folder: bool) -> Result<ShortName, Error> {
        let mangled = ShortName::mangled(name, is_folder);
        if self.taken.insert(mangled.clone()) {
            return Ok(mangled);
        }
        let next = self.next.entry(mangled.clone()).or_insert(1);
        while *next < 100_000_000 {
            let numbered = mangled.numbered(*next);
            *next += 1;
            if self.taken.insert(numbered.clone()) {
                return Ok(numbered);
            }
        }
        Err(Error::TooManyNames)
    }
}
