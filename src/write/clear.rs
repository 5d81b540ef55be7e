//! Clears the swap folder away, whichever tree is in it: bpc's files are deleted, what bpc did not write is kept.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::Error;
use super::manifest::{MANIFEST, Owned, folders_of};
use super::place::{Place, exists};
use super::plan::FOLDER_MODE;
use super::scan::{Node, Shape, scan};
use super::stage::make_folder;
use super::swap::leftover;

/// Moves to the live tree what only the swap folder has of files that bpc did not write, then deletes the folder.
///
/// Safe to be killed at any point and begun again: a file that is moved is gone from here, and the manifest, which
/// tells bpc's files from others, is the last file to be deleted.
pub(super) fn clear(place: &Place) -> Result<(), Error> {
    let swap = &place.swap;
    let root = Node::at(swap, None).map_err(leftover("read", swap))?;
    let nodes = scan(swap, root.identity().0).map_err(leftover("read", swap))?;
    let clearing = Clearing { place, owned: Owned::read(swap), live: Owned::read(&place.live) };

    let (mut files, mut folders) = (Vec::new(), Vec::new());
    let mut moved: Option<&Path> = None;
    for (path, node) in &nodes {
        if moved.is_some_and(|folder| path.starts_with(folder)) {
            continue;
        }
        match clearing.fate(path, node)? {
            Fate::Move => {
                clearing.rescue(path)?;
                moved = Some(path);
            }
            Fate::Delete if node.is_folder() => folders.push(swap.join(path)),
            Fate::Delete if path == Path::new(MANIFEST) => {}
            Fate::Delete => files.push(swap.join(path)),
        }
    }
    files.iter().try_for_each(|path| delete(path, fs::remove_file))?;
    folders.iter().rev().try_for_each(|path| delete(path, fs::remove_dir))?;
    delete(&swap.join(MANIFEST), fs::remove_file)?;
    delete(swap, fs::remove_dir)
}

fn delete(path: &Path, remove: fn(PathBuf) -> io::Result<()>) -> Result<(), Error> {
    match remove(path.to_owned()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result.map_err(leftover("delete", path)),
    }
}

/// What becomes of an entry of the swap folder.
enum Fate {
    Move,
    Delete,
}

struct Clearing<'a> {
    place: &'a Place,
    /// What is bpc's in the swap folder.
    owned: Owned,
    /// What is bpc's in the live tree.
    live: Owned,
}

impl Clearing<'_> {
    fn fate(&self, path: &Path, node: &Node) -> Result<Fate, Error> {
        let is_own = match node.shape {
            Shape::File => self.owned.files.contains(path),
            Shape::Folder => self.owned.folders.contains(path),
            _ => false,
        };
        if is_own {
            return Ok(Fate::Delete);
        }
        match Node::at(&self.place.live.join(path), None) {
            Ok(there) => self.fate_beside(path, node, &there),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Fate::Move),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => Err(self.clash(path)),
            Err(error) => Err(leftover("read", &self.place.live.join(path))(error)),
        }
    }

    /// The fate of something that is not bpc's if the live tree has something of the same path.
    fn fate_beside(&self, path: &Path, node: &Node, there: &Node) -> Result<Fate, Error> {
        if node.identity() == there.identity() || (node.is_folder() && there.is_folder()) {
            return Ok(Fate::Delete);
        }
        if node.is_folder() || there.is_folder() {
            return Err(self.clash(path));
        }
        if self.live.files.contains(path) && there.shape == Shape::File {
            // Taken over because bpc makes the same bytes; if they differ now, it was replaced during the build.
            return if self.has_same_bytes(path, node) { Ok(Fate::Delete) } else { Err(self.clash(path)) };
        }
        // Somebody replaced the file after it got its second name: the later of the two is the one they want.
        Ok(if node.modified() > there.modified() { Fate::Move } else { Fate::Delete })
    }

    fn has_same_bytes(&self, path: &Path, node: &Node) -> bool {
        let read = |tree: &Path| fs::read(tree.join(path)).ok();
        let length = |tree: &Path| fs::metadata(tree.join(path)).map(|metadata| metadata.len()).ok();
        node.shape == Shape::File
            && length(&self.place.swap) == length(&self.place.live)
            && read(&self.place.swap).is_some_and(|here| read(&self.place.live) == Some(here))
    }

    fn rescue(&self, path: &Path) -> Result<(), Error> {
        let folders: Vec<&Path> = folders_of(path).collect();
        for folder in folders.iter().rev().map(|folder| self.place.live.join(folder)) {
            if !exists(&folder) {
                make_folder(&folder, FOLDER_MODE).map_err(leftover("make the folder", &folder))?;
            }
        }
        let (from, to) = (self.place.swap.join(path), self.place.live.join(path));
        fs::rename(&from, to).map_err(leftover("move", &from))
    }

    fn clash(&self, path: &Path) -> Error {
        Error::Clash { kept: self.place.swap.join(path), path: self.place.live.join(path) }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;
    use std::time::{Duration, SystemTime};

    use tempfile::{TempDir, tempdir};

    use super::super::tests::{build, file};
    use super::super::{Report, write};
    use super::*;

    /// An `out/` as a killed build leaves it: live is `a`, the swap folder holds `b`.
    fn killed() -> (TempDir, PathBuf, PathBuf) {
        let out = tempdir().unwrap();
        let (live, swap) = (out.path().join("demo"), out.path().join(".demo.swap"));
        rebuild(&out, "b").unwrap();
        fs::rename(&live, &swap).unwrap();
        let aside = tempdir().unwrap();
        rebuild(&aside, "a").unwrap();
        fs::rename(aside.path().join("demo"), &live).unwrap();
        (out, live, swap)
    }

    /// Writes a build of one file, in a folder of its own.
    fn rebuild(out: &TempDir, name: &str) -> Result<Report, Error> {
        write(&build(&[file(&format!("{name}.d/{name}"), name)]), out.path())
    }

    fn set_age(path: &Path, seconds: u64) {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 - seconds);
        fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
    }

    fn text(path: PathBuf) -> String {
        fs::read_to_string(path).unwrap()
    }

    #[test]
    fn what_only_the_swap_folder_has_is_moved_over() {
        let (out, live, swap) = killed();
        fs::create_dir_all(swap.join("vm/disks")).unwrap();
        for path in ["vm/disks/1", "b.d/notes"] {
            fs::write(swap.join(path), "mine").unwrap();
        }
        let folder = fs::metadata(swap.join("vm")).unwrap().ino();

        assert!(rebuild(&out, "a").unwrap().is_unchanged());

        assert_eq!(
            (text(live.join("vm/disks/1")), text(live.join("b.d/notes"))),
            ("mine".into(), "mine".into())
        );
        assert_eq!(fs::metadata(live.join("vm")).unwrap().ino(), folder);
        assert!(!swap.exists() && !live.join("b.d/b").exists());
    }

    #[test]
    fn the_later_of_two_versions_stays() {
        for (age_here, age_there, stays) in [(1, 2, "here"), (2, 1, "there"), (1, 1, "there")] {
            let (out, live, swap) = killed();
            fs::write(swap.join("notes"), "here").unwrap();
            fs::write(live.join("notes"), "there").unwrap();
            set_age(&swap.join("notes"), age_here);
            set_age(&live.join("notes"), age_there);
            rebuild(&out, "a").unwrap();
            assert_eq!(text(live.join("notes")), stays);
        }
    }

    #[test]
    fn a_file_that_came_up_on_a_path_of_bpcs_is_kept_aside() {
        let (out, live, swap) = killed();
        fs::create_dir(swap.join("a.d")).unwrap();
        fs::write(swap.join("a.d/a"), "mine").unwrap();
        let error = rebuild(&out, "a").unwrap_err().to_string();
        let shown = error.replace(out.path().to_str().unwrap(), "out");
        insta::assert_snapshot!(shown, @"out/demo/a.d/a came up while bpc was writing its own; yours is kept as out/.demo.swap/a.d/a: move or delete it and build again");
        assert_eq!((text(swap.join("a.d/a")), text(live.join("a.d/a"))), ("mine".into(), "a".into()));
        fs::remove_file(swap.join("a.d/a")).unwrap();
        assert!(rebuild(&out, "a").unwrap().is_unchanged());
    }

    #[test]
    fn a_tree_without_a_manifest_is_not_taken_for_bpcs() {
        let (out, live, swap) = killed();
        fs::remove_file(swap.join("manifest.json")).unwrap();
        fs::remove_file(swap.join("SHA256SUMS")).unwrap();
        fs::create_dir(swap.join("a.d")).unwrap();
        fs::write(swap.join("a.d/a"), "a").unwrap();
        rebuild(&out, "a").unwrap();
        assert_eq!(text(live.join("b.d/b")), "b");
        assert!(!swap.exists());
    }

    #[test]
    fn a_half_deleted_tree_is_deleted() {
        for kept in [&["manifest.json"][..], &[]] {
            let (out, _, swap) = killed();
            fs::remove_dir_all(swap.join("b.d")).unwrap();
            for name in ["manifest.json", "SHA256SUMS"].iter().filter(|name| !kept.contains(name)) {
                fs::remove_file(swap.join(name)).unwrap();
            }
            assert!(rebuild(&out, "a").unwrap().is_unchanged());
            assert!(!swap.exists());
        }
    }

    #[test]
    fn a_tree_that_was_only_put_aside_is_put_back() {
        let (out, live, swap) = killed();
        fs::rename(&live, out.path().join(".demo.staging")).unwrap();
        assert!(rebuild(&out, "b").unwrap().is_unchanged());
        assert_eq!(text(live.join("b.d/b")), "b");
        assert!(!swap.exists() && !out.path().join(".demo.staging").exists());
    }

    #[test]
    fn an_unfinished_tree_is_deleted_and_its_links_are_not_missed() {
        let (out, live, _) = killed();
        let staging = out.path().join(".demo.staging");
        fs::write(live.join("notes"), "mine").unwrap();
        fs::create_dir(&staging).unwrap();
        fs::hard_link(live.join("notes"), staging.join("notes")).unwrap();
        fs::write(staging.join("half"), "ha").unwrap();
        assert!(rebuild(&out, "a").unwrap().is_unchanged());
        assert!(!staging.exists() && !live.join("half").exists());
        assert_eq!(text(live.join("notes")), "mine");
    }
}
