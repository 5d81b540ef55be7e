//! Images that are not what they should be: the reader says so, and always comes to an end.

use proptest::{collection::vec, prelude::*, sample::Index};

use super::{MIB, grains, image, image_of};
use crate::format::vmdk::{GRAIN, Grain};

/// Two grain tables and three grains, one of which fills many sectors.
fn small() -> Vec<u8> {
    let noise = (0..GRAIN).map(|at| u8::try_from(at * at % 253).unwrap()).collect();
    let grain = |index, bytes| Grain { index, bytes };
    image_of(40 * MIB, &[grain(0, vec![1; GRAIN]), grain(3, noise), grain(600, vec![2])])
}

fn problem(change: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut image = small();
    change(&mut image);
    let said = grains(&image).unwrap_err();
    said.split_once(": ").unwrap().1.to_owned()
}

fn put(image: &mut [u8], at: usize, bytes: &[u8]) {
    image[at..at + bytes.len()].copy_from_slice(bytes);
}

/// The same in the header and in the footer.
fn put_both(image: &mut [u8], at: usize, bytes: &[u8]) {
    put(image, at, bytes);
    let footer = image.len() - 1024;
    put(image, footer + at, bytes);
}

#[test]
fn another_format() {
    assert_eq!(problem(|image| image[0] = b'X'), "not a sparse VMDK: the magic number is missing");
    assert_eq!(problem(|image| image[4] = 4), "a version of VMDK that is not known");
    let plain = "a VMDK that is not stream-optimized: its grains are not compressed or have no markers";
    assert_eq!(problem(|image| image[10] = 0), plain);
    assert_eq!(
        problem(|image| image[75] = b'\n'),
        "a VMDK that was transferred as text: its newlines are other ones"
    );
    assert_eq!(problem(|image| image[77] = 0), "a compression that is not deflate");
    assert_eq!(problem(|image| put_both(image, 20, &[0, 1])), "grains are not of 64 KiB");
    assert_eq!(problem(|image| image[45] = 4), "grain tables do not have 512 entries");
}

#[test]
fn a_descriptor_of_something_else() {
    let replaced = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        problem(|image| {
            let at = image.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
            put(image, at, to.as_bytes());
        })
    };
    assert_eq!(replaced("# Disk", "# disk"), "there is no descriptor");
    let kind = "the descriptor has another type than streamOptimized";
    assert_eq!(replaced("streamOptimized", "monolithicSpars"), kind);
    assert_eq!(replaced("parentCID=ffffffff", "parentCID=12345678"), "the disk has a parent");
    assert_eq!(
        replaced("81920 SPARSE", "81921 SPARSE"),
        "header and descriptor disagree about the length of the disk"
    );
    assert_eq!(replaced("81920 SPARSE", "81920 FLAT  "), "the descriptor has not one sparse extent");
    assert_eq!(replaced("# The Disk Data", "RW 5 SPARSE \"a\""), "the descriptor has not one sparse extent");
}

/// As VirtualBox writes a disk that ends within a grain.
#[test]
fn a_header_that_ends_with_a_grain() {
    let mut image = image(3 * MIB + 512, &vec![7; 3 << 20 | 512]);
    let expected = grains(&image).unwrap();
    put_both(&mut image, 12, &(3_u64 * 2048 + 128).to_le_bytes());
    assert_eq!(grains(&image).unwrap(), expected);
    put_both(&mut image, 12, &(3_u64 * 2048 + 129).to_le_bytes());
    assert!(grains(&image).unwrap_err().contains("disagree"));
}

#[test]
fn a_disk_without_bounds() {
    for capacity in [0, (1_u64 << 32) + 1, u64::MAX] {
        let said = problem(|image| put_both(image, 12, &capacity.to_le_bytes()));
        assert_eq!(said, "the disk is empty or larger than 2 TiB");
    }
}

#[test]
fn an_end_that_is_missing() {
    let whole = small();
    for sectors in 0..whole.len() / 512 {
        assert!(grains(&whole[..sectors * 512]).is_err(), "{sectors} sectors");
    }
    assert!(grains(&whole[..whole.len() - 1]).is_err());
    let last = whole.len() - 1;
    assert_eq!(problem(|image| image[last] = 1), "there is no end-of-stream marker");
    assert_eq!(problem(|image| image[last - 1535] = 9), "there is no marker in front of the footer");
    assert_eq!(problem(|image| image[12] ^= 1), "header and footer disagree");
    let footer = whole.len() - 1024;
    let nowhere = problem(|image| put(image, footer + 56, &u64::MAX.to_le_bytes()));
    assert_eq!(nowhere, "the footer does not say where the grain directory is");
    for offset in [u64::MAX - 1, u64::MAX / 512, 1 << 40] {
        let said = problem(|image| put(image, footer + 56, &offset.to_le_bytes()));
        assert_eq!(said, "the image ends before this");
    }
}

#[test]
fn tables_that_lead_elsewhere() {
    let whole = small();
    let directory = whole.len() - 4 * 512;
    let there = |at: usize| u32::from_le_bytes(whole[at..at + 4].try_into().unwrap());
    let table = there(directory) as usize * 512;
    let to = |at: usize, sector: u32| move |image: &mut Vec<u8>| put(image, at, &sector.to_le_bytes());
    assert_eq!(problem(to(directory, 129)), "there is no marker in front of a table");
    assert_eq!(problem(to(directory, u32::MAX)), "the image ends before this");
    assert_eq!(problem(to(table, 1)), "a grain table leads into the header");
    assert_eq!(problem(to(table, u32::MAX)), "the image ends before this");
    let other = "this is not the grain that the grain table says";
    assert_eq!(problem(to(table, there(table + 12))), other);
    assert_eq!(problem(to(table + 4, there(table))), other, "one grain in two places");
}

#[test]
fn a_grain_that_is_no_grain() {
    let at = 128 * 512;
    assert_eq!(problem(|image| put(image, at + 8, &[0, 0, 3, 0])), "a grain is longer than any");
    assert_eq!(problem(|image| put(image, at + 8, &[9])), "a grain cannot be decompressed");
    assert_eq!(problem(|image| image[at + 20] ^= 0xff), "a grain cannot be decompressed");
}

/// A few bytes can say gigabytes: no more than a grain of them is made.
#[test]
fn a_grain_that_is_a_bomb() {
    let bomb = {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut encoder, &vec![0; 64 * GRAIN]).unwrap();
        encoder.finish().unwrap()
    };
    let mut image = image(MIB, &vec![7; GRAIN]);
    // Behind everything, so that it has the room.
    let (sector, size) = (image.len() / 512, u32::try_from(bomb.len()).unwrap());
    let tail = image[image.len() - 1536..].to_vec();
    image.extend([&0_u64.to_le_bytes()[..], &size.to_le_bytes(), &bomb].concat());
    image.resize(image.len().next_multiple_of(512), 0);
    image.extend(tail);
    let table = 130 * 512;
    assert_eq!(image[table], 128);
    put(&mut image, table, &u32::try_from(sector).unwrap().to_le_bytes());
    assert!(grains(&image).unwrap_err().ends_with("a grain cannot be decompressed"));
}

/// A change to an image.
#[derive(Debug, Clone)]
enum Change {
    Byte(Index, u8),
    /// A sector number in a table.
    Entry(Index, u32),
    Truncate(Index),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        6 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        6 => (any::<Index>(), 0..200_u32).prop_map(|(at, sector)| Change::Entry(at, sector)),
        1 => any::<Index>().prop_map(Change::Truncate),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]
    #[test]
    fn any_image_is_read_to_an_end(changes in vec(change(), 1..6)) {
        let mut image = small();
        // The header, its footer and the tables: not the zeros between.
        let tables = image.len() - 20 * 512;
        let place = |length: usize, at: Index| {
            let tail = length.saturating_sub(tables);
            let at = at.index(80 + 512 + tail);
            if at < 592 { at } else { tables + at - 592 }
        };
        for change in changes {
            let length = image.len();
            match change {
                Change::Byte(at, byte) => if let Some(there) = image.get_mut(place(length, at)) {
                    *there = byte;
                },
                Change::Entry(at, sector) => {
                    let at = place(length, at) / 4 * 4;
                    if at + 4 <= length {
                        put(&mut image, at, &sector.to_le_bytes());
                    }
                }
                Change::Truncate(at) => image.truncate(at.index(length.max(1))),
            }
        }
        if let Ok(found) = grains(&image) {
            prop_assert!(found.len() <= 640);
        }
    }
}
