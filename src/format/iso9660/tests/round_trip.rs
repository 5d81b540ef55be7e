//! Random trees, written and read back.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{collection::vec, prelude::*};

use super::date;
use crate::format::iso9660::{Content, Image, read};

/// Whether both trees hold a character.
fn fits(c: char) -> bool {
    (' '..='\u{FFFF}').contains(&c) && !"*/:;?\\".contains(c)
}

/// A name that both trees hold: few characters so that names collide, or any, up to the longest.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[aAb.-]{0,9}[ab_]",
        2 => "[a-z]{80,102}[éß漢]{0,1}",
        2 => "[é漢]{50,84}",
        1 => vec(any::<char>().prop_filter("not for Joliet", |c| fits(*c)), 1..60)
            .prop_map(|characters| characters.into_iter().collect::<String>())
            .prop_filter("a trailing dot", |name| !name.ends_with('.')),
    ]
}

fn path() -> impl Strategy<Value = String> {
    vec(name(), 1..=8).prop_map(|names| names.join("/"))
}

/// Files to add, in this order.
fn files() -> impl Strategy<Value = Vec<(String, Vec<u8>, u32)>> {
    let content = prop_oneof![vec(any::<u8>(), 0..20), vec(any::<u8>(), 2040..2060)];
    let few = (path(), content, 0_u32..=0o7777);
    // A short common path makes folders of many entries.
    let many = name().prop_map(|name| (format!("common/{name}"), b"x".to_vec(), 0o644));
    (vec(few, 0..12), vec(many, 0..60)).prop_map(|(few, many)| [few, many].concat())
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(files in files()) {
        let mut image = Image::new("ROUND_TRIP", date()).unwrap();
        let mut expected = BTreeMap::new();
        let mut folders = BTreeSet::new();
        for (path, bytes, mode) in &files {
            if image.file(path, bytes.as_slice(), *mode).is_ok() {
                let above = path.match_indices('/').map(|(end, _)| path[..end].to_owned());
                folders.extend(above);
                expected.insert(path.clone(), (*mode, Content::File(bytes)));
            }
        }
        expected.extend(folders.into_iter().map(|path| (path, (0o755, Content::Folder))));
        let image = image.finish().unwrap();
        let volume = read(&image).unwrap();
        prop_assert_eq!(volume.identifier, "ROUND_TRIP");
        let found = volume.entries.into_iter().map(|entry| (entry.path, (entry.mode, entry.content)));
        prop_assert_eq!(found.collect::<Vec<_>>(), expected.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn the_order_of_adding_does_not_matter(files in files()) {
        let distinct: BTreeSet<_> = files.into_iter().map(|(path, ..)| path.replace('/', "-")).collect();
        let written = |paths: &mut dyn Iterator<Item = &String>| {
            let mut image = Image::new("X", date()).unwrap();
            for path in paths {
                let _ = image.file(path, path.clone().into_bytes(), 0o644);
            }
            image.finish().unwrap()
        };
        prop_assert_eq!(written(&mut distinct.iter()), written(&mut distinct.iter().rev()));
    }
}
