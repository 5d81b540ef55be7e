//! What the writer refuses, and how it says so.

use jiff::Timestamp;

use super::date;
use crate::format::iso9660::{Error, Image};

fn refused(path: &str) -> String {
    Image::new("X", date()).unwrap().file(path, b"", 0o644).unwrap_err().to_string()
}

#[test]
fn volume_identifiers() {
    for identifier in ["", "cidata", "CI DATA", "CI-DATA", "SEVENTEEN_LETTERS", "É"] {
        assert_eq!(Image::new(identifier, date()).unwrap_err(), Error::VolumeIdentifier(identifier.into()));
    }
    assert!(Image::new("SIXTEEN_LETTERS_", date()).is_ok());
}

#[test]
fn years() {
    for (text, fits) in [
        ("1899-12-31T23:59:59Z", false),
        ("1900-01-01T00:00:00Z", true),
        ("2155-12-31T23:59:59Z", true),
        ("2156-01-01T00:00:00Z", false),
    ] {
        assert_eq!(Image::new("X", text.parse::<Timestamp>().unwrap()).is_ok(), fits, "{text}");
    }
}

#[test]
fn components() {
    for path in ["", "/a", "a/", "a//b", "./a", "a/../b", ".."] {
        assert_eq!(refused(path), format!("'{path}' has an empty, '.' or '..' component"));
    }
}

#[test]
fn characters() {
    for (path, character) in [("a*", "'*' (U+002A)"), ("a:b", "':' (U+003A)"), ("d/a;1", "';' (U+003B)")] {
        assert_eq!(refused(path), format!("'{path}' has a character that Joliet cannot hold: {character}"));
    }
    assert_eq!(refused("a\\b"), r"'a\\b' has a character that Joliet cannot hold: '\\' (U+005C)");
    assert_eq!(refused("a\0"), r"'a\0' has a character that Joliet cannot hold: '\0' (U+0000)");
    assert_eq!(refused("a😀"), "'a😀' has a character that Joliet cannot hold: '😀' (U+1F600)");
    assert!(refused("a?").contains("'?'"));
}

#[test]
fn trailing_dots() {
    assert_eq!(refused("a./b"), "'a./b' has a name that ends in a dot, which Joliet's readers drop");
}

#[test]
fn long_names() {
    let mut image = Image::new("X", date()).unwrap();
    image.file(&"x".repeat(103), b"", 0o644).unwrap();
    assert!(refused(&"x".repeat(104)).ends_with("has a name of 104 UCS-2 units: Joliet holds 103"));
    image.file(&format!("x{}", "漢".repeat(84)), b"", 0o644).unwrap();
    assert!(
        refused(&format!("xx{}", "漢".repeat(84)))
            .ends_with("has a name of 254 bytes: Linux reads 253 from Rock Ridge")
    );
}

#[test]
fn depth() {
    let mut image = Image::new("X", date()).unwrap();
    image.file("1/2/3/4/5/6/7/file", b"", 0o644).unwrap();
    let deeper = image.file("1/2/3/4/5/6/7/8/file", b"", 0o644).unwrap_err().to_string();
    assert_eq!(deeper, "'1/2/3/4/5/6/7/8/file' has more than 7 folders: ISO 9660 holds no more");
    assert!(matches!(image.folder("1/2/3/4/5/6/7/8"), Err(Error::TooDeep { .. })));
}

#[test]
fn modes() {
    let mut image = Image::new("X", date()).unwrap();
    image.file("a", b"", 0o7777).unwrap();
    let error = image.file("b", b"", 0o100_644).unwrap_err().to_string();
    assert_eq!(error, "'b' has mode 0o100644: only permission bits (0o7777) are possible");
}

#[test]
fn paths_that_are_there_already() {
    let mut image = Image::new("X", date()).unwrap();
    image.file("a/b", b"", 0o644).unwrap();
    let mut refused = |path| image.file(path, b"", 0o644).unwrap_err().to_string();
    assert_eq!(refused("a/b"), "'a/b' is there already");
    assert_eq!(refused("a"), "'a' is both a file and a folder");
    assert_eq!(refused("a/b/c/d"), "'a/b' is both a file and a folder");
    assert!(image.folder("a/b").is_err());
    assert!(image.folder("a").is_ok(), "a folder may be asked for again");
}

#[test]
fn a_refused_file_leaves_nothing_behind() {
    let mut image = Image::new("X", date()).unwrap();
    image.file("a", b"", 0o644).unwrap();
    let before = format!("{image:?}");
    for path in ["a", "a/b", "new/*", "1/2/3/4/5/6/7/8/9"] {
        image.file(path, b"", 0o644).unwrap_err();
    }
    assert_eq!(format!("{image:?}"), before);
}
