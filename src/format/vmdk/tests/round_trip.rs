//! Random disks, written and read back.

use std::io::Cursor;

use proptest::{collection::vec, prelude::*};

use super::{UUID, grains, image, image_of};
use crate::format::vmdk::{GRAIN, Grain, Image};

/// Grains of a disk of up to three grain tables, in order: some full of noise, some of one byte, some almost empty.
fn some_grains() -> impl Strategy<Value = Vec<Grain>> {
    let noise = any::<u64>().prop_map(|seed| {
        let next = |state: &mut u64| {
            *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            Some((*state >> 56) as u8)
        };
        let mut bytes: Vec<u8> =
            std::iter::repeat(()).scan(seed, |state, ()| next(state)).take(GRAIN).collect();
        bytes[GRAIN - 1] = 1;
        bytes
    });
    let bytes = prop_oneof![noise, any::<u8>().prop_map(|byte| vec![byte; GRAIN]), vec(any::<u8>(), 0..40)];
    vec((0_u64..1600, bytes), 0..12).prop_map(|mut all| {
        all.sort_by_key(|(index, _)| *index);
        all.dedup_by_key(|(index, _)| *index);
        all.into_iter().map(|(index, bytes)| Grain { index, bytes }).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_is_written_is_read_back(all in some_grains(), more in 0_u64..200) {
        let sectors = all.last().map_or(1, |last| (last.index + 1) * 128) + more;
        let written = image_of(sectors * 512, &all);
        let opened = Image::open(Cursor::new(&written)).unwrap();
        prop_assert_eq!((opened.capacity(), opened.uuid()), (sectors * 512, Some(UUID)));
        let mut expected = all;
        expected.retain(|grain| grain.bytes.iter().any(|byte| *byte != 0));
        let mut found = grains(&written).unwrap();
        for grain in expected.iter_mut().chain(&mut found) {
            let used = grain.bytes.iter().rposition(|byte| *byte != 0).unwrap();
            grain.bytes.truncate(used + 1);
        }
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn every_length_of_content_is_read_back(length in 0_usize..300_000, spare in 0_u64..300) {
        let content: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251 + 1).unwrap()).collect();
        let capacity = (length as u64).next_multiple_of(512).max(512) + spare * 512;
        let mut found = Vec::new();
        for grain in grains(&image(capacity, &content)).unwrap() {
            found.resize(usize::try_from(grain.index).unwrap() * GRAIN, 0);
            found.extend(grain.bytes);
        }
        found.resize(found.len().max(length), 0);
        prop_assert_eq!(&found[..length], content);
        prop_assert!(found[length..].iter().all(|byte| *byte == 0) && found.len() as u64 <= capacity);
    }
}

/// Compression runs on many threads; what is written does not show it.
#[test]
fn the_number_of_threads_does_not_matter() {
    let content: Vec<u8> = (0..40 * GRAIN).map(|at| u8::try_from(at / 7 % 256).unwrap()).collect();
    let written = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| image(8 << 20, &content))
    };
    assert_eq!(written(1), written(7));
}
