//! Allocations, counted by an allocator.
//!
//! Counting costs instructions and time, so it happens in a program of its own. That program is `src/bin/allocations.rs`; this module
//! has what it measures, and runs it.

use std::process::Command;
use std::sync::Arc;
use std::{env, io};

use crate::{BATCH, Case, Collected, Error, run_batches, warm_up};

const WARM_UP: usize = 4;
const BATCHES: usize = 16;

/// Allocations of one request, on average.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "a pair of numbers")]
pub struct Allocations {
    /// How many. One that grows counts again.
    pub count: f64,
    /// How large they are together.
    pub bytes: f64,
}

/// What one batch took: allocations and bytes.
pub type Totals = (u64, u64);

/// Allocations of a case over bare. `measure` runs work and says what it has taken from the allocator.
///
/// # Errors
///
/// When spans are missing.
pub fn over_bare(
    case: &Case,
    mut measure: impl FnMut(&mut dyn FnMut()) -> Totals,
) -> Result<Allocations, Error> {
    let mut totals = |subject: &mut dyn crate::Subject| {
        let mut sum = (0, 0);
        warm_up(subject, WARM_UP);
        run_batches(subject, BATCHES, |measured| {
            let (count, bytes) = measure(measured);
            sum = (sum.0 + count, sum.1 + bytes);
        });
        sum
    };
    let bare = totals(&mut *case.bare());
    let mut traced = case.traced(Arc::new(Collected::new()));
    let with_tracing = totals(&mut *traced);
    case.check_delivery(&*traced, WARM_UP + BATCHES)?;
    Ok(Allocations {
        count: per_request(with_tracing.0, bare.0),
        bytes: per_request(with_tracing.1, bare.1),
    })
}

#[expect(clippy::cast_precision_loss, reason = "the totals of a short run")]
fn per_request(traced: u64, bare: u64) -> f64 {
    (traced as f64 - bare as f64) / (BATCHES * BATCH) as f64
}

/// One line of the counting program's output.
pub fn write(case: &Case, allocations: Allocations, out: &mut impl io::Write) -> io::Result<()> {
    writeln!(out, "{case}\t{}\t{}", allocations.count, allocations.bytes)
}

/// Builds and runs the counting program: what it says of every case.
///
/// # Errors
///
/// When it cannot be built or fails.
pub fn of_all_cases() -> Result<Vec<(String, Allocations)>, Error> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(["run", "--quiet", "--bin", "allocations", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let output = cargo.output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    String::from_utf8(output.stdout)?
        .lines()
        .map(|line| read(line).ok_or_else(|| format!("not a count of allocations: {line}").into()))
        .collect()
}

fn read(line: &str) -> Option<(String, Allocations)> {
    let mut fields = line.split('\t');
    let (case, count, bytes) = (fields.next()?, fields.next()?, fields.next()?);
    let allocations = Allocations {
        count: count.parse().ok()?,
        bytes: bytes.parse().ok()?,
    };
    Some((case.to_owned(), allocations))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_counting_program_writes_is_read_back() {
        let case = crate::cases().next().unwrap();
        let allocations = Allocations {
            count: 3.0625,
            bytes: 512.0,
        };
        let mut line = Vec::new();
        write(case, allocations, &mut line).unwrap();
        let line = String::from_utf8(line).unwrap();
        assert_eq!(read(line.trim_end()), Some((case.to_string(), allocations)));
        assert_eq!(read("warning: something else"), None);
    }
}
