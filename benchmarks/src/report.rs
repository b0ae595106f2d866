//! The figures as tables, which are good Markdown too.

use crate::allocations::Allocations;
use crate::instructions::Instructions;
use crate::markdown;
use crate::time::OverBare;
use crate::weight::Weight;

/// What was measured of one subject in one case, over bare. What could not be measured is `None`.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "a row of a table")]
pub struct Row {
    /// The subject's name.
    pub subject: &'static str,
    /// Instructions without tracing, for scale.
    pub bare: Option<f64>,
    /// Instructions over bare.
    pub instructions: Option<Instructions>,
    /// Allocations over bare, on the thread of the request.
    pub allocations: Option<Allocations>,
    /// Allocations over bare, on all threads.
    pub all_allocations: Option<Allocations>,
    /// Time over bare.
    pub time: Option<OverBare>,
}

const COLUMNS: &[&str] = &[
    "over bare",
    "instructions",
    "- all threads",
    "allocations",
    "- all threads",
    "bytes",
    "- all threads",
    "ns, min",
    "ns, median",
    "CPU ns, min",
    "CPU ns, median",
    "- all threads",
    "bare: instructions",
];

/// What the names of our own subjects start with.
const OURS: &[&str] = &["tower-trace", "grpc-trace", "tracing-core-ctx"];

impl Row {
    fn cells(&self) -> Vec<String> {
        let (on_thread, on_all) = (self.allocations, self.all_allocations);
        let figures = [
            (self.instructions.map(|i| i.on_thread), 0),
            (self.instructions.map(|i| i.on_all), 0),
            (on_thread.map(|a| a.count), 2),
            (on_all.map(|a| a.count), 2),
            (on_thread.map(|a| a.bytes), 0),
            (on_all.map(|a| a.bytes), 0),
            (self.time.map(|t| t.wall.min), 0),
            (self.time.map(|t| t.wall.median), 0),
            (self.time.map(|t| t.thread.min), 0),
            (self.time.map(|t| t.thread.median), 0),
            (self.time.map(|t| t.process.median), 0),
            (self.bare, 0),
        ];
        let mut cells = vec![self.subject.to_owned()];
        cells.extend(figures.map(|(value, digits)| number(value, digits)));
        cells
    }
}

/// The rows of one case: ours as they come, then the peers, the cheapest first.
#[must_use]
pub fn table(mut rows: Vec<Row>) -> String {
    let ours = rows
        .iter()
        .take_while(|row| OURS.iter().any(|ours| row.subject.starts_with(ours)))
        .count();
    rows[ours..].sort_by(|a, b| weight(a).total_cmp(&weight(b)));
    let rows: Vec<Vec<String>> = rows.iter().map(Row::cells).collect();
    markdown::table(COLUMNS, &rows)
}

/// What rows are sorted by: instructions, or without valgrind the time.
fn weight(row: &Row) -> f64 {
    let instructions = row.instructions.map(|instructions| instructions.on_thread);
    let time = row.time.map(|time| time.thread.min);
    instructions.or(time).unwrap_or(f64::INFINITY)
}

/// What subjects bring along.
#[must_use]
pub fn weights(weights: &[(&'static str, Weight)]) -> String {
    let cells = |(subject, weight): &(&str, Weight)| {
        vec![
            (*subject).to_owned(),
            weight.crates.to_string(),
            number(weight.memory, 0),
            weight.versions.join(", "),
        ]
    };
    let columns = [
        "",
        "crates beyond axum and reqwest",
        "KiB at most, over bare",
        "versions",
    ];
    markdown::table(&columns, &weights.iter().map(cells).collect::<Vec<_>>())
}

/// Rounded, without a sign on zero and without zeros behind the point; a question mark for what is not known.
fn number(value: Option<f64>, digits: usize) -> String {
    let Some(value) = value else {
        return "?".to_owned();
    };
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

#[cfg(test)]
mod tests {
    use super::*;

    fn row(subject: &'static str, instructions: f64) -> Row {
        Row {
            subject,
            bare: Some(1652.4),
            instructions: Some(Instructions {
                on_thread: instructions,
                on_all: instructions + 0.6,
            }),
            allocations: Some(Allocations {
                count: 3.5,
                bytes: -0.2,
            }),
            all_allocations: None,
            time: None,
        }
    }

    #[test]
    fn figures_are_rounded_and_unknown_ones_are_question_marks() {
        let text = table(vec![row("tower-trace", 1348.0)]);
        let last = text.lines().last().unwrap();
        let cells: Vec<&str> = last.split('|').map(str::trim).collect();
        assert_eq!(
            cells,
            [
                "",
                "tower-trace",
                "1348",
                "1349",
                "3.5",
                "?",
                "0",
                "?",
                "?",
                "?",
                "?",
                "?",
                "?",
                "1652",
                ""
            ]
        );
        let widths: Vec<usize> = text.lines().map(str::len).collect();
        assert!(widths.iter().all(|width| *width == widths[0]), "{text}");
    }

    #[test]
    fn ours_come_first_and_the_peers_by_what_they_cost() {
        let rows = [
            ("tower-trace", 9.0),
            ("tower-trace, OTLP bytes", 8.0),
            ("tower-otel", 7.0),
            ("fastrace-tower", 5.0),
        ];
        let text = table(rows.map(|(name, cost)| row(name, cost)).into());
        let names: Vec<&str> = text
            .lines()
            .skip(2)
            .filter_map(|line| Some(line.split('|').nth(1)?.trim()))
            .collect();
        assert_eq!(
            names,
            [
                "tower-trace",
                "tower-trace, OTLP bytes",
                "fastrace-tower",
                "tower-otel"
            ]
        );
    }
}
