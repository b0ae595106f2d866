use std::collections::BTreeMap;

use tracing_core_ctx::SpanKind;

use super::{Line, Outcome, Palette, Span, millis};

/// What each service was asked and how it answered.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    services: BTreeMap<String, Calls>,
}

#[derive(Debug, Default)]
struct Calls {
    durations: Vec<u64>,
    errors: usize,
    cancelled: usize,
}

impl Tally {
    /// Counts a span, if it is one that answers a request or processes a message.
    pub(crate) fn add(&mut self, span: &Span) {
        if !matches!(span.kind, SpanKind::Server | SpanKind::Consumer) {
            return;
        }
        let calls = self.services.entry(span.service.clone()).or_default();
        calls.durations.push(span.end.saturating_sub(span.start));
        match span.outcome {
            Outcome::Cancelled => calls.cancelled += 1,
            Outcome::Failed => calls.errors += 1,
            Outcome::Refused | Outcome::Unremarkable => {}
        }
    }

    /// Whether nothing was counted.
    pub(crate) fn is_empty(&self) -> bool {
        self.services.is_empty()
    }

    /// One row for each service that was called, in the order of the palette; others follow by name.
    pub(crate) fn table(&self, palette: &Palette) -> String {
        const HEADER: [&str; 5] = ["calls", "errors", "cancelled", "p50", "p99"];
        const WIDTHS: [usize; 5] = [7, 8, 11, 12, 12];

        let known: Vec<&str> = palette
            .services()
            .filter(|service| self.services.contains_key(*service))
            .collect();
        let others = self
            .services
            .keys()
            .map(String::as_str)
            .filter(|service| !known.contains(service));
        let services: Vec<&str> = known.iter().copied().chain(others).collect();
        let first = services
            .iter()
            .map(|service| service.chars().count())
            .chain(["service".len()])
            .max()
            .unwrap_or_default();

        let mut text = String::new();
        let mut line = Line::new(palette.ink);
        line.put(Palette::DIM, "  service");
        let mut column = 2 + first;
        for (title, width) in HEADER.into_iter().zip(WIDTHS) {
            column += width;
            line.put_right(Palette::DIM, title, column);
        }
        line.end(&mut text);
        for service in services {
            let calls = &self.services[service];
            let mut line = Line::new(palette.ink);
            line.pad(2);
            line.put(palette.service(service), service);
            let mut column = 2 + first;
            let cells = [
                (Palette::PLAIN, calls.durations.len().to_string()),
                (
                    if calls.errors > 0 {
                        Palette::BAD
                    } else {
                        Palette::DIM
                    },
                    calls.errors.to_string(),
                ),
                (
                    if calls.cancelled > 0 {
                        Palette::WARNING
                    } else {
                        Palette::DIM
                    },
                    calls.cancelled.to_string(),
                ),
                (Palette::PLAIN, millis(quantile(&calls.durations, 50))),
                (Palette::PLAIN, millis(quantile(&calls.durations, 99))),
            ];
            for ((style, cell), width) in cells.into_iter().zip(WIDTHS) {
                column += width;
                line.put_right(style, &cell, column);
            }
            line.end(&mut text);
        }
        text
    }
}

/// The nearest-rank quantile: the smallest value that at least `percent` of all values do not exceed. Zero of nothing.
fn quantile(values: &[u64], percent: usize) -> u64 {
    let mut values = values.to_vec();
    values.sort_unstable();
    let rank = (values.len() * percent).div_ceil(100);
    values
        .get(rank.saturating_sub(1))
        .copied()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::Ink;
    use super::super::tests::span;
    use super::*;

    #[test]
    fn quantiles_are_values_that_occurred() {
        let values: Vec<u64> = (1..=100).rev().collect();
        assert_eq!(quantile(&values, 50), 50);
        assert_eq!(quantile(&values, 99), 99);
        assert_eq!(quantile(&[7], 99), 7);
        assert_eq!(quantile(&[1, 9], 50), 1);
        assert_eq!(quantile(&[], 50), 0);
    }

    #[test]
    fn only_answers_are_counted_and_a_refusal_is_no_error() {
        let answer = |service: &str, outcome, duration| Span {
            service: service.into(),
            kind: SpanKind::Server,
            outcome,
            ..span(1, None, "POST /", 0..duration)
        };
        let mut tally = Tally::default();
        tally.add(&answer("orders", Outcome::Failed, 30));
        tally.add(&answer("orders", Outcome::Refused, 10));
        tally.add(&answer("gateway", Outcome::Cancelled, 120));
        tally.add(&answer("a-stranger", Outcome::Unremarkable, 1));
        tally.add(&Span {
            kind: SpanKind::Client,
            ..answer("gateway", Outcome::Failed, 1)
        });
        let table = tally.table(&Palette::new(Ink::Plain, &["gateway", "auth", "orders"]));
        let expected = [
            "  service     calls  errors  cancelled         p50         p99",
            "  gateway         1       0          1    120.0 ms    120.0 ms",
            "  orders          2       1          0     10.0 ms     30.0 ms",
            "  a-stranger      1       0          0      1.0 ms      1.0 ms",
        ];
        assert_eq!(table.lines().collect::<Vec<_>>(), expected, "\n{table}");
    }
}
