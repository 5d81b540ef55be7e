//! The files of an image, gathered and checked one by one.

use std::{borrow::Cow, fmt};

use jiff::Timestamp;

use super::{
    Error,
    field::Date,
    layout::Layout,
    name,
    tree::{File, Folder, Node},
};

/// An image to be: a volume identifier, a date, and files.
///
/// ```
/// use bpc::format::iso9660::Image;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut image = Image::new("CIDATA", "2026-01-01T00:00:00Z".parse()?)?;
/// image.file("user-data", b"#cloud-config\n", 0o600)?.file("meta-data", b"instance-id: a\n", 0o644)?;
/// assert_eq!(image.finish()?.len() % 2048, 0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Image<'a> {
    pub(super) identifier: VolumeIdentifier,
    pub(super) date: Date,
    root: Folder<'a>,
}

impl<'a> Image<'a> {
    /// An empty image. The identifier is what `LABEL=` finds; the date becomes the date of everything in the image.
    ///
    /// # Errors
    /// If the identifier does not fit both descriptors, or the year is not in 1900 to 2155.
    pub fn new(identifier: &str, date: Timestamp) -> Result<Self, Error> {
        Ok(Self {
            identifier: VolumeIdentifier::new(identifier)?,
            date: Date::new(date)?,
            root: Folder::default(),
        })
    }

    /// Adds a file, and the folders on its path with mode 0755. The path has neither a leading nor a trailing slash.
    ///
    /// # Errors
    /// If the path is there already, or the file or a name on the path does not fit both trees as it is.
    pub fn file(
        &mut self,
        path: &str,
        bytes: impl Into<Cow<'a, [u8]>>,
        mode: u32,
    ) -> Result<&mut Self, Error> {
        let names = name::components(path)?;
        let folders = names.split_last().map_or(&[][..], |(_, folders)| folders);
        name::check_depth(folders, path)?;
        if mode & !0o7777 != 0 {
            return Err(Error::Mode { path: path.into(), mode });
        }
        let bytes = bytes.into();
        if u32::try_from(bytes.len()).is_err() {
            return Err(Error::FileTooLarge { path: path.into() });
        }
        self.root.insert(path, &names, Node::File(File { bytes, mode, number: 0, sector: 0 }))?;
        Ok(self)
    }

    /// Adds a folder that may stay empty. One that is there already is left as it is.
    ///
    /// # Errors
    /// If a name on the path is a file, or does not fit both trees as it is.
    pub fn folder(&mut self, path: &str) -> Result<&mut Self, Error> {
        let names = name::components(path)?;
        name::check_depth(&names, path)?;
        self.root.insert(path, &names, Node::Folder(Folder::default()))?;
        Ok(self)
    }

    /// The bytes of the image, a whole number of sectors.
    ///
    /// # Errors
    /// If there is more than path tables can number or sector addresses can reach.
    pub fn finish(mut self) -> Result<Vec<u8>, Error> {
        let file_sectors = self.root.place_files()?;
        Ok(Layout::new(&self.root, self.date, file_sectors)?.write(&self.identifier, self.date))
    }
}

/// A volume identifier that both descriptors hold whole: of the 32 bytes (ECMA-119 8.4.6, 8.5.5) Joliet makes 16
/// characters, and the primary descriptor wants d-characters (ECMA-119 7.4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct VolumeIdentifier(String);

impl VolumeIdentifier {
    fn new(text: &str) -> Result<Self, Error> {
        let is_d_character = |c| matches!(c, 'A'..='Z' | '0'..='9' | '_');
        if (1..=16).contains(&text.len()) && text.chars().all(is_d_character) {
            Ok(Self(text.into()))
        } else {
            Err(Error::VolumeIdentifier(text.into()))
        }
    }
}

impl fmt::Display for VolumeIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
