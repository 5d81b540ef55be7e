//! What is said of the whole data centre: the tables of `bpc plan`, so that a review of the tree shows what a change does
//! to addresses, secrets and certificates.

use crate::artifact::{Artifact, Kind};
use crate::bug::Bug;
use crate::credentials::Credentials;
use crate::plan::{Certificates, Plan, Secrets};
use crate::setup::Setups;
use crate::site::Site;

/// The tables, each a public file.
pub(super) fn artifacts(
    site: &Site,
    credentials: &Credentials,
    setups: &Setups,
) -> Result<[Artifact; 3], Bug> {
    let report = |name: &str, table: String| Artifact {
        path: format!("report/{name}.txt"),
        kind: Kind::Report,
        content: table.into(),
        executable: false,
        // As the lists of all artifacts, they come from no line of the blueprint but from all of them.
        origin: site.name.clone(),
    };
    Ok([
        report("plan", Plan::new(site).to_table()),
        report("secrets", Secrets::new(site, setups).to_table()),
        report("certificates", Certificates::new(site, credentials, setups)?.to_table()),
    ])
}
