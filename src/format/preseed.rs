//! Answers for debconf, of which Debian's installer is made (debconf-set-selections(1)).

use std::fmt;

/// An answer that is given before the question is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Who asks; `d-i` is the installer.
    pub owner: String,
    /// The question.
    pub question: String,
    /// The type of the answer: `string`, `boolean`, ...
    pub kind: String,
    /// The answer, which may be empty: lines without a blank around them or two in a row. Where it is read they are one line,
    /// a blank between each two.
    pub value: Vec<String>,
}

/// What is wrong with an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed(String);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not an answer for debconf: {}", self.0)
    }
}

impl std::error::Error for Malformed {}

/// Writes answers, in groups with a comment above each.
///
/// # Errors
/// If an answer or a comment cannot be said.
pub fn write(groups: &[(&str, Vec<Answer>)]) -> Result<String, Malformed> {
    let mut text = String::new();
    for (comment, answers) in groups {
        if !text.is_empty() {
            text.push('\n');
        }
        for line in comment.lines() {
            // A backslash would take the next line into the comment.
            if line.ends_with('\\') {
                return Err(Malformed(line.to_owned()));
            }
            text.extend(["# ", line, "\n"]);
        }
        for answer in answers {
            text += &line(answer)?;
        }
    }
    Ok(text)
}

fn line(answer: &Answer) -> Result<String, Malformed> {
    let Answer { owner, question, kind, value } = answer;
    for word in [owner, question, kind] {
        if word.is_empty()
            || word.starts_with('#')
            || !word.bytes().all(|c| c.is_ascii_graphic() && c != b'\\')
        {
            return Err(Malformed(format!("{owner} {question} {kind}")));
        }
    }
    let mut text = format!("{owner} {question} {kind}");
    for (index, line) in value.iter().enumerate() {
        let plain = line.bytes().all(|c| c.is_ascii_graphic() || c == b' ');
        let words: Vec<&str> = line.split(' ').collect();
        if !plain || words.contains(&"") || line.ends_with('\\') {
            return Err(Malformed(format!("{question}: {line}")));
        }
        text += if index == 0 { " " } else { " \\\n  " };
        text += line;
    }
    text.push('\n');
    Ok(text)
}

/// Reads answers, each with its value in one line.
///
/// # Errors
/// If a line has no owner, question and type, or the last one does not end.
pub fn read(text: &str) -> Result<Vec<Answer>, Malformed> {
    let (mut answers, mut open) = (Vec::new(), String::new());
    for line in text.lines() {
        if let Some(begun) = line.strip_suffix('\\') {
            open += begun;
            continue;
        }
        let line = std::mem::take(&mut open) + line;
        let mut words = line.split_ascii_whitespace();
        let Some(owner) = words.next().filter(|word| !word.starts_with('#')) else { continue };
        let (Some(question), Some(kind)) = (words.next(), words.next()) else { return Err(Malformed(line)) };
        let value: Vec<&str> = words.collect();
        let value = if value.is_empty() { Vec::new() } else { vec![value.join(" ")] };
        let [owner, question, kind] = [owner, question, kind].map(str::to_owned);
        answers.push(Answer { owner, question, kind, value });
    }
    if open.is_empty() { Ok(answers) } else { Err(Malformed(open)) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn answer(question: &str, value: &[&str]) -> Answer {
        let [owner, question, kind] = ["d-i", question, "string"].map(str::to_owned);
        Answer { owner, question, kind, value: value.iter().map(|line| (*line).to_owned()).collect() }
    }

    #[test]
    fn answers_stand_in_groups() {
        let groups = [
            ("Time.", vec![answer("time/zone", &["UTC"])]),
            (
                "The disk,\nall of it.",
                vec![answer("mirror/proxy", &[]), answer("recipe", &["bpc ::", "1 ."])],
            ),
        ];
        let text = write(&groups).unwrap();
        let expected = "# Time.\nd-i time/zone string UTC\n\n# The disk,\n# all of it.\nd-i mirror/proxy string\n\
                        d-i recipe string bpc :: \\\n  1 .\n";
        assert_eq!(text, expected);
        let one_line = answer("recipe", &["bpc :: 1 ."]);
        assert_eq!(
            read(&text).unwrap(),
            [answer("time/zone", &["UTC"]), answer("mirror/proxy", &[]), one_line]
        );
    }

    #[test]
    fn what_would_be_read_otherwise_is_refused() {
        for value in ["a\nb", "a  b", " a", "a ", "a\\", "a\tb", ""] {
            assert!(write(&[("", vec![answer("a/b", &[value])])]).is_err(), "{value:?}");
        }
        for question in ["", "a b", "#", "a\n"] {
            assert!(write(&[("", vec![answer(question, &[])])]).is_err(), "{question:?}");
        }
        assert!(write(&[("a comment\\", vec![])]).is_err());
        assert!(read("d-i a/b").is_err());
        assert!(read("d-i a/b string c \\\n").is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(values in prop::collection::vec("[!-\\[\\]-~]{1,9}( [!-\\[\\]-~]{1,9}){0,3}", 0..5)) {
            let lines: Vec<&str> = values.iter().map(String::as_str).collect();
            let text = write(&[("", vec![answer("a/b", &lines)])]).unwrap();
            let joined = lines.join(" ");
            let expected = if lines.is_empty() { answer("a/b", &[]) } else { answer("a/b", &[&joined]) };
            prop_assert_eq!(read(&text), Ok(vec![expected]));
        }
    }
}
