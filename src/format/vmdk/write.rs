//! The writer.

use std::io::{self, Write};

use rayon::prelude::*;

use super::descriptor::Descriptor;
use super::error::Error;
use super::grain::Grain;
use super::header::{AT_END, DESCRIPTOR_OFFSET, DESCRIPTOR_SIZE, OVERHEAD, SparseExtentHeader};
use super::marker::Marker;
use super::{GRAIN, GRAIN_SECTORS, LARGEST, SECTOR, TABLE_ENTRIES};

/// How many grains are compressed side by side before they are written: 16 MiB.
const BATCH: usize = 256;

/// A grain table without grains.
const EMPTY: [u32; TABLE_ENTRIES as usize] = [0; TABLE_ENTRIES as usize];

/// A disk, but for its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    /// Its length in bytes.
    pub capacity: u64,
    /// Its identity, as VirtualBox prints it: `f81d4fae-7dec-81d0-a765-00a0c91e6bf6`.
    pub uuid: String,
}

/// Writes a disk with these grains, in order; where none is, and behind the last, are zeros.
///
/// # Errors
/// If the disk or a grain is none that can be written, or the content or the file fails.
pub fn write(
    out: impl Write,
    disk: &Disk,
    grains: impl IntoIterator<Item = io::Result<Grain>>,
) -> Result<(), Error> {
    let mut writer = Writer::start(out, disk)?;
    let mut grains = grains.into_iter();
    loop {
        let batch = grains.by_ref().take(BATCH).collect::<io::Result<Vec<Grain>>>();
        let batch = batch.map_err(Error::Content)?;
        if batch.is_empty() {
            return writer.finish();
        }
        let compressed: Vec<Option<Vec<u8>>> = batch.par_iter().map(Grain::compressed).collect();
        for (grain, compressed) in batch.iter().zip(compressed) {
            if let Some(compressed) = compressed {
                writer.grain(grain, &compressed)?;
            }
        }
    }
}

struct Writer<W> {
    out: W,
    /// The length of the disk, in bytes.
    capacity: u64,
    /// How much was written, in sectors.
    written: u64,
    /// The number of the grain that may come next.
    next: u64,
    /// Where the grain tables are, as far as they were written; 0 for one that is empty.
    directory: Vec<u32>,
    /// The grain table that is being filled: where its grains are.
    table: Vec<u32>,
}

impl<W: Write> Writer<W> {
    fn start(out: W, disk: &Disk) -> Result<Self, Error> {
        let &Disk { capacity, ref uuid } = disk;
        if capacity == 0 || !capacity.is_multiple_of(SECTOR as u64) || capacity > LARGEST {
            return Err(Error::Capacity(capacity));
        }
        let is_digit = |byte: u8| byte.is_ascii_hexdigit() || byte == b'-';
        if uuid.len() != 36 || !uuid.bytes().all(is_digit) {
            return Err(Error::Uuid(uuid.clone()));
        }
        let (directory, table) = (Vec::new(), EMPTY.to_vec());
        let mut writer = Self { out, capacity, written: 0, next: 0, directory, table };
        let sectors = capacity / SECTOR as u64;
        let descriptor = Descriptor { sectors, uuid: Some(uuid.clone()) };
        writer.sectors(&SparseExtentHeader::new(sectors, AT_END).to_bytes())?;
        writer.sectors(descriptor.to_text().as_bytes())?;
        debug_assert!(writer.written <= DESCRIPTOR_OFFSET + DESCRIPTOR_SIZE);
        while writer.written < OVERHEAD {
            writer.sectors(&[0; SECTOR])?;
        }
        Ok(writer)
    }

    fn grain(&mut self, grain: &Grain, compressed: &[u8]) -> Result<(), Error> {
        let index = grain.index;
        let at = index.saturating_mul(GRAIN as u64);
        let room = self.capacity.saturating_sub(at).min(GRAIN as u64);
        let used = grain.bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last as u64 + 1);
        if used > room {
            return Err(Error::BeyondEnd(at.saturating_add(room)));
        }
        if index < self.next {
            return Err(Error::Order(at));
        }
        self.next = index + 1;
        self.tables_up_to(index / u64::from(TABLE_ENTRIES))?;
        let here = self.here()?;
        let entry = usize::try_from(index % u64::from(TABLE_ENTRIES)).ok();
        if let Some(entry) = entry.and_then(|entry| self.table.get_mut(entry)) {
            *entry = here;
        }
        let size = u32::try_from(compressed.len()).map_err(|_| Error::FileTooLarge)?;
        let marker = Marker::Grain { lba: index * GRAIN_SECTORS, size };
        self.sectors(&[&marker.to_bytes(), compressed].concat())
    }

    /// Writes the grain tables in front of that number.
    fn tables_up_to(&mut self, number: u64) -> Result<(), Error> {
        while (self.directory.len() as u64) < number {
            let table = std::mem::replace(&mut self.table, EMPTY.to_vec());
            let mut entry = 0;
            if table.iter().any(|entry| *entry != 0) {
                let bytes = numbers(&table);
                self.sectors(&Marker::Table(sectors(bytes.len())).to_bytes())?;
                entry = self.here()?;
                self.sectors(&bytes)?;
            }
            self.directory.push(entry);
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(), Error> {
        let capacity = self.capacity / SECTOR as u64;
        self.tables_up_to(capacity.div_ceil(GRAIN_SECTORS).div_ceil(TABLE_ENTRIES.into()))?;
        let bytes = numbers(&self.directory);
        self.sectors(&Marker::Directory(sectors(bytes.len())).to_bytes())?;
        let footer = SparseExtentHeader::new(capacity, self.here()?.into());
        self.sectors(&bytes)?;
        self.sectors(&Marker::Footer.to_bytes())?;
        self.sectors(&footer.to_bytes())?;
        self.sectors(&Marker::EndOfStream.to_bytes())?;
        Ok(self.out.flush()?)
    }

    /// Where the next sector goes.
    fn here(&self) -> Result<u32, Error> {
        u32::try_from(self.written).map_err(|_| Error::FileTooLarge)
    }

    /// Writes bytes, and zeros up to the end of their last sector.
    fn sectors(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.out.write_all(bytes)?;
        let rest = bytes.len().next_multiple_of(SECTOR) - bytes.len();
        self.out.write_all([0; SECTOR].get(..rest).unwrap_or_default())?;
        self.written += sectors(bytes.len());
        Ok(())
    }
}

fn numbers(entries: &[u32]) -> Vec<u8> {
    entries.iter().flat_map(|entry| entry.to_le_bytes()).collect()
}

fn sectors(bytes: usize) -> u64 {
    bytes.div_ceil(SECTOR) as u64
}
