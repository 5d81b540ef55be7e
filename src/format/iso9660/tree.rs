//! The files as the user names them.

use std::{
    borrow::Cow,
    collections::{BTreeMap, btree_map},
};

use super::{Error, SECTOR};

/// A folder: its names in the order of their bytes.
#[derive(Debug, Default)]
pub(super) struct Folder<'a> {
    pub(super) nodes: BTreeMap<String, Node<'a>>,
}

/// What a name stands for.
#[derive(Debug)]
pub(super) enum Node<'a> {
    File(File<'a>),
    Folder(Folder<'a>),
}

/// A file, with its place among the files once [`Folder::place_files`] has run.
#[derive(Debug)]
pub(super) struct File<'a> {
    pub(super) bytes: Cow<'a, [u8]>,
    /// Permission bits only.
    pub(super) mode: u32,
    /// Its number in the order of paths, from 0.
    pub(super) number: u32,
    /// Its first sector, counted from that of the first file.
    pub(super) sector: u32,
}

impl<'a> Folder<'a> {
    /// Puts a node at the end of a path of names. Nothing is changed if it cannot be put there.
    pub(super) fn insert(&mut self, path: &str, names: &[&str], node: Node<'a>) -> Result<(), Error> {
        let Some((name, rest)) = names.split_first() else { return Ok(()) };
        let entry = self.nodes.entry((*name).to_owned());
        if !rest.is_empty() {
            return match entry.or_insert_with(|| Node::Folder(Folder::default())) {
                Node::Folder(folder) => folder.insert(path, rest, node),
                Node::File(_) => Err(Error::FileAndFolder { path: prefix(path, rest) }),
            };
        }
        match (entry, node) {
            (btree_map::Entry::Vacant(vacant), node) => {
                vacant.insert(node);
                Ok(())
            }
            (btree_map::Entry::Occupied(there), node) => match (there.get(), node) {
                (Node::Folder(_), Node::Folder(_)) => Ok(()),
                (Node::File(_), Node::File(_)) => Err(Error::Duplicate { path: path.into() }),
                _ => Err(Error::FileAndFolder { path: path.into() }),
            },
        }
    }

    /// Gives every file its number and its sectors, in the order of paths; returns the number of sectors.
    pub(super) fn place_files(&mut self) -> Result<u32, Error> {
        let (mut number, mut sector) = (0, 0);
        self.place_from(&mut number, &mut sector)?;
        Ok(sector)
    }

    fn place_from(&mut self, number: &mut u32, sector: &mut u32) -> Result<(), Error> {
        for node in self.nodes.values_mut() {
            match node {
                Node::Folder(folder) => folder.place_from(number, sector)?,
                Node::File(file) => {
                    (file.number, file.sector) = (*number, *sector);
                    *number = number.checked_add(1).ok_or(Error::ImageTooLarge)?;
                    *sector = sector.checked_add(sectors(file.bytes.len())?).ok_or(Error::ImageTooLarge)?;
                }
            }
        }
        Ok(())
    }

    /// Every file in the order of paths.
    pub(super) fn visit_files(&self, visit: &mut impl FnMut(&File<'a>)) {
        for node in self.nodes.values() {
            match node {
                Node::Folder(folder) => folder.visit_files(visit),
                Node::File(file) => visit(file),
            }
        }
    }

    /// The number of folders directly in this one.
    pub(super) fn folders(&self) -> usize {
        self.nodes.values().filter(|node| matches!(node, Node::Folder(_))).count()
    }
}

/// The number of sectors that so many bytes take.
pub(super) fn sectors(bytes: usize) -> Result<u32, Error> {
    u32::try_from(bytes.div_ceil(SECTOR)).map_err(|_| Error::ImageTooLarge)
}

/// The path without the names that are left of it.
fn prefix(path: &str, rest: &[&str]) -> String {
    let tail: usize = rest.iter().map(|name| name.len() + 1).sum();
    path.get(..path.len().saturating_sub(tail)).unwrap_or(path).to_owned()
}
