//! The gateway's addresses, and what only a gateway can do.

use std::net::Ipv4Addr;

use super::Resolver;
use super::address::{Owner, Space};
use super::network::NetworkDraft;
use crate::diag::{Code, Diagnostic, Path, Place};
use crate::model::Network as Written;
use crate::site::{GatewayAddresses, Machine, Network, Role};

impl Resolver<'_> {
    /// The gateway's addresses: the last host address for routes, the first one for names (on a host-only network
    /// that is the host's, so there the last one serves both).
    pub(super) fn gateway_addresses(
        &mut self,
        name: &str,
        written: &Written,
        space: &mut Space,
        host_only: bool,
    ) -> Option<GatewayAddresses> {
        let cidr = space.cidr;
        let last = Ipv4Addr::from(u32::from(cidr.broadcast()) - 1);
        let first = Ipv4Addr::from(u32::from(cidr.network()) + 1);
        let router = self.gateway_address(name, "router", written.router.as_deref(), (last, "last host"))?;
        let default = if host_only { (router.0, "router's") } else { (first, "first host") };
        let resolver = self.gateway_address(name, "resolver", written.resolver.as_deref(), default)?;
        let addresses = GatewayAddresses { router: router.0, resolver: resolver.0 };
        self.claim(space, name, router.0, router.1);
        if addresses.resolver != addresses.router {
            self.claim(space, name, resolver.0, resolver.1);
        }
        Some(addresses)
    }

    /// One of them: as written, or the default, which is the first or last one.
    fn gateway_address(
        &mut self,
        network: &str,
        key: &str,
        written: Option<&str>,
        (default, which): (Ipv4Addr, &str),
    ) -> Option<(Ipv4Addr, Owner)> {
        let path = Path::root().key("networks").key(network);
        let what = format!("the {key} of network '{network}'");
        let Some(text) = written else {
            let why = format!("by default the {which} address is the {key}");
            let way_out = Some(format!("give the {key} another address with `{key}:`"));
            return Some((default, Owner { what, place: Place::Value(path.key("cidr")), why, way_out }));
        };
        let path = path.key(key);
        let address = self.address(text, &path)?;
        let why = format!("the {key} has it from here");
        Some((address, Owner { what, place: Place::Value(path), why, way_out: None }))
    }

    /// What the rest of the compiler sees of the networks.
    pub(super) fn finish_networks(
        &mut self,
        drafts: Vec<NetworkDraft>,
        machines: &[Machine],
    ) -> Vec<Network> {
        self.unused_networks(&drafts);
        let gateway = machines.iter().find(|machine| machine.role == Role::Gateway);
        let blueprint = self.blueprint;
        let mut networks = Vec::new();
        for draft in drafts {
            let Some(space) = draft.space else { continue };
            let served = gateway.is_some_and(|gateway| gateway.on(&draft.name).is_some());
            let written = blueprint.networks.get(&draft.name);
            self.needs_gateway(&draft.path, written, served);
            let dhcp = draft.path.key("dhcp");
            let pools = space.pools.into_iter().filter(|(_, path)| *path != dhcp).map(|(pool, _)| pool);
            networks.push(Network {
                interface: draft.interface,
                cidr: space.cidr,
                gateway: draft.gateway.filter(|_| served),
                host: draft.host,
                pools: pools.collect(),
                dhcp: draft.dhcp,
                reach: written.map(|written| written.reach.clone()).unwrap_or_default(),
                name: draft.name,
            });
        }
        networks
    }

    fn unused_networks(&mut self, drafts: &[NetworkDraft]) {
        // A name that was mistyped may be any of them.
        if self.diagnostics.iter().any(|diagnostic| diagnostic.code == Code::UnknownNetwork) {
            return;
        }
        let machines = &self.blueprint.machines;
        for draft in drafts {
            if !machines.values().any(|group| group.networks.contains(&draft.name)) {
                let message = format!("no machine is on network '{}'", draft.name);
                self.report(
                    Diagnostic::new(Code::NetworkUnused, Place::Key(draft.path.clone()), message)
                        .help("list it under a machine's `networks:`, or remove it"),
                );
            }
        }
    }

    /// DHCP and ways to other networks are the gateway's work.
    fn needs_gateway(&mut self, path: &Path, written: Option<&Written>, served: bool) {
        let Some(written) = written.filter(|_| !served) else { return };
        let keys = [("dhcp", written.dhcp.is_some()), ("reach", !written.reach.is_empty())];
        for (key, _) in keys.into_iter().filter(|(_, given)| *given) {
            let message = format!("`{key}` is a gateway's work, and no gateway is on this network");
            self.report(
                Diagnostic::new(Code::GatewayMissing, Place::Key(path.key(key)), message)
                    .help("add the network to the gateway's `networks:`, or remove the key"),
            );
        }
    }

    /// The name servers that the gateway asks.
    pub(super) fn forwarders(&mut self, networks: &[Network], machines: &[Machine]) -> Vec<Ipv4Addr> {
        let blueprint = self.blueprint;
        let path = Path::root().key("dns").key("forwarders");
        if !blueprint.dns.forwarders.is_empty()
            && machines.iter().all(|machine| machine.role != Role::Gateway)
        {
            let message = "`forwarders` are asked by a gateway, and there is none";
            self.report(
                Diagnostic::new(Code::GatewayMissing, Place::Key(path.clone()), message)
                    .help("add a machine with `role: gateway`, or remove the key"),
            );
        }
        let forwarders = blueprint.dns.forwarders.iter().enumerate();
        forwarders.filter_map(|(index, text)| self.forwarder(text, &path.index(index), networks)).collect()
    }

    fn forwarder(&mut self, text: &str, path: &Path, networks: &[Network]) -> Option<Ipv4Addr> {
        let address = self.address(text, path)?;
        let own = networks.iter().find(|network| {
            network.gateway.is_some_and(|gateway| [gateway.router, gateway.resolver].contains(&address))
        });
        let message = if let Some(network) = own {
            format!("{address} is the gateway itself, on network '{}'", network.name)
        } else if address.is_loopback() {
            format!("{address} is the gateway itself")
        } else if address.is_unspecified() || address.is_multicast() || address.is_broadcast() {
            format!("{address} is not the address of a name server")
        } else {
            return Some(address);
        };
        self.report(
            Diagnostic::new(Code::Forwarder, Place::Value(path.clone()), message).help(
                "name servers outside this data centre; without `forwarders` the gateway asks those of its NAT network",
            ),
        );
        None
    }
}
