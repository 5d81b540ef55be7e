//! The image of a system disk that `bpc bundle` is given: recognised, held against the blueprint, and brought into the
//! format of appliances.

#![expect(clippy::disallowed_methods, reason = "the driver is the reader")]

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use crate::format::terminal::path as shown_path;
use crate::format::{shell, vmdk};
use crate::site::{Image, Site};
use crate::value::Size;
use crate::write::Digesting;

/// An image that can be read.
#[derive(Debug)]
pub(super) struct DiskImage {
    path: PathBuf,
    kind: Kind,
    /// The length of the disk, in bytes.
    length: u64,
}

/// How an image holds the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Raw,
    Vmdk,
}

/// Why an image is of no use, and the way out.
#[derive(Debug)]
pub(super) struct Useless {
    pub(super) message: String,
    pub(super) help: String,
}

/// What a path leads to if it is neither a file nor a disk: to open a pipe may wait for ever, and `/dev/zero` has no end.
fn endless(path: &Path) -> Option<&'static str> {
    let kind = fs::metadata(path).ok()?.file_type();
    let kinds =
        [(kind.is_fifo(), "a pipe"), (kind.is_char_device(), "a device"), (kind.is_socket(), "a socket")];
    kinds.into_iter().find_map(|(is, what)| is.then_some(what))
}

/// How much is read or written at once.
const BUFFER: usize = 1 << 20;

/// What other images and archives of images start with.
const OTHERS: [(&[u8], &str); 9] = [
    (b"QFI\xfb", "a qcow2 image"),
    (b"<<< ", "a VDI image"),
    (b"vhdxfile", "a VHDX image"),
    (b"conectix", "a VHD image"),
    (b"# Disk DescriptorFile", "the descriptor of a VMDK image of several files"),
    (b"\x1f\x8b", "compressed by gzip"),
    (b"\xfd7zXZ\0", "compressed by xz"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd"),
    (b"BZh", "compressed by bzip2"),
];

impl DiskImage {
    /// Recognises the image at `path`.
    pub(super) fn open(path: &Path) -> Result<Self, Useless> {
        let unreadable = |error: &io::Error| Useless {
            message: format!("cannot read the disk image {}: {error}", shown_path(path)),
            help: "`--disk FILE` names a raw image or a stream-optimized VMDK".to_owned(),
        };
        let mut head = Vec::new();
        if let Some(what) = endless(path) {
            return Err(unreadable(&io::Error::other(format!("it is {what}, which cannot be read twice"))));
        }
        let mut file = File::open(path).map_err(|error| unreadable(&error))?;
        (&file).take(512).read_to_end(&mut head).map_err(|error| unreadable(&error))?;
        let other = |what: &str| Self::other(path, what);
        if let Some((_, what)) = OTHERS.iter().find(|(start, _)| head.starts_with(start)) {
            return Err(other(&format!("it is {what}")));
        }
        let (kind, length) = if head.starts_with(b"KDMV") {
            let image = vmdk::Image::open(BufReader::new(file)).map_err(|error| other(&error.to_string()))?;
            (Kind::Vmdk, image.capacity())
        } else {
            let length = file.seek(SeekFrom::End(0)).map_err(|error| unreadable(&error))?;
            // A disk that is to start a machine has it, also for EFI (the protective MBR of a GPT).
            if !head.ends_with(b"\x55\xaa") || !length.is_multiple_of(512) {
                return Err(other("it has no boot sector, or half a sector at its end"));
            }
            (Kind::Raw, length)
        };
        Ok(Self { path: path.to_owned(), kind, length })
    }

    fn other(path: &Path, what: &str) -> Useless {
        let quoted = shell::quote(&path.to_string_lossy());
        Useless {
            message: format!(
                "{} is neither a raw image of a disk nor a stream-optimized VMDK: {what}",
                shown_path(path)
            ),
            help: if what.contains("compressed by") {
                "unpack it; of what is no raw image then: qemu-img convert -O raw IMAGE disk.raw".to_owned()
            } else {
                format!("qemu-img convert -O raw {quoted} disk.raw")
            },
        }
    }

    /// Whether it is the one that each of these sites names, if it names one, and fits on its disks.
    pub(super) fn suits<'a>(&self, sites: impl IntoIterator<Item = &'a Site>) -> Result<(), Useless> {
        let mut digest = None;
        let shown = shown_path(&self.path);
        for Site { name, image: Image { disk, disk_file, .. }, .. } in sites {
            if self.length > disk.bytes() {
                let needed = Size::mib(self.length.div_ceil(1 << 20));
                return Err(Useless {
                    message: format!(
                        "{shown} has {} bytes, and the disks of '{name}' have {disk}",
                        self.length
                    ),
                    help: format!("`image: {{disk: {needed}}}` in its blueprint makes them large enough"),
                });
            }
            let Some(named) = disk_file else { continue };
            let found = match &digest {
                Some(found) => found,
                None => digest.insert(self.sha256()?),
            };
            if !named.sha256.eq_ignore_ascii_case(found) {
                return Err(Useless {
                    message: format!("{shown} is not the disk file of '{name}': its SHA-256 is {found}"),
                    help: format!(
                        "`image.disk_file` wants {}; if that is of a qcow2 or VDI image, let it name the raw one",
                        named.sha256
                    ),
                });
            }
        }
        Ok(())
    }

    fn sha256(&self) -> Result<String, Useless> {
        let mut out = Digesting::new(io::sink());
        let copied = File::open(&self.path)
            .and_then(|file| io::copy(&mut BufReader::with_capacity(BUFFER, file), &mut out));
        let digest = copied.and_then(|_| out.finish());
        digest.map(|(_, _, digest)| digest).map_err(|error| Useless {
            message: format!("cannot read the disk image {}: {error}", shown_path(&self.path)),
            help: "is it still there?".to_owned(),
        })
    }

    /// Writes it as a disk of an appliance; gives its length and SHA-256.
    pub(super) fn transcode(&self, disk: &vmdk::Disk, to: &File) -> Result<(u64, String), vmdk::Error> {
        let file = File::open(&self.path).map_err(vmdk::Error::Content)?;
        let mut out = Digesting::new(BufWriter::with_capacity(BUFFER, to));
        match self.kind {
            Kind::Raw => vmdk::write(&mut out, disk, vmdk::Raw::new(file))?,
            Kind::Vmdk => {
                let image = vmdk::Image::open(file).map_err(|error| vmdk::Error::Content(error.into()))?;
                vmdk::write(&mut out, disk, image.grains())?;
            }
        }
        out.flush()?;
        let (_, length, digest) = out.finish()?;
        Ok((length, digest))
    }
}
