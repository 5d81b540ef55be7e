//! Templates: texts with gaps, filled by the struct they are given.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;

use crate::bug::Bug;

/// Fills a template. A name that the struct does not have is an error, and values are put in as they are: those of
/// YAML, shell and XML go through the codec of their format before.
pub(crate) fn render(name: &str, template: &str, values: &impl Serialize) -> Result<String, Bug> {
    let mut syntax = SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true);
    let render = || {
        let mut environment = Environment::new();
        environment.set_syntax(syntax.build()?);
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.render_named_str(name, template, Value::from(Serde(values)))
    };
    render().map_err(|error: minijinja::Error| Bug(format!("template {name}: {error:#}")))
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
