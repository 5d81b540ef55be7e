//! The gateway: routes, names, addresses and the firewall between the networks.

mod dnsmasq;
mod firewall;
mod rule;
mod sets;

use crate::bug::Bug;
use crate::flow::Flow;
use crate::setup::{File, Setup, Stage};
use crate::site::{Machine, Site};

/// Forwarding is switched on by the firewall's stage, once the rules are in place.
const SYSCTL: &str = "\
# Routes between the networks, for IPv4 only.
net.ipv4.ip_forward = 1
net.ipv4.conf.all.accept_redirects = 0
net.ipv4.conf.all.send_redirects = 0
";

/// Adds the gateway's configuration and the stages that start it.
pub(super) fn add(site: &Site, machine: &Machine, flows: &[Flow], setup: &mut Setup) -> Result<(), Bug> {
    let wan = machine.nat().ok_or_else(|| Bug(format!("the gateway {} has no way out", machine.name)))?;
    setup.install(["dnsmasq", "nftables"]);
    setup.apply(
        Stage::new(20, "firewall", &[], include_str!("firewall.sh")),
        vec![
            File::text("/etc/nftables.conf", firewall::rules(site, machine, &wan.interface, flows)?),
            File::text("/etc/bpc/forwarding.conf", SYSCTL),
        ],
    );
    setup.apply(
        Stage::new(25, "dnsmasq", &[], include_str!("dnsmasq.sh")),
        vec![File::text("/etc/dnsmasq.d/bpc.conf", dnsmasq::configuration(site, &wan.interface)?)],
    );
    Ok(())
}
