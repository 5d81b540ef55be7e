//! Whole writes into a temporary folder.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use tempfile::{TempDir, tempdir};

use super::*;
use crate::artifact::{Artifact, Content, Kind};
use crate::value::Secret;

/// A public file.
pub(super) fn file(path: &str, text: &str) -> Artifact {
    let origin = "blueprint.yaml:1".to_owned();
    Artifact {
        path: path.to_owned(),
        kind: Kind::MachineFile,
        content: text.into(),
        executable: false,
        origin,
    }
}

/// A secret one.
pub(super) fn secret(path: &str, text: &str) -> Artifact {
    Artifact { content: Content::Secret(Secret::new(text.into())), ..file(path, "") }
}

/// A build of the blueprint `demo`.
pub(super) fn build(files: &[Artifact]) -> Artifacts {
    Artifacts { name: "demo".to_owned(), files: files.to_vec() }
}

/// The same with files that hold their own path.
fn build_of(paths: &[&str]) -> Artifacts {
    build(&paths.iter().map(|path| file(path, path)).collect::<Vec<_>>())
}

const NO_EXCHANGE: FileSystem =
    FileSystem { exchange: |_, _| Err(io::Error::from_raw_os_error(22)), ..FileSystem::NATIVE };
const NO_LINKS: FileSystem =
    FileSystem { link: |_, _| Err(io::Error::from_raw_os_error(1)), ..FileSystem::NATIVE };
const NEITHER: FileSystem = FileSystem { exchange: NO_EXCHANGE.exchange, ..NO_LINKS };

/// All that is below `folder`: `path mode content`, sorted, folders with a slash.
fn listing(folder: &Path) -> Vec<String> {
    let mut lines: Vec<String> = walkdir::WalkDir::new(folder)
        .min_depth(1)
        .into_iter()
        .map(|entry| {
            let entry = entry.unwrap();
            let path = entry.path().strip_prefix(folder).unwrap().display().to_string();
            let mode = entry.metadata().unwrap().permissions().mode() & 0o7777;
            match entry.file_type() {
                kind if kind.is_dir() => format!("{path}/ {mode:o}"),
                kind if kind.is_symlink() => {
                    format!("{path} -> {}", fs::read_link(entry.path()).unwrap().display())
                }
                _ => format!("{path} {mode:o} {}", fs::read_to_string(entry.path()).unwrap()),
            }
        })
        .filter(|line| !line.starts_with("manifest.json") && !line.starts_with("SHA256SUMS"))
        .collect();
    lines.sort();
    lines
}

/// An `out/` with the tree of `artifacts`.
fn written(artifacts: &Artifacts) -> TempDir {
    let out = tempdir().unwrap();
    write(artifacts, out.path()).unwrap();
    out
}

/// What is directly below `out/`.
fn names(out: &TempDir) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(out.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn stamps(folder: &Path) -> Vec<(i64, i64, u64)> {
    walkdir::WalkDir::new(folder)
        .sort_by_file_name()
        .into_iter()
        .map(|entry| entry.unwrap().metadata().unwrap())
        .map(|metadata| (metadata.ctime(), metadata.ctime_nsec(), metadata.ino()))
        .collect()
}

#[test]
fn a_first_write_makes_the_whole_tree() {
    let run = Artifact { executable: true, ..file("virtualbox/up.sh", "up") };
    let parent = tempdir().unwrap();
    let out = parent.path().join("not/there/yet");
    let report = write(&build(&[file("a/b/c", "c"), secret("pki/a.key", "key"), run]), &out).unwrap();
    assert_eq!((report.written, report.removed, report.unchanged), (5, 0, 0));
    assert_eq!(
        listing(&out.join("demo")),
        [
            "a/ 755",
            "a/b/ 755",
            "a/b/c 644 c",
            "pki/ 755",
            "pki/a.key 600 key",
            "virtualbox/ 755",
            "virtualbox/up.sh 755 up"
        ]
    );
    assert_eq!(fs::metadata(out.join("demo")).unwrap().mode() & 0o7777, 0o755);
    assert_eq!(fs::read_dir(out).unwrap().count(), 1);
}

#[test]
fn a_second_write_changes_nothing_at_all() {
    let artifacts = build_of(&["a/b", "c"]);
    let out = written(&artifacts);
    fs::write(out.path().join("demo/notes"), "mine").unwrap();
    let before = stamps(out.path());
    let report = write(&artifacts, out.path()).unwrap();
    assert!(report.is_unchanged());
    assert_eq!((report.unchanged, report.bytes), (4, 0));
    assert_eq!(stamps(out.path()), before);
}

#[test]
fn only_what_differs_is_written() {
    for system in [FileSystem::NATIVE, NO_EXCHANGE, NO_LINKS, NEITHER] {
        let out = written(&build_of(&["gone/x", "same", "turns/into/a/file", "turned"]));
        let ino = |path: &str| fs::metadata(out.path().join("demo").join(path)).unwrap().ino();
        let same = ino("same");
        let new = build_of(&["same", "turns/into", "turned/into/a/folder"]);
        let report = write_on(system, &new, out.path()).unwrap();
        assert_eq!((report.written, report.removed, report.unchanged), (4, 3, 1));
        assert!(report.bytes > 30);
        assert_eq!(
            listing(&out.path().join("demo")),
            [
                "same 644 same",
                "turned/ 755",
                "turned/into/ 755",
                "turned/into/a/ 755",
                "turned/into/a/folder 644 turned/into/a/folder",
                "turns/ 755",
                "turns/into 644 turns/into",
            ]
        );
        assert_eq!(ino("same") == same, system.link as usize == FileSystem::NATIVE.link as usize);
        assert_eq!(names(&out), ["demo"]);
    }
}

/// Puts one of everything into the live tree that bpc did not make.
fn litter(live: &Path) {
    fs::create_dir_all(live.join("vm/empty")).unwrap();
    fs::set_permissions(live.join("vm"), fs::Permissions::from_mode(0o2770)).unwrap();
    fs::write(live.join("vm/disk"), "disk").unwrap();
    fs::write(live.join("a/notes"), "mine").unwrap();
    fs::set_permissions(live.join("a/notes"), fs::Permissions::from_mode(0o400)).unwrap();
    symlink("/nowhere", live.join("a/link")).unwrap();
    std::os::unix::net::UnixListener::bind(live.join("socket")).unwrap();
}

#[test]
fn files_that_bpc_did_not_write_are_kept() {
    for system in [FileSystem::NATIVE, NO_EXCHANGE, NO_LINKS, NEITHER] {
        let out = written(&build_of(&["a/b/c"]));
        let live = out.path().join("demo");
        litter(&live);
        let theirs = ["vm/disk", "a/notes", "a/link", "socket"];
        let look = || {
            theirs.map(|path| {
                fs::symlink_metadata(live.join(path))
                    .map(|m| (m.ino(), m.mtime_nsec(), m.mode(), m.nlink()))
                    .unwrap()
            })
        };
        let before = look();
        let age =
            || ["vm", "vm/empty"].map(|path| fs::metadata(live.join(path)).unwrap().modified().unwrap());
        let ages = age();

        write_on(system, &build_of(&["d"]), out.path()).unwrap();

        assert_eq!(look(), before);
        if system.link as usize == FileSystem::NATIVE.link as usize {
            assert_eq!(age(), ages);
        }
        fs::remove_file(live.join("socket")).unwrap();
        assert_eq!(
            listing(&live),
            [
                "a/ 755",
                "a/link -> /nowhere",
                "a/notes 400 mine",
                "d 644 d",
                "vm/ 2770",
                "vm/disk 644 disk",
                "vm/empty/ 755"
            ]
        );
        assert_eq!(names(&out), ["demo"]);
        assert!(write(&build_of(&["d"]), out.path()).unwrap().is_unchanged());
    }
}

#[test]
fn a_changed_mode_is_put_right() {
    let artifacts = build_of(&["a/b", "c"]);
    let out = written(&artifacts);
    fs::set_permissions(out.path().join("demo/a/b"), fs::Permissions::from_mode(0o600)).unwrap();
    let report = write(&artifacts, out.path()).unwrap();
    assert_eq!((report.written, report.unchanged, report.mended), (1, 3, 0));
    fs::set_permissions(out.path().join("demo/a"), fs::Permissions::from_mode(0o700)).unwrap();
    let report = write(&artifacts, out.path()).unwrap();
    assert_eq!((report.written, report.unchanged, report.mended), (0, 4, 1));
    assert!(!report.is_unchanged());
    assert_eq!(listing(&out.path().join("demo")), ["a/ 755", "a/b 644 a/b", "c 644 c"]);
}

#[test]
fn files_with_the_right_bytes_are_taken_over() {
    let artifacts = build_of(&["a/b", "c"]);
    let out = written(&artifacts);
    let live = out.path().join("demo");
    fs::remove_file(live.join("manifest.json")).unwrap();
    fs::remove_file(live.join("c")).unwrap();
    fs::set_permissions(live.join("a/b"), fs::Permissions::from_mode(0o666)).unwrap();
    let report = write(&artifacts, out.path()).unwrap();
    assert_eq!((report.written, report.unchanged), (3, 1));
    assert_eq!(listing(&live), ["a/ 755", "a/b 644 a/b", "c 644 c"]);
    assert_eq!(names(&out), ["demo"]);
}

#[test]
fn everything_in_the_way_is_named_and_nothing_is_written() {
    let out = written(&build_of(&["old/x"]));
    let live = out.path().join("demo");
    fs::create_dir_all(live.join("folder")).unwrap();
    fs::write(live.join("file"), "mine").unwrap();
    fs::write(live.join("parent"), "mine").unwrap();
    fs::write(live.join("old/notes"), "mine").unwrap();
    symlink("folder", live.join("link")).unwrap();
    symlink("old", live.join("way")).unwrap();
    drop(std::os::unix::net::UnixListener::bind(live.join("socket")).unwrap());
    let before = stamps(out.path());

    let paths = ["file", "folder", "link", "old", "parent/a", "parent/b", "socket", "way/x", "fine"];
    let error = write(&build_of(&paths), out.path()).unwrap_err();

    let text = error.to_string().replace(out.path().to_str().unwrap(), "out");
    insta::assert_snapshot!(text, @r"
    out/demo is left as it was, because these are in the way:
      out/demo/file: a file that bpc did not write; move or delete it
      out/demo/folder: a folder where bpc writes a file; move or delete it
      out/demo/link: a symbolic link, and bpc writes through none; replace or delete it
      out/demo/old: a folder where bpc writes a file; move or delete it
      out/demo/parent: a file that bpc did not write; move or delete it
      out/demo/socket: neither a file nor a folder; move or delete it
      out/demo/way: a symbolic link, and bpc writes through none; replace or delete it
    ");
    assert_eq!(stamps(out.path()), before);
}

#[test]
fn a_damaged_manifest_makes_all_files_foreign() {
    let out = written(&build_of(&["a", "b"]));
    let live = out.path().join("demo");
    fs::write(live.join("manifest.json"), "{\"files\": [{\"path\": \"../a\"}]}").unwrap();
    fs::write(live.join("a"), "edited").unwrap();
    let text = write(&build_of(&["a", "b"]), out.path()).unwrap_err().to_string();
    insta::assert_snapshot!(text.replace(out.path().to_str().unwrap(), "out"), @r#"
    out/demo is left as it was, because these are in the way:
      out/demo/a: a file that bpc did not write; move or delete it
      out/demo/manifest.json: a file that bpc did not write; move or delete it
    out/demo/manifest.json is damaged (the path "../a" has an empty name, '.' or '..' in it), so bpc cannot tell which files there are its own; if you put nothing into out/demo, it is safe to delete it and build again
    "#);
}

#[test]
fn the_tree_itself_must_be_a_folder() {
    let out = tempdir().unwrap();
    let live = out.path().join("demo");
    let refusal = || {
        write(&build_of(&["a"]), out.path())
            .unwrap_err()
            .to_string()
            .replace(out.path().to_str().unwrap(), "out")
    };
    fs::write(&live, "mine").unwrap();
    insta::assert_snapshot!(refusal(), @r"
    out/demo is left as it was, because these are in the way:
      out/demo: a file that bpc did not write; move or delete it
    ");
    fs::remove_file(&live).unwrap();
    symlink("elsewhere", &live).unwrap();
    insta::assert_snapshot!(refusal(), @r"
    out/demo is left as it was, because these are in the way:
      out/demo: a symbolic link, and bpc writes through none; replace or delete it
    ");
    assert_eq!(names(&out), ["demo"]);
}

#[test]
fn a_name_that_is_no_folder_name_is_a_bug() {
    let out = tempdir().unwrap();
    for name in ["", ".", "..", "a/b", ".hidden"] {
        let artifacts = Artifacts { name: name.to_owned(), ..build_of(&["a"]) };
        assert!(matches!(write(&artifacts, out.path()), Err(Error::Bug { .. })), "{name:?}");
    }
    assert_eq!(names(&out).len(), 0);
}

#[test]
fn a_failed_exchange_leaves_the_old_tree() {
    let out = written(&build_of(&["a"]));
    let before = stamps(&out.path().join("demo"));
    let broken = FileSystem { exchange: |_, _| Err(io::Error::from_raw_os_error(5)), ..FileSystem::NATIVE };
    let text = write_on(broken, &build_of(&["b"]), out.path()).unwrap_err().to_string();
    insta::assert_snapshot!(text.replace(out.path().to_str().unwrap(), "out"), @"cannot replace out/demo: Input/output error (os error 5); the earlier tree is whole");
    assert_eq!(stamps(&out.path().join("demo"))[0].2, before[0].2);
    assert_eq!(listing(&out.path().join("demo")), ["a 644 a"]);
    assert_eq!(names(&out), ["demo"]);
}

#[test]
fn a_second_write_waits_for_the_first() {
    let out = written(&build_of(&["a"]));
    let folder = fs::File::open(out.path()).unwrap();
    folder.lock().unwrap();
    std::thread::scope(|scope| {
        let second = scope.spawn(|| write(&build_of(&["b"]), out.path()).unwrap());
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert!(!second.is_finished());
        assert_eq!(listing(&out.path().join("demo")), ["a 644 a"]);
        drop(folder);
        assert_eq!(second.join().unwrap().removed, 1);
    });
}

#[test]
fn what_is_left_of_a_failed_build_is_named() {
    let out = tempfile::tempdir().unwrap();
    let place = Place::new(out.path(), "demo").unwrap();
    let failure = || place.failed("write", &place.live.join("a"), std::io::ErrorKind::StorageFull.into());
    assert!(super::stage::abandon(&place, failure()).to_string().contains("; nothing was left behind; free"));
    // What is no folder is not deleted as one.
    std::fs::write(&place.staging, "").unwrap();
    let said = super::stage::abandon(&place, failure()).to_string();
    assert!(
        said.contains(".demo.staging is left, which the next build deletes") && !said.contains("nothing"),
        "{said}"
    );
}

#[test]
fn a_way_out_goes_with_what_the_system_said() {
    let out = tempfile::tempdir().unwrap();
    let place = Place::new(out.path(), "demo").unwrap();
    let said = |code| {
        place.failed("write", &place.live.join("a"), std::io::Error::from_raw_os_error(code)).to_string()
    };
    let (operation, access) = (said(1), said(13));
    assert!(operation.contains("chattr -i") && !operation.contains("chown"), "{operation}");
    assert!(access.contains("chown") && !access.contains("chattr"), "{access}");
}
