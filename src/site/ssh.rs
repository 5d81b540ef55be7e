//! Who is known to whom by SSH.

use jiff::Timestamp;

use super::Holder;

/// The SSH certificates of a site. Two authorities sign them, which have no end of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshPlan {
    /// Those of the machines, in their order, then the operator's.
    pub certificates: Vec<SshCertificate>,
    /// The line of the blueprint that says who may log in: `blueprint.yaml:14`.
    pub origin: String,
}

/// A certificate for a machine as a host, or for the operator as a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshCertificate {
    /// Who holds its key.
    pub holder: Holder,
    /// The name by which sshd logs it.
    pub id: String,
    /// A machine's names and addresses, or the account that the operator logs in to.
    pub principals: Vec<String>,
    /// When it starts to be good.
    pub from: Timestamp,
    /// The first second at which it is not good any more.
    pub until: Timestamp,
}

/// The purpose of the key that signs host keys.
pub const SSH_HOST_AUTHORITY: &str = "ssh-host-ca";
/// The purpose of the key that signs users' keys.
pub const SSH_USER_AUTHORITY: &str = "ssh-user-ca";

impl Holder {
    /// What the holder's SSH key is derived for: `kube-mast01/ssh-host`, and for the operator `ssh-operator`.
    #[must_use]
    pub fn ssh_purpose(&self) -> String {
        match self {
            Self::Machine(name) => format!("{name}/ssh-host"),
            Self::Operator => "ssh-operator".to_owned(),
        }
    }
}

impl SshPlan {
    /// What keys are derived for.
    pub(super) fn purposes(&self) -> impl Iterator<Item = String> {
        let authorities = [SSH_HOST_AUTHORITY, SSH_USER_AUTHORITY].map(str::to_owned);
        let keys = self.certificates.iter().map(|certificate| certificate.holder.ssh_purpose());
        authorities.into_iter().chain(keys)
    }
}
