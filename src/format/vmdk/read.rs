//! A strict reader, by the tables: it ends on any input and holds one grain and one grain table at a time.

use std::io::{self, Read, Seek, SeekFrom};

use super::descriptor::Descriptor;
use super::error::{Malformed, Unreadable};
use super::grain::{Grain, decompressed};
use super::header::{AT_END, SparseExtentHeader};
use super::marker::{GRAIN_MARKER, Marker};
use super::{GRAIN, GRAIN_SECTORS, LARGEST, SECTOR, TABLE_ENTRIES};

/// The longest descriptor that is read, in sectors.
const LONGEST_DESCRIPTOR: u64 = 1024;
/// More than any compressor makes of a grain.
const LONGEST_GRAIN: usize = 2 * GRAIN;

/// An image that is open.
#[derive(Debug)]
pub struct Image<S> {
    source: Source<S>,
    header: SparseExtentHeader,
    descriptor: Descriptor,
    /// Where the grain tables are, in sectors; 0 for none.
    directory: Vec<u32>,
    /// Whether a marker stands in front of each table: in images that have them behind their grains.
    in_stream: bool,
}

impl<S: Read + Seek> Image<S> {
    /// Reads all but the grains.
    ///
    /// # Errors
    /// At the first thing that is not as it should be, or if the source fails.
    pub fn open(source: S) -> Result<Self, Unreadable> {
        let mut source = Source(source);
        let mut header = SparseExtentHeader::from_bytes(&source.sector(0)?, 0)?;
        let in_stream = header.gd_offset == AT_END;
        if in_stream {
            header = source.footer(&header)?;
        }
        let wrong = |problem| Malformed { at: 0, problem };
        if header.capacity == 0 || header.capacity > LARGEST / SECTOR as u64 {
            return Err(wrong("the disk is empty or larger than 2 TiB").into());
        }
        if header.grain_size != GRAIN_SECTORS {
            return Err(wrong("grains are not of 64 KiB").into());
        }
        let descriptor = source.descriptor(&header)?;
        // VirtualBox lets the header end with a grain.
        if !matches!(header.capacity.checked_sub(descriptor.sectors), Some(0..GRAIN_SECTORS)) {
            return Err(wrong("header and descriptor disagree about the length of the disk").into());
        }
        let tables = small(header.capacity.div_ceil(GRAIN_SECTORS).div_ceil(TABLE_ENTRIES.into()));
        let marker = |sectors| in_stream.then_some(Marker::Directory(sectors));
        let directory = source.numbers(header.gd_offset, tables, marker)?;
        Ok(Self { source, header, descriptor, directory, in_stream })
    }

    /// The length of the disk, in bytes.
    #[must_use]
    pub const fn capacity(&self) -> u64 {
        self.descriptor.sectors * SECTOR as u64
    }

    /// Its identity, if it has one.
    #[must_use]
    pub fn uuid(&self) -> Option<&str> {
        self.descriptor.uuid.as_deref()
    }

    /// The grains that it holds, in order.
    #[must_use]
    pub fn grains(self) -> Grains<S> {
        Grains { image: self, next: 0, table: Vec::new() }
    }
}

/// The grains of an image; it ends behind the first that cannot be read.
#[derive(Debug)]
pub struct Grains<S> {
    image: Image<S>,
    /// The number of the grain to look for.
    next: u64,
    /// The grain table that it is in.
    table: Vec<u32>,
}

impl<S: Read + Seek> Iterator for Grains<S> {
    type Item = io::Result<Grain>;

    fn next(&mut self) -> Option<Self::Item> {
        let found = self.find().transpose()?;
        if found.is_err() {
            self.next = u64::MAX;
        }
        Some(found.map_err(io::Error::from))
    }
}

impl<S: Read + Seek> Grains<S> {
    /// The next grain that is there.
    fn find(&mut self) -> Result<Option<Grain>, Unreadable> {
        const ENTRIES: u64 = TABLE_ENTRIES as u64;
        while self.next.saturating_mul(GRAIN_SECTORS) < self.image.descriptor.sectors {
            let (number, entry) = (self.next / ENTRIES, self.next % ENTRIES);
            if entry == 0 {
                self.table = self.image.table(small(number))?;
            }
            match self.table.get(small(entry)) {
                // An empty table has no entries.
                None => self.next = (number + 1) * ENTRIES,
                Some(0) => self.next += 1,
                Some(sector) => {
                    let sector = u64::from(*sector);
                    let index = self.next;
                    self.next += 1;
                    return self.image.grain(index, sector).map(Some);
                }
            }
        }
        Ok(None)
    }
}

impl<S: Read + Seek> Image<S> {
    fn table(&mut self, number: usize) -> Result<Vec<u32>, Unreadable> {
        let sector = self.directory.get(number).copied().unwrap_or(0);
        if sector == 0 {
            return Ok(Vec::new());
        }
        let marker = |sectors| self.in_stream.then_some(Marker::Table(sectors));
        self.source.numbers(sector.into(), TABLE_ENTRIES as usize, marker)
    }

    fn grain(&mut self, index: u64, sector: u64) -> Result<Grain, Unreadable> {
        let at = sector * SECTOR as u64;
        let wrong = |problem| Unreadable::from(Malformed { at, problem });
        if sector < self.header.over_head {
            return Err(wrong("a grain table leads into the header"));
        }
        let first = self.source.sector(at)?;
        let size = match Marker::from_bytes(&first) {
            Some(Marker::Grain { lba, size }) if lba == index * GRAIN_SECTORS => size as usize,
            _ => return Err(wrong("this is not the grain that the grain table says")),
        };
        if size > LONGEST_GRAIN {
            return Err(wrong("a grain is longer than any"));
        }
        let mut stored = first.get(GRAIN_MARKER..).unwrap_or_default().to_vec();
        if size > stored.len() {
            let more = self.source.read(at + SECTOR as u64, size - stored.len())?;
            stored.extend(more);
        }
        stored.truncate(size);
        let length =
            small(self.descriptor.sectors.saturating_sub(index * GRAIN_SECTORS).min(GRAIN_SECTORS)) * SECTOR;
        let bytes = decompressed(&stored, GRAIN).filter(|bytes| bytes.len() >= length);
        let mut bytes = bytes.ok_or_else(|| wrong("a grain cannot be decompressed"))?;
        bytes.truncate(length);
        Ok(Grain { index, bytes })
    }
}

/// A file, with every access checked.
#[derive(Debug)]
struct Source<S>(S);

impl<S: Read + Seek> Source<S> {
    fn read(&mut self, at: u64, length: usize) -> Result<Vec<u8>, Unreadable> {
        let mut bytes = vec![0; length];
        self.fill(at, &mut bytes)?;
        Ok(bytes)
    }

    fn sector(&mut self, at: u64) -> Result<[u8; SECTOR], Unreadable> {
        let mut sector = [0; SECTOR];
        self.fill(at, &mut sector)?;
        Ok(sector)
    }

    fn fill(&mut self, at: u64, bytes: &mut [u8]) -> Result<(), Unreadable> {
        let filled = self.0.seek(SeekFrom::Start(at)).and_then(|_| self.0.read_exact(bytes));
        filled.map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidInput => {
                Malformed { at, problem: "the image ends before this" }.into()
            }
            _ => Unreadable::Io(error),
        })
    }

    /// The header at the end, which must agree with that at the start and have its markers around it.
    fn footer(&mut self, header: &SparseExtentHeader) -> Result<SparseExtentHeader, Unreadable> {
        let end = self.0.seek(SeekFrom::End(0)).map_err(Unreadable::Io)?;
        let [before, at, last] = [3, 2, 1].map(|sectors| end.saturating_sub(sectors * SECTOR as u64));
        let footer = SparseExtentHeader::from_bytes(&self.sector(at)?, at)?;
        let wrong = |at, problem| Err(Malformed { at, problem }.into());
        if (SparseExtentHeader { gd_offset: AT_END, ..footer.clone() }) != *header {
            return wrong(at, "header and footer disagree");
        }
        if footer.gd_offset == AT_END {
            return wrong(at, "the footer does not say where the grain directory is");
        }
        if Marker::from_bytes(&self.sector(before)?) != Some(Marker::Footer) {
            return wrong(before, "there is no marker in front of the footer");
        }
        if self.sector(last)? != [0; SECTOR] {
            return wrong(last, "there is no end-of-stream marker");
        }
        Ok(footer)
    }

    fn descriptor(&mut self, header: &SparseExtentHeader) -> Result<Descriptor, Unreadable> {
        let at = header.descriptor_offset.saturating_mul(SECTOR as u64);
        let length = small(header.descriptor_size.min(LONGEST_DESCRIPTOR)) * SECTOR;
        let bytes = self.read(at, length)?;
        let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
        Ok(Descriptor::from_text(&String::from_utf8_lossy(text), at)?)
    }

    /// A table of so many numbers from a sector on, and the marker that must stand in front of it.
    fn numbers(
        &mut self,
        sector: u64,
        count: usize,
        marker: impl Fn(u64) -> Option<Marker>,
    ) -> Result<Vec<u32>, Unreadable> {
        let at = sector.saturating_mul(SECTOR as u64);
        let length = count * 4;
        if let Some(expected) = marker(length.div_ceil(SECTOR) as u64) {
            let before = at.saturating_sub(SECTOR as u64);
            if Marker::from_bytes(&self.sector(before)?) != Some(expected) {
                return Err(
                    Malformed { at: before, problem: "there is no marker in front of a table" }.into()
                );
            }
        }
        let bytes = self.read(at, length)?;
        let (numbers, _) = bytes.as_chunks();
        Ok(numbers.iter().map(|number| u32::from_le_bytes(*number)).collect())
    }
}

/// A number that is below 2^32, for indexing.
fn small(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
