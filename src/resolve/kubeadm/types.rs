//! The types of what kubeadm, the kubelet and kube-proxy read: the table is `types.yaml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

/// All that bpc knows about them.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    types: BTreeMap<String, BTreeMap<String, String>>,
    values: BTreeMap<String, Vec<String>>,
    gone: BTreeMap<String, String>,
}

/// The table.
static TABLE: LazyLock<Table> =
    // The unit test below reads all of it, so that an unreadable one never ships.
    LazyLock::new(|| serde_yaml::from_str(include_str!("types.yaml")).unwrap_or_default());

/// Returns the table.
pub(super) fn table() -> &'static Table {
    &TABLE
}

/// What a value has to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind<'a> {
    /// A list of such values.
    List(&'a str),
    /// A mapping to such values.
    Map(&'a str),
    /// A mapping with these fields.
    Struct(&'a BTreeMap<String, String>),
    /// One of these texts.
    Choice(&'a [String]),
    /// A scalar of this name, or anything.
    Scalar(&'a str),
}

/// A field of a type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Field<'a> {
    /// The name of its kind.
    pub(super) kind: &'a str,
    /// Whether it has to be there.
    pub(super) required: bool,
    /// The first minor of Kubernetes that has it, if that is not the first one that bpc has.
    pub(super) since: Option<&'a str>,
}

impl Table {
    /// Returns what a kind is.
    pub(super) fn kind<'a>(&'a self, name: &'a str) -> Kind<'a> {
        let within = |open, close| name.strip_prefix(open).and_then(|rest: &str| rest.strip_suffix(close));
        if let Some(inner) = within('[', ']') {
            return Kind::List(inner);
        }
        if let Some(inner) = within('{', '}') {
            return Kind::Map(inner);
        }
        match (self.types.get(name), self.values.get(name)) {
            (Some(fields), _) => Kind::Struct(fields),
            (None, Some(values)) => Kind::Choice(values),
            (None, None) => Kind::Scalar(name),
        }
    }

    /// Returns what has replaced a field of an older version.
    pub(super) fn gone(&self, of: &str, field: &str) -> Option<&str> {
        self.gone.get(&format!("{of}.{field}")).map(String::as_str)
    }
}

/// Returns a field as the table writes it: `KIND [required] [since MINOR]`.
pub(super) fn field(text: &str) -> Field<'_> {
    let mut words = text.split(' ');
    let kind = words.next().unwrap_or_default();
    let rest: Vec<&str> = words.collect();
    let since = rest.iter().position(|word| *word == "since").and_then(|place| rest.get(place + 1).copied());
    Field { kind, required: rest.contains(&"required"), since }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const SCALARS: [&str; 9] =
        ["any", "boolean", "duration", "flush", "integer", "long", "number", "quantity", "string"];

    /// The kind in brackets, whatever the brackets.
    fn bare(kind: &str) -> &str {
        kind.trim_matches(['[', ']', '{', '}'])
    }

    #[test]
    fn every_kind_is_known_and_every_type_is_used() {
        let table: Table = serde_yaml::from_str(include_str!("types.yaml")).unwrap();
        let fields = || table.types.values().flat_map(BTreeMap::values).map(|text| field(text));
        for kind in fields().map(|field| bare(field.kind)) {
            let known = SCALARS.contains(&kind) || !matches!(table.kind(kind), Kind::Scalar(_));
            assert!(known, "{kind}");
        }
        let used: BTreeSet<&str> = fields().map(|field| bare(field.kind)).collect();
        let names = table.types.keys().chain(table.values.keys()).map(String::as_str);
        let unused: Vec<&str> = names.filter(|name| !used.contains(name)).collect();
        let documents = [
            "ClusterConfiguration",
            "InitConfiguration",
            "JoinConfiguration",
            "KubeProxyConfiguration",
            "KubeletConfiguration",
        ];
        assert_eq!(unused, documents);
        for (place, fields) in &table.types {
            assert!(!fields.keys().any(|name| table.gone(place, name).is_some()), "{place}");
        }
        for place in table.gone.keys() {
            assert!(table.types.contains_key(place.split('.').next().unwrap()), "{place}");
        }
        for since in fields().filter_map(|field| field.since) {
            assert!(crate::assets::releases().iter().skip(1).any(|release| release.minor == since));
        }
    }

    /// The tests of what bpc writes have a reference of their own, made of the API's documentation.
    #[test]
    fn it_says_what_the_reference_of_the_documentation_says() {
        let reference = include_str!("../../../tests/suite/kubeadm/reference.yaml");
        let reference: BTreeMap<String, BTreeMap<String, String>> = serde_yaml::from_str(reference).unwrap();
        // Where the reference has a scalar, the table may be more exact.
        let kind = |text: &str| match table().kind(field(text).kind) {
            Kind::Choice(_) => "string".to_owned(),
            _ => field(text).kind.replace("long", "integer"),
        };
        let mut compared = 0;
        for (name, fields) in &reference {
            let Some(ours) = table().types.get(name) else { continue };
            for (name_of_field, text) in fields {
                if ["apiVersion", "kind"].contains(&name_of_field.as_str()) || name_of_field == "evictionHard"
                {
                    continue;
                }
                let found = ours.get(name_of_field).unwrap_or_else(|| panic!("{name}.{name_of_field}"));
                assert_eq!(
                    kind(found),
                    kind(text).replace("KubeProxyIPTables", "KubeProxyIPTablesConfiguration")
                );
                compared += 1;
            }
            // Of v1beta4 the reference has all.
            let whole = !name.starts_with("Kube") && name != "EnvVar";
            assert!(!whole || ours.keys().all(|field| fields.contains_key(field)), "{name}");
        }
        assert!(compared > 100, "{compared}");
    }
}
