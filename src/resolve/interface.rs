//! Interfaces: VLANs on trunks, and the names of both.

use super::Resolver;
use super::network::NetworkDraft;
use crate::diag::{Code, Diagnostic, Path, Place};
use crate::model::{Attach, Network as Written};

/// Bytes of an interface name that Linux keeps: IFNAMSIZ less the NUL (netdevice(7)).
const LONGEST_NAME: usize = 15;

impl Resolver<'_> {
    /// The VLAN id of a network on a trunk.
    pub(super) fn vlan(&mut self, written: &Written, path: &Path) -> Option<u16> {
        if written.attach != Attach::Internal {
            return None;
        }
        let (key, missing, example) = match (written.vlan, &written.trunk) {
            (None, None) => return None,
            (Some(id), Some(_)) => return self.vlan_id(id, path),
            (Some(_), None) => ("vlan", "trunk", "the switch that carries the tag: `trunk: dmz`"),
            (None, Some(_)) => ("trunk", "vlan", "the tag of this network on the trunk: `vlan: 41`"),
        };
        let message = format!("`{key}` needs `{missing}` beside it");
        let help = format!("add {example}");
        self.report(Diagnostic::new(Code::TrunkWithoutVlan, Place::Key(path.key(key)), message).help(help));
        None
    }

    fn vlan_id(&mut self, id: i64, path: &Path) -> Option<u16> {
        let fits = u16::try_from(id).ok().filter(|id| (1..=4094).contains(id));
        if fits.is_none() {
            let message = format!("{id} is not a VLAN id");
            let place = Place::Value(path.key("vlan"));
            self.report(
                Diagnostic::new(Code::VlanRange, place, message)
                    .help("write a number from 1 to 4094 (IEEE 802.1Q)"),
            );
        }
        fits
    }

    pub(super) fn same_vlan(&mut self, draft: &NetworkDraft, earlier: &[NetworkDraft]) {
        let Some(id) = draft.vlan else { return };
        if let Some(other) = earlier.iter().find(|other| other.vlan == Some(id) && other.nic == draft.nic) {
            let message = format!("trunk '{}' carries VLAN {id} twice", draft.nic);
            self.report(
                Diagnostic::new(Code::VlanTaken, Place::Value(draft.path.key("vlan")), message)
                    .other(Place::Value(other.path.key("vlan")), format!("network '{}' has it", other.name))
                    .help("give each network of a trunk its own id"),
            );
        }
    }

    /// Interface names: those of networks and trunks, which Linux must take and which must differ.
    pub(super) fn interfaces(&mut self, drafts: &[NetworkDraft]) {
        for (index, draft) in drafts.iter().enumerate() {
            let refused = Self::refused_interface(draft);
            let taken = || {
                let others = drafts.get(..index).unwrap_or_default();
                // Networks of one trunk share its interface; a network's own and a trunk's must differ.
                let other =
                    others.iter().find(|other| other.nic == draft.nic && other.tagged != draft.tagged)?;
                let message = format!("a network and a trunk are both called '{}'", draft.nic);
                Some(
                    Diagnostic::new(Code::InterfaceNameTaken, place(draft), message)
                        .other(place(other), "the other one")
                        .help("each gives its name to an interface: rename one of them"),
                )
            };
            if let Some(diagnostic) = refused.or_else(taken) {
                self.report(diagnostic);
            }
        }
    }

    fn refused_interface(draft: &NetworkDraft) -> Option<Diagnostic> {
        let name = draft.interface.as_str();
        let nic = draft.nic.as_str();
        let (message, help) = if name.len() > LONGEST_NAME {
            let help = match draft.vlan {
                Some(_) => format!(
                    "Linux takes {LONGEST_NAME}, the VLAN id included: shorten the trunk's name by {}",
                    name.len() - LONGEST_NAME
                ),
                None => {
                    format!("Linux takes {LONGEST_NAME}: shorten the name by {}", name.len() - LONGEST_NAME)
                }
            };
            (format!("the interface name '{name}' has {} bytes", name.len()), help)
        } else if matches!(nic, "lo" | "all" | "default") || is_kernel_name(nic) {
            let help = "an adapter cannot be renamed to what another one may be called: name the network after its use";
            (format!("Linux calls interfaces '{nic}' by itself"), help.to_owned())
        } else if !nic.is_empty() && nic.bytes().all(|c| c.is_ascii_digit()) {
            let help = format!("systemd takes a number for an interface's index: write `net{nic}`");
            (format!("an interface cannot be called '{nic}'"), help)
        } else {
            return None;
        };
        Some(Diagnostic::new(Code::InterfaceNameLength, place(draft), message).help(help))
    }
}

/// The word that names the interface.
fn place(draft: &NetworkDraft) -> Place {
    if draft.tagged { Place::Value(draft.path.key("trunk")) } else { Place::Key(draft.path.clone()) }
}

/// Whether the kernel or udev gives such a name to an adapter before it is renamed: `eth0`, or a predictable one
/// (systemd.net-naming-scheme(7)) as `enp0s3`, `ens3`, `eno1`, `enx...`.
fn is_kernel_name(name: &str) -> bool {
    let digit = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    let numbered = name.strip_prefix("eth").is_some_and(|rest| rest.bytes().all(|c| c.is_ascii_digit()));
    numbered || ["enp", "ens", "eno", "enx"].iter().any(|prefix| name.strip_prefix(prefix).is_some_and(digit))
}
