//! Volume descriptors, field by field (ECMA-119 8).

use super::{both_16, both_32, nested, sector, seed};

#[test]
fn the_system_area_is_zero() {
    assert!(seed()[..16 * 2048].iter().all(|byte| *byte == 0));
}

#[test]
fn primary_descriptor() {
    let image = seed();
    let descriptor = sector(&image, 16);
    assert_eq!(&descriptor[0..7], b"\x01CD001\x01");
    assert_eq!(&descriptor[8..40], [b' '; 32]);
    assert_eq!(&descriptor[40..72], b"CIDATA                          ");
    assert_eq!(usize::try_from(both_32(descriptor, 80)).unwrap() * 2048, image.len());
    assert_eq!(&descriptor[88..120], [0; 32]);
    assert_eq!((both_16(descriptor, 120), both_16(descriptor, 124)), (1, 1));
    assert_eq!(both_16(descriptor, 128), 2048);
    assert_eq!(&descriptor[190..813], [b' '; 623]);
    assert_eq!(&descriptor[813..830], b"2026010203040567\0");
    assert_eq!(&descriptor[830..847], b"2026010203040567\0");
    assert_eq!(&descriptor[847..864], b"0000000000000000\0");
    assert_eq!(&descriptor[864..881], b"0000000000000000\0");
    assert_eq!(descriptor[881], 1);
    assert!(descriptor[882..].iter().all(|byte| *byte == 0));
}

#[test]
fn joliet_descriptor() {
    let image = seed();
    let descriptor = sector(&image, 17);
    assert_eq!(&descriptor[0..8], b"\x02CD001\x01\x00");
    assert_eq!(&descriptor[40..54], b"\0C\0I\0D\0A\0T\0A\0 ");
    assert_eq!(&descriptor[88..92], b"%/E\0");
    assert_eq!(&descriptor[702..706], b"\0 \0 ", "copyright file identifier");
    assert_eq!(descriptor[738], 0, "its odd byte");
    assert_eq!(both_32(descriptor, 80), both_32(sector(&image, 16), 80));
    assert_eq!(&descriptor[813..830], b"2026010203040567\0");
}

#[test]
fn the_terminator_ends_the_set() {
    let image = seed();
    assert_eq!(&sector(&image, 18)[..7], b"\xFFCD001\x01");
    assert!(sector(&image, 18)[7..].iter().all(|byte| *byte == 0));
}

#[test]
fn the_root_record_in_each_descriptor_is_that_of_the_root_itself() {
    for image in [seed(), nested()] {
        for number in [16, 17] {
            let descriptor = sector(&image, number);
            let record = &descriptor[156..190];
            let root = sector(&image, usize::try_from(both_32(record, 2)).unwrap());
            assert_eq!(record[0], 34);
            assert_eq!(&record[1..34], &root[1..34], "all but the length");
        }
    }
}

#[test]
fn a_seed_of_three_small_files_is_29_sectors() {
    assert_eq!(seed().len(), 29 * 2048);
}

#[test]
fn the_size_is_known_before_it_is_written() {
    for image in [seed(), nested()] {
        assert_eq!(image.len(), image.capacity());
    }
}
