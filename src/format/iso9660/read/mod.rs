//! A strict reader: it takes the images that this writer makes, and says what is wrong with any other.
//!
//! It reads the primary tree with its Rock Ridge names and holds the Joliet tree against it: both must name the same
//! files at the same places. It ends on any input: no sector is read as a directory twice, so a tree that loops or
//! overlaps is refused.

mod record;
mod source;
mod system_use;
mod walk;

use std::fmt;

use self::{
    record::{Record, units},
    source::Source,
    walk::{Found, walk},
};
use super::{
    SECTOR,
    descriptor::{JOLIET_ESCAPE, PRIMARY, STANDARD_IDENTIFIER, SUPPLEMENTARY, TERMINATOR, Tree},
};

/// What an image holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume<'a> {
    /// The volume identifier, which both descriptors have.
    pub identifier: String,
    /// Every file and folder but the root, in the order of their paths.
    pub entries: Vec<Entry<'a>>,
}

/// A file or folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The path, without a leading slash.
    pub path: String,
    /// The permission bits.
    pub mode: u32,
    /// What is there.
    pub content: Content<'a>,
}

/// What is at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content<'a> {
    /// A folder.
    Folder,
    /// A file, with its bytes in the image.
    File(&'a [u8]),
}

/// What is wrong with an image, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed {
    /// The offset in bytes.
    pub at: usize,
    /// A sentence with the section of the specification.
    pub problem: &'static str,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at byte {}: {}", self.at, self.problem)
    }
}

impl std::error::Error for Malformed {}

/// Reads an image.
///
/// # Errors
/// At the first thing that is not as the specifications say, or not as this writer writes it.
pub fn read(image: &[u8]) -> Result<Volume<'_>, Malformed> {
    let source = Source(image);
    let Descriptors { primary, joliet } = Descriptors::read(source)?;
    if joliet.identifier != primary.identifier {
        return Err(Malformed { at: joliet.root.at, problem: "Joliet has another volume identifier" });
    }
    let found = walk(source, &primary.root, Tree::Primary)?;
    let twins = walk(source, &joliet.root, Tree::Joliet)?;
    if let Some(extra) = twins.get(found.len()) {
        return Err(Malformed { at: extra.at, problem: "only the Joliet tree has this" });
    }
    let mut twins = twins.iter();
    let mut entries = Vec::with_capacity(found.len());
    for Found { path, mode, extent, is_directory, at } in found {
        let content = if is_directory { Content::Folder } else { Content::File(source.extent(at, extent)?) };
        let same = |twin: &Found| {
            twin.path == path && twin.is_directory == is_directory && (is_directory || twin.extent == extent)
        };
        if !twins.next().is_some_and(same) {
            return Err(Malformed { at, problem: "the Joliet tree does not have this at the same place" });
        }
        entries.push(Entry { path, mode, content });
    }
    Ok(Volume { identifier: primary.identifier, entries })
}

/// The two volume descriptors of an image.
struct Descriptors<'a> {
    primary: Descriptor<'a>,
    joliet: Descriptor<'a>,
}

struct Descriptor<'a> {
    identifier: String,
    root: Record<'a>,
}

impl<'a> Descriptors<'a> {
    /// Reads the volume descriptor set (ECMA-119 6.7.1) up to its terminator.
    fn read(source: Source<'a>) -> Result<Self, Malformed> {
        let (mut primary, mut joliet) = (None, None);
        let mut at = 16 * SECTOR;
        loop {
            if source.slice(at + 1, 5)? != STANDARD_IDENTIFIER || source.byte(at + 6)? != 1 {
                return Err(Malformed { at, problem: "not a volume descriptor (ECMA-119 8.1)" });
            }
            match source.byte(at)? {
                TERMINATOR => break,
                PRIMARY if primary.is_none() => primary = Some(Descriptor::read(source, at, Tree::Primary)?),
                SUPPLEMENTARY if joliet.is_none() && source.slice(at + 88, 3)? == JOLIET_ESCAPE => {
                    joliet = Some(Descriptor::read(source, at, Tree::Joliet)?);
                }
                _ => return Err(Malformed { at, problem: "a volume descriptor that is not known" }),
            }
            at += SECTOR;
        }
        match (primary, joliet) {
            (Some(primary), Some(joliet)) => Ok(Self { primary, joliet }),
            _ => Err(Malformed { at, problem: "the primary or the Joliet descriptor is missing" }),
        }
    }
}

impl<'a> Descriptor<'a> {
    fn read(source: Source<'a>, at: usize, tree: Tree) -> Result<Self, Malformed> {
        let space_size = source.both_32(at + 80)?; // 8.4.8
        if u64::from(space_size) * 2048 != u64::try_from(source.0.len()).unwrap_or(u64::MAX) {
            return Err(Malformed { at: at + 80, problem: "the volume has not this size (ECMA-119 8.4.8)" });
        }
        if source.both_16(at + 128)? != 2048 {
            return Err(Malformed { at: at + 128, problem: "blocks are not sectors (ECMA-119 8.4.12)" });
        }
        let identifier = source.slice(at + 40, 32)?; // 8.4.6
        let identifier = match tree {
            Tree::Primary => String::from_utf8_lossy(identifier).into_owned(),
            Tree::Joliet => String::from_utf16_lossy(&units(identifier)),
        };
        let root = Record::read(source, at + 156)?; // 8.4.18
        if !root.is_directory {
            return Err(Malformed { at: at + 156, problem: "the root is not a directory" });
        }
        Ok(Self { identifier: identifier.trim_end_matches(' ').to_owned(), root })
    }
}
