//! Disk images as qemu-img sees them: what it says of ours, and what ours becomes of what it makes.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use bpc::format::vmdk::{Disk, Image, LARGEST, Raw, SECTOR, write};
use tempfile::TempDir;

use crate::support::tools::{On, Tool, tool};

const MIB: u64 = 1 << 20;

/// A folder with `content.raw`, a file of this length that has these bytes at these offsets.
struct Case {
    qemu: Tool,
    folder: TempDir,
}

impl Case {
    fn new(capacity: u64, parts: &[(u64, &[u8])]) -> Option<Self> {
        let qemu = tool(On::Host, "qemu-img")?;
        let folder = tempfile::tempdir().unwrap();
        let mut raw = File::create(folder.path().join("content.raw")).unwrap();
        raw.set_len(capacity).unwrap();
        for (at, bytes) in parts {
            raw.seek(SeekFrom::Start(*at)).unwrap();
            raw.write_all(bytes).unwrap();
        }
        Some(Self { qemu, folder })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> String {
        let output = self.qemu.command().args(arguments).current_dir(self.folder.path()).output().unwrap();
        let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        assert!(output.status.success() && err.is_empty(), "{arguments:?}\n{out}\n{err}");
        out
    }

    /// Writes `content.raw` as `ours.vmdk`.
    fn write(&self, capacity: u64) {
        let uuid = "9602e63d-a870-8fee-90aa-091a1d245c07".to_owned();
        let content = Raw::new(File::open(self.path("content.raw")).unwrap());
        let out = File::create(self.path("ours.vmdk")).unwrap();
        write(out, &Disk { capacity, uuid }, content).unwrap();
    }

    /// qemu-img says of `ours.vmdk` that it is whole and as long, and has the bytes of `content.raw`.
    fn assert_same(&self, capacity: u64) {
        self.run(&["check", "-q", "ours.vmdk"]);
        let info: serde_json::Value =
            serde_json::from_str(&self.run(&["info", "--output", "json", "ours.vmdk"])).unwrap();
        assert_eq!((&info["format"], &info["virtual-size"]), (&"vmdk".into(), &capacity.into()));
        let kind = &info["format-specific"]["data"]["create-type"];
        assert_eq!(kind, "streamOptimized");
        let raw = ["compare", "-f", "raw", "-F", "vmdk", "content.raw", "ours.vmdk"];
        assert_eq!(self.run(&raw), "Images are identical.\n");
    }
}

#[test]
fn every_kind_of_end_is_read() {
    let noise: Vec<u8> = (0..200_000_u32).map(|at| at.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    let full = vec![7; 65536];
    for capacity in [MIB, 3 * MIB + 512, 33 * MIB, 64 * MIB + 65536 - 512, 100 * MIB] {
        let end = capacity - 65536;
        let parts: [&[(u64, &[u8])]; 5] = [
            &[],
            &[(0, &noise)],
            // The last grain: full, with something at its start only, with something at its end only.
            &[(end, &full)],
            &[(capacity / 65536 * 65536 - 65536, &[7; 10])],
            &[(0, &noise), (capacity - 1, &[7])],
        ];
        for parts in parts {
            let Some(case) = Case::new(capacity, parts) else { return };
            case.write(capacity);
            case.assert_same(capacity);
        }
    }
}

#[test]
fn empty_disks_of_all_sizes_are_read() {
    let sizes = [SECTOR as u64, MIB, 8 << 30, 100 << 30, LARGEST - 65536, LARGEST];
    for capacity in sizes {
        let Some(case) = Case::new(capacity, &[]) else { return };
        let uuid = "9602e63d-a870-8fee-90aa-091a1d245c07".to_owned();
        write(File::create(case.path("ours.vmdk")).unwrap(), &Disk { capacity, uuid }, []).unwrap();
        case.run(&["check", "-q", "ours.vmdk"]);
        let info = case.run(&["info", "ours.vmdk"]);
        assert!(info.contains(&format!("({capacity} bytes)")), "{info}");
        let map = case.run(&["map", "--output", "json", "ours.vmdk"]);
        assert!(!map.contains("\"data\": true"), "{map}");
    }
}

/// A disk longer than its content, as one of a small cloud image is.
#[test]
fn a_disk_may_be_longer_than_its_content() {
    let Some(case) = Case::new(5 * MIB, &[(0, &vec![1; 70_000]), (5 * MIB - 1, &[2])]) else { return };
    case.write(9 * MIB);
    File::options().write(true).open(case.path("content.raw")).unwrap().set_len(9 * MIB).unwrap();
    case.assert_same(9 * MIB);
}

/// qemu-img has the tables in front and no end marker.
#[test]
fn what_qemu_img_makes_is_read() {
    let large = vec![1; 100_000];
    for capacity in [MIB, 3 * MIB + 512, 70 * MIB] {
        let parts: [(u64, &[u8]); 3] = [(0, &large), (capacity / 2, &[2; 5]), (capacity - 1, &[3])];
        let Some(case) = Case::new(capacity, &parts) else { return };
        let convert =
            ["convert", "-O", "vmdk", "-o", "subformat=streamOptimized", "content.raw", "theirs.vmdk"];
        case.run(&convert);
        let theirs = Image::open(File::open(case.path("theirs.vmdk")).unwrap()).unwrap();
        assert_eq!(theirs.capacity(), capacity);
        let uuid = "9602e63d-a870-8fee-90aa-091a1d245c07".to_owned();
        let out = File::create(case.path("ours.vmdk")).unwrap();
        write(out, &Disk { capacity, uuid }, theirs.grains()).unwrap();
        case.assert_same(capacity);
        let by_us = fs::read(case.path("ours.vmdk")).unwrap();
        case.write(capacity);
        assert!(by_us == fs::read(case.path("ours.vmdk")).unwrap(), "the way to a disk does not show");
    }
}

#[test]
fn other_formats_are_refused_with_a_reason() {
    let Some(case) = Case::new(MIB, &[]) else { return };
    for (name, arguments) in
        [("a.qcow2", &["-O", "qcow2"][..]), ("a.vdi", &["-O", "vdi"]), ("a.vmdk", &["-O", "vmdk"])]
    {
        let arguments = [&["convert"], arguments, &["content.raw", name]].concat();
        case.run(&arguments);
        assert!(reason(&case.path(name)).contains("VMDK"), "{name}");
    }
}

fn reason(path: &Path) -> String {
    Image::open(File::open(path).unwrap()).unwrap_err().to_string()
}
