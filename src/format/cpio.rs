//! cpio archives of the kind that kernels unpack as their first root file system: "newc", packed by gzip
//! (cpio(5), "New ASCII Format"; Documentation/driver-api/early-userspace/buffer-format.rst of Linux).

use std::fmt;
use std::io::{Read, Write};

use flate2::bufread::GzDecoder;
use flate2::{Compression, GzBuilder};

/// The number that an entry begins with.
const MAGIC: &str = "070701";
/// The name of the entry that ends an archive.
const TRAILER: &str = "TRAILER!!!";
/// The length of an entry without its name and content.
const HEADER: usize = 110;
/// An archive's length is a multiple of this.
const BLOCK: usize = 512;
/// Among the bits of a mode those that tell a file's kind, and what they are for a plain file.
const KIND: u32 = 0o170_000;
const PLAIN: u32 = 0o100_000;
/// The fields of a header, in their order, of eight digits each.
const FIELDS: usize = 13;

/// A plain file of an archive, root's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name, in the root folder.
    pub name: String,
    /// Its permissions.
    pub mode: u32,
    /// When it was last written, in seconds since 1970.
    pub modified: u32,
    /// Its bytes.
    pub content: Vec<u8>,
}

/// Why an archive cannot be written or read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// A name that is none, has a slash, or is that of the end.
    Name(String),
    /// Permissions that are more than that.
    Mode(u32),
    /// A file too long for the format.
    Length(String),
    /// What is at this offset is not what an archive of ours has there.
    Malformed(usize, &'static str),
    /// The bytes are not packed by gzip, or not to their end.
    Packing(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, "`{name}` cannot be the name of an entry"),
            Self::Mode(mode) => write!(f, "{mode:o} are no permissions"),
            Self::Length(name) => write!(f, "{name} is too long"),
            Self::Malformed(offset, what) => write!(f, "at byte {offset}: {what}"),
            Self::Packing(why) => write!(f, "cannot be unpacked: {why}"),
        }
    }
}

impl std::error::Error for Error {}

/// An archive of these files, packed in one go: the same files give the same bytes.
///
/// # Errors
/// If a name, a mode or a length is nothing that the format can say.
pub fn write(entries: &[Entry]) -> Result<Vec<u8>, Error> {
    let mut archive = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        if !is_name(&entry.name) || entries.iter().take(index).any(|earlier| earlier.name == entry.name) {
            return Err(Error::Name(entry.name.clone()));
        }
        if entry.mode > 0o7777 {
            return Err(Error::Mode(entry.mode));
        }
        let too_long = || Error::Length(entry.name.clone());
        let number = u32::try_from(index + 1).map_err(|_| too_long())?;
        let length = u32::try_from(entry.content.len()).map_err(|_| too_long())?;
        // Inode, mode, user, group, links, time, length.
        let fields = [number, PLAIN | entry.mode, 0, 0, 1, entry.modified, length];
        header(&mut archive, fields, &entry.name);
        archive.extend(&entry.content);
        pad(&mut archive, 4);
    }
    header(&mut archive, [0, 0, 0, 0, 1, 0, 0], TRAILER);
    pad(&mut archive, BLOCK);
    pack(&archive).map_err(|error| Error::Packing(error.to_string()))
}

fn is_name(name: &str) -> bool {
    !["", ".", "..", TRAILER].contains(&name) && !name.contains(['/', '\0'])
}

fn header(archive: &mut Vec<u8>, fields: [u32; 7], name: &str) {
    archive.extend(MAGIC.bytes());
    let length = u32::try_from(name.len() + 1).unwrap_or(u32::MAX);
    // The numbers of two devices, two parts each, and a sum that this format does not have.
    for field in fields.into_iter().chain([0, 0, 0, 0, length, 0]) {
        archive.extend(format!("{field:08x}").bytes());
    }
    archive.extend(name.bytes());
    archive.push(0);
    pad(archive, 4);
}

fn pad(archive: &mut Vec<u8>, step: usize) {
    archive.resize(archive.len().next_multiple_of(step), 0);
}

/// One call, since what the packer makes depends on how writes are cut; no time and no name.
fn pack(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut packer = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    packer.write_all(bytes)?;
    packer.finish()
}

/// The files of an archive, which has nothing that [`write()`] would not have written.
///
/// # Errors
/// If it has.
pub fn read(packed: &[u8]) -> Result<Vec<Entry>, Error> {
    let mut archive = Vec::new();
    let mut unpacker = GzDecoder::new(packed);
    unpacker.read_to_end(&mut archive).map_err(|error| Error::Packing(error.to_string()))?;
    if !unpacker.into_inner().is_empty() {
        return Err(Error::Packing("more follows".to_owned()));
    }
    let mut reader = Reader { archive: &archive, offset: 0 };
    let mut entries = Vec::new();
    loop {
        let start = reader.offset;
        let malformed = |what| Error::Malformed(start, what);
        let ([inode, mode, user, group, links, modified, length], name) = reader.header()?;
        if name == TRAILER {
            let rest = reader.take(archive.len() - reader.offset)?;
            let ends = archive.len().is_multiple_of(BLOCK)
                && rest.len() < BLOCK
                && rest.iter().all(|byte| *byte == 0);
            let empty = [inode, mode, user, group, modified, length] == [0; 6] && links == 1;
            return if ends && empty { Ok(entries) } else { Err(malformed("not the end")) };
        }
        if !is_name(&name) || entries.iter().any(|earlier: &Entry| earlier.name == name) {
            return Err(Error::Name(name));
        }
        if mode & KIND != PLAIN || mode >> 16 != 0 || [user, group, links] != [0, 0, 1] {
            return Err(malformed("not a plain file of root's"));
        }
        if usize::try_from(inode) != Ok(entries.len() + 1) {
            return Err(malformed("an inode out of order"));
        }
        let content = reader.take(usize::try_from(length).map_err(|_| malformed("too long"))?)?.to_vec();
        reader.padding()?;
        entries.push(Entry { name, mode: mode & !KIND, modified, content });
    }
}

struct Reader<'a> {
    archive: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Error> {
        let end = self.offset.saturating_add(length);
        let taken = self.archive.get(self.offset..end);
        let taken = taken.ok_or(Error::Malformed(self.offset, "the archive ends too early"))?;
        self.offset = end;
        Ok(taken)
    }

    /// The first seven fields of a header, and the name behind it.
    fn header(&mut self) -> Result<([u32; 7], String), Error> {
        let start = self.offset;
        let malformed = |what| Error::Malformed(start, what);
        let text = std::str::from_utf8(self.take(HEADER)?).map_err(|_| malformed("not a header"))?;
        let digits = text.strip_prefix(MAGIC).ok_or(malformed("not a header"))?;
        let mut fields = [0; FIELDS];
        for (field, digits) in fields.iter_mut().zip(digits.as_bytes().chunks(8)) {
            let digits =
                std::str::from_utf8(digits).ok().filter(|it| it.bytes().all(|c| c.is_ascii_hexdigit()));
            let value = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
            *field = value.ok_or(malformed("not a number"))?;
        }
        let [inode, mode, user, group, links, modified, length, devices @ .., name, sum] = fields;
        if devices != [0; 4] || sum != 0 {
            return Err(malformed("a device or a sum"));
        }
        let name = self.take(usize::try_from(name).map_err(|_| malformed("too long"))?)?;
        let name = name.strip_suffix(&[0]).and_then(|name| std::str::from_utf8(name).ok());
        let name = name.ok_or(malformed("not a name"))?.to_owned();
        self.padding()?;
        Ok(([inode, mode, user, group, links, modified, length], name))
    }

    fn padding(&mut self) -> Result<(), Error> {
        let start = self.offset;
        let padding = self.take(self.offset.next_multiple_of(4) - self.offset)?;
        let empty = padding.iter().all(|byte| *byte == 0);
        if empty { Ok(()) } else { Err(Error::Malformed(start, "padding that is not empty")) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(name: &str, content: &[u8]) -> Entry {
        Entry { name: name.to_owned(), mode: 0o644, modified: 1_767_225_600, content: content.to_vec() }
    }

    fn unpacked(packed: &[u8]) -> Vec<u8> {
        let mut archive = Vec::new();
        GzDecoder::new(packed).read_to_end(&mut archive).unwrap();
        archive
    }

    #[test]
    fn an_entry_field_by_field() {
        let archive = unpacked(&write(&[entry("preseed.cfg", b"d-i")]).unwrap());
        let header = "070701 00000001 000081a4 00000000 00000000 00000001 6955b900 00000003 \
                      00000000 00000000 00000000 00000000 0000000c 00000000";
        assert_eq!(String::from_utf8_lossy(&archive[..HEADER]), header.replace(' ', ""));
        assert_eq!(&archive[HEADER..HEADER + 18], b"preseed.cfg\0\0\0d-i\0");
        assert_eq!(archive.len(), BLOCK);
    }

    #[test]
    fn neither_time_nor_name_is_in_the_packing() {
        let packed = write(&[entry("preseed.cfg", b"d-i")]).unwrap();
        assert_eq!(packed[..8], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn what_the_format_cannot_say_is_refused() {
        for name in ["", ".", "..", "a/b", "/a", "a\0", TRAILER] {
            assert_eq!(write(&[entry(name, b"")]), Err(Error::Name(name.to_owned())));
        }
        assert_eq!(write(&[entry("a", b""), entry("a", b"")]), Err(Error::Name("a".to_owned())));
        assert_eq!(write(&[Entry { mode: 0o100_644, ..entry("a", b"") }]), Err(Error::Mode(0o100_644)));
    }

    #[test]
    fn every_byte_of_an_archive_counts() {
        let archive = unpacked(&write(&[entry("preseed.cfg", b"d-i")]).unwrap());
        let whole = read(&pack(&archive).unwrap());
        for index in 0..archive.len() {
            let mut changed = archive.clone();
            changed[index] ^= 1;
            assert_ne!(read(&pack(&changed).unwrap()), whole, "byte {index}");
        }
        for length in 0..archive.len() {
            assert!(read(&pack(&archive[..length]).unwrap()).is_err(), "{length} bytes");
        }
        assert!(read(&[pack(&archive).unwrap(), vec![0]].concat()).is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            files in prop::collection::btree_map("[a-z.]{3,40}", prop::collection::vec(any::<u8>(), 0..600), 0..6),
            mode in 0_u32..0o10_000,
            modified: u32,
        ) {
            let entries: Vec<Entry> = files
                .into_iter()
                .map(|(name, content)| Entry { name, mode, modified, content })
                .collect();
            prop_assert_eq!(read(&write(&entries).unwrap()), Ok(entries));
        }

        #[test]
        fn any_archive_is_read_to_an_end(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            let _ = read(&pack(&bytes).unwrap());
            let _ = read(&pack(&[MAGIC.as_bytes(), &bytes].concat()).unwrap());
        }
    }
}
