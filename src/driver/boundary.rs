//! How far a blueprint may reach: the files that it names are those of its repository, unless the user allows more.
//!
//! A blueprint may be somebody else's, and what is in a file that it names can end up in a message or on a machine.

use std::fs;
use std::path::{Path, PathBuf};

/// The folder that repositories keep blueprints in.
const BLUEPRINTS: &str = "blueprints";

/// The folders that a blueprint may name files in.
#[derive(Debug)]
pub(super) struct Boundary {
    root: PathBuf,
    /// What `root` is, for people.
    what: &'static str,
    allowed: Vec<PathBuf>,
}

impl Boundary {
    /// That of a blueprint in `folder`: the repository around it, else the folder `blueprints` that it is in, else `folder`
    /// itself; and the folders that the user allows.
    pub(super) fn around(folder: &Path, allowed: &[PathBuf]) -> Self {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let folder = real(folder);
        let found = |is: &dyn Fn(&&Path) -> bool| folder.ancestors().find(is).map(Path::to_path_buf);
        let repository = found(&|above| fs::symlink_metadata(above.join(".git")).is_ok());
        let blueprints = || found(&|above| above.file_name().is_some_and(|name| name == BLUEPRINTS));
        let (root, what) = match (repository, blueprints()) {
            (Some(root), _) => (root, "its repository"),
            (None, Some(root)) => (root, "the folder `blueprints`"),
            (None, None) => (folder, "its folder"),
        };
        Self { root, what, allowed: allowed.iter().map(|folder| real(folder)).collect() }
    }

    /// What a path leads out of, if it does; symbolic links count as what they lead to.
    pub(super) fn left_by(&self, path: &Path) -> Option<&'static str> {
        let path = real(path);
        let inside = std::iter::once(&self.root).chain(&self.allowed).any(|folder| path.starts_with(folder));
        (!inside).then_some(self.what)
    }
}

/// A path without symbolic links and `..`, as far as it exists.
fn real(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) => {
            real(if folder.as_os_str().is_empty() { Path::new(".") } else { folder }).join(name)
        }
        _ => path.to_path_buf(),
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_path_is_judged_by_what_it_leads_to() {
        let outside = tempfile::tempdir().unwrap();
        let root = outside.path().join("root");
        let lab = root.join("blueprints/lab");
        fs::create_dir_all(&lab).unwrap();
        symlink(outside.path(), lab.join("out")).unwrap();
        symlink("../..", lab.join("in")).unwrap();
        let left = |path: &str, allowed: &[PathBuf]| Boundary::around(&lab, allowed).left_by(&lab.join(path));
        assert_eq!(left("a/b", &[]), None);
        assert_eq!(left("../lan.yaml", &[]), None);
        assert_eq!(left("../../lan.yaml", &[]), Some("the folder `blueprints`"));
        fs::create_dir(root.join(".git")).unwrap();
        assert_eq!(left("../../lan.yaml", &[]), None);
        assert_eq!(left("in/lan.yaml", &[]), None);
        for path in
            ["out/lan.yaml", "out/root/../x", "../../../x", "../../../../../../../../../../etc/passwd"]
        {
            assert_eq!(left(path, &[]), Some("its repository"), "{path}");
        }
        assert_eq!(left("out/lan.yaml", &[outside.path().to_path_buf()]), None);
        // No neighbour whose name begins alike.
        assert_eq!(left("../../../root2/x", &[]), Some("its repository"));
    }
}
