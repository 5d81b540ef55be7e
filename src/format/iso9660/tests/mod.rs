//! The bytes of an image against ECMA-119, SUSP and RRIP; what is refused; and the way back through the reader.

mod descriptors;
mod directories;
mod hostile;
mod refusals;
mod rock_ridge;
mod round_trip;

use jiff::Timestamp;

use super::{Image, SECTOR};

/// 2026-01-02T03:04:05.67Z
pub(super) fn date() -> Timestamp {
    "2026-01-02T03:04:05.67Z".parse().unwrap()
}

/// A cloud-init seed.
pub(super) fn seed() -> Vec<u8> {
    let mut image = Image::new("CIDATA", date()).unwrap();
    image.file("user-data", b"#cloud-config\n", 0o600).unwrap();
    image.file("meta-data", b"instance-id: a\n", 0o644).unwrap();
    image.file("network-config", b"version: 2\n", 0o644).unwrap();
    image.finish().unwrap()
}

/// Names that make every kind of entry: folders in folders, an empty file and folder, a name that needs a
/// continuation area, and a folder of several sectors.
pub(super) fn nested() -> Vec<u8> {
    let mut image = Image::new("NESTED", date()).unwrap();
    image.file("a/b/deep", b"deep", 0o644).unwrap();
    image.file("a.txt", b"", 0o644).unwrap();
    image.folder("nothing").unwrap();
    image.file(&format!("b/{}", "漢".repeat(84)), b"long", 0o755).unwrap();
    for number in 0..40 {
        image.file(&format!("many/file-number-{number}.text"), vec![number; 10], 0o644).unwrap();
    }
    image.finish().unwrap()
}

pub(super) fn sector(image: &[u8], number: usize) -> &[u8] {
    &image[number * SECTOR..(number + 1) * SECTOR]
}

/// A number in both byte orders, which must agree.
pub(super) fn both_32(bytes: &[u8], at: usize) -> u32 {
    let little = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    assert_eq!(little, u32::from_be_bytes(bytes[at + 4..at + 8].try_into().unwrap()), "byte orders at {at}");
    little
}

pub(super) fn both_16(bytes: &[u8], at: usize) -> u16 {
    let little = u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap());
    assert_eq!(little, u16::from_be_bytes(bytes[at + 2..at + 4].try_into().unwrap()), "byte orders at {at}");
    little
}

/// The records of a directory: each with its bytes, sector by sector.
pub(super) fn records(image: &[u8], first: u32, length: u32) -> Vec<&[u8]> {
    let mut records = Vec::new();
    for number in first..first + length / 2048 {
        let mut rest = sector(image, usize::try_from(number).unwrap());
        while rest.first().is_some_and(|length| *length != 0) {
            let (record, after) = rest.split_at(usize::from(rest[0]));
            records.push(record);
            rest = after;
        }
    }
    records
}

/// The records of the root directory that the descriptor in a sector points to.
pub(super) fn root_records(image: &[u8], descriptor: usize) -> Vec<&[u8]> {
    let descriptor = sector(image, descriptor);
    records(image, both_32(descriptor, 158), both_32(descriptor, 166))
}

pub(super) fn identifier(record: &[u8]) -> &[u8] {
    &record[33..33 + usize::from(record[32])]
}
