//! What a blueprint says in the words of kubeadm, merged into what bpc says.

use crate::format::yaml::Yaml;

/// `base` with `more` merged into it: mappings key by key; lists whose items have a `name`, as arguments and volumes
/// have, item by item; everything else is replaced.
///
/// An argument may stand in a list several times. The first of `more` with a name that bpc gives too takes the place of
/// bpc's, and the others are added.
pub(super) fn merge(base: Yaml, more: Yaml) -> Yaml {
    match (base, more) {
        (Yaml::Map(entries), Yaml::Map(more)) => Yaml::Map(merge_entries(entries, more)),
        (Yaml::Seq(items), Yaml::Seq(more)) if items.iter().chain(&more).all(|item| name(item).is_some()) => {
            Yaml::Seq(merge_named(items, more))
        }
        (_, more) => more,
    }
}

fn merge_entries(mut entries: Vec<(String, Yaml)>, more: Vec<(String, Yaml)>) -> Vec<(String, Yaml)> {
    for (key, value) in more {
        match entries.iter_mut().find(|(known, _)| *known == key) {
            Some((_, place)) => *place = merge(std::mem::replace(place, Yaml::Null), value),
            None => entries.push((key, value)),
        }
    }
    entries
}

fn merge_named(mut items: Vec<Yaml>, more: Vec<Yaml>) -> Vec<Yaml> {
    let mut own: Vec<Option<String>> = items.iter().map(|item| name(item).map(str::to_owned)).collect();
    for item in more {
        let place = own.iter().position(|known| known.as_deref() == name(&item));
        match place.and_then(|place| Some((items.get_mut(place)?, own.get_mut(place)?))) {
            Some((place, known)) => {
                *place = merge(std::mem::replace(place, Yaml::Null), item);
                *known = None;
            }
            None => items.push(item),
        }
    }
    items
}

fn name(item: &Yaml) -> Option<&str> {
    match get(item, "name") {
        Some(Yaml::Str(name)) => Some(name),
        _ => None,
    }
}

/// The value of a key, if the node is a mapping that has it.
pub(super) fn get<'a>(node: &'a Yaml, key: &str) -> Option<&'a Yaml> {
    let Yaml::Map(entries) = node else { return None };
    entries.iter().find(|(known, _)| known == key).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(base: &str, more: &str) -> String {
        let yaml = |text: &str| Yaml::from(&serde_yaml::from_str::<serde_yaml::Value>(text).unwrap());
        let merged = merge(yaml(base), yaml(more));
        // On one line, to be compared with what a person would write.
        format!("{:?}", serde_yaml::from_str::<serde_yaml::Value>(&merged.to_string()).unwrap())
    }

    fn assert_merged(base: &str, more: &str, expected: &str) {
        let expected = format!("{:?}", serde_yaml::from_str::<serde_yaml::Value>(expected).unwrap());
        assert_eq!(merged(base, more), expected, "{base} and {more}");
    }

    #[test]
    fn mappings_are_merged_at_any_depth() {
        assert_merged(
            "{a: {b: 1, c: 2}, d: 3}",
            "{a: {c: 4, e: 5}, f: 6}",
            "{a: {b: 1, c: 4, e: 5}, d: 3, f: 6}",
        );
        assert_merged("{a: 1}", "{a: {b: 2}}", "{a: {b: 2}}");
        assert_merged("{a: {b: 2}}", "{a: null}", "{a: null}");
    }

    #[test]
    fn named_items_are_merged_by_name() {
        let base = "[{name: v, value: '1'}, {name: w, value: '2'}]";
        assert_merged(
            base,
            "[{name: w, value: '3'}, {name: x, value: '4'}]",
            "[{name: v, value: '1'}, {name: w, value: '3'}, {name: x, value: '4'}]",
        );
        assert_merged(
            "[{name: a, hostPath: /a}]",
            "[{name: a, readOnly: true}]",
            "[{name: a, hostPath: /a, readOnly: true}]",
        );
        assert_merged("[]", "[{name: a, value: b}]", "[{name: a, value: b}]");
    }

    #[test]
    fn an_argument_may_stand_there_twice() {
        let twice = "[{name: issuer, value: new}, {name: issuer, value: old}]";
        assert_merged("[]", twice, twice);
        assert_merged("[{name: issuer, value: own}]", twice, twice);
    }

    #[test]
    fn other_lists_are_replaced() {
        assert_merged("[a, b]", "[c]", "[c]");
        assert_merged("[{name: a}]", "[{key: b}]", "[{key: b}]");
        assert_merged("[{name: a}]", "[]", "[{name: a}]");
    }
}
