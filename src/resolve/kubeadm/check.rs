//! What a blueprint says in the words of kubeadm, held against the types of its API.
//!
//! kubeadm decodes strictly: a field that it does not know, and a number where a text is wanted, end `init` and `join`.

use serde_yaml::{Mapping, Number, Value};

use super::types::{Field, Kind, field, table};
use crate::diag::{Code, Diagnostic, Path, Place, did_you_mean};

/// The documents of a blueprint, and the types of what they are merged into.
pub(super) const DOCUMENTS: [(&str, &str); 5] = [
    ("cluster", "ClusterConfiguration"),
    ("init", "InitConfiguration"),
    ("join", "JoinConfiguration"),
    ("kubelet", "KubeletConfiguration"),
    ("kube_proxy", "KubeProxyConfiguration"),
];

/// So many fields can be named in a line.
const FEW: usize = 20;

/// A check of documents for one version of Kubernetes.
pub(super) struct Check<'a> {
    /// The minor, if it is known.
    pub(super) minor: Option<&'a str>,
    /// Whether an empty value takes something away, as in a patch.
    pub(super) patch: bool,
    /// What is wrong.
    pub(super) found: Vec<Diagnostic>,
}

impl Check<'_> {
    /// Returns the document with texts where texts are wanted, and notes what is wrong with it.
    pub(super) fn document(&mut self, document: &Mapping, of: &str, path: &Path) -> Mapping {
        match self.value(&Value::Mapping(document.clone()), of, path) {
            Value::Mapping(document) => document,
            _ => Mapping::new(),
        }
    }

    fn value(&mut self, value: &Value, kind: &str, path: &Path) -> Value {
        match (table().kind(kind), value) {
            (_, Value::Null) if !self.patch => {
                let help = "write a value, or remove the key: an empty one takes away what bpc says there";
                self.fault(path, "has no value".to_owned(), Some(help.to_owned()));
            }
            (_, Value::Null) => {}
            (Kind::List(inner), Value::Sequence(items)) => {
                let items = items.iter().enumerate();
                return items.map(|(index, item)| self.value(item, inner, &path.index(index))).collect();
            }
            (Kind::Map(inner), Value::Mapping(entries)) => {
                let entries = entries.iter();
                let checked = entries.map(|(key, value)| {
                    let name = key.as_str().unwrap_or_default();
                    (key.clone(), self.value(value, inner, &path.key(name)))
                });
                return Value::Mapping(checked.collect());
            }
            (Kind::Struct(_), Value::Mapping(entries)) => return self.fields(entries, kind, path),
            (Kind::Choice(values), Value::String(text)) => {
                // No text is the default, everywhere.
                if !text.is_empty() && !values.contains(text) {
                    let near = did_you_mean(text, values.iter().map(String::as_str));
                    let help = near.map(|near| format!("did you mean `{near}`?"));
                    let help = help.unwrap_or_else(|| format!("one of: {}", values.join(", ")));
                    self.fault(path, format!("is `{text}`, which is none of its values"), Some(help));
                }
            }
            (Kind::Scalar("string"), _) => return self.text(value, path),
            (Kind::Scalar(scalar), _) if is_scalar(value, scalar) => {}
            (wanted, _) => {
                let message = format!("is {}, and {} is wanted", shape(value), words(wanted));
                self.fault(path, message, help(kind, value));
            }
        }
        value.clone()
    }

    /// A text, which a whole number or a truth value can only mean in one way.
    fn text(&mut self, value: &Value, path: &Path) -> Value {
        match value {
            Value::Bool(it) if !self.patch => return Value::String(it.to_string()),
            Value::Number(it) if !self.patch && !it.is_f64() => return Value::String(it.to_string()),
            Value::String(_) => {}
            _ => {
                let help = match value {
                    Value::Number(_) | Value::Bool(_) => {
                        Some("write it in quotes, as it is meant".to_owned())
                    }
                    _ => None,
                };
                self.fault(path, format!("is {}, and a text is wanted", shape(value)), help);
            }
        }
        value.clone()
    }

    fn fields(&mut self, entries: &Mapping, of: &str, path: &Path) -> Value {
        let Kind::Struct(fields) = table().kind(of) else { return Value::Null };
        let mut checked = Mapping::new();
        for (key, value) in entries {
            let name = key.as_str().unwrap_or_default();
            let value = match fields.get(name).map(|text| field(text)) {
                // A directive of a strategic merge.
                None if self.patch && name.starts_with('$') => value.clone(),
                Some(known) if !self.is_later(known) => self.value(value, known.kind, &path.key(name)),
                known => {
                    self.unknown(name, known, of, path);
                    value.clone()
                }
            };
            checked.insert(key.clone(), value);
        }
        if !self.patch {
            let lacking =
                fields.iter().filter(|(name, text)| field(text).required && !entries.contains_key(*name));
            for (name, _) in lacking {
                self.fault(path, format!("lacks `{name}`"), Some(format!("add `{name}: ...`")));
            }
        }
        Value::Mapping(checked)
    }

    fn is_later(&self, field: Field<'_>) -> bool {
        let number = |minor: &str| minor.split_once('.').and_then(|(_, minor)| minor.parse::<u32>().ok());
        field.since.is_some_and(|since| self.minor.is_some_and(|minor| number(minor) < number(since)))
    }

    fn unknown(&mut self, name: &str, known: Option<Field<'_>>, of: &str, path: &Path) {
        let place = Place::Key(path.key(name));
        let new = |message: String| Diagnostic::new(Code::KubeadmUnknownField, place.clone(), message);
        let diagnostic = if let Some(since) = known.and_then(|known| known.since) {
            let minor = self.minor.unwrap_or_default();
            new(format!("`{name}` is a field of {of} since Kubernetes {since}, and this is {minor}"))
                .help(format!("remove it, or write `version: \"{since}\"`"))
        } else if let Some(instead) = table().gone(of, name) {
            new(format!("`{name}` is no field of {of} any more")).help(super::way_out(instead))
        } else {
            let diagnostic = new(format!("`{name}` is no field of {of}"));
            match (elsewhere(name, of), self.near(name, of)) {
                (Some(section), _) => {
                    diagnostic.help(format!("it is one of `kubernetes: {{kubeadm: {{{section}: ...}}}}`"))
                }
                (None, near) => diagnostic.maybe_help(near),
            }
        };
        self.found.push(diagnostic);
    }

    /// The field that was most likely meant, or all of them if they are few.
    fn near(&self, name: &str, of: &str) -> Option<String> {
        let Kind::Struct(fields) = table().kind(of) else { return None };
        let names: Vec<&str> = fields
            .iter()
            .filter(|(_, text)| !self.is_later(field(text)))
            .map(|(name, _)| name.as_str())
            .collect();
        let near = did_you_mean(name, names.iter().copied()).map(|near| format!("did you mean `{near}`?"));
        near.or_else(|| (names.len() <= FEW).then(|| format!("one of: {}", names.join(", "))))
    }

    fn fault(&mut self, path: &Path, what: String, help: Option<String>) {
        let message = [format!("`{path}`"), what].join(" ");
        // The place says the rest of the path.
        let message = message.replacen("kubernetes.kubeadm.", "", 1);
        self.found
            .push(Diagnostic::new(Code::KubeadmValue, Place::Value(path.clone()), message).maybe_help(help));
    }
}

/// The other document that has a field of this name at its top.
fn elsewhere(name: &str, of: &str) -> Option<&'static str> {
    if !DOCUMENTS.iter().any(|(_, kind)| *kind == of) {
        return None;
    }
    let has = |kind| matches!(table().kind(kind), Kind::Struct(fields) if fields.contains_key(name));
    DOCUMENTS.iter().find(|(_, kind)| has(*kind)).map(|(section, _)| *section)
}

fn is_scalar(value: &Value, kind: &str) -> bool {
    match kind {
        "any" => true,
        "boolean" => value.is_bool(),
        "integer" => value.as_i64().is_some_and(|it| i32::try_from(it).is_ok()),
        "long" => value.is_i64(),
        "number" => value.is_number(),
        "duration" => value.as_str().is_some_and(is_duration),
        "flush" => value.is_u64() || value.as_str().is_some_and(is_duration),
        "quantity" => value.is_number() || value.as_str().is_some_and(is_quantity),
        _ => false,
    }
}

/// Numbers with units, as `time.ParseDuration` of Go reads them: `1h30m`, `1.5s`.
fn is_duration(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        let number = rest.get(..rest.len() - digits.len()).unwrap_or_default();
        let unit =
            ["ns", "us", "µs", "ms", "s", "m", "h"].into_iter().filter_map(|unit| digits.strip_prefix(unit));
        let left = unit.min_by_key(|left| left.len());
        match left {
            Some(left) if number.parse::<f64>().is_ok() => rest = left,
            _ => return text == "0",
        }
    }
    !text.is_empty()
}

/// An amount as Kubernetes writes it ("Quantity" of its API): a number, and maybe a unit or an exponent.
fn is_quantity(text: &str) -> bool {
    let number = text.trim_end_matches(['n', 'u', 'm', 'k', 'K', 'M', 'G', 'T', 'P', 'E', 'i']);
    let unit = text.get(number.len()..).unwrap_or_default();
    let units = ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    number.parse::<f64>().is_ok_and(f64::is_finite) && units.contains(&unit)
}

/// A value of the wrong kind, in words.
const fn shape(value: &Value) -> &'static str {
    match value {
        Value::Null => "empty",
        Value::Bool(_) => "`true` or `false`",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Sequence(_) => "a list",
        Value::Mapping(_) => "a mapping",
        Value::Tagged(_) => "a value with a tag",
    }
}

/// What is wanted, in words.
fn words(kind: Kind<'_>) -> &'static str {
    match kind {
        Kind::List(_) => "a list",
        Kind::Map(_) | Kind::Struct(_) => "a mapping",
        Kind::Scalar("boolean") => "`true` or `false`",
        Kind::Scalar("integer" | "long") => "a whole number",
        Kind::Scalar("number") => "a number",
        Kind::Scalar("duration" | "flush") => "a time with its unit",
        Kind::Scalar("quantity") => "an amount",
        Kind::Choice(_) | Kind::Scalar(_) => "a text",
    }
}

/// How the value is written instead.
fn help(kind: &str, value: &Value) -> Option<String> {
    match (table().kind(kind), value) {
        (Kind::List("Arg" | "EnvVar"), Value::Mapping(entries)) => {
            let name = entries.keys().next().and_then(Value::as_str).unwrap_or("v");
            Some(format!("write a list of names and values: `[{{name: {name}, value: \"...\"}}]`"))
        }
        (Kind::List(_), Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
            Some(format!("write a list of one: `[{}]`", plain(value)))
        }
        (Kind::Scalar("duration" | "flush"), Value::Number(number)) => {
            Some(format!("write the unit: `{number}s`, `{number}m` or `{number}h`"))
        }
        (Kind::Scalar("duration" | "flush"), _) => {
            Some("write a number and a unit: `30s`, `4m0s`, `1h`".to_owned())
        }
        (Kind::Scalar("quantity"), _) => Some("write a number, and maybe a unit: `512Mi`".to_owned()),
        (Kind::Scalar("integer" | "long" | "number" | "boolean"), Value::String(text))
            if text.parse::<f64>().is_ok() || text.parse::<bool>().is_ok() =>
        {
            Some(format!("write it without quotes: {text}"))
        }
        (Kind::Choice(values), _) => Some(format!("one of: {}", values.join(", "))),
        _ => None,
    }
}

/// A scalar as it can be written.
fn plain(value: &Value) -> String {
    match value {
        Value::Bool(it) => it.to_string(),
        Value::Number(it) => Number::to_string(it),
        Value::String(it) => it.clone(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of a document for Kubernetes 1.35, and what is made of it.
    fn checked(of: &str, text: &str) -> (Vec<String>, String) {
        let mut check = Check { minor: Some("1.35"), patch: false, found: Vec::new() };
        let made = check.document(&serde_yaml::from_str(text).unwrap(), of, &Path::root());
        let said = check.found.iter().map(|found| found.message.clone()).collect();
        (said, serde_yaml::to_string(&made).unwrap().trim().replace('\n', "; "))
    }

    fn faults(of: &str, text: &str) -> Vec<String> {
        checked(of, text).0
    }

    #[test]
    fn texts_are_made_of_what_can_only_mean_one() {
        let (said, made) =
            checked("APIServer", "extraArgs: [{name: v, value: 4}, {name: profiling, value: false}]");
        assert_eq!(said, Vec::<String>::new());
        assert_eq!(made, "extraArgs:; - name: v;   value: '4'; - name: profiling;   value: 'false'");
        let (said, made) = checked("KubeletConfiguration", "systemReserved: {cpu: 1}");
        assert_eq!((said, made.as_str()), (Vec::new(), "systemReserved:;   cpu: '1'"));
        // 1.10 and 1.1 are the same number.
        assert_eq!(
            faults("APIServer", "extraArgs: [{name: qps, value: 1.10}]"),
            ["`extraArgs[0].value` is a number, and a text is wanted"]
        );
    }

    #[test]
    fn fields_have_the_types_of_the_api() {
        for (text, fault) in [
            ("maxPods: '60'", "`maxPods` is a text, and a whole number is wanted"),
            ("maxPods: 6.5", "`maxPods` is a number, and a whole number is wanted"),
            ("maxPods: 3000000000", "`maxPods` is a number, and a whole number is wanted"),
            ("failSwapOn: 'no'", "`failSwapOn` is a text, and `true` or `false` is wanted"),
            ("syncFrequency: 60", "`syncFrequency` is a number, and a time with its unit is wanted"),
            ("syncFrequency: 1d", "`syncFrequency` is a text, and a time with its unit is wanted"),
            ("clusterDNS: 10.96.0.10", "`clusterDNS` is a text, and a list is wanted"),
            ("evictionHard: [5%]", "`evictionHard` is a list, and a mapping is wanted"),
            ("featureGates: {A: 'true'}", "`featureGates.A` is a text, and `true` or `false` is wanted"),
            ("cpuManagerPolicy: Static", "`cpuManagerPolicy` is `Static`, which is none of its values"),
            ("evictionHard: {memory: 5%}", "`memory` is no field of EvictionSignals"),
            ("reservedMemory: [{numaNode: 0}]", "`reservedMemory[0]` lacks `limits`"),
            ("authentication:", "`authentication` has no value"),
            ("maxpods: 60", "`maxpods` is no field of KubeletConfiguration"),
            (
                "memoryReservationPolicy: None",
                "`memoryReservationPolicy` is a field of KubeletConfiguration since Kubernetes 1.36, and this is 1.35",
            ),
        ] {
            assert_eq!(faults("KubeletConfiguration", text), [fault], "{text}");
        }
        let good = "{maxPods: 60, syncFrequency: 1m30s, cpuManagerPolicy: static, evictionHard: {memory.available: 5%}, \
                    logging: {flushFrequency: 5000000000, verbosity: 2}, memoryThrottlingFactor: 0.8, \
                    reservedMemory: [{numaNode: 0, limits: {memory: 1Gi, hugepages-2Mi: 0}}]}";
        assert_eq!(faults("KubeletConfiguration", good), Vec::<String>::new());
    }

    #[test]
    fn fields_of_older_versions_name_what_replaces_them() {
        let mut check = Check { minor: None, patch: false, found: Vec::new() };
        let document = serde_yaml::from_str("apiServer: {timeoutForControlPlane: 4m}").unwrap();
        check.document(&document, "ClusterConfiguration", &Path::root());
        let [found] = check.found.as_slice() else { panic!("{:?}", check.found) };
        assert_eq!(found.message, "`timeoutForControlPlane` is no field of APIServer any more");
        assert!(found.help[0].contains("controlPlaneComponentHealthCheck"), "{:?}", found.help);
    }

    #[test]
    fn a_patch_takes_things_away() {
        let mut check = Check { minor: None, patch: true, found: Vec::new() };
        let document =
            serde_yaml::from_str("{maxPods: null, $patch: merge, cpuManagerPolicy: static}").unwrap();
        check.document(&document, "KubeletConfiguration", &Path::root());
        assert!(check.found.is_empty(), "{:?}", check.found);
    }

    #[test]
    fn times_are_those_of_go() {
        for good in ["0", "30s", "1h30m", "1.5h", "300ms", "2us", "-1s", "4m0s"] {
            assert!(is_duration(good), "{good}");
        }
        for bad in ["", "30", "s", "1d", "1 s", "1h30", ".s", "1..5s", "h1"] {
            assert!(!is_duration(bad), "{bad}");
        }
    }

    #[test]
    fn amounts_are_those_of_kubernetes() {
        for good in ["0", "1", "1.5Gi", "100m", "1e3", "512Mi", "2k"] {
            assert!(is_quantity(good), "{good}");
        }
        for bad in ["", "Mi", "1 Gi", "1KB", "1mi", "inf", "nan"] {
            assert!(!is_quantity(bad), "{bad}");
        }
    }
}
