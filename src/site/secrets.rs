//! Secrets that several machines share: no key pair of anybody's.

use super::{Failover, Role, Site};

/// A secret that all machines of a kind have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SharedSecret {
    /// With which Corosync's members know each other.
    CorosyncAuthkey,
    /// With which keepalived's peers know each other.
    VrrpPassword,
    /// Which opens HAProxy's statistics page.
    StatsPassword,
    /// With which machines join the cluster.
    BootstrapToken,
}

impl SharedSecret {
    /// The name in purposes of the vault.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CorosyncAuthkey => "corosync-authkey",
            Self::VrrpPassword => "vrrp-password",
            Self::StatsPassword => "stats-password",
            Self::BootstrapToken => "bootstrap-token",
        }
    }
}

impl Site {
    /// The shared secrets that something on a machine asks for.
    #[must_use]
    pub fn shared_secrets(&self) -> Vec<SharedSecret> {
        let failover = self.load_balancing.as_ref().and_then(|balancing| balancing.failover.as_ref());
        let failover = failover.map(|failover| match failover {
            Failover::Keepalived(_) => SharedSecret::VrrpPassword,
            Failover::Pacemaker(_) => SharedSecret::CorosyncAuthkey,
        });
        let stats = self.with_role(Role::LoadBalancer).next().map(|_| SharedSecret::StatsPassword);
        let token = self.with_role(Role::ControlPlane).next().map(|_| SharedSecret::BootstrapToken);
        failover.into_iter().chain(stats).chain(token.filter(|_| self.kubernetes.is_some())).collect()
    }
}
