//! What machines are bound to once they run: settings that another seed cannot change, or not alone.
//!
//! A cluster that runs has most of what it is in etcd, in certificates and in the configurations that kubeadm wrote, which
//! no seed touches. So a blueprint that says something else makes seeds that contradict it: the cluster goes on with the
//! old value, or stops. `bpc plan --changes` and `up.sh` compare what machines were made from with what they are to be.

mod table;
mod values;

pub use table::{BOUND, VAULT};

/// What an empty value is written as.
const NONE: &str = "-";

/// A setting that machines are bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Its place in the blueprint, or what follows from it: `kubernetes.pod_cidr`.
    pub name: &'static str,
    /// Which new values a machine cannot follow.
    pub rule: Rule,
    /// What is done about such a value.
    pub effect: Effect,
    /// What it would do to machines that run.
    pub lost: &'static str,
    /// How the new value is had.
    pub way: &'static str,
}

/// Which new values a machine cannot follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// All but the old one.
    Same,
    /// An older version, and one that is more than a minor newer.
    Version,
    /// A list, by commas, without half of the old members or more.
    Majority,
    /// A list, by commas, without one that was there.
    Every,
}

/// What is done about a value that a machine cannot follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// `up.sh` refuses it, unless it is accepted or the machines are made anew.
    Refused,
    /// The machine keeps the old one.
    Kept,
    /// All machines of the same value change at a time.
    Together,
    /// Machines with the old value are not the tree's any more, since their identities follow from it.
    Strange,
}

impl Rule {
    /// The word for it in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Version => "version",
            Self::Majority => "majority",
            Self::Every => "every",
        }
    }

    /// Whether a machine that was made with one value cannot follow the other.
    #[must_use]
    pub fn is_broken(self, old: &str, new: &str) -> bool {
        let list = |text: &str| -> Vec<String> {
            text.split(',').filter(|word| *word != NONE).map(str::to_owned).collect()
        };
        let gone = || {
            let new = list(new);
            list(old).into_iter().filter(|word| !new.contains(word)).count()
        };
        match self {
            Self::Same => old != new,
            Self::Every => gone() > 0,
            Self::Majority => gone() > 0 && gone() * 2 >= list(old).len(),
            Self::Version => match (version(old), version(new)) {
                (Some(old), Some(new)) => new < old || new.0 != old.0 || new.1 > old.1 + 1,
                _ => old != new,
            },
        }
    }
}

fn version(text: &str) -> Option<(u32, u32, u32)> {
    let mut parts = text.split('.').map(str::parse);
    let mut part = || parts.next()?.ok();
    Some((part()?, part()?, part()?))
}

impl Effect {
    /// The word for it in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Kept => "kept",
            Self::Together => "together",
            Self::Strange => "strange",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_go_up_by_one_minor_at_most() {
        for (old, new, broken) in [
            ("1.35.4", "1.35.4", false),
            ("1.35.4", "1.35.9", false),
            ("1.35.4", "1.36.0", false),
            ("1.35.4", "1.37.0", true),
            ("1.35.4", "1.35.3", true),
            ("1.35.4", "1.34.9", true),
            ("1.9.0", "1.10.0", false),
            ("1.35.4", "-", true),
        ] {
            assert_eq!(Rule::Version.is_broken(old, new), broken, "{old} {new}");
        }
    }

    #[test]
    fn half_of_the_members_are_no_majority() {
        for (old, new, broken) in [
            ("a,b,c", "a,b,c", false),
            ("a,b,c", "a,b", false),
            ("a,b,c", "a", true),
            ("a,b", "a", true),
            ("a", "a,b,c", false),
            ("a", "b", true),
            ("a,b,c", "d,e,f", true),
            ("a,b,c", "-", true),
        ] {
            assert_eq!(Rule::Majority.is_broken(old, new), broken, "{old} {new}");
        }
    }

    #[test]
    fn a_list_may_grow() {
        for (old, new, broken) in
            [("a", "a,b", false), ("a,b", "b", true), ("-", "a", false), ("a", "-", true)]
        {
            assert_eq!(Rule::Every.is_broken(old, new), broken, "{old} {new}");
        }
        assert!(Rule::Same.is_broken("a", "b") && !Rule::Same.is_broken("a", "a"));
    }

    #[test]
    fn texts_go_into_a_table_of_lines() {
        for bound in BOUND {
            for text in [bound.name, bound.lost, bound.way] {
                assert!(!text.is_empty() && !text.contains(['|', '\n', '"', '\\']), "{text}");
            }
        }
    }
}
