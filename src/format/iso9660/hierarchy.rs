//! One of the two trees as a list of directories, in the order of its path table.

use std::collections::VecDeque;

use super::{
    Error,
    descriptor::Tree,
    directory::{
        ByteOrder, DirectoryRecord, Extent, PARENT, PathTableRecord, SELF, path_table_record_length,
        record_length, record_start,
    },
    field::{Date, fill_sector},
    name::{self, ShortNames},
    rock_ridge::{Attributes, DIRECTORY, REGULAR, RockRidge, SystemUse},
    tree::{File, Folder, Node, sectors},
};

/// The permissions of every folder.
const FOLDER_MODE: u32 = 0o755;

/// The directories of one tree. Walking it level by level, and each directory in the order of its records, gives the
/// order that ECMA-119 6.9.1 wants of a path table: by level, then by the parent's number, then by identifier.
#[derive(Debug)]
pub(super) struct Hierarchy<'t, 'a> {
    directories: Vec<Directory<'t, 'a>>,
}

#[derive(Debug)]
struct Directory<'t, 'a> {
    identifier: Vec<u8>,
    parent: u16,
    records: Vec<Record<'t, 'a>>,
    /// Its sector is counted from that of the root.
    extent: Extent,
}

/// A directory record whose location is not known yet.
#[derive(Debug)]
struct Record<'t, 'a> {
    identifier: Vec<u8>,
    system_use: SystemUse,
    target: Target<'t, 'a>,
}

#[derive(Debug, Clone, Copy)]
enum Target<'t, 'a> {
    /// The number of a directory in the path table, from 1.
    Directory(u16),
    File(&'t File<'a>),
}

/// The sectors at which what a directory record points to begins, and the last sector of the volume.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) directories: u32,
    pub(super) continuation: u32,
    pub(super) files: u32,
    pub(super) last: u32,
}

/// A folder that the walk has numbered but not entered.
struct Pending<'t, 'a> {
    folder: &'t Folder<'a>,
    identifier: Vec<u8>,
    number: u16,
    attributes: Attributes,
    parent: u16,
    parent_attributes: Attributes,
}

impl<'t, 'a> Hierarchy<'t, 'a> {
    /// The primary tree if there is Rock Ridge to go with it, else the Joliet tree.
    pub(super) fn new(root: &'t Folder<'a>, mut rock_ridge: Option<&mut RockRidge>) -> Result<Self, Error> {
        let attributes = folder_attributes(root, 1);
        let mut numbered: u16 = 1;
        let mut queue = VecDeque::from([Pending {
            folder: root,
            identifier: SELF.to_vec(),
            number: 1,
            attributes,
            parent: 1, // the root is its own parent (ECMA-119 6.8.2.2)
            parent_attributes: attributes,
        }]);
        let mut directories = Vec::new();
        let mut sector: u32 = 0;
        while let Some(pending) = queue.pop_front() {
            let mut records = own_records(&pending, rock_ridge.as_deref_mut());
            let tree = if rock_ridge.is_some() { Tree::Primary } else { Tree::Joliet };
            for (identifier, name, node) in children(pending.folder, tree)? {
                let (target, attributes) = match node {
                    Node::File(file) => (Target::File(file), file_attributes(file)),
                    Node::Folder(folder) => {
                        numbered = numbered.checked_add(1).ok_or(Error::TooManyFolders)?;
                        let attributes = folder_attributes(folder, numbered);
                        queue.push_back(Pending {
                            folder,
                            identifier: identifier.clone(),
                            number: numbered,
                            attributes,
                            parent: pending.number,
                            parent_attributes: pending.attributes,
                        });
                        (Target::Directory(numbered), attributes)
                    }
                };
                let system_use = rock_ridge.as_deref_mut().map_or_else(SystemUse::default, |rock_ridge| {
                    rock_ridge.named(name, identifier.len(), attributes)
                });
                records.push(Record { identifier, system_use, target });
            }
            let taken = sectors(records.iter().fold(0, |end, record| end_of(record, end)))?;
            let length = taken.checked_mul(2048).ok_or(Error::ImageTooLarge)?;
            let extent = Extent { sector, length };
            sector = sector.checked_add(taken).ok_or(Error::ImageTooLarge)?;
            directories.push(Directory {
                identifier: pending.identifier,
                parent: pending.parent,
                records,
                extent,
            });
        }
        Ok(Self { directories })
    }

    /// The sectors of all directories together.
    pub(super) fn sectors(&self) -> u32 {
        self.directories.last().map_or(0, |last| last.extent.sector + last.extent.length / 2048)
    }

    /// The length of a path table in bytes.
    pub(super) fn path_table_length(&self) -> usize {
        self.directories.iter().map(|directory| path_table_record_length(directory.identifier.len())).sum()
    }

    /// The root directory, if the directories begin at this sector.
    pub(super) fn root(&self, first: u32) -> Extent {
        self.directory(1, first)
    }

    /// Writes a path table (ECMA-119 6.9) for directories that begin at this sector.
    pub(super) fn write_path_table(&self, out: &mut Vec<u8>, order: ByteOrder, first: u32) {
        for Directory { identifier, parent, extent, .. } in &self.directories {
            PathTableRecord { sector: first + extent.sector, parent: *parent, identifier }.write(out, order);
        }
        fill_sector(out);
    }

    /// Writes all directories.
    pub(super) fn write(&self, out: &mut Vec<u8>, date: Date, places: &Places) {
        for record in self.directories.iter().flat_map(|directory| &directory.records) {
            let (extent, is_directory) = match record.target {
                Target::Directory(number) => (self.directory(number, places.directories), true),
                Target::File(file) => (file_extent(file, places), false),
            };
            let identifier = &record.identifier;
            let (start, system_use) = (out.len(), record.system_use.len());
            let length = record_length(identifier.len(), system_use);
            if identifier == SELF || record_start(start, length) != start {
                fill_sector(out);
            }
            DirectoryRecord { extent, is_directory, identifier, system_use }.write(out, date);
            record.system_use.write(out, places.continuation); // 9.1.13 system use
            out.resize(out.len().next_multiple_of(2), 0);
        }
        fill_sector(out);
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "the walk numbers each directory it puts into the list, from 1"
    )]
    fn directory(&self, number: u16, first: u32) -> Extent {
        let Extent { sector, length } = self.directories[usize::from(number) - 1].extent;
        Extent { sector: first + sector, length }
    }
}

/// Where a file lies. An empty one has no extent, but libarchive wants its location behind the continuation areas (it
/// reads forwards) and inside the volume: it is that of the next file, or the last sector.
fn file_extent(file: &File<'_>, places: &Places) -> Extent {
    let sector = (places.files + file.sector).min(places.last);
    Extent { sector, length: u32::try_from(file.bytes.len()).unwrap_or(u32::MAX) }
}

/// The records for the directory itself and its parent (ECMA-119 6.8.2.2).
fn own_records<'t, 'a>(pending: &Pending<'t, 'a>, rock_ridge: Option<&mut RockRidge>) -> Vec<Record<'t, 'a>> {
    let (own, parent) = match rock_ridge {
        None => Default::default(),
        Some(rock_ridge) => {
            let parent = rock_ridge.unnamed(pending.parent_attributes);
            let own = if pending.number == 1 {
                rock_ridge.root(pending.attributes)
            } else {
                rock_ridge.unnamed(pending.attributes)
            };
            (own, parent)
        }
    };
    vec![
        Record { identifier: SELF.to_vec(), system_use: own, target: Target::Directory(pending.number) },
        Record { identifier: PARENT.to_vec(), system_use: parent, target: Target::Directory(pending.parent) },
    ]
}

/// A child with its identifier in one of the trees.
type Child<'t, 'a> = (Vec<u8>, &'t str, &'t Node<'a>);

/// The nodes of a folder in the order of their identifiers (ECMA-119 9.3).
fn children<'t, 'a>(folder: &'t Folder<'a>, tree: Tree) -> Result<Vec<Child<'t, 'a>>, Error> {
    let nodes = folder.nodes.iter().map(|(name, node)| (name.as_str(), node));
    match tree {
        Tree::Joliet => {
            let mut children: Vec<_> = nodes.map(|(name, node)| (name::joliet(name), name, node)).collect();
            children.sort_by_cached_key(|(_, name, _)| name::joliet_order(name));
            Ok(children)
        }
        Tree::Primary => {
            let mut short_names = ShortNames::default();
            let mut children = Vec::with_capacity(folder.nodes.len());
            for (name, node) in nodes {
                let is_folder = matches!(node, Node::Folder(_));
                children.push((short_names.assign(name, is_folder)?, is_folder, name, node));
            }
            children.sort_by(|(left, ..), (right, ..)| left.cmp(right));
            Ok(children
                .into_iter()
                .map(|(short, is_folder, name, node)| (short.identifier(is_folder), name, node))
                .collect())
        }
    }
}

/// Where a record ends that comes after `end` bytes of its directory.
fn end_of(record: &Record<'_, '_>, end: usize) -> usize {
    let length = record_length(record.identifier.len(), record.system_use.len());
    record_start(end, length) + length
}

fn folder_attributes(folder: &Folder<'_>, number: u16) -> Attributes {
    let links = u32::try_from(folder.folders()).unwrap_or(u32::MAX).saturating_add(2);
    Attributes { mode: DIRECTORY | FOLDER_MODE, links, serial: number.into() }
}

/// Serial numbers of files begin where those of directories end.
fn file_attributes(file: &File<'_>) -> Attributes {
    Attributes { mode: REGULAR | file.mode, links: 1, serial: file.number.saturating_add(0x1_0000) }
}
