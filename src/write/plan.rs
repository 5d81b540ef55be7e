//! What has to happen to the live tree; everything that stands in the way is found here, before anything is written.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::Report;
use super::error::{Error, Obstacle, Refusal};
use super::manifest::{Owned, folders_of};
use super::place::{Place, exists};
use super::scan::{Node, Shape, scan};
use crate::artifact::Artifact;

/// The mode of every folder that bpc makes.
pub(super) const FOLDER_MODE: u32 = 0o755;

/// The new tree, in terms of the live one.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    /// bpc's files, by path, and whether the live tree has them already.
    pub(super) files: Vec<(&'a Artifact, bool)>,
    /// All folders, each after the one it is in; of one that is not bpc's, what it looks like now.
    pub(super) folders: BTreeMap<PathBuf, Option<Metadata>>,
    /// What bpc did not write, folders aside.
    pub(super) foreign: Vec<PathBuf>,
    /// What there is to do.
    pub(super) report: Report,
}

/// Compares the live tree with the `wanted` artifacts.
pub(super) fn plan<'a>(wanted: &[&'a Artifact], place: &Place) -> Result<Plan<'a>, Error> {
    let (root, nodes) = look(place)?;
    let owned = if root.is_some() { Owned::read(&place.live) } else { Owned::default() };
    let survey = Survey { live: &place.live, nodes: &nodes, owned: &owned, wanted: Wanted::new(wanted) };

    let files: Vec<(&Artifact, bool)> =
        wanted.par_iter().map(|artifact| (*artifact, survey.is_current(artifact))).collect();
    let report = survey.report(&files, root.as_ref());
    let mut plan = Plan { files, folders: BTreeMap::new(), foreign: Vec::new(), report };
    if !report.is_unchanged() {
        survey.refuse(wanted)?;
        plan.folders = survey.folders();
        plan.foreign = survey
            .foreign()
            .filter(|(_, node)| node.shape != Shape::Folder)
            .map(|(p, _)| p.clone())
            .collect();
    }
    Ok(plan)
}

type Nodes = BTreeMap<PathBuf, Node>;

/// The live tree's root and all that is below it; no root if there is no tree yet.
fn look(place: &Place) -> Result<(Option<Node>, Nodes), Error> {
    let failed = |error| place.failed("read", &place.live, error);
    if !exists(&place.live) {
        return Ok((None, Nodes::new()));
    }
    let device = fs::metadata(&place.out).map_err(failed)?.dev();
    let root = Node::at(&place.live, Some(device)).map_err(failed)?;
    if root.shape != Shape::Folder {
        let refusals = vec![Refusal { path: place.live.clone(), obstacle: root.shape.obstacle() }];
        return Err(Error::Refused { refusals, unknown: None, live: place.live.clone() });
    }
    let nodes = scan(&place.live, device).map_err(failed)?;
    Ok((Some(root), nodes))
}

/// The paths of a build.
#[derive(Debug)]
struct Wanted<'a> {
    files: BTreeSet<&'a Path>,
    folders: BTreeSet<&'a Path>,
}

impl<'a> Wanted<'a> {
    fn new(artifacts: &[&'a Artifact]) -> Self {
        let files: BTreeSet<&Path> = artifacts.iter().map(|artifact| Path::new(&artifact.path)).collect();
        let folders = files.iter().flat_map(|path| folders_of(path)).collect();
        Self { files, folders }
    }
}

/// The live tree beside what is wanted.
#[derive(Debug)]
struct Survey<'a> {
    live: &'a Path,
    nodes: &'a Nodes,
    owned: &'a Owned,
    wanted: Wanted<'a>,
}

impl Survey<'_> {
    fn has_bytes_of(&self, artifact: &Artifact) -> bool {
        let bytes = artifact.content.bytes();
        let path = Path::new(&artifact.path);
        self.nodes
            .get(path)
            .is_some_and(|node| node.shape == Shape::File && node.metadata.len() == bytes.len() as u64)
            && fs::read(self.live.join(path)).is_ok_and(|there| there == bytes)
    }

    fn is_current(&self, artifact: &Artifact) -> bool {
        let node = self.nodes.get(Path::new(&artifact.path));
        node.is_some_and(|node| node.mode() == artifact.mode()) && self.has_bytes_of(artifact)
    }

    fn report(&self, files: &[(&Artifact, bool)], root: Option<&Node>) -> Report {
        let mut report = Report::default();
        for (artifact, current) in files {
            if *current {
                report.unchanged += 1;
            } else {
                report.written += 1;
                report.bytes += artifact.content.bytes().len() as u64;
            }
        }
        let files = self.nodes.iter().filter(|(_, node)| node.shape == Shape::File);
        report.removed = files
            .filter(|(path, _)| {
                self.owned.files.contains(*path) && !self.wanted.files.contains(path.as_path())
            })
            .count();
        let folders = self.wanted.folders.iter().filter_map(|path| self.nodes.get(*path)).chain(root);
        report.mended =
            folders.filter(|node| node.shape == Shape::Folder && node.mode() != FOLDER_MODE).count();
        report
    }

    /// Whether bpc neither wrote this nor is about to.
    fn is_foreign(&self, path: &Path, node: &Node) -> bool {
        match node.shape {
            Shape::File => !self.owned.files.contains(path) && !self.wanted.files.contains(path),
            Shape::Folder => !self.owned.folders.contains(path) && !self.wanted.folders.contains(path),
            _ => true,
        }
    }

    fn foreign(&self) -> impl Iterator<Item = (&PathBuf, &Node)> {
        self.nodes.iter().filter(|(path, node)| self.is_foreign(path, node))
    }

    /// bpc's folders, those of others, and those that bpc once made and that others use now.
    fn folders(&self) -> BTreeMap<PathBuf, Option<Metadata>> {
        let mut folders = BTreeMap::new();
        for (path, node) in self.foreign() {
            let own = (node.shape == Shape::Folder).then_some(path.as_path());
            for folder in folders_of(path).chain(own) {
                folders.insert(folder.to_owned(), self.nodes.get(folder).map(|node| node.metadata.clone()));
            }
        }
        folders.extend(self.wanted.folders.iter().map(|folder| ((*folder).to_owned(), None)));
        folders
    }

    /// Names everything that is in the way.
    fn refuse(&self, wanted: &[&Artifact]) -> Result<(), Error> {
        let immovable = |node: &Node| matches!(node.shape, Shape::Closed | Shape::Mount);
        let mut obstacles: BTreeMap<&Path, Obstacle> = self
            .nodes
            .iter()
            .filter(|(_, node)| immovable(node))
            .map(|(path, node)| (path.as_path(), node.shape.obstacle()))
            .collect();
        for artifact in wanted {
            let path = Path::new(&artifact.path);
            obstacles.extend(folders_of(path).filter_map(|folder| self.obstacle_to_folder(folder)));
            obstacles.extend(self.obstacle_to_file(artifact));
        }
        if obstacles.is_empty() {
            return Ok(());
        }
        let about_files =
            obstacles.values().any(|obstacle| matches!(obstacle, Obstacle::File | Obstacle::Folder));
        let refusals = obstacles
            .into_iter()
            .map(|(path, obstacle)| Refusal { path: self.live.join(path), obstacle })
            .collect();
        let unknown = self.owned.unknown.clone().filter(|_| about_files);
        Err(Error::Refused { refusals, unknown, live: self.live.to_owned() })
    }

    fn obstacle_to_folder<'p>(&self, path: &'p Path) -> Option<(&'p Path, Obstacle)> {
        let node = self.nodes.get(path)?;
        let gives_way = match node.shape {
            Shape::Folder => true,
            Shape::File => self.owned.files.contains(path),
            _ => false,
        };
        (!gives_way).then_some((path, node.shape.obstacle()))
    }

    fn obstacle_to_file<'p>(&self, artifact: &'p Artifact) -> Option<(&'p Path, Obstacle)> {
        let path = Path::new(&artifact.path);
        let node = self.nodes.get(path)?;
        let gives_way = match node.shape {
            Shape::File => self.owned.files.contains(path) || self.has_bytes_of(artifact),
            Shape::Folder => self.owned.folders.contains(path) && !self.holds_foreign(path),
            _ => false,
        };
        (!gives_way).then_some((path, node.shape.obstacle()))
    }

    fn holds_foreign(&self, folder: &Path) -> bool {
        let inside = self.nodes.range(folder.to_owned()..).skip(1);
        inside
            .take_while(|(path, _)| path.starts_with(folder))
            .any(|(path, node)| self.is_foreign(path, node))
    }
}
