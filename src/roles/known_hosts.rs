//! `known_hosts`: whom `ssh` trusts to be a machine of the site.

use crate::bug::Bug;
use crate::credentials::Credentials;

/// The file, for machines and for the operator.
///
/// It names the authority, no machine and no network, so a new one changes nothing. That it is trusted for every name
/// does no harm: a host's certificate has to name the host, and the authority signs machines of the site only.
pub(super) fn text(credentials: &Credentials) -> Result<String, Bug> {
    Ok(credentials.ssh().host_authority().known_hosts_line(&["*".to_owned()])? + "\n")
}
