//! The JSON Schema of a blueprint.

use schemars::generate::SchemaSettings;

use super::Blueprint;

/// The JSON Schema (draft 2020-12) of a blueprint, made from the types of [`model`](crate::model).
#[must_use]
pub fn schema() -> serde_json::Value {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Blueprint>().to_value()
}
