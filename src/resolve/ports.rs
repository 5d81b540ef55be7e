//! Ports of the host that lead to machines.

use std::collections::BTreeMap;

use super::Resolver;
use crate::diag::{Code, Diagnostic, Path, Place};
use crate::site::{Machine, Role};

impl Resolver<'_> {
    /// Each port leads one way, and through a gateway that can be reached from the host.
    pub(super) fn published_ports(&mut self, machines: &[Machine]) {
        let blueprint = self.blueprint;
        let gateway =
            machines.iter().find(|machine| machine.role == Role::Gateway && machine.nat().is_some());
        let mut taken: BTreeMap<String, Path> = BTreeMap::new();
        for (group, written) in &blueprint.machines {
            for (index, text) in written.publish.iter().enumerate() {
                let path = Path::root().key("machines").key(group).key("publish").index(index);
                if gateway.is_none() && written.role != Role::Gateway {
                    let message = "ports are published through a gateway on NAT, and there is none";
                    self.report(
                        Diagnostic::new(Code::GatewayMissing, Place::Value(path.clone()), message)
                            .help("add a machine with `role: gateway` on a network with `attach: nat`"),
                    );
                }
                let Some((host, _)) = text.split_once(':') else { continue };
                if let Some(first) = taken.insert(host.to_owned(), path.clone()) {
                    let message = format!("port {host} of the host is published twice");
                    self.report(
                        Diagnostic::new(Code::HostPortTaken, Place::Value(path), message)
                            .other(Place::Value(first), "the first one")
                            .help("choose another port of the host for one of them"),
                    );
                }
            }
        }
    }
}
