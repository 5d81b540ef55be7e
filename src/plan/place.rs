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
pub(super) fn files<'a>(site: &Site, setups: &'a Setups, holder: &Holder) -> &'a [File] {
    let Holder::Machine(name) = holder else { return &setups.operator };
    let mut machines = site.machines.iter().zip(&setups.machines);
    machines.find(|(machine, _)| machine.name == *name).map_or(&[], |(_, setup)| &setup.files)
}

/// All files that hold secrets: those of the machines in their order, then the operator's.
pub(super) fn secret_files<'a>(
    site: &'a Site,
    setups: &'a Setups,
) -> impl Iterator<Item = (Place, &'a File)> {
    let names = site.machines.iter().map(|machine| Place::Machine(machine.name.clone()));
    let machines = names.zip(setups.machines.iter().map(|setup| setup.files.as_slice()));
    let places = machines.chain([(Place::Operator, setups.operator.as_slice())]);
    let files = places.flat_map(|(place, files)| files.iter().map(move |file| (place.clone(), file)));
    files.filter(|(_, file)| !file.secrets.is_empty())
}
