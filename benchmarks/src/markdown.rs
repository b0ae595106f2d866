//! Tables and sections of a Markdown file.

use std::path::Path;
use std::{fs, io};

/// A table that reads well as plain text too: the first column begins at the left, the others, numbers, end at the right.
#[must_use]
pub fn table(columns: &[&str], rows: &[Vec<String>]) -> String {
    let lines: Vec<Vec<&str>> = std::iter::once(columns.to_vec())
        .chain(
            rows.iter()
                .map(|row| row.iter().map(String::as_str).collect()),
        )
        .collect();
    let widths: Vec<usize> = (0..columns.len())
        .map(|column| {
            let cells = lines.iter().filter_map(|line| line.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let mut written: Vec<String> = lines
        .iter()
        .map(|line| {
            let cells = line.iter().zip(&widths).enumerate();
            let cells: Vec<String> = cells
                .map(|(column, (cell, width))| match column {
                    0 => format!(" {cell:<width$} "),
                    _ => format!(" {cell:>width$} "),
                })
                .collect();
            format!("|{}|\n", cells.join("|"))
        })
        .collect();
    let rule: String = widths
        .iter()
        .enumerate()
        .map(|(column, width)| match column {
            0 => format!("|{}", "-".repeat(width + 2)),
            _ => format!("|{}:", "-".repeat(width + 1)),
        })
        .collect();
    written.insert(1, format!("{rule}|\n"));
    written.concat()
}

/// Replaces the section under `## title` in a file, or adds it at the end.
///
/// # Errors
///
/// When the file cannot be read or written. One that is not there is made.
pub fn put_section(file: &Path, title: &str, text: &str) -> io::Result<()> {
    let before = match fs::read_to_string(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        other => other?,
    };
    fs::write(file, with_section(&before, title, text))
}

/// The sections of a document, from the first heading of the second level on.
#[must_use]
pub fn sections(document: &str) -> &str {
    document
        .find("\n## ")
        .map_or("", |start| &document[start + 1..])
}

fn with_section(document: &str, title: &str, text: &str) -> String {
    let heading = format!("## {title}\n");
    let section = format!("{heading}\n{}\n", text.trim());
    let start = match document.find(&format!("\n{heading}")) {
        Some(start) => start + 1,
        None if document.is_empty() => return section,
        None => return format!("{}\n\n{section}", document.trim_end()),
    };
    let behind = sections(&document[start..]);
    let gap = if behind.is_empty() { "" } else { "\n" };
    format!("{}{section}{gap}{behind}", &document[..start])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_aligned() {
        let rows = [vec!["ours".to_owned(), "9".to_owned()]];
        assert_eq!(
            table(&["what", "ns"], &rows),
            "| what | ns |\n|------|---:|\n| ours |  9 |\n"
        );
    }

    #[test]
    fn a_section_is_replaced_in_its_place_and_the_others_stay() {
        let first = with_section("# Results\n\ntext\n", "A", "one\n");
        assert_eq!(first, "# Results\n\ntext\n\n## A\n\none\n");
        let both = with_section(&first, "B", "two");
        assert_eq!(both, "# Results\n\ntext\n\n## A\n\none\n\n## B\n\ntwo\n");
        let changed = with_section(&both, "A", "three");
        assert_eq!(
            changed,
            "# Results\n\ntext\n\n## A\n\nthree\n\n## B\n\ntwo\n"
        );
        assert_eq!(
            with_section(&changed, "B", "four"),
            changed.replace("two", "four")
        );
        assert_eq!(sections(&both), "## A\n\none\n\n## B\n\ntwo\n");
        assert_eq!(sections(""), "");
    }
}
