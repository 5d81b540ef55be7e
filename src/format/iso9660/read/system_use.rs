//! The SUSP entries of a directory record.

use super::{
    super::{
        SECTOR,
        rock_ridge::{CONTINUE, DIRECTORY, REGULAR},
    },
    Malformed,
    record::Record,
    source::{Source, sector_start},
};

/// What Rock Ridge says of a file or folder.
#[derive(Debug, Default)]
pub(super) struct SystemUse {
    /// `st_mode`, from PX.
    pub(super) mode: Option<u32>,
    /// The name, from all NM entries.
    pub(super) name: Vec<u8>,
    /// Whether SP and ER say that this is Rock Ridge.
    pub(super) announced: (bool, bool),
    /// Whether the last NM entry said that the name goes on.
    unfinished: bool,
}

/// The longest name that a file system hands out (`NAME_MAX`).
const NAME_MAX: usize = 255;

/// The bits of `st_mode` that are not the file type.
const PERMISSIONS: u32 = 0o7777;

impl SystemUse {
    /// Reads the entries in a record, and in the one continuation area that it may have.
    pub(super) fn read(source: Source<'_>, record: &Record<'_>) -> Result<Self, Malformed> {
        let mut read = Self::default();
        let end = record.at + record.length;
        if let Some((start, end)) = read.entries(source, record.system_use, end)?
            && read.entries(source, start, end)?.is_some()
        {
            return Err(Malformed { at: start, problem: "a continuation area is continued" });
        }
        if read.unfinished {
            return Err(Malformed { at: record.at, problem: "the rest of a name is missing (RRIP 4.1.4)" });
        }
        Ok(read)
    }

    /// The permissions, if the type in `st_mode` is that of the record.
    pub(super) fn permissions(&self, record: &Record<'_>) -> Result<u32, Malformed> {
        let kind = if record.is_directory { DIRECTORY } else { REGULAR };
        let mode = self.mode.filter(|mode| mode & !PERMISSIONS == kind);
        let problem = "no PX entry, or one for another type of file (RRIP 4.1.1)";
        mode.map(|mode| mode & PERMISSIONS).ok_or(Malformed { at: record.at, problem })
    }

    /// Reads entries up to the end; returns where the continuation area begins and ends.
    fn entries(
        &mut self,
        source: Source<'_>,
        start: usize,
        end: usize,
    ) -> Result<Option<(usize, usize)>, Malformed> {
        let mut at = start;
        let mut continuation = None;
        while end.saturating_sub(at) >= 4 {
            let length = usize::from(source.byte(at + 2)?);
            if length < 4 || length > end - at || source.byte(at + 3)? != 1 {
                return Err(Malformed { at, problem: "not a system use entry (SUSP 4.1)" });
            }
            if source.slice(at, 2)? == b"CE" {
                if continuation.is_some() {
                    return Err(Malformed { at, problem: "two continuation areas (SUSP 5.1)" });
                }
                continuation = Some(area(source, at)?);
            } else {
                self.entry(source, at, length)?;
            }
            at += length;
        }
        Ok(continuation)
    }

    fn entry(&mut self, source: Source<'_>, at: usize, length: usize) -> Result<(), Malformed> {
        let entry = source.slice(at, length)?;
        match entry {
            [b'S', b'P', _, _, 0xBE, 0xEF, 0] => self.announced.0 = true,
            [b'E', b'R', _, _, 10, _, _, 1, rest @ ..] if rest.starts_with(b"IEEE_P1282") => {
                self.announced.1 = true;
            }
            [b'P', b'X', ..] if length == 44 && self.mode.is_none() => {
                self.mode = Some(source.both_32(at + 4)?);
            }
            [b'T', b'F', ..] => {}
            [b'N', b'M', _, _, flags @ (0 | CONTINUE), part @ ..]
                if self.name.is_empty() || self.unfinished =>
            {
                self.name.extend(part);
                self.unfinished = *flags == CONTINUE;
                if self.name.len() > NAME_MAX {
                    return Err(Malformed { at, problem: "a name of more than 255 bytes" });
                }
            }
            _ => return Err(Malformed { at, problem: "a system use entry that is not known" }),
        }
        Ok(())
    }
}

/// The bounds of the area that a CE entry names (SUSP 5.1), which lies in one sector.
fn area(source: Source<'_>, at: usize) -> Result<(usize, usize), Malformed> {
    let outside = Malformed { at, problem: "the continuation area is not inside one sector (SUSP 5.1)" };
    let block = sector_start(source.both_32(at + 4)?).ok_or(outside)?;
    let number = |at| usize::try_from(source.both_32(at)?).map_err(|_| outside);
    let (offset, length) = (number(at + 12)?, number(at + 20)?);
    let end = offset.checked_add(length).filter(|end| *end <= SECTOR).ok_or(outside)?;
    block.checked_add(end).map(|end| (block + offset, end)).ok_or(outside)
}
