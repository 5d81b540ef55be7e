//! What of the certificates is not good at a time that somebody asks about, or not for long.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::diag::{Code, Diagnostic, Path, Place};
use crate::plan::{Certificates, ListedCertificate, Term};
use crate::site::EXPIRES_SOON;

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
        let (trouble, moment, keys) = if at < listed.not_before {
            (Trouble::Early, listed.not_before, listed.term.starts())
        } else if at > listed.not_after {
            (Trouble::Expired, listed.not_after, listed.term.ends())
        } else if listed.not_after.duration_since(at) < EXPIRES_SOON {
            (Trouble::EndsSoon, listed.not_after, listed.term.ends())
        } else {
            continue;
        };
        let mut keys = keys.iter().map(|key| Path::root().key("pki").key(*key));
        let place = keys.find(&is_written).unwrap_or_else(|| Path::root().key("epoch"));
        groups.entry((trouble, moment, place)).or_default().push(listed);
    }
    let all = groups.into_iter();
    all.map(|((trouble, moment, place), group)| trouble.say(at, moment, place, &group)).collect()
}

impl Term {
    /// The keys of `pki:` that decide when it starts; without them it is the epoch that does.
    const fn starts(self) -> &'static [&'static str] {
        match self {
            Self::Authority | Self::Certificate => &[],
            Self::Operator => &["operator_from"],
        }
    }

    /// The keys of `pki:` that decide when it ends, of which the first that is written does.
    const fn ends(self) -> &'static [&'static str] {
        match self {
            Self::Authority => &["authority_days"],
            Self::Certificate => &["certificate_days"],
            Self::Operator => &["operator_days", "certificate_days", "operator_from"],
        }
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
            Self::Early => "they start at this time: choose an earlier one",
            _ if group.iter().all(|listed| listed.term == Term::Operator) => {
                "a later `operator_from` and a new build make a new one, and no machine has to be re-seeded"
            }
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
