use std::ops::RangeInclusive;
use std::time::Duration;

use super::instructions::Instructions;
use super::middleware::{Middleware, middlewares};
use super::rounds::{Measured, Results, Round};
use super::wrk;
use crate::Error;
use crate::markdown;
use crate::time::median;
use crate::weight::Crates;

/// A picker of one figure.
type Figure = fn(&Measured) -> f64;

const COLUMNS: [&str; 12] = [
    "middleware",
    "requests/s",
    "against bare",
    "p50 against bare",
    "p99 against bare",
    "longest, ms",
    "CPU us/request",
    "of it serving",
    "CPU over bare",
    "instructions over bare: serving",
    "others",
    "spans arrived",
];

/// What came out, for people: medians over the rounds, with the least and the most in parentheses.
#[must_use]
pub fn table(results: &Results) -> String {
    let rounds = &results.rounds;
    let bare: Vec<&Measured> = rounds.iter().map(|round| &round.bare).collect();
    let mut rows = vec![row_of_bare(&bare, &results.instructions)];
    let mut lines = String::new();
    for middleware in middlewares() {
        let rounds: Vec<&Round> = rounds
            .iter()
            .filter(|round| round.middleware.name() == middleware.name())
            .collect();
        if !rounds.is_empty() {
            rows.push(row(middleware, &rounds, &results.instructions));
            if middleware.traces() {
                lines.push_str(&spans(middleware, &rounds));
            }
        }
    }
    format!("{}\n{lines}", markdown::table(&COLUMNS, &rows))
}

/// Lines with the versions of what was measured, and of what made the load.
///
/// # Errors
///
/// When cargo does not know them.
pub fn versions(results: &Results) -> Result<Vec<String>, Error> {
    let crates = Crates::load()?;
    let mut lines: Vec<String> = wrk::version().into_iter().collect();
    for middleware in middlewares().filter(|middleware| middleware.traces()) {
        let name = middleware.name();
        if results
            .rounds
            .iter()
            .any(|round| round.middleware.name() == name)
        {
            let versions = crates.versions(middleware.packages())?;
            lines.push(format!("{name}: {}", versions.join(", ")));
        }
    }
    Ok(lines)
}

fn row_of_bare(bare: &[&Measured], counted: &[(&str, Instructions)]) -> Vec<String> {
    let of = |figure: Figure| median(bare.iter().map(|measured| figure(measured)).collect());
    vec![
        Middleware::BARE.name().to_owned(),
        format!("{:.0}", of(|measured| measured.seen.rate)),
        String::new(),
        format!("{:.0} us", of(|measured| micros(measured.seen.p50))),
        format!("{:.0} us", of(|measured| micros(measured.seen.p99))),
        format!("{:.1}", of(|measured| micros(measured.seen.max)) / 1e3),
        format!("{:.2}", of(|measured| measured.cpu)),
        format!("{:.2}", of(|measured| measured.serving_cpu)),
        String::new(),
        match find(counted, Middleware::BARE) {
            Some(bare) => format!("({:.0})", bare.serving),
            None => String::new(),
        },
        String::new(),
        String::new(),
    ]
}

fn row(
    middleware: &Middleware,
    rounds: &[&Round],
    counted: &[(&str, Instructions)],
) -> Vec<String> {
    let of = |figure: Figure| median(rounds.iter().map(|round| figure(&round.traced)).collect());
    let against = |figure: Figure| {
        let ratios: Vec<f64> = rounds
            .iter()
            .map(|round| figure(&round.traced) / figure(&round.bare))
            .collect();
        let range = range(&ratios);
        format!(
            "{:.3} ({:.2}..{:.2})",
            median(ratios),
            range.start(),
            range.end()
        )
    };
    let over = rounds.iter().map(|round| round.traced.cpu - round.bare.cpu);
    vec![
        middleware.name().to_owned(),
        format!("{:.0}", of(|measured| measured.seen.rate)),
        against(|measured| measured.seen.rate),
        against(|measured| micros(measured.seen.p50)),
        against(|measured| micros(measured.seen.p99)),
        format!("{:.1}", of(|measured| micros(measured.seen.max)) / 1e3),
        format!("{:.2}", of(|measured| measured.cpu)),
        format!("{:.2}", of(|measured| measured.serving_cpu)),
        format!("{:.2}", median(over.collect())),
        instructions(middleware, counted, |counted| counted.serving),
        instructions(middleware, counted, |counted| counted.others),
        match middleware.traces() {
            true => share(
                total(rounds, |traced| traced.arrived),
                total(rounds, |traced| traced.served),
            ),
            false => String::new(),
        },
    ]
}

fn instructions(
    middleware: &Middleware,
    counted: &[(&str, Instructions)],
    figure: fn(Instructions) -> f64,
) -> String {
    match (find(counted, middleware), find(counted, Middleware::BARE)) {
        (Some(traced), Some(bare)) => format!("{:.0}", figure(traced) - figure(bare)),
        _ => "?".to_owned(),
    }
}

fn find(counted: &[(&str, Instructions)], middleware: &Middleware) -> Option<Instructions> {
    let found = counted.iter().find(|known| known.0 == middleware.name());
    found.map(|known| known.1)
}

/// A line on the bytes of a span, and on what a middleware says about the spans that it lost.
fn spans(middleware: &Middleware, rounds: &[&Round]) -> String {
    let arrived = total(rounds, |traced| traced.arrived);
    let served = total(rounds, |traced| traced.served);
    let bytes = total(rounds, |traced| traced.arrived_bytes);
    let mut said: Vec<&str> = rounds.iter().map(|round| &*round.traced.lost).collect();
    said.retain(|said| !said.is_empty());
    let said = match said.as_slice() {
        [] => String::new(),
        said => format!("; it says: {}", said.join("; ")),
    };
    format!(
        "- {}: {arrived} spans of {served} requests, {} bytes each{said}\n",
        middleware.name(),
        bytes / arrived.max(1),
    )
}

fn total(rounds: &[&Round], figure: fn(&Measured) -> u64) -> u64 {
    rounds.iter().map(|round| figure(&round.traced)).sum()
}

/// Rounded down: only all is all.
fn share(part: u64, whole: u64) -> String {
    match part.cmp(&whole) {
        std::cmp::Ordering::Equal => "100 %".to_owned(),
        std::cmp::Ordering::Greater => format!("{part} of {whole}"),
        std::cmp::Ordering::Less => {
            let hundredths = u128::from(part) * 10_000 / u128::from(whole);
            format!("{}.{:02} %", hundredths / 100, hundredths % 100)
        }
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn range(values: &[f64]) -> RangeInclusive<f64> {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    least..=most
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::wrk::Seen;

    fn measured(rate: f64, cpu: f64, arrived: u64) -> Measured {
        Measured {
            seen: Seen {
                rate,
                p50: Duration::from_micros(100),
                p99: Duration::from_micros(400),
                max: Duration::from_millis(3),
            },
            cpu,
            serving_cpu: cpu,
            served: 100_000,
            arrived,
            arrived_bytes: arrived * 600,
            lost: String::new(),
        }
    }

    #[test]
    fn ratios_are_to_the_bare_server_of_the_same_round() {
        let rounds =
            [(1000.0, 900.0), (500.0, 475.0), (800.0, 640.0)].map(|(bare, traced)| Round {
                middleware: Middleware::OURS,
                bare: measured(bare, 8.0, 0),
                traced: measured(traced, 9.5, 99_999),
            });
        let counted = |serving| Instructions {
            serving,
            others: 0.0,
        };
        let results = Results {
            rounds: rounds.into(),
            instructions: vec![
                ("bare", counted(20_000.0)),
                ("tower-trace", counted(27_000.0)),
            ],
        };
        let text = table(&results);
        assert!(text.contains(" (20000) |"), "{text}");
        assert!(text.contains(" 7000 |"), "{text}");
        assert!(text.contains("| 0.900 (0.80..0.95) |"), "{text}");
        assert!(text.contains("|          1.50 |"), "{text}");
        assert!(text.contains("99.99 %"), "{text}");
        assert!(text.contains("- tower-trace: 299997 spans of 300000 requests, 600 bytes each"));
    }

    #[test]
    fn a_span_too_many_is_not_hidden() {
        assert_eq!(share(7, 7), "100 %");
        assert_eq!(share(8, 7), "8 of 7");
        assert_eq!(share(0, 7), "0.00 %");
    }
}
