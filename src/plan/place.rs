//! Where files and keys are.

use serde::Serialize;

use crate::setup::{File, Setups};
use crate::site::{Holder, Site};

/// Who has a file or a key: in JSON `"holder"`, and for a machine `"machine"`, its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "holder", content = "machine", rename_all = "lowercase")]
pub(super) enum Place {
    /// The machine of that name.
    Machine(String),
    /// The person who runs the data centre: what is in the output tree beside the machines.
    Operator,
    /// Nobody but the vault.
    Vault,
}

impl Place {
    /// As a table shows it: no machine has a name of two words.
    pub(super) fn cell(&self) -> String {
        match self {
            Self::Machine(name) => name.clone(),
            Self::Operator => "the operator".to_owned(),
            Self::Vault => "the vault".to_owned(),
        }
    }
}

impl From<&Holder> for Place {
    fn from(holder: &Holder) -> Self {
        match holder {
            Holder::Machine(name) => Self::Machine(name.clone()),
            Holder::Operator => Self::Operator,
        }
    }
}

/// The files of a holder.
pub(super) fn files<'a>(site: &Site, setups: &'a Setups, holder: &Holder) -> Vec<&'a File> {
    let Holder::Machine(name) = holder else { return operators(setups).collect() };
    let mut machines = site.machines.iter().zip(&setups.machines);
    let found = machines.find(|(machine, _)| machine.name == *name);
    found.into_iter().flat_map(|(_, setup)| &setup.files).collect()
}

/// All files that hold secrets: those of the machines in their order, then the operator's.
pub(super) fn secret_files<'a>(
    site: &'a Site,
    setups: &'a Setups,
) -> impl Iterator<Item = (Place, &'a File)> {
    let machines = site.machines.iter().zip(&setups.machines);
    let on_machines = machines.flat_map(|(machine, setup)| {
        setup.files.iter().map(|file| (Place::Machine(machine.name.clone()), file))
    });
    let files = on_machines.chain(operators(setups).map(|file| (Place::Operator, file)));
    files.filter(|(_, file)| !file.secrets.is_empty())
}

fn operators(setups: &Setups) -> impl Iterator<Item = &File> {
    setups.operator.iter().map(|it| &it.file)
}
