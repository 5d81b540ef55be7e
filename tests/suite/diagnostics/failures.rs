//! What is wrong outside a blueprint: files that cannot be read, vaults, two blueprints of one name.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

use super::{ROOT, codes_in, stderr};
use bpc::diag::Code;

/// A folder with blueprints, in which `bpc` runs.
struct Project(TempDir);

impl Project {
    /// Each blueprint is a file `<folder>/blueprint.yaml` over the base of the bad ones.
    fn new(blueprints: &[(&str, &str)]) -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        for (folder, keys) in blueprints {
            let fragments = project.path().join(folder).join("fragments");
            fs::create_dir_all(&fragments).unwrap();
            for name in ["head.yaml", "base.yaml"] {
                let from = Path::new(ROOT).join("blueprints/bad/fragments").join(name);
                fs::copy(from, fragments.join(name)).unwrap();
            }
            let text = format!("include: [fragments/base.yaml]\n{keys}");
            fs::write(project.path().join(folder).join("blueprint.yaml"), text).unwrap();
        }
        project
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write_vault(&self, bytes: &[u8], mode: u32) {
        let path = self.path().join("vault.key");
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn bpc(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bpc"));
        command.env_clear().current_dir(self.path()).args(arguments).output().expect("bpc starts")
    }

    /// What a build with the vault `vault.key` complains about; it writes nothing.
    fn refused_vault(&self) -> String {
        let output = self.bpc(&["build", "lab", "--vault", "vault.key"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(!self.path().join("out").exists());
        stderr(&output)
    }
}

#[test]
fn a_vault_that_others_can_read_is_refused() {
    let project = Project::new(&[("lab", "")]);
    project.write_vault(&[7; 32], 0o644);
    let text = project.refused_vault();
    assert_eq!(codes_in(&text), [Code::VaultPermissions], "{text}");
    assert!(text.contains("the vault vault.key can be read by others (mode 0644)"), "{text}");
    assert!(text.contains("help: chmod 600 vault.key"), "{text}");
}

#[test]
fn a_vault_of_another_size_is_refused() {
    let project = Project::new(&[("lab", "")]);
    project.write_vault(&[7; 31], 0o600);
    let text = project.refused_vault();
    assert_eq!(codes_in(&text), [Code::VaultSize], "{text}");
    assert!(text.contains("the vault vault.key has 31 bytes, not 32"), "{text}");
}

#[test]
fn a_vault_that_cannot_be_read_or_made_is_refused() {
    let project = Project::new(&[("lab", "")]);
    fs::create_dir(project.path().join("vault.key")).unwrap();
    let text = project.refused_vault();
    assert_eq!(codes_in(&text), [Code::VaultUnreadable], "{text}");

    let output = project.bpc(&["build", "lab", "--vault", "nowhere/vault.key"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(codes_in(&stderr(&output)), [Code::VaultUnreadable]);
}

#[test]
fn a_blueprint_that_is_not_there_is_named() {
    let project = Project::new(&[]);
    let output = project.bpc(&["check", "lab/blueprint.yaml"]);
    assert_eq!(output.status.code(), Some(2));
    let text = stderr(&output);
    assert_eq!(codes_in(&text), [Code::BlueprintUnreadable], "{text}");
    assert!(text.contains("cannot read lab/blueprint.yaml: there is no such file"), "{text}");
}

#[test]
fn a_folder_without_blueprints_is_no_success() {
    let project = Project::new(&[]);
    let output = project.bpc(&["check"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(codes_in(&stderr(&output)), [Code::BlueprintUnreadable]);
}

#[test]
fn two_blueprints_of_one_name_are_refused() {
    let project = Project::new(&[("lab", ""), ("office", "")]);
    for command in ["check", "build"] {
        let output = project.bpc(&[command, "lab", "office"]);
        assert_eq!(output.status.code(), Some(1));
        let text = stderr(&output);
        assert_eq!(codes_in(&text), [Code::BlueprintNameTaken], "{text}");
        assert!(
            text.contains("lab/blueprint.yaml and office/blueprint.yaml are both called 'demo'"),
            "{text}"
        );
        assert!(!project.path().join("out").exists());
    }
}

#[test]
fn one_bad_blueprint_keeps_all_from_being_built() {
    let project = Project::new(&[("lab", "name: lab"), ("office", "name: OFFICE")]);
    let output = project.bpc(&["build", "lab", "office"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(codes_in(&stderr(&output)), [Code::NameSyntax]);
    assert!(!project.path().join("out").exists());
}
