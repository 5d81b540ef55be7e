//! Images that are not what they should be: the reader says so, and always comes to an end.

use proptest::{collection::vec, prelude::*, sample::Index};

use super::{both_32, identifier, nested, root_records, sector, seed};
use crate::format::iso9660::read;

/// The problem that the reader finds after a change.
fn problem(mut image: Vec<u8>, change: impl FnOnce(&mut [u8])) -> &'static str {
    change(&mut image);
    read(&image).unwrap_err().problem
}

/// The offset of a record of the primary root.
fn record(image: &[u8], name: &[u8]) -> usize {
    let start = usize::try_from(both_32(sector(image, 16), 158)).unwrap() * 2048;
    let before = root_records(image, 16).into_iter().take_while(|record| identifier(record) != name);
    start + before.map(<[u8]>::len).sum::<usize>()
}

fn put_both_32(image: &mut [u8], at: usize, number: u32) {
    image[at..at + 4].copy_from_slice(&number.to_le_bytes());
    image[at + 4..at + 8].copy_from_slice(&number.to_be_bytes());
}

#[test]
fn descriptors() {
    const NOT_ONE: &str = "not a volume descriptor (ECMA-119 8.1)";
    assert_eq!(problem(seed(), |image| image[16 * 2048 + 1] = b'X'), NOT_ONE);
    assert_eq!(problem(seed(), |image| image[18 * 2048..][..2048].fill(0)), NOT_ONE, "no terminator");
    assert_eq!(
        problem(seed(), |image| image[16 * 2048] = 255),
        "the primary or the Joliet descriptor is missing"
    );
    assert_eq!(
        problem(seed(), |image| image[16 * 2048 + 84] ^= 1),
        "the two byte orders of a number differ (ECMA-119 7.2.3, 7.3.3)"
    );
    assert_eq!(problem(seed(), |image| image[17 * 2048 + 41] = b'X'), "Joliet has another volume identifier");
}

#[test]
fn truncation() {
    let image = nested();
    for sectors in 0..image.len() / 2048 {
        assert!(read(&image[..sectors * 2048]).is_err(), "{sectors} sectors");
    }
    assert!(read(&image[..image.len() - 1]).is_err());
}

#[test]
fn a_folder_that_contains_the_root() {
    let image = nested();
    let (at, root) = (record(&image, b"A"), both_32(sector(&image, 16), 158));
    assert_eq!(
        problem(image, |image| put_both_32(image, at + 2, root)),
        "directories overlap or contain themselves"
    );
}

#[test]
fn two_folders_in_one_place() {
    let image = nested();
    let (a, nothing) = (record(&image, b"A"), record(&image, b"NOTHING"));
    let extent = both_32(&image, a + 2);
    assert_eq!(
        problem(image, |image| put_both_32(image, nothing + 2, extent)),
        "directories overlap or contain themselves"
    );
}

#[test]
fn an_extent_outside_the_image() {
    let image = seed();
    let at = record(&image, b"USER_DAT.;1");
    assert_eq!(
        problem(image.clone(), |image| put_both_32(image, at + 2, u32::MAX)),
        "the extent is outside the image"
    );
    assert_eq!(
        problem(image, |image| put_both_32(image, at + 10, u32::MAX)),
        "the extent is outside the image"
    );
}

#[test]
fn a_continuation_area_that_is_its_own() {
    let image = seed();
    let root = both_32(sector(&image, 16), 158);
    let at = record(&image, &[0]);
    let continuation = at + usize::from(image[at]) - 28 - 1;
    assert_eq!(&image[continuation..continuation + 2], b"CE");
    let loops = |image: &mut [u8]| {
        put_both_32(image, continuation + 4, root);
        put_both_32(image, continuation + 12, u32::try_from(continuation % 2048).unwrap());
        put_both_32(image, continuation + 20, 28);
    };
    assert_eq!(problem(image, loops), "a continuation area is continued");
}

#[test]
fn trees_that_disagree() {
    let image = seed();
    let at = record(&image, b"USER_DAT.;1");
    let length = |number| move |image: &mut [u8]| put_both_32(image, at + 10, number);
    assert_eq!(problem(image, length(13)), "the Joliet tree does not have this at the same place");
}

#[test]
fn records_out_of_order() {
    let image = seed();
    let at = record(&image, b"META_DAT.;1");
    assert_eq!(problem(image, |image| image[at + 33] = b'Z'), "records are not in order (ECMA-119 9.3)");
}

/// A change to an image.
#[derive(Debug, Clone)]
enum Change {
    Byte(Index, u8),
    /// A number in both byte orders, so that the change gets past the first check.
    Number(Index, u32),
    Truncate(Index),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        6 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        6 => (any::<Index>(), 0..80_u32).prop_map(|(at, number)| Change::Number(at, number)),
        1 => any::<Index>().prop_map(Change::Truncate),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn any_image_is_read_to_an_end(changes in vec(change(), 1..6)) {
        let mut image = nested();
        // Where the numbers of directory records and continuation entries are.
        let numbers: Vec<usize> = (16 * 2048..60 * 2048)
            .filter(|at| image[*at..].starts_with(b"CE\x1C\x01"))
            .flat_map(|at| [at + 4, at + 12, at + 20])
            .chain([16, 17].into_iter().flat_map(|number| {
                let first = usize::try_from(both_32(sector(&image, number), 158)).unwrap() * 2048;
                let records = root_records(&image, number);
                records.into_iter().scan(first, |at, record| {
                    let start = *at;
                    *at += record.len();
                    Some([start + 2, start + 10])
                }).flatten().collect::<Vec<_>>()
            }))
            .collect();
        let metadata = 16 * 2048..60 * 2048;
        for change in changes {
            match change {
                Change::Byte(at, byte) => {
                    let at = metadata.start + at.index(metadata.len());
                    if let Some(there) = image.get_mut(at) {
                        *there = byte;
                    }
                }
                Change::Number(at, number) => {
                    let at = *at.get(&numbers);
                    if at + 8 <= image.len() {
                        put_both_32(&mut image, at, number);
                    }
                }
                Change::Truncate(at) => image.truncate(at.index(image.len())),
            }
            if image.is_empty() {
                break;
            }
        }
        if let Ok(volume) = read(&image) {
            prop_assert!(volume.entries.len() <= image.len() / 34);
        }
    }
}

#[test]
fn the_images_of_these_tests_are_whole() {
    assert_eq!(read(&seed()).unwrap().entries.len(), 3);
    assert_eq!(read(&nested()).unwrap().entries.len(), 5 + 43);
}
