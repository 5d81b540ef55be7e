//! Where a port of the host leads: to what listens on the machine, which is not always the machine's own address.

use std::net::Ipv4Addr;

use super::{API_FRONTEND, API_PORT, Machine, Role, Site};

/// What answers at a published port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedTarget {
    /// Its address.
    pub address: Ipv4Addr,
    /// The network of the address.
    pub network: String,
    /// Whether the address moves between machines.
    pub floating: bool,
}

impl Site {
    /// What answers at a port of a machine that is reached through the gateway: the floating address for what lives there,
    /// the network of the statistics page for that, else the machine itself.
    #[must_use]
    pub fn published_target(&self, machine: &Machine, port: u16) -> PublishedTarget {
        let own =
            PublishedTarget { address: machine.address(), network: machine.primary.clone(), floating: false };
        let Some(floating) = self.floating_on(machine.role) else { return own };
        if self.floating_ports(machine.role).any(|(_, it)| it == port) {
            let (address, network) = (floating.address, floating.network.clone());
            return PublishedTarget { address, network, floating: true };
        }
        let stats = self.load_balancing.as_ref().map(|balancing| &balancing.stats);
        let stats = stats.filter(|stats| machine.role == Role::LoadBalancer && stats.port == port);
        let network = stats.and_then(|stats| stats.network.as_ref());
        match network.and_then(|network| machine.on(network)) {
            Some(on) => {
                PublishedTarget { address: on.address(), network: on.network.clone(), floating: false }
            }
            None => own,
        }
    }

    /// What machines of this role serve at the floating address: names and ports.
    fn floating_ports(&self, role: Role) -> impl Iterator<Item = (&str, u16)> {
        let balancing = self.load_balancing.as_ref().filter(|_| role == Role::LoadBalancer);
        let frontends = balancing.into_iter().flat_map(|balancing| &balancing.frontends);
        let api = (role == Role::ControlPlane).then_some((API_FRONTEND, API_PORT));
        frontends.map(|frontend| (frontend.name.as_str(), frontend.port)).chain(api)
    }

    /// The port of the host that leads to the Kubernetes API: that of the floating address, if there are several.
    #[must_use]
    pub fn published_api(&self) -> Option<u16> {
        let of = |role: Role| {
            let machines = self.with_role(role).filter(move |machine| {
                role == Role::ControlPlane || (self.floating_on(role).is_some() && machine.nat().is_none())
            });
            let mut ports = machines.flat_map(|machine| &machine.published);
            let mut served = self.floating_ports(role);
            let api = served.find(|(name, _)| *name == API_FRONTEND).map(|(_, port)| port);
            ports.find(|port| Some(port.machine) == api).map(|port| port.host)
        };
        self.kubernetes.as_ref()?;
        of(Role::LoadBalancer).or_else(|| of(Role::ControlPlane))
    }
}
