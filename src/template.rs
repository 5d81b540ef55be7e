//! Templates: texts with gaps, filled by the struct they are given.

use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

use crate::bug::Bug;

/// Fills a template. A name that the struct does not have is an error, and values are put in as they are: those of
/// YAML, shell and XML go through the codec of their format before.
pub(crate) fn render(name: &str, template: &str, values: &impl Serialize) -> Result<String, Bug> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.set_keep_trailing_newline(true);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment
        .render_named_str(name, template, values)
        .map_err(|error| Bug(format!("template {name}: {error:#}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_undefined_name_is_an_error() {
        let none: [(&str, &str); 0] = [];
        let values = std::collections::BTreeMap::from(none);
        assert!(render("test", "{{ missing }}", &values).is_err());
    }
}
