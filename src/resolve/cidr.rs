//! The addresses of a network: its range, and the pools inside it.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::Resolver;
use super::address::Space;
use crate::diag::{Code, Diagnostic, Path, Place};
use crate::model::Network as Written;
use crate::site::Pool;
use crate::value::AddressRange;

/// The host-only addresses that VirtualBox allows without a networks.conf (manual, section 6.7).
const HOST_ONLY_DEFAULT: ([u8; 4], u8) = ([192, 168, 56, 0], 21);

impl Resolver<'_> {
    /// A network's range as written.
    pub(super) fn cidr(&mut self, name: &str, written: &Written, path: &Path) -> Option<Ipv4Net> {
        let Some(text) = &written.cidr else {
            let message = format!("network '{name}' has no address range");
            self.report(
                Diagnostic::new(Code::CidrMissing, Place::Key(path.clone()), message)
                    .help("add `cidr:`, for instance `cidr: 192.168.1.0/24`, or `attach: nat`"),
            );
            return None;
        };
        let place = Place::Value(path.key("cidr"));
        let Ok(cidr) = text.parse::<Ipv4Net>() else {
            let message = format!("`{text}` is not a network in CIDR form");
            self.report(Diagnostic::new(Code::CidrSyntax, place, message).help(cidr_help(text)));
            return None;
        };
        if cidr.addr() != cidr.network() {
            let message = format!("`{text}` is an address in a network, not a network");
            self.report(
                Diagnostic::new(Code::HostBits, place.clone(), message)
                    .help(format!("write `{}`", cidr.trunc())),
            );
        }
        let cidr = cidr.trunc();
        if !(8..=29).contains(&cidr.prefix_len()) {
            let (size, why) = if cidr.prefix_len() > 29 {
                (
                    "small",
                    "a gateway takes two addresses: the smallest network with room for machines is a /29",
                )
            } else {
                ("large", "the largest private network is 10.0.0.0/8 (RFC 1918)")
            };
            let message = format!("a /{} network is too {size}", cidr.prefix_len());
            self.report(
                Diagnostic::new(Code::NetworkSize, place, message)
                    .note(why)
                    .help("write a prefix from /8 to /29"),
            );
            return None;
        }
        self.usable(cidr, place)
    }

    /// Warns of a host-only range that VirtualBox does not allow by itself.
    pub(super) fn host_only(&mut self, cidr: Ipv4Net, path: &Path) {
        let (address, prefix) = HOST_ONLY_DEFAULT;
        if Ipv4Net::new(address.into(), prefix).is_ok_and(|allowed| allowed.contains(&cidr)) {
            return;
        }
        let message = format!("VirtualBox refuses {cidr} on a host-only network unless the host allows it");
        self.report(
            Diagnostic::new(Code::HostOnlyRange, Place::Value(path.key("cidr")), message)
                .note("on Linux, macOS and Solaris it allows 192.168.56.0/21 only")
                .help(format!(
                    "choose a range inside that, or add the line `* {cidr}` to /etc/vbox/networks.conf on the host"
                )),
        );
    }

    /// The ranges of `pools:` and `dhcp:`.
    pub(super) fn pools(&mut self, name: &str, written: &Written, space: &mut Space) {
        let path = Path::root().key("networks").key(name);
        let pools =
            written.pools.iter().map(|(pool, text)| (pool.as_str(), text, path.key("pools").key(pool)));
        let dhcp = written.dhcp.iter().map(|text| ("dhcp", text, path.key("dhcp")));
        for (pool, text, path) in pools.chain(dhcp) {
            let place = Place::Value(path.clone());
            let Ok(range) = text.parse::<AddressRange>() else {
                let (message, help) = range_wording(text);
                self.report(Diagnostic::new(Code::RangeSyntax, place, message).help(help));
                continue;
            };
            if let Some(refusal) = misplaced(name, range, space, place) {
                self.report(refusal);
                continue;
            }
            space.pools.push((Pool { name: pool.to_owned(), range }, path));
        }
    }
}

/// Why a range cannot be a pool of the network.
fn misplaced(network: &str, range: AddressRange, space: &Space, place: Place) -> Option<Diagnostic> {
    let hosts = (u32::from(space.cidr.network()) + 1)..u32::from(space.cidr.broadcast());
    if !hosts.contains(&range.first.into()) || !hosts.contains(&range.last.into()) {
        let message = format!("{range} is not within the host addresses of network '{network}'");
        let fits = format!("{}-{}", Ipv4Addr::from(hosts.start), Ipv4Addr::from(hosts.end - 1));
        return Some(
            Diagnostic::new(Code::PoolOutsideNetwork, place, message)
                .other(Place::Value(space.path.clone()), "the network")
                .help(format!("its host addresses are {fits}")),
        );
    }
    let (other, path) = space.pools.iter().find(|(other, _)| other.range.overlaps(&range))?;
    let message = format!("{range} overlaps the pool '{}'", other.name);
    Some(
        Diagnostic::new(Code::PoolsOverlap, place, message)
            .other(Place::Value(path.clone()), format!("the pool '{}'", other.name))
            .help("make one of them end before the other starts"),
    )
}

/// What to write instead of something that is not a network.
fn cidr_help(text: &str) -> String {
    let with_mask = text
        .split_once('/')
        .and_then(|(address, mask)| Ipv4Net::with_netmask(address.parse().ok()?, mask.parse().ok()?).ok());
    if let Some(cidr) = with_mask {
        format!("write `{}`", cidr.trunc())
    } else if text.parse::<Ipv4Addr>().is_ok() {
        format!("add a prefix length: `{text}/24`")
    } else if text.parse::<ipnet::Ipv6Net>().is_ok() {
        "networks have IPv4 addresses: `192.168.1.0/24`".to_owned()
    } else {
        "write an IPv4 address and a prefix length: `192.168.1.0/24`".to_owned()
    }
}

/// What is wrong with a range, and what to write instead.
fn range_wording(text: &str) -> (String, String) {
    let ends = text.split_once('-').map(|(first, last)| (first.trim().parse(), last.trim().parse()));
    if let Some((Ok(first), Ok(last))) = ends {
        return (
            format!("the range `{text}` ends before it starts"),
            format!("write `{}`", AddressRange { first: last, last: first }),
        );
    }
    let message = format!("`{text}` is not a range of addresses");
    let range = if let Ok(address) = text.parse::<Ipv4Addr>() {
        Some(AddressRange { first: address, last: address })
    } else {
        let cidr = text.parse::<Ipv4Net>().ok();
        cidr.map(|cidr| AddressRange { first: cidr.network(), last: cidr.broadcast() })
    };
    let help = range.map_or_else(
        || "write the first and the last address: `192.168.2.2-192.168.2.125`".to_owned(),
        |range| format!("write the first and the last address: `{range}`"),
    );
    (message, help)
}
