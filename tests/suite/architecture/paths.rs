//! Finds the paths in Rust text that lead out of a module: those that start with `crate`, `super`, `bpc` or `std`,
//! or with the name of a crate that touches the system. Good enough for text that rustfmt has been over.

const ROOTS: [&str; 6] = ["crate", "super", "bpc", "std", "rustix", "walkdir"];

/// A path and the line that it stands on.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Use {
    pub(super) line: usize,
    /// Its names; one that started with `super` starts with `crate`.
    pub(super) path: Vec<String>,
}

/// All paths in the text of `module`, groups opened, tests and comments left out.
pub(super) fn uses(text: &str, module: &[String]) -> Vec<Use> {
    let text = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    let code: Vec<&str> = text.lines().map(|line| line.split("//").next().unwrap()).collect();
    let code = code.join("\n");
    let mut uses = Vec::new();
    let mut end = 0;
    for (at, _) in code.match_indices("::") {
        // The `::` inside of a path or of a group that was read already.
        if at < end {
            continue;
        }
        let start = code[..at].rfind(|c: char| !is_name(c)).map_or(0, |before| before + 1);
        if !ROOTS.contains(&&code[start..at]) || code[..start].ends_with("::") {
            continue;
        }
        let mut reader = Reader { text: &code, at: start };
        let line = code[..start].matches('\n').count() + 1;
        uses.extend(reader.tree(&[]).into_iter().map(|path| Use { line, path: absolute(path, module) }));
        end = reader.at;
    }
    uses
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The path from the crate's root.
fn absolute(path: Vec<String>, module: &[String]) -> Vec<String> {
    let up = path.iter().take_while(|name| *name == "super").count();
    if up == 0 {
        return path;
    }
    let above = &module[..module.len() - up];
    ["crate".to_owned()].iter().chain(above).chain(&path[up..]).cloned().collect()
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    /// The paths of a use tree: `a::{b, c::{self, d}}`.
    fn tree(&mut self, before: &[String]) -> Vec<Vec<String>> {
        let rest = &self.text[self.at..];
        let name: String = rest.chars().take_while(|c| is_name(*c)).collect();
        self.at += name.len();
        let mut path = before.to_vec();
        if !name.is_empty() && name != "self" {
            path.push(name);
        }
        let rest = &self.text[self.at..];
        if rest.starts_with("::{") {
            self.at += 3;
            return self.group(&path);
        }
        if rest.strip_prefix("::").is_some_and(|rest| rest.starts_with(is_name)) {
            self.at += 2;
            return self.tree(&path);
        }
        vec![path]
    }

    /// The paths of the trees up to the closing brace.
    fn group(&mut self, before: &[String]) -> Vec<Vec<String>> {
        let mut paths = Vec::new();
        while let Some(next) = self.text[self.at..].chars().next() {
            if is_name(next) {
                paths.extend(self.tree(before));
                // An alias names nothing that is used.
                let rest = &self.text[self.at..];
                self.at += rest.find([',', '}']).unwrap_or(rest.len());
            } else {
                self.at += next.len_utf8();
                if next == '}' {
                    break;
                }
            }
        }
        paths
    }
}

#[test]
fn groups_are_opened_and_the_way_up_is_followed() {
    let text = "\
use crate::diag::{self, Code, render::{Style, render as show}};
// use crate::comment;
use std::{fs, io};
fn f(a: super::Other) -> crate::Bug { super::super::up::g(crate::format::yaml::emit) }

#[cfg(test)]
mod tests {
    use crate::hidden;
}
";
    let module = ["roles", "gateway"].map(str::to_owned);
    let found: Vec<String> = uses(text, &module)
        .into_iter()
        .map(|found| format!("{} {}", found.line, found.path.join("::")))
        .collect();
    let expected = [
        "1 crate::diag",
        "1 crate::diag::Code",
        "1 crate::diag::render::Style",
        "1 crate::diag::render::render",
        "3 std::fs",
        "3 std::io",
        "4 crate::roles::Other",
        "4 crate::Bug",
        "4 crate::up::g",
        "4 crate::format::yaml::emit",
    ];
    assert_eq!(found, expected);
}
