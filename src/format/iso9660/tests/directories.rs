//! Directory records and path tables (ECMA-119 6.8, 6.9, 9).

use super::{both_16, both_32, date, identifier, nested, records, root_records, sector, seed};
use crate::format::iso9660::Image;

#[test]
fn a_record_field_by_field() {
    let image = seed();
    let record = root_records(&image, 17)[2];
    assert_eq!(usize::from(record[0]), record.len());
    assert_eq!(record[1], 0, "extended attribute record length");
    let extent = sector(&image, usize::try_from(both_32(record, 2)).unwrap());
    assert_eq!(both_32(record, 10), 15);
    assert_eq!(&extent[..16], b"instance-id: a\n\0");
    assert_eq!(&record[18..25], [126, 1, 2, 3, 4, 5, 0], "date");
    assert_eq!(&record[25..28], [0; 3], "flags, unit size, gap");
    assert_eq!(both_16(record, 28), 1, "volume sequence number");
    assert_eq!(identifier(record), b"\0m\0e\0t\0a\0-\0d\0a\0t\0a");
    assert_eq!(&record[51..], [0], "padding field");
}

#[test]
fn a_directory_begins_with_itself_and_its_parent() {
    let image = nested();
    for descriptor in [16, 17] {
        let root = root_records(&image, descriptor);
        assert_eq!((identifier(root[0]), identifier(root[1])), (&[0][..], &[1][..]));
        assert_eq!(root[0][2..18], root[1][2..18], "the root is its own parent");
        let folder = root.iter().find(|record| matches!(identifier(record), b"A" | b"\0a")).unwrap();
        let inner = records(&image, both_32(folder, 2), both_32(folder, 10));
        assert_eq!(inner[0][2..18], folder[2..18]);
        assert_eq!(inner[1][2..18], root[0][2..18]);
        assert_eq!((folder[25], inner[0][25], inner[1][25]), (2, 2, 2), "directory flags");
    }
}

#[test]
fn both_trees_share_the_extents() {
    let image = seed();
    let extents =
        |descriptor| root_records(&image, descriptor)[2..].iter().map(|r| r[2..18].to_vec()).collect();
    let (primary, joliet): (Vec<Vec<u8>>, Vec<Vec<u8>>) = (extents(16), extents(17));
    assert_eq!(primary, joliet);
}

#[test]
fn records_of_a_large_directory_stay_inside_their_sectors() {
    let image = nested();
    for (descriptor, name) in [(16, &b"MANY"[..]), (17, b"\0m\0a\0n\0y")] {
        let root = root_records(&image, descriptor);
        let many = root.iter().find(|record| identifier(record) == name).unwrap();
        assert!(both_32(many, 10) > 2048);
        assert_eq!(records(&image, both_32(many, 2), both_32(many, 10)).len(), 42);
    }
}

/// The identifiers of both trees for files of these names.
fn identifiers(names: &[&str]) -> [Vec<String>; 2] {
    let mut image = Image::new("X", date()).unwrap();
    for name in names {
        image.file(name, b"", 0o644).unwrap();
    }
    let image = image.finish().unwrap();
    [16, 17].map(|descriptor| {
        let children = &root_records(&image, descriptor)[2..];
        let text = |record| String::from_utf8_lossy(identifier(record)).replace('\0', "");
        children.iter().map(|record| text(record)).collect()
    })
}

#[test]
fn short_names_are_mangled_and_numbered() {
    let [primary, _] =
        identifiers(&["user-data", "user-date", "user-dat", "a.tar.gz", ".profile", "é.conf", "x"]);
    assert_eq!(
        primary,
        ["A_TAR.GZ;1", "USER_DA1.;1", "USER_DA2.;1", "USER_DAT.;1", "X.;1", "_.CON;1", "_PROFILE.;1"]
    );
}

#[test]
fn a_number_that_is_a_name_already_is_passed_over() {
    let [primary, _] = identifiers(&["AAAAAAA1", "aaaaaaaaa", "aaaaaaaab"]);
    assert_eq!(primary, ["AAAAAAA1.;1", "AAAAAAA2.;1", "AAAAAAAA.;1"]);
}

#[test]
fn a_file_and_a_folder_do_not_share_a_short_name() {
    let mut image = Image::new("X", date()).unwrap();
    image.file("A", b"", 0o644).unwrap().file("a/b", b"", 0o644).unwrap();
    let image = image.finish().unwrap();
    let names: Vec<_> = root_records(&image, 16)[2..].iter().map(|record| identifier(record)).collect();
    assert_eq!(names, [&b"A.;1"[..], b"A1"]);
}

#[test]
fn the_shorter_name_comes_first_whatever_follows_its_dot() {
    let [primary, joliet] = identifiers(&["a.b", "a0.b", "a-b", "a b", "a", "a.b.c"]);
    assert_eq!(joliet, ["a", "a.b", "a.b.c", "a b", "a-b", "a0.b"]);
    assert_eq!(primary, ["A.;1", "A.B;1", "A0.B;1", "A_B.;1", "A_B.C;1", "A_B1.;1"]);
}

/// A path table as (sector, parent number, identifier).
fn path_table(image: &[u8], descriptor: usize, little: bool) -> Vec<(u32, u16, Vec<u8>)> {
    let descriptor = sector(image, descriptor);
    let number_32 = |bytes: &[u8]| {
        let bytes = bytes.try_into().unwrap();
        if little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) }
    };
    let number_16 = |bytes: &[u8]| {
        let bytes = bytes.try_into().unwrap();
        if little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) }
    };
    let location = if little { &descriptor[140..144] } else { &descriptor[148..152] };
    let start = usize::try_from(number_32(location)).unwrap() * 2048;
    let mut rest = &image[start..start + usize::try_from(both_32(descriptor, 132)).unwrap()];
    let mut table = Vec::new();
    while let [length, 0, ..] = rest {
        let length = usize::from(*length);
        table.push((number_32(&rest[2..6]), number_16(&rest[6..8]), rest[8..8 + length].to_vec()));
        rest = &rest[8 + length.next_multiple_of(2)..];
    }
    assert!(rest.is_empty());
    table
}

#[test]
fn path_tables_list_levels_then_parents_then_identifiers() {
    let mut image = Image::new("X", date()).unwrap();
    for path in ["b/z", "b/c", "a/z/q", "a/y", "c"] {
        image.folder(path).unwrap();
    }
    let image = image.finish().unwrap();
    let table = path_table(&image, 16, true);
    let listed: Vec<_> = table.iter().map(|(_, parent, name)| (*parent, name.as_slice())).collect();
    let expected: [(u16, &[u8]); 9] =
        [(1, b"\0"), (1, b"A"), (1, b"B"), (1, b"C"), (2, b"Y"), (2, b"Z"), (3, b"C"), (3, b"Z"), (6, b"Q")];
    assert_eq!(listed, expected);
}

#[test]
fn path_tables_point_to_the_directories_in_both_byte_orders() {
    let image = nested();
    for descriptor in [16, 17] {
        let table = path_table(&image, descriptor, true);
        assert_eq!(table, path_table(&image, descriptor, false));
        assert_eq!(table.len(), 6);
        for (location, parent, _) in &table {
            let directory = sector(&image, usize::try_from(*location).unwrap());
            assert_eq!(both_32(directory, 2), *location, "the directory's own record");
            let above = usize::from(directory[0]);
            assert_eq!(both_32(&directory[above..], 2), table[usize::from(*parent) - 1].0, "its parent's");
        }
    }
}
