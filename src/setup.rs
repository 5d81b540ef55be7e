//! What one machine gets from its role: files, packages, bootstrap stages.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::artifact::{Content, Kind};
use crate::bug::Bug;
use crate::value::Secret;

/// A file that the seed puts on the machine, owned by root; or that the [operator](OperatorFile) gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its absolute path on the machine.
    pub path: String,
    /// What is in it.
    pub content: Content,
    /// Its mode there, for instance 0o644.
    pub mode: u32,
    /// What of the vault can be read in it; none in a public file.
    pub secrets: Vec<SecretUse>,
}

/// A secret in a file, and the reason that it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretUse {
    /// What it is derived for: `kube-mast01/apiserver`.
    pub purpose: String,
    /// Who needs it there, in a few words.
    pub why: &'static str,
}

impl File {
    /// A public file of mode 0644.
    pub fn text(path: impl Into<String>, content: impl Into<Content>) -> Self {
        Self { path: path.into(), content: content.into(), mode: 0o644, secrets: Vec::new() }
    }

    /// A public file of mode 0755.
    pub fn script(path: impl Into<String>, content: impl Into<Content>) -> Self {
        Self { path: path.into(), content: content.into(), mode: 0o755, secrets: Vec::new() }
    }

    /// A file of mode 0600 with this secret in it.
    pub fn secret<T: AsRef<[u8]>>(path: impl Into<String>, content: &Secret<T>, secret: SecretUse) -> Self {
        let content = Content::Secret(Secret::new(content.expose().as_ref().to_vec()));
        Self { path: path.into(), content, mode: 0o600, secrets: vec![secret] }
    }

    /// What may be shown of it: itself if it is public, else a line that says what is hidden.
    #[must_use]
    pub fn redacted(&self) -> Self {
        if !self.content.is_secret() {
            return self.clone();
        }
        let purposes: Vec<&str> = self.secrets.iter().map(|secret| secret.purpose.as_str()).collect();
        let content = format!("[secret: {}]\n", purposes.join(", "));
        Self { content: content.into(), ..self.clone() }
    }
}

/// One step of a machine's bootstrap: an idempotent POSIX sh script.
///
/// It exits 0 when its work is done or was done before; anything else is tried again by the bootstrap engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Its place in the order, 0 to 99: smaller runs first.
    pub order: u8,
    /// Its name, a DNS label: what the console markers and the journal call it.
    pub name: &'static str,
    /// The script, `#!/bin/sh` line included.
    pub script: String,
    /// Paths of the files of the machine that it puts into force or reads.
    pub inputs: Vec<String>,
    /// A script that undoes what it did, besides its units and files, once a seed does not have it any more.
    pub undo: Option<String>,
}

impl Stage {
    /// A stage that is this script.
    #[must_use]
    pub const fn scripted(order: u8, name: &'static str, script: String) -> Self {
        Self { order, name, script, inputs: Vec::new(), undo: None }
    }

    /// A stage that also puts these files into force.
    #[must_use]
    pub fn applying<'a>(mut self, files: impl IntoIterator<Item = &'a File>) -> Self {
        self.inputs.extend(files.into_iter().map(|file| file.path.clone()));
        self
    }

    /// The stage with the digests of all its inputs in its script: it is another stage, and so runs again, when one of
    /// them changes. `digest` makes them, 64 hexadecimal digits that tell nothing about a secret.
    ///
    /// # Errors
    /// [`Bug`] if an input is none of `files`.
    pub fn sealed(mut self, files: &[File], digest: impl Fn(&Content) -> String) -> Result<Self, Bug> {
        let inputs: BTreeSet<&String> = self.inputs.iter().collect();
        if !inputs.is_empty() {
            self.script.push_str("\n# Puts into force:\n");
        }
        for path in inputs {
            let file = files.iter().find(|file| file.path == *path);
            let file =
                file.ok_or_else(|| Bug(format!("stage {} reads {path}, which is not there", self.name)))?;
            // Writing to a string cannot fail.
            let _ = writeln!(self.script, "# {}  {path}", digest(&file.content));
        }
        Ok(self)
    }

    /// The file name: `20-dnsmasq`.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{:02}-{}", self.order, self.name)
    }
}

/// All that one machine gets, in the order in which the roles added it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setup {
    /// Files, each path once.
    pub files: Vec<File>,
    /// Debian or Ubuntu packages.
    pub packages: BTreeSet<String>,
    /// Bootstrap stages.
    pub stages: Vec<Stage>,
}

impl Setup {
    /// Adds packages.
    pub fn install<const N: usize>(&mut self, packages: [&str; N]) {
        self.packages.extend(packages.map(str::to_owned));
    }

    /// Adds files and the stage that puts them into force.
    pub fn apply(&mut self, stage: Stage, files: Vec<File>) {
        self.stages.push(stage.applying(&files));
        self.files.extend(files);
    }

    /// The same with all stages [sealed](Stage::sealed).
    ///
    /// # Errors
    /// [`Bug`] if a stage reads what the machine does not have.
    pub fn sealed(mut self, digest: impl Fn(&Content) -> String) -> Result<Self, Bug> {
        let stages = std::mem::take(&mut self.stages).into_iter();
        self.stages = stages.map(|stage| stage.sealed(&self.files, &digest)).collect::<Result<_, _>>()?;
        Ok(self)
    }
}

/// A file for the person who runs the data centre.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorFile {
    /// The file, its path being that in the output tree.
    pub file: File,
    /// What it is for.
    pub kind: Kind,
    /// The line of the blueprint that it comes from: `blueprint.yaml:31`.
    pub origin: String,
}

/// What all machines of a site get, and the person who runs it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setups {
    /// One a machine, in the order of the machines.
    pub machines: Vec<Setup>,
    /// Files that stay in the output tree.
    pub operator: Vec<OperatorFile>,
}

impl Setups {
    /// The same with [redacted](File::redacted) files: what is made of it may be shown to anybody.
    #[must_use]
    pub fn redacted(&self) -> Self {
        let machine = |setup: &Setup| {
            let files = setup.files.iter().map(File::redacted).collect();
            Setup { files, ..setup.clone() }
        };
        let operator = |it: &OperatorFile| OperatorFile { file: it.file.redacted(), ..it.clone() };
        Self {
            machines: self.machines.iter().map(machine).collect(),
            operator: self.operator.iter().map(operator).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The script of a stage that applies these files, with what is in them in place of digests.
    fn stage(files: &[File]) -> Result<String, Bug> {
        let mut setup = Setup::default();
        setup.apply(Stage::new(20, "firewall", &[], "nft -f /etc/nftables.conf\n"), files.to_vec());
        let shown = |content: &Content| String::from_utf8_lossy(content.bytes()).into_owned();
        Ok(setup.sealed(shown)?.stages.remove(0).script)
    }

    #[test]
    fn a_stage_changes_with_all_that_it_applies() {
        let key = SecretUse { purpose: "etcd-ca".to_owned(), why: "signs" };
        let files = |rules: &str, secret: &str| {
            let secret = Secret::new(secret.to_owned());
            [File::text("/etc/nftables.conf", rules), File::secret("/etc/key", &secret, key.clone())]
        };
        let one = stage(&files("a", "b")).unwrap();
        assert!(one.ends_with("\n# Puts into force:\n# b  /etc/key\n# a  /etc/nftables.conf\n"), "{one}");
        assert_ne!(one, stage(&files("A", "b")).unwrap());
        assert_ne!(one, stage(&files("a", "B")).unwrap());
    }

    #[test]
    fn a_stage_reads_nothing_that_is_not_there() {
        let stage = Stage::new(20, "it", &[], "").applying(&[File::text("/etc/it", "")]);
        let setup = Setup { stages: vec![stage], ..Setup::default() };
        assert!(setup.sealed(|_| String::new()).is_err());
    }

    #[test]
    fn what_is_shown_of_a_secret_is_its_purpose() {
        let key = Secret::new("hunter2".to_owned());
        let secret = SecretUse { purpose: "etcd-ca".to_owned(), why: "signs" };
        let file = File::secret("/etc/etcd/pki/ca.key", &key, secret);
        assert_eq!((file.mode, file.content.bytes()), (0o600, &b"hunter2"[..]));
        let shown = file.redacted();
        assert_eq!(shown.content, Content::from("[secret: etcd-ca]\n"));
        assert_eq!(File { content: file.content.clone(), ..shown }, file);
        let public = File::text("/etc/hosts", "localhost");
        assert_eq!(public.redacted(), public);
    }
}
