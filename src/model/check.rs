//! From a document to the structs, with every structural mistake reported.
//!
//! serde stops at the first mistake. So the document is walked with the JSON Schema of the structs first, which finds
//! all of them; what is left after the refused parts are taken out goes through serde, which then has nothing to say.

use serde_json::Value as Schema;

use super::{Blueprint, schema};
use crate::diag::{Code, Diagnostic, Path, Place, did_you_mean};
use crate::source::{Document, Node, Value};

/// A blueprint and the mappings in which something was refused.
pub(crate) struct Read {
    pub(crate) blueprint: Blueprint,
    /// Mappings that lack what their author meant to say: what a later phase misses there is no news.
    pub(crate) refused: Vec<Path>,
}

impl Read {
    /// Whether a later diagnostic is only about something that was refused already.
    pub(crate) fn explains(&self, diagnostic: &Diagnostic) -> bool {
        match &diagnostic.place {
            Place::Key(path) | Place::Value(path) => {
                self.refused.iter().any(|refused| !refused.steps().is_empty() && path.is_within(refused))
            }
            Place::Span(_) | Place::Outside => false,
        }
    }
}

/// Reads the structs; `None` if a part that everything else needs was refused.
pub(crate) fn read(document: &Document, diagnostics: &mut Vec<Diagnostic>) -> Option<Read> {
    let schema = schema();
    let mut checker = Checker { root: &schema, refused: Vec::new(), diagnostics };
    let value = checker.node(&schema, &document.root, &Path::root())?;
    let refused = checker.refused;
    match serde_yaml::from_value(value) {
        Ok(blueprint) => Some(Read { blueprint, refused }),
        Err(error) => {
            diagnostics.push(
                Diagnostic::new(Code::WrongType, Place::Value(Path::root()), error.to_string())
                    .help("the schema let this pass: please report it as a bug in bpc"),
            );
            None
        }
    }
}

struct Checker<'a> {
    root: &'a Schema,
    refused: Vec<Path>,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl<'a> Checker<'a> {
    /// The value of a node that fits the schema, less its unknown keys; `None` once it does not fit.
    fn node(&mut self, schema: &'a Schema, node: &Node, path: &Path) -> Option<serde_yaml::Value> {
        let alternatives = self.alternatives(schema);
        let value = node.to_yaml();
        if value.is_null() && alternatives.iter().any(|schema| has_type(schema, "null")) {
            return Some(value);
        }
        let words: Vec<&str> = alternatives.iter().flat_map(|schema| words(schema)).collect();
        if let (Some(text), false) = (value.as_str(), words.is_empty()) {
            return self.word(text, &words, path);
        }
        match (&node.value, &value) {
            (Value::Map(_), _) if alternatives.iter().any(|schema| has_type(schema, "object")) => {
                let schema = alternatives.iter().find(|schema| has_type(schema, "object"))?;
                self.mapping(schema, node, path)
            }
            (Value::Seq(items), _) if alternatives.iter().any(|schema| has_type(schema, "array")) => {
                let schema = alternatives.iter().find_map(|schema| schema.get("items"))?;
                self.sequence(schema, items, path)
            }
            (Value::Scalar { .. }, value)
                if alternatives.iter().any(|schema| fits(schema, value)) && words.is_empty() =>
            {
                self.number(&alternatives, value, path)
            }
            _ => self.wrong_type(&alternatives, node, &value, path),
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

    fn word(&mut self, text: &str, words: &[&str], path: &Path) -> Option<serde_yaml::Value> {
        if words.contains(&text) {
            return Some(text.into());
        }
        let message = format!("`{text}` is none of the choices for `{}`", last(path));
        let help = match did_you_mean(text, words.iter().copied()) {
            Some(word) => format!("did you mean `{word}`?"),
            None => format!("one of: {}", words.join(", ")),
        };
        self.diagnostics
            .push(Diagnostic::new(Code::UnknownWord, Place::Value(path.clone()), message).help(help));
        None
    }

    fn mapping(&mut self, schema: &'a Schema, node: &Node, path: &Path) -> Option<serde_yaml::Value> {
        let Some(properties) = schema.get("properties").and_then(Schema::as_object) else {
            return self.entries(schema.get("additionalProperties")?, node, path);
        };
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Schema::as_array)
            .into_iter()
            .flatten()
            .filter_map(Schema::as_str)
            .collect();
        let mut mapping = serde_yaml::Mapping::new();
        let mut meant = Vec::new();
        let mut complete = true;
        for (key, inner) in node.entries() {
            let inner_path = path.key(&key.text);
            let Some(schema) = properties.get(&key.text) else {
                meant.extend(self.unknown_key(&key.text, properties.keys().map(String::as_str), &inner_path));
                continue;
            };
            match self.node(schema, inner, &inner_path) {
                Some(value) => drop(mapping.insert(key.text.as_str().into(), value)),
                None if required.contains(&key.text.as_str()) => complete = false,
                None => self.refused.push(path.clone()),
            }
        }
        for key in required {
            if node.get(key).is_none() {
                complete = false;
                if !meant.contains(&key) {
                    self.missing_key(key, properties, path);
                }
            }
        }
        complete.then_some(serde_yaml::Value::Mapping(mapping))
    }

    /// A mapping whose keys are names that the user gives.
    fn entries(&mut self, schema: &'a Schema, node: &Node, path: &Path) -> Option<serde_yaml::Value> {
        let mut mapping = serde_yaml::Mapping::new();
        let mut complete = true;
        for (key, inner) in node.entries() {
            match self.node(schema, inner, &path.key(&key.text)) {
                Some(value) => drop(mapping.insert(key.text.as_str().into(), value)),
                None => complete = false,
            }
        }
        complete.then_some(serde_yaml::Value::Mapping(mapping))
    }

    fn sequence(&mut self, schema: &'a Schema, items: &[Node], path: &Path) -> Option<serde_yaml::Value> {
        let values: Vec<_> = items
            .iter()
            .enumerate()
            .map(|(index, item)| self.node(schema, item, &path.index(index)))
            .collect();
        values.into_iter().collect()
    }

    fn number(
        &mut self,
        schemas: &[&Schema],
        value: &serde_yaml::Value,
        path: &Path,
    ) -> Option<serde_yaml::Value> {
        let bound = |key: &str| schemas.iter().find_map(|schema| schema.get(key)).and_then(Schema::as_i64);
        let (Some(number), minimum, maximum) = (value.as_i64(), bound("minimum"), bound("maximum")) else {
            return Some(value.clone());
        };
        if minimum.is_none_or(|minimum| minimum <= number) && maximum.is_none_or(|maximum| number <= maximum)
        {
            return Some(value.clone());
        }
        let message = format!("{number} is out of range for `{}`", last(path));
        let help = match (minimum, maximum) {
            (Some(minimum), Some(maximum)) => format!("from {minimum} to {maximum}"),
            (Some(minimum), None) => format!("{minimum} or more"),
            (_, maximum) => format!("{} or less", maximum.unwrap_or_default()),
        };
        self.diagnostics
            .push(Diagnostic::new(Code::NumberOutOfRange, Place::Value(path.clone()), message).help(help));
        None
    }

    fn wrong_type(
        &mut self,
        schemas: &[&Schema],
        node: &Node,
        value: &serde_yaml::Value,
        path: &Path,
    ) -> Option<serde_yaml::Value> {
        let wanted = expected(schemas);
        let message = format!("`{}` takes {wanted}, this is {}", last(path), found(value));
        let mut diagnostic = Diagnostic::new(Code::WrongType, Place::Value(path.clone()), message);
        if let (Value::Scalar { text, plain: true }, true) =
            (&node.value, schemas.iter().any(|s| has_type(s, "string")))
        {
            diagnostic = diagnostic.help(if text.is_empty() {
                "write a value after the colon, or remove the key".to_owned()
            } else {
                format!("write it in quotes: \"{text}\"")
            });
        } else if let (Value::Scalar { text, .. }, true) =
            (&node.value, schemas.iter().any(|s| has_type(s, "array")))
        {
            diagnostic = diagnostic.help(format!("write it as a list: [{text}]"));
        }
        self.diagnostics.push(diagnostic);
        None
    }

    /// Reports a key that is not known and says which one it was probably meant to be.
    fn unknown_key(
        &mut self,
        key: &str,
        known: impl Iterator<Item = &'a str> + Clone,
        path: &Path,
    ) -> Option<&'a str> {
        let meant = did_you_mean(key, known.clone());
        let help = match meant {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("keys here: {}", known.collect::<Vec<_>>().join(", ")),
        };
        let message = format!("there is no key `{key}` here");
        self.diagnostics
            .push(Diagnostic::new(Code::UnknownKey, Place::Key(path.clone()), message).help(help));
        self.refused.extend(path.parent());
        meant
    }

    fn missing_key(&mut self, key: &str, properties: &serde_json::Map<String, Schema>, path: &Path) {
        let message = if path.steps().is_empty() {
            format!("the blueprint lacks the key `{key}`")
        } else {
            format!("`{path}` lacks the key `{key}`")
        };
        let meaning =
            properties.get(key).and_then(|schema| schema.get("description")).and_then(Schema::as_str);
        let diagnostic = Diagnostic::new(Code::MissingKey, Place::Key(path.clone()), message);
        self.diagnostics.push(diagnostic.maybe_help(meaning.map(|meaning| format!("`{key}`: {meaning}"))));
    }
}

/// The last key of a path: what a message calls the value.
fn last(path: &Path) -> String {
    let mut path = path.clone();
    while let (Some(crate::diag::Step::Index(_)), Some(parent)) = (path.steps().last(), path.parent()) {
        path = parent;
    }
    match path.steps().last() {
        Some(crate::diag::Step::Key(key)) => key.clone(),
        _ => "blueprint".to_owned(),
    }
}

fn has_type(schema: &Schema, name: &str) -> bool {
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

fn fits(schema: &Schema, value: &serde_yaml::Value) -> bool {
    use serde_yaml::Value;
    match value {
        Value::String(_) => has_type(schema, "string"),
        Value::Bool(_) => has_type(schema, "boolean"),
        Value::Number(number) => {
            has_type(schema, "number") || (has_type(schema, "integer") && !number.is_f64())
        }
        Value::Null => has_type(schema, "null"),
        _ => false,
    }
}

fn expected(schemas: &[&Schema]) -> String {
    if schemas.iter().any(|schema| !words(schema).is_empty()) {
        let words: Vec<&str> = schemas.iter().flat_map(|schema| words(schema)).collect();
        return format!("one of {}", words.join(", "));
    }
    let names = [
        ("object", "a mapping of keys"),
        ("array", "a list"),
        ("string", "a text"),
        ("integer", "a whole number"),
        ("number", "a number"),
        ("boolean", "true or false"),
    ];
    let fitting: Vec<&str> = names
        .iter()
        .filter(|(name, _)| schemas.iter().any(|schema| has_type(schema, name)))
        .map(|(_, words)| *words)
        .collect();
    fitting.join(" or ")
}

fn found(value: &serde_yaml::Value) -> String {
    use serde_yaml::Value;
    match value {
        Value::Null => "empty".to_owned(),
        Value::Bool(truth) => format!("the truth value {truth}"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(_) => "a text".to_owned(),
        Value::Sequence(_) => "a list".to_owned(),
        Value::Mapping(_) | Value::Tagged(_) => "a mapping of keys".to_owned(),
    }
}
