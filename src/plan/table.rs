//! Tables for a terminal.

/// Columns as wide as their widest cell; nothing if there are no rows. Columns without any content are left out.
pub(super) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let header: Vec<String> = header.iter().map(|&word| word.to_owned()).collect();
    let width = |column: usize| {
        let cells =
            rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0);
        if cells == 0 { 0 } else { cells.max(header.get(column).map_or(0, |word| word.chars().count())) }
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let mut out = String::from("\n");
    for row in std::iter::once(&header).chain(rows) {
        let cells = row.iter().zip(&widths).filter(|(_, width)| **width > 0);
        let line: Vec<String> = cells.map(|(cell, width)| format!("{cell:<width$}")).collect();
        out += line.join("  ").trim_end();
        out.push('\n');
    }
    out
}

/// These words, a comma after each but the last, in lines that are no wider than `width` if they can be cut at all.
pub(super) fn wrapped(words: &[String], width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let word = if index + 1 < words.len() { format!("{word},") } else { word.clone() };
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= width => line.extend([" ", &word]),
            _ => lines.push(word),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_never_cut() {
        let words = ["one", "two", "threescore", "four"].map(str::to_owned);
        assert_eq!(wrapped(&words, 9), ["one, two,", "threescore,", "four"]);
        assert_eq!(wrapped(&words, 100), ["one, two, threescore, four"]);
        assert!(wrapped(&[], 9).is_empty());
    }
}
