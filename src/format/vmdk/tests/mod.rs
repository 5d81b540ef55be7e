//! The bytes of an image against the specification; what is refused; and the way back through the reader.

mod bytes;
mod hostile;
mod round_trip;

use std::io::{self, Cursor};

use super::{Disk, Grain, Image, Raw, Unreadable, write};

pub(super) const UUID: &str = "9602e63d-a870-8fee-90aa-091a1d245c07";

pub(super) const MIB: u64 = 1 << 20;

pub(super) fn disk(capacity: u64) -> Disk {
    Disk { capacity, uuid: UUID.to_owned() }
}

/// An image of so many bytes that starts with this content.
pub(super) fn image(capacity: u64, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out, &disk(capacity), Raw::new(content)).unwrap();
    out
}

/// An image with these grains.
pub(super) fn image_of(capacity: u64, grains: &[Grain]) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out, &disk(capacity), grains.iter().cloned().map(Ok)).unwrap();
    out
}

/// The grains of an image.
pub(super) fn grains(image: &[u8]) -> Result<Vec<Grain>, String> {
    let open = Image::open(Cursor::new(image)).map_err(|error: Unreadable| error.to_string())?;
    open.grains().collect::<io::Result<_>>().map_err(|error| error.to_string())
}
