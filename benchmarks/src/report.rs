//! The figures as a table, which is good Markdown too.

use std::fmt;

use crate::Case;
use crate::allocations::Allocations;
use crate::wall::OverBare;

/// What was measured of one case. What could not be measured is `None`.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "a row of a table")]
pub struct Row {
    /// The case.
    pub case: &'static Case,
    /// Instructions for each request, without and with tracing.
    pub instructions: Option<(f64, f64)>,
    /// Allocations over bare.
    pub allocations: Option<Allocations>,
    /// Wall time over bare.
    pub wall: Option<OverBare>,
}

/// All rows, to be printed.
#[derive(Debug, Default)]
pub struct Table(Vec<[String; COLUMNS.len()]>);

const COLUMNS: [&str; 7] = [
    "case",
    "bare: instructions",
    "instructions over bare",
    "allocations over bare",
    "bytes over bare",
    "ns over bare, min",
    "ns over bare, median",
];

impl Table {
    /// Adds a row at the end.
    pub fn push(&mut self, row: &Row) {
        let number = |value: Option<f64>, digits: usize| {
            value.map_or_else(|| "?".to_owned(), |value| round(value, digits))
        };
        self.0.push([
            format!("{}: {}", row.case.group(), row.case.name()),
            number(row.instructions.map(|(bare, _)| bare), 0),
            number(row.instructions.map(|(bare, traced)| traced - bare), 0),
            number(row.allocations.map(|allocations| allocations.count), 2),
            number(row.allocations.map(|allocations| allocations.bytes), 0),
            number(row.wall.map(|wall| wall.min), 0),
            number(row.wall.map(|wall| wall.median), 0),
        ]);
    }
}

/// Rounded, without a sign on zero and without zeros behind the point.
fn round(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    let text = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => &text,
    };
    if text == "-0" {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths: Vec<usize> = (0..COLUMNS.len())
            .map(|column| {
                let cells = self.0.iter().map(|row| row[column].len());
                cells
                    .chain([COLUMNS[column].len()])
                    .max()
                    .unwrap_or_default()
            })
            .collect();
        write_line(f, &widths, &COLUMNS)?;
        write!(f, "|{}", "-".repeat(widths[0] + 2))?;
        for width in &widths[1..] {
            write!(f, "|{}:", "-".repeat(width + 1))?;
        }
        writeln!(f, "|")?;
        for row in &self.0 {
            write_line(f, &widths, row)?;
        }
        Ok(())
    }
}

/// The first cell is text and begins at the left, the others are numbers and end at the right.
fn write_line(
    f: &mut fmt::Formatter<'_>,
    widths: &[usize],
    cells: &[impl fmt::Display],
) -> fmt::Result {
    for (column, (width, cell)) in widths.iter().zip(cells).enumerate() {
        match column {
            0 => write!(f, "| {cell:<width$} |")?,
            _ => write!(f, " {cell:>width$} |")?,
        }
    }
    writeln!(f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_rounded_and_unknown_ones_are_question_marks() {
        let mut table = Table::default();
        table.push(&Row {
            case: crate::cases().next().unwrap(),
            instructions: Some((1652.4, 3000.9)),
            allocations: Some(Allocations {
                count: 3.5,
                bytes: -0.2,
            }),
            wall: None,
        });
        let text = table.to_string();
        let last = text.lines().last().unwrap();
        let cells: Vec<&str> = last.split('|').map(str::trim).collect();
        assert_eq!(
            cells,
            [
                "",
                "server: sampled parent",
                "1652",
                "1348",
                "3.5",
                "0",
                "?",
                "?",
                ""
            ]
        );
        let widths: Vec<usize> = text.lines().map(str::len).collect();
        assert!(widths.iter().all(|width| *width == widths[0]), "{text}");
    }
}
