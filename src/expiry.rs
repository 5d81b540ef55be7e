//! What of the certificates is not good at a time that somebody asks about, or not for long.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::diag::{Code, Diagnostic, Path, Place};
use crate::plan::{Certificates, ListedCertificate, Term};

/// What is left when a certificate counts as ending soon.
const SOON: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How many certificates a diagnostic names.
const NAMED: usize = 3;

/// What is wrong with a certificate.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Trouble {
    Early,
    Expired,
    EndsSoon,
}

/// One diagnostic for all certificates that share their trouble, the moment in question and the key that decides it.
///
/// `is_written` tells whether the blueprint has a key; what it leaves out follows from its epoch.
pub(crate) fn diagnostics(
    certificates: &Certificates,
    at: Timestamp,
    is_written: impl Fn(&Path) -> bool,
) -> Vec<Diagnostic> {
    let mut groups: BTreeMap<(Trouble, Timestamp, Path), Vec<&ListedCertificate>> = BTreeMap::new();
    for listed in certificates.all() {
        let epoch = Path::root().key("epoch");
        let group = if at < listed.not_before {
            (Trouble::Early, listed.not_before, epoch)
        } else {
            let trouble = if at > listed.not_after {
                Trouble::Expired
            } else if listed.not_after.duration_since(at) < SOON {
                Trouble::EndsSoon
            } else {
                continue;
            };
            let written = Some(listed.term.key()).filter(|key| is_written(key));
            (trouble, listed.not_after, written.unwrap_or(epoch))
        };
        groups.entry(group).or_default().push(listed);
    }
    groups
        .into_iter()
        .map(|((trouble, moment, place), group)| trouble.say(at, moment, place, &group))
        .collect()
}

impl Term {
    /// The key of the blueprint that decides it.
    fn key(self) -> Path {
        Path::root().key("pki").key(match self {
            Self::Authority => "authority_days",
            Self::Certificate => "certificate_days",
        })
    }
}

impl Trouble {
    fn say(self, at: Timestamp, moment: Timestamp, place: Path, group: &[&ListedCertificate]) -> Diagnostic {
        let who = match group.len() {
            1 => "1 certificate".to_owned(),
            count => format!("{count} certificates"),
        };
        let (code, message, label) = match self {
            Self::Early => {
                (Code::CertificatesNotGood, format!("{who} will not be good yet at {at}"), "good from")
            }
            Self::Expired => {
                (Code::CertificatesNotGood, format!("{who} will have expired by {at}"), "good until")
            }
            Self::EndsSoon => {
                let left = match moment.duration_since(at).as_hours() / 24 {
                    0 => "less than a day".to_owned(),
                    1 => "1 day".to_owned(),
                    days => format!("{days} days"),
                };
                (Code::CertificatesEndSoon, format!("{who} will have {left} left at {at}"), "good until")
            }
        };
        let help = match self {
            Self::Early => "certificates start with `epoch`: choose an earlier one",
            Self::Expired | Self::EndsSoon => {
                "a later `epoch` and a new build make new ones; each machine whose seed changes is then re-seeded"
            }
        };
        Diagnostic::new(code, Place::Value(place), message)
            .label(format!("{label} {moment}"))
            .note(names(group))
            .help(help)
    }
}

/// The first few, and how many more there are.
fn names(group: &[&ListedCertificate]) -> String {
    let named: Vec<&str> = group.iter().take(NAMED).map(|listed| listed.purpose.as_str()).collect();
    match group.len() - named.len() {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}
