//! `known_hosts`: whom `ssh` trusts to be a machine of the site.

use crate::bug::Bug;
use crate::credentials::Credentials;
use crate::site::Site;

/// The file, for machines and for the operator: it names the authority, not the machines, so a new one changes nothing.
pub(super) fn text(site: &Site, credentials: &Credentials) -> Result<String, Bug> {
    let authority = credentials.ssh().host_authority();
    let lines = site.ssh.trusted_for.iter().map(|patterns| Ok(authority.known_hosts_line(patterns)? + "\n"));
    lines.collect()
}
