//! What a user wrote, to be written again.

use serde_yaml::{Mapping, Number, Value};

use super::Yaml;

/// The same node. A tag is left out, and a key that is no string becomes the text that it is written as.
impl From<&Value> for Yaml {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => {
                number.as_i64().map_or_else(|| Self::Number(number_text(number)), Self::Int)
            }
            Value::String(text) => Self::Str(text.clone()),
            Value::Sequence(items) => Self::Seq(items.iter().map(Self::from).collect()),
            Value::Mapping(mapping) => Self::from(mapping),
            Value::Tagged(tagged) => Self::from(&tagged.value),
        }
    }
}

/// The same mapping, in its order.
impl From<&Mapping> for Yaml {
    fn from(mapping: &Mapping) -> Self {
        Self::Map(mapping.iter().map(|(key, value)| (key_text(key), Self::from(value))).collect())
    }
}

/// A number beyond `i64`. Readers of YAML 1.1 want a point in what has an exponent: `1.0e+300`.
fn number_text(number: &Number) -> String {
    let text = number.to_string();
    match text.split_once('e') {
        Some((digits, exponent)) => {
            let point = if digits.contains('.') { "" } else { ".0" };
            let sign = if exponent.starts_with('-') { "" } else { "+" };
            format!("{digits}{point}e{sign}{exponent}")
        }
        None => text,
    }
}

fn key_text(key: &Value) -> String {
    match key {
        Value::String(text) => text.clone(),
        other => Yaml::from(other).to_string().trim_end().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        serde_yaml::from_str(text).unwrap()
    }

    #[test]
    fn what_comes_in_goes_out() {
        let text = "a:\n  - 1\n  - -2\n  - 0.5\n  - 18446744073709551615\n  - null\n  - true\n  - \"no\"\nb: {}\nc: []\n";
        assert_eq!(
            Yaml::from(&value(text)).to_string(),
            "a: [1, -2, 0.5, 18446744073709551615, null, true, \"no\"]\nb: {}\nc: []\n"
        );
    }

    #[test]
    fn numbers_stay_numbers() {
        for text in ["0.1", "1.0", "1e300", "1e-300", "1.5e300", ".inf", "-.inf"] {
            let written = Yaml::from(&value(text)).to_string();
            assert_eq!(value(&written), value(text), "{text} as {written}");
        }
        assert_eq!(Yaml::from(&value("1e300")).to_string(), "1.0e+300\n");
    }

    #[test]
    fn keys_become_texts() {
        let written = Yaml::from(&value("{1: a, true: b, x: c}")).to_string();
        assert_eq!(written, "\"1\": a\n\"true\": b\nx: c\n");
    }
}
