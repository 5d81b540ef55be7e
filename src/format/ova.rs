//! OVA: the descriptor of a machine, a manifest and the files that it refers to, in one archive (DSP0243, section 5.3).
//!
//! The archive is ustar (POSIX.1-1988): VirtualBox reads it once from front to back, and no extended headers.

use std::io::{self, Read, Write};

use tar::{Builder, EntryType, Header};

/// A file of a package.
pub struct Member<R> {
    /// Its name, without a folder.
    pub name: String,
    /// Its length in bytes.
    pub length: u64,
    /// Its SHA-256, in hex.
    pub sha256: String,
    /// Its bytes.
    pub content: R,
}

/// The longest member: its length has eleven octal digits.
const LONGEST: u64 = (1 << 33) - 1;

/// Writes a package: `NAME.ovf`, `NAME.mf`, then the files in the order in which the descriptor refers to them. All of
/// them carry this time, in seconds since 1970.
///
/// # Errors
/// If a file is longer than ustar can say, is not as long as was said, or cannot be read; or the archive not written.
pub fn write<R: Read>(
    out: impl Write,
    name: &str,
    descriptor: Member<R>,
    members: Vec<Member<R>>,
    modified: u64,
) -> io::Result<()> {
    let mut archive = Archive { tar: Builder::new(out), modified };
    // No blank before the parenthesis: readers know no other form.
    let line = |member: &Member<R>| format!("SHA256({})= {}\n", member.name, member.sha256);
    let manifest: String = [&descriptor].into_iter().chain(&members).map(line).collect();
    archive.add(&descriptor.name, descriptor.length, descriptor.content)?;
    archive.add(&format!("{name}.mf"), manifest.len() as u64, manifest.as_bytes())?;
    for member in members {
        archive.add(&member.name, member.length, member.content)?;
    }
    archive.tar.into_inner()?.flush()
}

struct Archive<W: Write> {
    tar: Builder<W>,
    modified: u64,
}

impl<W: Write> Archive<W> {
    fn add(&mut self, name: &str, length: u64, content: impl Read) -> io::Result<()> {
        if length > LONGEST {
            let message = format!("{name} has {length} bytes, and an OVA holds files of less than 8 GiB");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
        }
        let mut header = Header::new_ustar();
        header.set_path(name)?;
        header.set_size(length);
        // It may be a secret, for whoever unpacks it.
        header.set_mode(0o600);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(self.modified);
        header.set_entry_type(EntryType::Regular);
        header.set_cksum();
        let mut content = content.take(length);
        self.tar.append(&header, &mut content)?;
        if content.limit() > 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("{name} became shorter")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, length: u64, content: &'static [u8]) -> Member<&'static [u8]> {
        Member { name: name.to_owned(), length, sha256: format!("digest of {name}"), content }
    }

    fn written(members: Vec<Member<&'static [u8]>>) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        write(&mut out, "a", member("a.ovf", 3, b"ovf"), members, 1_767_225_600)?;
        Ok(out)
    }

    #[test]
    fn members_are_in_order_and_plain() {
        let archive = written(vec![member("z.vmdk", 2, b"zz"), member("b.iso", 1, b"b")]).unwrap();
        let mut read = tar::Archive::new(archive.as_slice());
        let mut found = Vec::new();
        for entry in read.entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            let header = entry.header();
            assert!(header.as_ustar().is_some());
            assert_eq!((header.mtime().unwrap(), header.mode().unwrap()), (1_767_225_600, 0o600));
            assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
            found.push((entry.path().unwrap().display().to_string(), text));
        }
        let found: Vec<_> = found.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        let manifest = "SHA256(a.ovf)= digest of a.ovf\nSHA256(z.vmdk)= digest of z.vmdk\nSHA256(b.iso)= digest of b.iso\n";
        assert_eq!(found, [("a.ovf", "ovf"), ("a.mf", manifest), ("z.vmdk", "zz"), ("b.iso", "b")]);
        assert_eq!(archive.len(), 4 * 1024 + 1024);
    }

    #[test]
    fn a_member_of_another_length_is_refused() {
        assert_eq!(written(vec![member("b", 2, b"b")]).unwrap_err().to_string(), "b became shorter");
        assert!(
            written(vec![member("b", 1 << 33, b"b")]).unwrap_err().to_string().contains("less than 8 GiB")
        );
    }
}
