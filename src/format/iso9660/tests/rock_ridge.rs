//! System use entries (SUSP 1.12, RRIP 1.12).

use super::{both_32, date, identifier, nested, records, root_records, sector, seed};
use crate::format::iso9660::Image;

/// The system use field of a record.
fn system_use(record: &[u8]) -> &[u8] {
    &record[(33 + identifier(record).len()).next_multiple_of(2)..]
}

/// The entries of a field or an area, by signature.
fn entries(mut field: &[u8]) -> Vec<(&str, &[u8])> {
    let mut entries = Vec::new();
    while field.len() >= 4 {
        let (entry, rest) = field.split_at(usize::from(field[2]));
        assert_eq!(entry[3], 1, "version");
        entries.push((std::str::from_utf8(&entry[..2]).unwrap(), entry));
        field = rest;
    }
    entries
}

fn entry<'e>(entries: &[(&str, &'e [u8])], signature: &str) -> &'e [u8] {
    entries.iter().find(|(found, _)| *found == signature).unwrap().1
}

/// The area that a CE entry points to.
fn area<'i>(image: &'i [u8], entry: &[u8]) -> &'i [u8] {
    let [block, offset, length] = [4, 12, 20].map(|at| usize::try_from(both_32(entry, at)).unwrap());
    &sector(image, block)[offset..offset + length]
}

#[test]
fn the_root_announces_the_protocol() {
    let image = seed();
    let own = entries(system_use(root_records(&image, 16)[0]));
    assert_eq!(own[0], ("SP", &b"SP\x07\x01\xBE\xEF\x00"[..]), "SP is the first entry");
    let continued = entries(area(&image, entry(&own, "CE")));
    let extension = entry(&continued, "ER");
    assert_eq!(&extension[2..8], [185, 1, 10, 73, 94, 1]);
    assert_eq!(&extension[8..18], b"IEEE_P1282");
}

#[test]
fn only_the_root_announces_it() {
    let image = seed();
    for record in &root_records(&image, 16)[1..] {
        assert!(entries(system_use(record)).iter().all(|(signature, _)| !matches!(*signature, "SP" | "CE")));
    }
}

#[test]
fn a_file_has_mode_links_owner_and_serial_number() {
    let image = seed();
    let file = entries(system_use(root_records(&image, 16)[4]));
    let attributes = entry(&file, "PX");
    let fields = [4, 12, 20, 28, 36].map(|at| both_32(attributes, at));
    assert_eq!(fields, [0o100_600, 1, 0, 0, 0x1_0002]);
    let stamps = entry(&file, "TF");
    assert_eq!(stamps[4], 0b1110);
    assert_eq!(stamps[5..], [126, 1, 2, 3, 4, 5, 0].repeat(3));
    assert_eq!(entry(&file, "NM"), b"NM\x0E\x01\x00user-data");
}

#[test]
fn a_folder_links_to_itself_its_parent_and_its_folders() {
    let image = nested();
    let root = root_records(&image, 16);
    let links = |record| both_32(entry(&entries(system_use(record)), "PX"), 12);
    assert_eq!(links(root[0]), 6, "a, b, many and nothing");
    let folder = root.iter().find(|record| identifier(record) == b"A").unwrap();
    let inner = records(&image, both_32(folder, 2), both_32(folder, 10));
    assert_eq!((links(folder), links(inner[0]), links(inner[1])), (3, 3, 6));
}

#[test]
fn a_long_name_goes_on_in_a_continuation_area() {
    let image = nested();
    let root = root_records(&image, 16);
    let folder = root.iter().find(|record| identifier(record) == b"B").unwrap();
    let record = records(&image, both_32(folder, 2), 2048)[2];
    let field = entries(system_use(record));
    let head = entry(&field, "NM");
    let continued = entries(area(&image, entry(&field, "CE")));
    let tail = entry(&continued, "NM");
    assert_eq!((head[4], tail[4]), (1, 0), "flags");
    assert_eq!([&head[5..], &tail[5..]].concat(), "漢".repeat(84).into_bytes());
    assert_eq!(record.len(), 254);
}

#[test]
fn no_continuation_area_crosses_into_the_next_sector() {
    let mut image = Image::new("X", date()).unwrap();
    for number in 10..60 {
        image.file(&format!("{number}{}", "漢".repeat(83)), b"", 0o644).unwrap();
    }
    let image = image.finish().unwrap();
    let mut blocks = std::collections::BTreeSet::new();
    for record in &root_records(&image, 16)[2..] {
        let field = entries(system_use(record));
        let continuation = entry(&field, "CE");
        assert!(both_32(continuation, 12) + both_32(continuation, 20) <= 2048);
        assert!(area(&image, continuation).starts_with(b"NM"));
        blocks.insert(both_32(continuation, 4));
    }
    assert!(blocks.len() > 2, "{blocks:?}");
}
