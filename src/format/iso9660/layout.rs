//! Which sector everything lies in, and the writing of it all.

use super::{
    Error, SECTOR,
    descriptor::{Tree, VolumeDescriptor, write_terminator},
    directory::ByteOrder,
    field::{Date, fill_sector, zeros},
    hierarchy::{Hierarchy, Places},
    image::VolumeIdentifier,
    rock_ridge::RockRidge,
    tree::{Folder, sectors},
};

/// The sectors of the system area (ECMA-119 6.2.1).
const SYSTEM_AREA: usize = 16;

/// The first sector behind the system area and the volume descriptors.
const FIRST_FREE: u32 = 19;

/// An image whose every byte has its place.
#[derive(Debug)]
pub(super) struct Layout<'t, 'a> {
    files: &'t Folder<'a>,
    rock_ridge: RockRidge,
    primary: Placed<'t, 'a>,
    joliet: Placed<'t, 'a>,
    continuation: u32,
    first_file: u32,
    space_size: u32,
    bytes: usize,
}

/// A tree with the first sectors of its path tables and directories.
#[derive(Debug)]
struct Placed<'t, 'a> {
    hierarchy: Hierarchy<'t, 'a>,
    path_table_size: u32,
    path_table_l: u32,
    path_table_m: u32,
    directories: u32,
}

impl<'t, 'a> Layout<'t, 'a> {
    pub(super) fn new(files: &'t Folder<'a>, date: Date, file_sectors: u32) -> Result<Self, Error> {
        let mut rock_ridge = RockRidge::new(date);
        let primary = Hierarchy::new(files, Some(&mut rock_ridge))?;
        let joliet = Hierarchy::new(files, None)?;
        let mut free = Free { next: FIRST_FREE };
        let mut primary = Placed::path_tables(primary, &mut free)?;
        let mut joliet = Placed::path_tables(joliet, &mut free)?;
        primary.directories = free.take(primary.hierarchy.sectors())?;
        let continuation = free.take(sectors(rock_ridge.continuation().len())?)?;
        joliet.directories = free.take(joliet.hierarchy.sectors())?;
        let first_file = free.take(file_sectors)?;
        let space_size = free.next;
        let bytes = usize::try_from(space_size).ok().and_then(|sectors| sectors.checked_mul(SECTOR));
        let bytes = bytes.ok_or(Error::ImageTooLarge)?;
        Ok(Self { files, rock_ridge, primary, joliet, continuation, first_file, space_size, bytes })
    }

    /// The whole image, in one allocation.
    pub(super) fn write(&self, identifier: &VolumeIdentifier, date: Date) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.bytes);
        zeros(&mut out, SYSTEM_AREA * SECTOR);
        for (tree, placed) in [(Tree::Primary, &self.primary), (Tree::Joliet, &self.joliet)] {
            self.descriptor(tree, placed, identifier, date).write(&mut out);
        }
        write_terminator(&mut out);
        for Placed { hierarchy, directories, .. } in [&self.primary, &self.joliet] {
            hierarchy.write_path_table(&mut out, ByteOrder::Little, *directories);
            hierarchy.write_path_table(&mut out, ByteOrder::Big, *directories);
        }
        self.primary.hierarchy.write(&mut out, date, &self.places(&self.primary));
        out.extend(self.rock_ridge.continuation());
        fill_sector(&mut out);
        self.joliet.hierarchy.write(&mut out, date, &self.places(&self.joliet));
        self.files.visit_files(&mut |file| {
            out.extend(file.bytes.as_ref());
            fill_sector(&mut out);
        });
        out
    }

    fn places(&self, tree: &Placed<'_, '_>) -> Places {
        Places {
            directories: tree.directories,
            continuation: self.continuation,
            files: self.first_file,
            last: self.space_size.saturating_sub(1),
        }
    }

    fn descriptor<'d>(
        &self,
        tree: Tree,
        placed: &Placed<'_, '_>,
        identifier: &'d VolumeIdentifier,
        date: Date,
    ) -> VolumeDescriptor<'d> {
        VolumeDescriptor {
            tree,
            identifier,
            space_size: self.space_size,
            path_table_size: placed.path_table_size,
            path_table_l: placed.path_table_l,
            path_table_m: placed.path_table_m,
            root: placed.hierarchy.root(placed.directories),
            date,
        }
    }
}

impl<'t, 'a> Placed<'t, 'a> {
    /// Places the two path tables of a tree; its directories come later.
    fn path_tables(hierarchy: Hierarchy<'t, 'a>, free: &mut Free) -> Result<Self, Error> {
        let length = hierarchy.path_table_length();
        let path_table_size = u32::try_from(length).map_err(|_| Error::ImageTooLarge)?;
        let path_table_l = free.take(sectors(length)?)?;
        let path_table_m = free.take(sectors(length)?)?;
        Ok(Self { hierarchy, path_table_size, path_table_l, path_table_m, directories: 0 })
    }
}

/// The sectors that nothing lies in yet.
struct Free {
    next: u32,
}

impl Free {
    /// The first of so many sectors, which are free no more.
    fn take(&mut self, sectors: u32) -> Result<u32, Error> {
        let first = self.next;
        self.next = first.checked_add(sectors).ok_or(Error::ImageTooLarge)?;
        Ok(first)
    }
}
