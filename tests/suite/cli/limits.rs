//! What the system refuses a process: threads and memory.

use std::path::Path;
use std::process::Command;

use crate::support::project::{Project, said, without_privileges};
use crate::support::tools::{On, tool};

/// The command under a limit of `prlimit(1)`, as a user to whom the number of processes is limited.
fn limited(project: &Project, limit: &str, arguments: &[&str]) -> Option<Command> {
    let prlimit = tool(On::Host, "prlimit")?;
    let mut command = project.command(arguments);
    without_privileges(project, &mut command);
    let mut limited = prlimit.command();
    limited.arg(limit).arg(command.get_program()).args(arguments).current_dir(project.path("")).env_clear();
    as_user_of(project.path("").as_path(), &mut limited);
    Some(limited)
}

/// Lets a command run as the owner of a folder.
fn as_user_of(folder: &Path, command: &mut Command) {
    use std::os::unix::fs::MetadataExt as _;
    use std::os::unix::process::CommandExt as _;
    let owner = std::fs::metadata(folder).unwrap();
    if std::fs::metadata("/proc/self").unwrap().uid() == 0 {
        command.uid(owner.uid()).gid(owner.gid());
    }
}

#[test]
fn without_more_threads_everything_is_done_on_one() {
    let project = Project::with(&["alpha", "beta"]);
    for arguments in [&["check"][..], &["build"], &["plan", "--certificates"], &["bundle", "--ova"]] {
        let Some(mut command) = limited(&project, "--nproc=1", arguments) else { return };
        let said = said(&mut command);
        assert_eq!(said.status, 0, "{arguments:?}: {said:?}");
    }
    // The same as with all threads.
    let before = project.tree("out");
    assert_eq!(project.bpc(&["build"]).status, 0);
    assert!(project.tree("out") == before);
}

#[test]
fn a_limit_on_files_is_an_error_like_any_other() {
    let project = Project::with(&["alpha"]);
    assert_eq!(project.bpc(&["vault", "new"]).status, 0);
    let Some(mut command) = limited(&project, "--fsize=20000", &["build"]) else { return };
    let said = said(&mut command);
    assert_eq!(said.status, 2, "{said:?}");
    assert!(said.err.contains("File too large") && said.err.contains("`ulimit -f`"), "{}", said.err);
    assert!(!project.path("out/alpha").exists() && !project.path("out/.alpha.staging").exists());
}
