//! Tables of Markdown.

/// A table that reads well as plain text too: the first column begins at the left, the others, numbers, end at the right.
pub(crate) fn table(columns: &[&str], rows: &[Vec<String>]) -> String {
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
}
