//! The walk over a document with the schema: finds every structural mistake, and goes on after each.
//!
//! What is refused gets a placeholder in its place, so that the walk always ends with a value that serde can read.
//! Where it is clear what was meant (`did you mean`) that is taken, so that the other mistakes are found as well.

use serde_json::Value as Schema;
use serde_yaml::Value as Yaml;

use super::wording::{expected, found, last};
use crate::diag::{Code, Diagnostic, Path, Place, did_you_mean};
use crate::source::{Node, Value};

/// What other programs call a key, and what it is called here, if there is such a key where it stands.
const SYNONYMS: [(&str, &str); 20] = [
    ("subnet", "cidr"),
    ("range", "cidr"),
    ("prefix", "cidr"),
    ("type", "attach"),
    ("gateway", "router"),
    ("dns", "resolver"),
    ("ram", "memory"),
    ("mem", "memory"),
    ("cores", "cpus"),
    ("vcpus", "cpus"),
    ("replicas", "count"),
    ("ip", "addresses"),
    ("ips", "addresses"),
    ("nics", "networks"),
    ("interfaces", "networks"),
    ("ports", "publish"),
    ("forward", "publish"),
    ("keys", "ssh_keys"),
    ("authorized_keys", "ssh_keys"),
    ("vms", "machines"),
];

/// Walks a document; the schema's parts live as long as `'a`.
pub(super) struct Walk<'a> {
    root: &'a Schema,
    /// Whether keys that are missing are news: not where a part of the blueprint could not be read.
    complete: bool,
    /// Values for which there is a placeholder.
    pub(super) refused: Vec<Path>,
    /// Mappings with a key that nobody knows: what is missing there may have been meant by it.
    pub(super) doubtful: Vec<Path>,
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl<'a> Walk<'a> {
    pub(super) const fn new(root: &'a Schema, complete: bool) -> Self {
        Self { root, complete, refused: Vec::new(), doubtful: Vec::new(), diagnostics: Vec::new() }
    }

    /// The value of a node, or a placeholder.
    pub(super) fn node(&mut self, schema: &'a Schema, node: &Node, path: &Path) -> Yaml {
        if let Some(value) = self.understood(schema, node, path) {
            return value;
        }
        self.refused.push(path.clone());
        self.placeholder(schema)
    }

    /// The value of a node if it fits the schema, as far as one can tell without looking inside.
    fn understood(&mut self, schema: &'a Schema, node: &Node, path: &Path) -> Option<Yaml> {
        if *schema == Schema::Bool(true) {
            // Some other program reads it.
            return Some(node.to_yaml());
        }
        let alternatives = self.alternatives(schema);
        let fitting = |name: &str| alternatives.iter().copied().find(|schema| has_type(schema, name));
        let scalar = match &node.value {
            Value::Refused => return None,
            Value::Map(_) => {
                return match fitting("object") {
                    Some(schema) => Some(self.mapping(schema, node, path)),
                    None => self.wrong_type(&alternatives, node, path),
                };
            }
            Value::Seq(items) => {
                return match fitting("array").and_then(|schema| schema.get("items")) {
                    Some(schema) => Some(self.sequence(schema, items, path)),
                    None => self.wrong_type(&alternatives, node, path),
                };
            }
            Value::Scalar { .. } => node.to_yaml(),
        };
        let words: Vec<&str> = alternatives.iter().flat_map(|schema| words(schema)).collect();
        match scalar.as_str() {
            Some(text) if !words.is_empty() => self.word(text, &words, path),
            _ if words.is_empty() && alternatives.iter().any(|schema| fits(schema, &scalar)) => {
                self.number(&alternatives, scalar, path)
            }
            _ => self.wrong_type(&alternatives, node, path),
        }
    }

    /// What a schema allows: references followed, `anyOf` and `oneOf` opened.
    fn alternatives(&self, schema: &'a Schema) -> Vec<&'a Schema> {
        if let Some(pointer) =
            schema.get("$ref").and_then(Schema::as_str).and_then(|name| name.strip_prefix('#'))
        {
            return self.root.pointer(pointer).map_or_else(Vec::new, |target| self.alternatives(target));
        }
        let choices = ["anyOf", "oneOf"].iter().find_map(|key| schema.get(key)).and_then(Schema::as_array);
        match choices {
            Some(choices) => choices.iter().flat_map(|choice| self.alternatives(choice)).collect(),
            None => vec![schema],
        }
    }

    /// The smallest value of the schema's type.
    fn placeholder(&self, schema: &'a Schema) -> Yaml {
        let alternatives = self.alternatives(schema);
        let Some(schema) = alternatives.first() else { return Yaml::Null };
        if let Some(word) = words(schema).last() {
            return (*word).into();
        }
        if has_type(schema, "object") {
            let entries = required(schema).map(|(key, schema)| (Yaml::from(key), self.placeholder(schema)));
            return Yaml::Mapping(entries.collect());
        }
        if has_type(schema, "array") {
            return Yaml::Sequence(Vec::new());
        }
        if has_type(schema, "integer") {
            let number = ["const", "minimum"].iter().find_map(|key| schema.get(key)).and_then(Schema::as_u64);
            return number.unwrap_or(0).into();
        }
        Yaml::from("")
    }

    fn mapping(&mut self, schema: &'a Schema, node: &Node, path: &Path) -> Yaml {
        let Some(properties) = schema.get("properties").and_then(Schema::as_object) else {
            // The keys are names that the user gives.
            let inner = schema.get("additionalProperties").unwrap_or(&Schema::Null);
            let entries = node.entries().iter().map(|(key, node)| {
                (Yaml::from(key.text.as_str()), self.node(inner, node, &path.key(&key.text)))
            });
            return Yaml::Mapping(entries.collect());
        };
        let mut mapping = serde_yaml::Mapping::new();
        for (key, inner) in node.entries() {
            let inner_path = path.key(&key.text);
            let Some((meant, inner_schema)) = self.meant(&key.text, properties, node, &inner_path) else {
                continue;
            };
            if let Some(value) = self.understood(inner_schema, inner, &inner_path) {
                mapping.insert(meant.into(), value);
                continue;
            }
            self.refused.push(inner_path);
            // What need not be there is left out; what must be gets its placeholder here already, so that it does not
            // count as missing.
            if required(schema).any(|(key, _)| key == meant) {
                mapping.insert(meant.into(), self.placeholder(inner_schema));
            }
        }
        for (key, schema) in required(schema) {
            if mapping.contains_key(key) {
                continue;
            }
            if self.complete && !self.doubtful.contains(path) {
                self.missing_key(key, schema, path);
            }
            self.refused.push(path.key(key));
            mapping.insert(key.into(), self.placeholder(schema));
        }
        Yaml::Mapping(mapping)
    }

    /// The key of a mapping that was meant by one that is there, with its schema; reports a key that is not known.
    fn meant(
        &mut self,
        key: &str,
        properties: &'a serde_json::Map<String, Schema>,
        node: &Node,
        path: &Path,
    ) -> Option<(&'a str, &'a Schema)> {
        let entry = |name: &str| properties.get_key_value(name).map(|(key, schema)| (key.as_str(), schema));
        if let Some(known) = entry(key) {
            return Some(known);
        }
        let meant = self.unknown_key(key, properties, path);
        // The value counts for the key that was meant, unless that is there too, or another one was meant for it.
        let free = |meant: &&str| {
            let others = node.entries().iter().map(|(key, _)| key.text.as_str());
            others
                .take_while(|other| *other != key)
                .all(|other| other != *meant && near(other, properties) != Some(*meant))
                && node.get(meant).is_none()
        };
        let found = meant.filter(free).and_then(entry);
        if found.is_none() {
            self.doubtful.extend(path.parent());
        }
        found
    }

    fn sequence(&mut self, schema: &'a Schema, items: &[Node], path: &Path) -> Yaml {
        items.iter().enumerate().map(|(index, item)| self.node(schema, item, &path.index(index))).collect()
    }

    fn word(&mut self, text: &str, words: &[&str], path: &Path) -> Option<Yaml> {
        if words.contains(&text) {
            return Some(text.into());
        }
        let near = did_you_mean(text, words.iter().copied());
        let help = match near {
            Some(word) => format!("did you mean `{word}`?"),
            None => format!("one of: {}", words.join(", ")),
        };
        let message = format!("`{text}` is none of the choices for `{}`", last(path));
        self.report(Diagnostic::new(Code::UnknownWord, Place::Value(path.clone()), message).help(help));
        near.map(Yaml::from)
    }

    fn number(&mut self, schemas: &[&Schema], value: Yaml, path: &Path) -> Option<Yaml> {
        let bound = |key: &str| schemas.iter().find_map(|schema| schema.get(key)).and_then(Schema::as_i64);
        let (minimum, maximum) = (bound("minimum").map(i128::from), bound("maximum").map(i128::from));
        let help = match (minimum, maximum) {
            (Some(minimum), Some(maximum)) => format!("write a number from {minimum} to {maximum}"),
            (Some(minimum), None) => format!("write {minimum} or more"),
            (None, Some(maximum)) => format!("write {maximum} or less"),
            (None, None) => return Some(value),
        };
        let number = value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from));
        let Some(number) = number else { return Some(value) };
        if (minimum.unwrap_or(number)..=maximum.unwrap_or(number)).contains(&number) {
            return Some(value);
        }
        let message = format!("{number} is out of range for `{}`", last(path));
        self.report(Diagnostic::new(Code::NumberOutOfRange, Place::Value(path.clone()), message).help(help));
        None
    }

    fn wrong_type(&mut self, schemas: &[&Schema], node: &Node, path: &Path) -> Option<Yaml> {
        let takes = |name| schemas.iter().any(|schema| has_type(schema, name));
        let help = match &node.value {
            Value::Scalar { text, plain: true } if text.is_empty() => {
                Some("write a value, or remove the key or dash that has none".to_owned())
            }
            Value::Scalar { text, plain: true } if takes("string") => {
                Some(format!("write it in quotes: \"{text}\""))
            }
            Value::Scalar { text, .. } if takes("array") => Some(format!("write it as a list: [{text}]")),
            Value::Scalar { text, plain: false } if takes("integer") && text.parse::<u64>().is_ok() => {
                Some(format!("write it without quotes: {text}"))
            }
            Value::Seq(_) if takes("object") => {
                Some("write `name: ...` for each, instead of `- ...`".to_owned())
            }
            Value::Scalar { .. } if takes("integer") => Some("write digits, for instance `2`".to_owned()),
            _ => None,
        };
        let example = schemas.iter().find_map(|schema| schema.get("examples")?.get(0));
        let help =
            help.or_else(|| example.map(|example| format!("for instance `{}: {example}`", last(path))));
        let words: Vec<&str> = schemas.iter().flat_map(|schema| words(schema)).collect();
        let message =
            format!("`{}` takes {}, this is {}", last(path), expected(schemas, &words), found(node));
        self.report(Diagnostic::new(Code::WrongType, Place::Value(path.clone()), message).maybe_help(help));
        None
    }

    /// Reports a key that is not known and says which one it was probably meant to be.
    fn unknown_key(
        &mut self,
        key: &str,
        properties: &'a serde_json::Map<String, Schema>,
        path: &Path,
    ) -> Option<&'a str> {
        let meant = near(key, properties);
        let help = meant.map_or_else(
            || format!("keys here: {}", properties.keys().map(String::as_str).collect::<Vec<_>>().join(", ")),
            |meant| format!("did you mean `{meant}`?"),
        );
        let message = if key.is_empty() {
            "a key is empty".to_owned()
        } else {
            format!("there is no key `{key}` here")
        };
        self.report(Diagnostic::new(Code::UnknownKey, Place::Key(path.clone()), message).help(help));
        meant
    }

    fn missing_key(&mut self, key: &str, schema: &'a Schema, path: &Path) {
        let whole = if path.steps().is_empty() { "the blueprint".to_owned() } else { format!("`{path}`") };
        let message = format!("{whole} lacks the key `{key}`");
        let words: Vec<&str> = self.alternatives(schema).iter().flat_map(|schema| words(schema)).collect();
        let example = schema.get("examples").and_then(|examples| examples.get(0));
        let help = if !words.is_empty() {
            format!("add `{key}:` with one of: {}", words.join(", "))
        } else if let Some(example) = example.or_else(|| schema.get("const")) {
            format!("add it, for instance `{key}: {example}`")
        } else {
            format!("add `{key}:`")
        };
        let meaning = schema.get("description").and_then(Schema::as_str);
        let mut diagnostic = Diagnostic::new(Code::MissingKey, Place::Key(path.clone()), message);
        diagnostic.notes.extend(meaning.map(|meaning| format!("`{key}`: {meaning}")));
        self.report(diagnostic.help(help));
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }
}

/// The key that a key that is not known was probably meant to be.
fn near<'a>(key: &str, properties: &'a serde_json::Map<String, Schema>) -> Option<&'a str> {
    let known = || properties.keys().map(String::as_str);
    let synonym = SYNONYMS.iter().find(|(word, _)| *word == key);
    let synonym = synonym.and_then(|(_, meant)| known().find(|known| known == meant));
    synonym.or_else(|| did_you_mean(key, known()))
}

/// The keys that a mapping must have, with their schemas.
fn required(schema: &Schema) -> impl Iterator<Item = (&str, &Schema)> {
    let keys = schema.get("required").and_then(Schema::as_array).into_iter().flatten();
    keys.filter_map(Schema::as_str)
        .filter_map(|key| Some((key, schema.get("properties").and_then(|all| all.get(key))?)))
}

/// Whether a schema takes values of a JSON type.
pub(super) fn has_type(schema: &Schema, name: &str) -> bool {
    match schema.get("type") {
        Some(Schema::String(known)) => known == name,
        Some(Schema::Array(known)) => known.iter().any(|known| known == name),
        _ => false,
    }
}

/// The words of a choice.
fn words(schema: &Schema) -> Vec<&str> {
    let one = schema.get("const").and_then(Schema::as_str);
    let many = schema.get("enum").and_then(Schema::as_array).into_iter().flatten().filter_map(Schema::as_str);
    one.into_iter().chain(many).collect()
}

fn fits(schema: &Schema, value: &Yaml) -> bool {
    match value {
        Yaml::String(_) => has_type(schema, "string"),
        Yaml::Bool(_) => has_type(schema, "boolean"),
        Yaml::Number(number) => has_type(schema, "integer") && !number.is_f64(),
        _ => false,
    }
}
