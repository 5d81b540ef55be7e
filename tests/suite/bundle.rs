//! `bpc bundle --ova`: what is in an appliance, as other people's readers find it, and that a bundle is there whole or
//! not at all.

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::process::Command;

use bpc::format::vmdk::{Disk, Image, Raw, write};
use bpc::format::xml::Element;
use sha2::{Digest, Sha256};

use crate::support::project::{Project, Said, said, small};
use crate::support::tools::{On, tool};

/// Prints name, type, mode, owner, time, offset and length of every member of an archive.
const LIST: &str = "\
import sys, tarfile
with tarfile.open(sys.argv[1]) as archive:
    for m in archive:
        print(m.name, m.type.decode(), oct(m.mode), m.uid, m.gid, m.mtime, m.offset_data, m.size, sep='\\t')
";

/// A project of two machines with data disks, and a vault.
fn project() -> Project {
    let project = Project::new();
    let machines = "node: {role: bastion, count: 2, networks: [lan], disks: {brick: {size: 10GiB}}}";
    let text = small("demo").replace("node: {role: bastion, networks: [lan]}", machines);
    project.write("blueprints/demo/blueprint.yaml", text);
    assert_eq!(project.bpc(&["vault", "new", "v.key"]).status, 0);
    project
}

fn bundle(project: &Project, more: &[&str]) -> Said {
    project.bpc(&[&["bundle", "--ova", "--vault", "v.key"], more].concat())
}

/// What of a disk is not zero: two grains, and a boot sector.
fn raw() -> Vec<u8> {
    let mut raw = vec![0; 3 << 20];
    raw[510..512].copy_from_slice(b"\x55\xaa");
    raw[70_000..270_000].fill(7);
    raw
}

type Contents = BTreeMap<String, Vec<u8>>;

/// The members of an archive by name, as Python's tarfile finds them, and their order.
fn members(path: &Path) -> Option<(Vec<String>, Contents)> {
    let python = tool(On::Host, "python3")?;
    let output = python.command().args(["-c", LIST]).arg(path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let archive = fs::read(path).unwrap();
    let (mut names, mut contents) = (Vec::new(), BTreeMap::new());
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        // A regular file of nobody's, from the epoch of the blueprint; ustar, without any extension.
        assert_eq!(fields[1..6], ["0", "0o600", "0", "0", "1767225600"], "{line}");
        let [offset, size] = [fields[6], fields[7]].map(|number| number.parse::<usize>().unwrap());
        assert_eq!(&archive[offset - 512 + 257..][..8], b"ustar\x0000");
        names.push(fields[0].to_owned());
        contents.insert(fields[0].to_owned(), archive[offset..][..size].to_vec());
    }
    Some((names, contents))
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

#[test]
fn an_appliance_has_its_descriptor_then_its_manifest_then_its_files() {
    let project = project();
    let Said { status, out, err } = bundle(&project, &[]);
    assert_eq!((status, out.as_str()), (0, "demo: 2 appliances in out/demo.bundle: 1 MiB\n"));
    insta::assert_snapshot!(err, @"
    note: the system disks of these appliances are empty
      `--disk FILE` names what is to be on them, a raw image or a stream-optimized VMDK
    ");
    let Some((names, contents)) = members(&project.path("out/demo.bundle/node01.ova")) else { return };
    assert_eq!(names, ["node01.ovf", "node01.mf", "system.vmdk", "seed.iso", "brick.vmdk"]);
    let digests: Vec<String> = names
        .iter()
        .filter(|name| *name != "node01.mf")
        .map(|name| format!("SHA256({name})= {}\n", sha256(&contents[name])))
        .collect();
    assert_eq!(String::from_utf8_lossy(&contents["node01.mf"]), digests.concat());
    let descriptor = Element::from_document(std::str::from_utf8(&contents["node01.ovf"]).unwrap()).unwrap();
    let files = descriptor.find(&["References"]).unwrap().all("File");
    let files: Vec<(&str, usize)> = files
        .map(|file| (file.get("ovf:href").unwrap(), file.get("ovf:size").unwrap().parse().unwrap()))
        .collect();
    let found: Vec<(&str, usize)> =
        names[2..].iter().map(|name| (name.as_str(), contents[name].len())).collect();
    assert_eq!(files, found);
    assert_eq!(project.bpc(&["build", "--vault", "v.key"]).status, 0);
    for (member, built) in [("seed.iso", "seed.iso"), ("brick.vmdk", "disks/brick.vmdk")] {
        let built = fs::read(project.path("out/demo/machines/node01").join(built)).unwrap();
        assert!(contents[member] == built, "{member}");
    }
}

#[test]
fn a_bundle_is_secret_and_listed() {
    let project = project();
    bundle(&project, &[]);
    let mut modes = project.tree("out/demo.bundle").into_iter().map(|(path, (mode, _))| (path, mode & 0o777));
    let modes: Vec<_> = modes.by_ref().map(|(path, mode)| format!("{mode:o} {}", path.display())).collect();
    assert_eq!(
        modes,
        ["755 ", "644 .gitignore", "644 SHA256SUMS", "644 manifest.json", "600 node01.ova", "600 node02.ova"]
    );
    let sums = fs::read_to_string(project.path("out/demo.bundle/SHA256SUMS")).unwrap();
    for line in sums.lines() {
        let (digest, name) = line.split_once("  ").unwrap();
        assert_eq!(sha256(&fs::read(project.path("out/demo.bundle").join(name)).unwrap()), digest);
    }
    assert_eq!(sums.lines().count(), 4);
}

#[test]
fn the_same_bundle_is_made_again() {
    let project = project();
    project.write("disk.raw", raw());
    assert_eq!(bundle(&project, &["--disk", "disk.raw", "--out", "one"]).status, 0);
    let one = project.tree("one");
    let again =
        project.command(&["bundle", "--ova", "--vault", "v.key", "--disk", "disk.raw", "--out", "two"]);
    let mut again = again;
    assert_eq!(said(again.env("RAYON_NUM_THREADS", "1").env("TZ", "Asia/Tokyo")).status, 0);
    assert!(one == project.tree("two"));
    assert_eq!(bundle(&project, &["--disk", "disk.raw", "--out", "one"]).status, 0);
    assert!(one == project.tree("one"), "over an earlier one");
    let left: Vec<_> = fs::read_dir(project.path("one")).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(left, ["demo.bundle"]);
}

/// The same disk for all machines, from either format, as long as the blueprint says.
#[test]
fn the_disk_is_on_every_system_disk() {
    let project = project();
    project.write("disk.raw", raw());
    let mut image = Vec::new();
    let uuid = "9602e63d-a870-8fee-90aa-091a1d245c07".to_owned();
    write(&mut image, &Disk { capacity: 3 << 20, uuid }, Raw::new(raw().as_slice())).unwrap();
    project.write("disk.vmdk", image);
    let Said { status, err, .. } = bundle(&project, &["--disk", "disk.raw", "--out", "raw"]);
    assert_eq!((status, err.as_str()), (0, ""));
    assert_eq!(bundle(&project, &["--disk", "disk.vmdk", "--out", "vmdk"]).status, 0);
    assert!(project.tree("raw") == project.tree("vmdk"));
    let disks = ["node01", "node02"].map(|machine| {
        let (_, mut contents) = members(&project.path(format!("raw/demo.bundle/{machine}.ova")))?;
        contents.remove("system.vmdk")
    });
    let [Some(one), Some(two)] = disks else { return };
    assert!(one == two);
    let opened = Image::open(Cursor::new(&one)).unwrap();
    assert_eq!(opened.capacity(), 32 << 30);
    let mut found = vec![0; 3 << 20];
    for grain in opened.grains().map(Result::unwrap) {
        let at = usize::try_from(grain.index).unwrap() * 65536;
        found[at..at + grain.bytes.len()].copy_from_slice(&grain.bytes);
    }
    assert!(found == raw());
}

#[test]
fn a_disk_that_is_of_no_use_is_refused() {
    let project = project();
    project.write("a.qcow2", [b"QFI\xfb".as_slice(), &[0; 600]].concat());
    project.write("a.raw.xz", b"\xfd7zXZ\0and so on");
    project.write("notes.txt", "no disk");
    project.write("half.raw", &raw()[..1000]);
    let refused = |disk: &str| {
        let Said { status, out, err } = bundle(&project, &["--disk", disk]);
        assert_eq!((status, out.as_str()), (2, ""));
        err
    };
    let all = ["a.qcow2", "a.raw.xz", "notes.txt", "half.raw", "no.raw"].map(refused).concat();
    insta::assert_snapshot!(all, @"
    error: a.qcow2 is neither a raw image of a disk nor a stream-optimized VMDK: it is a qcow2 image
      qemu-img convert -O raw a.qcow2 disk.raw
    error: a.raw.xz is neither a raw image of a disk nor a stream-optimized VMDK: it is compressed by xz
      unpack it; of what is no raw image then: qemu-img convert -O raw IMAGE disk.raw
    error: notes.txt is neither a raw image of a disk nor a stream-optimized VMDK: it has no boot sector, or half a sector at its end
      qemu-img convert -O raw notes.txt disk.raw
    error: half.raw is neither a raw image of a disk nor a stream-optimized VMDK: it has no boot sector, or half a sector at its end
      qemu-img convert -O raw half.raw disk.raw
    error: cannot read the disk image no.raw: No such file or directory (os error 2)
      `--disk FILE` names a raw image or a stream-optimized VMDK
    ");
    assert!(!project.path("out").exists());
}

#[test]
fn a_disk_is_the_one_that_the_blueprint_names_and_fits() {
    let project = project();
    project.write("disk.raw", raw());
    let blueprint = "blueprints/demo/blueprint.yaml";
    let named = |digest: &str| format!("release: trixie, disk_file: {{path: disk.raw, sha256: {digest}}}}}");
    project.edit(blueprint, "release: trixie}", &named(&"ab".repeat(32)));
    let Said { status, err, .. } = bundle(&project, &["--disk", "disk.raw"]);
    insta::assert_snapshot!(err, @"
    error: disk.raw is not the disk file of 'demo': its SHA-256 is 87e23acb59a734cf9f6cca04cfecede2d5c1ee914d93c1a0e19d31628d0c2bbb
      `image.disk_file` wants abababababababababababababababababababababababababababababababab; if that is of a qcow2 or VDI image, let it name the raw one
    ");
    assert_eq!(status, 2);
    project.edit(blueprint, &"ab".repeat(32), &sha256(&raw()));
    assert_eq!(bundle(&project, &["--disk", "disk.raw"]).status, 0);

    let large = fs::File::options().write(true).open(project.path("disk.raw")).unwrap();
    large.set_len((2 << 30) + 512).unwrap();
    project.edit(blueprint, "release: trixie", "release: trixie, disk: 2GiB");
    let Said { status, err, .. } = bundle(&project, &["--disk", "disk.raw"]);
    insta::assert_snapshot!(err, @"
    error: disk.raw has 2147484160 bytes, and the disks of 'demo' have 2GiB
      `image: {disk: 2049MiB}` in its blueprint makes them large enough
    ");
    assert_eq!(status, 2);
}

/// The command, which may write no file longer than this.
fn limited(project: &Project, blocks: &str) -> Said {
    let mut command = Command::new("/bin/sh");
    let script = format!("ulimit -f {blocks}; exec \"$@\"");
    command.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_bpc"), "bundle", "--ova", "--vault", "v.key"]);
    let output = command.current_dir(project.path("")).env_clear().output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { status: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}

#[test]
fn an_earlier_bundle_stays_whole_until_the_new_one_is() {
    let project = project();
    bundle(&project, &[]);
    let whole = project.tree("out/demo.bundle");
    project.edit("blueprints/demo/blueprint.yaml", "count: 2", "count: 3");

    let full = limited(&project, "100");
    assert_eq!(full.status, 2);
    assert!(full.err.contains("cannot write out/demo.bundle/node01.ova: File too large"), "{}", full.err);
    assert!(full.err.contains("the earlier tree is whole"), "{}", full.err);
    assert!(whole == project.tree("out/demo.bundle"));
    assert!(!project.path("out/.demo.bundle.staging").exists());

    // What one that was killed leaves.
    project.write("out/.demo.bundle.staging/node01.ova", "half");
    assert_eq!(bundle(&project, &[]).status, 0);
    assert_eq!(project.tree("out/demo.bundle").len(), 1 + 3 + 3);
    assert!(!project.path("out/.demo.bundle.staging").exists());
}

#[test]
fn what_bpc_did_not_write_stays() {
    let project = project();
    project.write("out/demo.bundle/node01.ova", "mine");
    let Said { status, err, .. } = bundle(&project, &[]);
    assert_eq!(status, 2);
    assert!(err.contains("out/demo.bundle/node01.ova: a file that bpc did not write"), "{err}");
    assert_eq!(project.tree("out/demo.bundle").len(), 2);

    fs::rename(project.path("out/demo.bundle/node01.ova"), project.path("out/demo.bundle/notes")).unwrap();
    for _ in 0..2 {
        assert_eq!(bundle(&project, &[]).status, 0);
        assert_eq!(fs::read_to_string(project.path("out/demo.bundle/notes")).unwrap(), "mine");
        assert_eq!(project.tree("out/demo.bundle").len(), 1 + 1 + 2 + 3);
    }
}
