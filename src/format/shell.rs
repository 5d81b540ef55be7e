//! Words of POSIX sh (POSIX.1-2024, XCU 2.2 "Quoting"): how a string gets into a script and comes out unchanged.
//!
//! A generated script has a block of variables on top ([`assignments`]) and a static body below, so only this
//! module ever puts a value into shell text. A list is one variable that holds quoted words ([`words`]):
//!
//! ```sh
//! NODES='gate-node01 '\''a b'\'''
//! eval "set -- $NODES"      # "$@" is the list, whatever is in its items; an empty list is ''
//! ```
//!
//! The one string that no shell variable or argument can hold is U+0000: values with it are refused where they
//! enter bpc, and a script for one of them would read the text without it.

/// The string as one word: bare if no shell sees more than letters in it, else in single quotes.
///
/// The word is for an argument or the right side of an assignment, not for the name of a command.
#[must_use]
pub fn quote(text: &str) -> String {
    let bare = |c: char| {
        c.is_ascii_alphanumeric() || matches!(c, '_' | '@' | '%' | '+' | ':' | ',' | '.' | '/' | '-')
    };
    if !text.is_empty() && text.chars().all(bare) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// The strings as quoted words with a space between: the arguments of a command, or a list for [`assignments`].
pub fn words<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| quote(item.as_ref())).collect::<Vec<_>>().join(" ")
}

/// One line `NAME=value` for each variable, the value quoted.
///
/// # Panics
/// If a name is not made of upper-case letters, digits and `_`, or starts with a digit: names are bpc's own.
pub fn assignments<V: AsRef<str>>(variables: &[(&'static str, V)]) -> String {
    let line = |(name, value): &(&'static str, V)| {
        assert!(is_name(name), "'{name}' is no name of a shell variable");
        format!("{name}={}\n", quote(value.as_ref()))
    };
    variables.iter().map(line).collect()
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn safe_words_stay_bare() {
        for word in ["nginx", "a-b_c.d", "192.168.1.1/24", "fe80::1", "ops@kube.demo", "100%", "libc6:amd64"]
        {
            assert_eq!(quote(word), word);
        }
    }

    #[test]
    fn anything_else_is_in_single_quotes() {
        for (text, expected) in [
            ("", "''"),
            ("a b", "'a b'"),
            ("$HOME", "'$HOME'"),
            ("~", "'~'"),
            ("A=b", "'A=b'"),
            ("it's", r"'it'\''s'"),
            ("'", r"''\'''"),
            ("a\nb", "'a\nb'"),
            ("é", "'é'"),
        ] {
            assert_eq!(quote(text), expected);
        }
    }

    #[test]
    fn a_list_is_quoted_twice() {
        let block = assignments(&[
            ("HOST", "gate".to_owned()),
            ("NODES", words(["a", "b c"])),
            ("NONE", String::new()),
        ]);
        assert_eq!(block, "HOST=gate\nNODES='a '\\''b c'\\'''\nNONE=''\n");
    }

    #[test]
    #[should_panic(expected = "'a b' is no name")]
    fn a_bad_name_is_a_bug() {
        assignments(&[("a b", "")]);
    }
}
