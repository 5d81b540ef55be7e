//! The JSON Schema of a blueprint.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use serde_json::{Map, Value, json};

use super::Blueprint;

/// A text that is one reference to a variable.
const REFERENCE: &str = r"^\$\{[^}]+\}$";

/// The JSON Schema (draft 2020-12) of a blueprint for editors, made from the types of [`model`](crate::model).
///
/// A blueprint that includes fragments may have its keys from them, so what must be there is asked for only where
/// nothing is included.
#[must_use]
pub fn schema() -> Value {
    let complete = complete();
    let mut editors = complete.clone();
    without_required(&mut editors);
    with_variables(&mut editors);
    if let (Some(required), Some(root)) = (must_have(&complete, &complete), editors.as_object_mut()) {
        root.insert("if".to_owned(), json!({"not": {"required": ["include"]}}));
        root.insert("then".to_owned(), required);
    }
    editors
}

/// The JSON Schema of a blueprint with all of its fragments: what a document is checked with.
pub(super) fn complete() -> Value {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Blueprint>();
    RecursiveTransform(plain).transform(&mut schema);
    schema.to_value()
}

/// Takes out what Rust knows and YAML does not: an optional key is left out, not `null`; a number has a range, not a
/// width; and the lines of a description end where the editor wants.
fn plain(schema: &mut Schema) {
    schema.remove("format");
    if let Some(Value::String(description)) = schema.get_mut("description") {
        *description = description.replace('\n', " ");
    }
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    if schema.get("default").is_some_and(Value::is_null) {
        schema.remove("default");
    }
    let Some(Value::Array(choices)) = schema.get_mut("anyOf") else { return };
    choices.retain(|choice| choice.get("type").is_none_or(|name| name != "null"));
    if let [Value::Object(only)] = choices.as_slice() {
        let only = only.clone();
        schema.remove("anyOf");
        for (key, value) in only {
            schema.insert(key, value);
        }
    }
}

/// Lets a reference to a variable stand for a number or a choice.
fn with_variables(schema: &mut Value) {
    match schema {
        Value::Object(entries) => {
            if entries.get("type").is_some_and(|name| name == "integer") {
                // `pattern` is about texts only, as bounds are about numbers.
                entries.insert("type".to_owned(), json!(["integer", "string"]));
                entries.insert("pattern".to_owned(), REFERENCE.into());
            }
            if let Some(Value::Array(choices)) = entries.get_mut("oneOf") {
                choices.push(json!({"type": "string", "pattern": REFERENCE}));
            }
            entries.values_mut().for_each(with_variables);
        }
        Value::Array(items) => items.iter_mut().for_each(with_variables),
        _ => {}
    }
}

/// Removes every `required` that is a list of keys.
fn without_required(schema: &mut Value) {
    match schema {
        Value::Object(entries) => {
            entries.retain(|key, value| key != "required" || !value.is_array());
            entries.values_mut().for_each(without_required);
        }
        Value::Array(items) => items.iter_mut().for_each(without_required),
        _ => {}
    }
}

/// The parts of a schema that ask for keys, at their places; `None` if there are none.
fn must_have(schema: &Value, root: &Value) -> Option<Value> {
    let target =
        schema.get("$ref").and_then(Value::as_str).and_then(|name| root.pointer(name.strip_prefix('#')?));
    if let Some(target) = target {
        return must_have(target, root);
    }
    let mut found = Map::new();
    if let Some(required) = schema.get("required") {
        found.insert("required".to_owned(), required.clone());
    }
    let properties: Map<String, Value> = schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(key, inner)| Some((key.clone(), must_have(inner, root)?)))
        .collect();
    if !properties.is_empty() {
        found.insert("properties".to_owned(), properties.into());
    }
    for key in ["additionalProperties", "items"] {
        if let Some(inner) = schema.get(key).and_then(|inner| must_have(inner, root)) {
            found.insert(key.to_owned(), inner);
        }
    }
    (!found.is_empty()).then(|| found.into())
}
