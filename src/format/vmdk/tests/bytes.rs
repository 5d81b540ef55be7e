//! What an image looks like, sector by sector.

use super::{MIB, UUID, image, image_of};
use crate::format::vmdk::{Disk, Error, GRAIN, Grain, LARGEST, Raw, write};

fn sector(image: &[u8], number: usize) -> &[u8] {
    &image[number * 512..][..512]
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

#[test]
fn the_header_is_that_of_the_specification() {
    let image = image(64 * MIB, b"");
    let header = sector(&image, 0);
    assert_eq!(&header[..4], b"KDMV");
    assert_eq!((u32_at(header, 4), u32_at(header, 8)), (3, 0x30001), "version and flags");
    assert_eq!((u64_at(header, 12), u64_at(header, 20)), (131_072, 128), "capacity and grain size");
    assert_eq!((u64_at(header, 28), u64_at(header, 36), u32_at(header, 44)), (1, 20, 512));
    assert_eq!((u64_at(header, 48), u64_at(header, 56)), (0, u64::MAX), "grain directories");
    assert_eq!(u64_at(header, 64), 128, "overhead");
    assert_eq!(&header[72..79], b"\0\n \r\n\x01\0");
    assert!(header[79..].iter().all(|byte| *byte == 0));
}

#[test]
fn the_descriptor_is_text() {
    let image = image(64 * MIB, b"");
    let text = image[512..21 * 512].split(|byte| *byte == 0).next().unwrap();
    insta::assert_snapshot!(String::from_utf8_lossy(text), @r#"
    # Disk DescriptorFile
    version=1
    CID=1602e63d
    parentCID=ffffffff
    createType="streamOptimized"

    # Extent description
    RDONLY 131072 SPARSE "disk.vmdk"

    # The Disk Data Base
    #DDB

    ddb.virtualHWVersion = "4"
    ddb.adapterType = "ide"
    ddb.geometry.cylinders = "130"
    ddb.geometry.heads = "16"
    ddb.geometry.sectors = "63"
    ddb.uuid.image = "9602e63d-a870-8fee-90aa-091a1d245c07"
    ddb.uuid.parent = "00000000-0000-0000-0000-000000000000"
    ddb.uuid.modification = "00000000-0000-0000-0000-000000000000"
    ddb.uuid.parentmodification = "00000000-0000-0000-0000-000000000000"
    "#);
    assert!(image[512 + text.len()..128 * 512].iter().all(|byte| *byte == 0));
}

#[test]
fn an_empty_disk_is_its_directory_and_three_markers() {
    let image = image(64 * MIB, b"");
    assert_eq!(image.len(), (128 + 5) * 512);
    assert_eq!((u64_at(&image, 128 * 512), u64_at(&image, 128 * 512 + 8)), (1, 2 << 32), "directory marker");
    assert!(sector(&image, 129).iter().all(|byte| *byte == 0), "no grain table");
    assert_eq!((u64_at(&image, 130 * 512), u64_at(&image, 130 * 512 + 8)), (1, 3 << 32), "footer marker");
    let mut header = sector(&image, 0).to_vec();
    header[56..64].copy_from_slice(&129_u64.to_le_bytes());
    assert_eq!(sector(&image, 131), header, "the footer is the header that knows where the directory is");
    assert!(sector(&image, 132).iter().all(|byte| *byte == 0), "end of stream");
}

#[test]
fn the_largest_disk_is_small_when_it_is_empty() {
    assert_eq!(image(LARGEST, b"").len(), 128 * 512 + 512 + 65536 * 4 + 3 * 512);
}

#[test]
fn a_grain_has_its_place_and_its_length_in_front() {
    let grain = Grain { index: 513, bytes: vec![7; GRAIN] };
    let image = image_of(64 * MIB, &[grain]);
    let stored = sector(&image, 128);
    assert_eq!(u64_at(stored, 0), 513 * 128);
    let size = u32_at(stored, 8);
    assert!((20..200).contains(&size), "{size} bytes");
    assert_eq!(&stored[12..14], b"\x78\x9c", "zlib's head (RFC 1950)");
    assert_eq!((u64_at(&image, 129 * 512), u64_at(&image, 129 * 512 + 8)), (4, 1 << 32), "table marker");
    let table = &image[130 * 512..][..2048];
    assert_eq!((u32_at(table, 0), u32_at(table, 4), u32_at(table, 8)), (0, 128, 0));
    assert_eq!((u32_at(&image, 135 * 512), u32_at(&image, 135 * 512 + 4)), (0, 130), "directory");
    assert_eq!(image.len(), (135 + 4) * 512);
}

#[test]
fn zeros_take_no_room() {
    let mut content = vec![0; 3 * GRAIN];
    assert_eq!(image(MIB, &content), image(MIB, b""));
    content[2 * GRAIN] = 1;
    let only = Grain { index: 2, bytes: vec![1] };
    assert_eq!(image(MIB, &content), image_of(MIB, &[only]));
}

fn refused(capacity: u64, uuid: &str, content: &[u8]) -> String {
    let disk = Disk { capacity, uuid: uuid.to_owned() };
    write(Vec::new(), &disk, Raw::new(content)).unwrap_err().to_string()
}

#[test]
fn what_cannot_be_stored_is_refused() {
    for capacity in [0, 511, 513, LARGEST + 512, u64::MAX] {
        let said = refused(capacity, UUID, b"");
        assert!(said.starts_with(&format!("a disk of {capacity} bytes")), "{said}");
    }
    for uuid in ["", "\"\nRW 1 FLAT \"/etc/passwd\" 0", "9602e63d-a870-8fee-90aa-091a1d245c0g"] {
        assert!(refused(MIB, uuid, b"").ends_with("is no UUID"));
    }
    assert_eq!(refused(512, UUID, &[1; 513]), "the content goes on at byte 512, where the disk has ended");
    assert_eq!(
        refused(MIB, UUID, &vec![1; 1 << 21]),
        "the content goes on at byte 1048576, where the disk has ended"
    );
}

/// An image of an installer may be longer than its disk by nothing but zeros.
#[test]
fn zeros_behind_the_end_are_no_content() {
    assert_eq!(image(512, &[0; 4096]), image(512, b""));
}

#[test]
fn grains_come_in_order() {
    let grain = |index| Ok(Grain { index, bytes: vec![1] });
    for (first, second) in [(1, 0), (1, 1)] {
        let said = write(Vec::new(), &super::disk(MIB), [grain(first), grain(second)]).unwrap_err();
        assert!(matches!(said, Error::Order(at) if at == second * 65536), "{said}");
    }
}

#[test]
fn a_failing_source_and_a_full_disk_are_errors() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let said = write(Full, &super::disk(MIB), []).unwrap_err();
    assert!(matches!(said, Error::Io(_)), "{said}");
    let broken = std::iter::once(Err(std::io::ErrorKind::InvalidData.into()));
    let said = write(Vec::new(), &super::disk(MIB), broken).unwrap_err();
    assert!(matches!(said, Error::Content(_)), "{said}");
}
