//! What the person who runs the data centre gets.

use crate::artifact::Artifact;
use crate::setup::OperatorFile;

/// These files, at their paths in the output tree.
pub(super) fn artifacts(files: &[OperatorFile]) -> Vec<Artifact> {
    let artifact = |it: &OperatorFile| Artifact {
        path: it.file.path.clone(),
        kind: it.kind,
        content: it.file.content.clone(),
        executable: it.file.mode & 0o111 != 0,
        origin: it.origin.clone(),
    };
    files.iter().map(artifact).collect()
}
