//! The blueprints of this project that a user's own one can start from.

use crate::format::yaml::Yaml;

/// A blueprint to start from.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    /// What it is called.
    pub name: &'static str,
    blueprint: &'static str,
    /// The other files of its folder: paths and texts.
    others: &'static [(&'static str, &'static str)],
}

/// The start that the folder `blueprints/$name` of this project is, with these other files in it.
macro_rules! start {
    ($name:literal $(, $other:literal)*) => {
        Start {
            name: $name,
            blueprint: include_str!(concat!("../../blueprints/", $name, "/blueprint.yaml")),
            others: &[$(($other, include_str!(concat!("../../blueprints/", $name, "/", $other)))),*],
        }
    };
}

/// What the line of a blueprint with its epoch starts with, the line end before it too.
pub const EPOCH: &str = "\nepoch: ";
/// The epoch of all of them.
const OWN: &str = "2026-01-01T00:00:00Z";

/// All of them, small ones first.
pub const STARTS: [Start; 5] = [
    start!("tiny"),
    start!("kube-compact"),
    start!("kube-keepalived"),
    start!("kube-demo", "manifests/fan-out.yaml", "manifests/guestbook.yaml"),
    start!("kube-full"),
];

impl Start {
    /// The one of that name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        STARTS.iter().find(|start| start.name == name)
    }

    /// The files of its folder under another name, which is a DNS label.
    pub(super) fn files(
        &self,
        name: &str,
        epoch: Option<&str>,
    ) -> impl Iterator<Item = (&'static str, String)> {
        // Some labels, such as `no` and `12`, are no texts in YAML unless they are quoted.
        let line = |name: &str| format!("\nname: {}\n", Yaml::from(name).to_string().trim_end());
        let (before, after) = self.blueprint.split_once(&line(self.name)).unwrap_or((self.blueprint, ""));
        let of = |text| renamed(text, self.name, name);
        let blueprint = [of(before), line(name), of(after)].concat();
        let blueprint = match epoch {
            Some(epoch) => blueprint.replacen(&format!("{EPOCH}{OWN}\n"), &format!("{EPOCH}{epoch}\n"), 1),
            None => blueprint,
        };
        let others: Vec<_> = self.others.iter().map(|(path, text)| (*path, of(text))).collect();
        others.into_iter().chain([("blueprint.yaml", blueprint)])
    }
}

/// The text with another name wherever the old one stands as a label of its own: in a domain, a path or a command.
fn renamed(text: &str, old: &str, new: &str) -> String {
    let in_label = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(old) {
        result.push_str(before);
        let is_part = result.ends_with(in_label) || after.starts_with(in_label);
        result.push_str(if is_part { old } else { new });
        rest = after;
    }
    result + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_replaced_where_it_is_a_label() {
        let text = "tiny: tiny.demo, out/tiny tiny-node destiny ops@tiny.demo";
        assert_eq!(renamed(text, "tiny", "lab"), "lab: lab.demo, out/lab tiny-node destiny ops@lab.demo");
        assert_eq!(renamed("a a a-a", "a", "a-a"), "a-a a-a a-a");
    }

    #[test]
    fn a_start_gets_an_epoch_of_its_own() {
        for start in STARTS {
            let (_, blueprint) = start.files("lab", Some("2031-02-03T00:00:00Z")).last().unwrap();
            assert_eq!(blueprint.matches("\nepoch: 2031-02-03T00:00:00Z\n").count(), 1, "{}", start.name);
            assert_eq!(blueprint.matches(EPOCH).count(), 1, "{}", start.name);
        }
    }

    #[test]
    fn a_start_under_its_own_name_is_what_it_was() {
        for start in STARTS {
            let files: Vec<_> = start.files(start.name, None).collect();
            let (last, others) = files.split_last().unwrap();
            assert_eq!(*last, ("blueprint.yaml", start.blueprint.to_owned()));
            assert!(
                others.iter().map(|(path, text)| (*path, text.as_str())).eq(start.others.iter().copied())
            );
        }
    }
}
