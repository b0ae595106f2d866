//! The file with the figures of one machine: a section for each program, which replaces its own and leaves the others.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::machine;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/RESULTS.md");

const HEAD: &str = "\
# What tracing costs

What is measured and what the columns mean, and what is not the same work, is in the [README](README.md).
";

/// Writes a section below what it was measured on, with a line for each of `versions`.
///
/// # Errors
///
/// When the file cannot be read or written.
pub(crate) fn write(title: &str, versions: &[String], text: &str) -> io::Result<()> {
    let lines = machine::describe().into_iter().chain(versions.to_vec());
    let lines: String = lines.map(|line| format!("- {line}\n")).collect();
    put_section(FILE.as_ref(), title, &format!("{lines}\n{text}"))
}

/// Replaces the section under `## title` in a file, or adds it at the end.
fn put_section(file: &Path, title: &str, text: &str) -> io::Result<()> {
    let before = match fs::read_to_string(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => HEAD.to_owned(),
        other => other?,
    };
    fs::write(file, with_section(&before, title, text))
}

fn with_section(document: &str, title: &str, text: &str) -> String {
    let heading = format!("## {title}\n");
    let section = format!("{heading}\n{}\n", text.trim());
    let Some(start) = document.find(&format!("\n{heading}")) else {
        return format!("{}\n\n{section}", document.trim_end());
    };
    let (before, rest) = document.split_at(start + 1);
    match rest.find("\n## ") {
        Some(end) => format!("{before}{section}{}", &rest[end..]),
        None => format!("{before}{section}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_replaced_in_its_place_and_the_others_stay() {
        let first = with_section("# Results\n\ntext\n", "A", "one\n\n### More\n\nof it\n");
        assert_eq!(
            first,
            "# Results\n\ntext\n\n## A\n\none\n\n### More\n\nof it\n"
        );
        let both = with_section(&first, "B", "two");
        assert_eq!(both, format!("{first}\n## B\n\ntwo\n"));
        let changed = with_section(&both, "A", "three");
        assert_eq!(
            changed,
            "# Results\n\ntext\n\n## A\n\nthree\n\n## B\n\ntwo\n"
        );
        assert_eq!(
            with_section(&changed, "B", "four"),
            changed.replace("two", "four")
        );
    }
}
