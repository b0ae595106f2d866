//! Allocations, counted by an allocator.
//!
//! On the thread of the request another program counts, `src/bin/allocations.rs`, since counting costs instructions and time; this module
//! has what it measures, and runs it. On all threads valgrind's memcheck counts, as in [`instructions`](crate::instructions): what a run
//! of twice the length takes more.

use std::path::PathBuf;
use std::process::Command;
use std::{env, io};

use crate::instructions::per_unit;
use crate::run::{RUN, Side, WARM_UP, again_under, succeed};
use crate::work::run_sample;
use crate::{Case, Delivery, Error, Subject, Work};

const SAMPLES: usize = 1;

/// Allocations for each unit of a case's work, on average.
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

impl std::ops::Sub for Allocations {
    type Output = Self;

    fn sub(self, bare: Self) -> Self {
        Self {
            count: self.count - bare.count,
            bytes: self.bytes - bare.bytes,
        }
    }
}

/// Allocations of a subject over bare, on this thread. `measure` runs work and says what it has taken from the allocator.
///
/// # Errors
///
/// When spans are missing.
pub fn over_bare(
    case: &Case,
    subject: &Subject,
    mut measure: impl FnMut(&mut dyn FnMut()) -> Totals,
) -> Result<Allocations, Error> {
    let mut of = |work: &mut dyn Work, delivery: Option<&dyn Delivery>| {
        let mut sum = (0, 0);
        for sample in 0..WARM_UP + SAMPLES {
            run_sample(work, delivery, case.size, |work| {
                let (count, bytes) = measure(&mut || work.run());
                if sample >= WARM_UP {
                    sum = (sum.0 + count, sum.1 + bytes);
                }
            });
        }
        per_unit_of(case, sum)
    };
    let bare = of(&mut *subject.bare(), None);
    let mut traced = subject.traced()?;
    let with_tracing = of(&mut *traced.work, Some(&*traced.delivery));
    case.check_delivery(&traced, WARM_UP + SAMPLES)?;
    Ok(with_tracing - bare)
}

fn per_unit_of(case: &Case, (count, bytes): Totals) -> Allocations {
    let units = SAMPLES * case.size.sample();
    Allocations {
        count: per_unit(count, units),
        bytes: per_unit(bytes, units),
    }
}

/// The counting program's output.
///
/// # Errors
///
/// When the output is closed.
pub fn write(allocations: Allocations, out: &mut impl io::Write) -> io::Result<()> {
    writeln!(out, "{}\t{}", allocations.count, allocations.bytes)
}

/// The counting program, built.
#[derive(Debug)]
pub struct Program(PathBuf);

impl Program {
    /// Builds it, as this one is built.
    ///
    /// # Errors
    ///
    /// When it can not be built.
    pub fn build() -> Result<Self, Error> {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo
            .args([
                "build",
                "--quiet",
                "--bin",
                "allocations",
                "--manifest-path",
            ])
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
        if !cfg!(debug_assertions) {
            cargo.arg("--release");
        }
        succeed(&mut cargo)?;
        let name = format!("allocations{}", env::consts::EXE_SUFFIX);
        Ok(Self(env::current_exe()?.with_file_name(name)))
    }

    /// Allocations of a subject over bare, on the thread of the request.
    ///
    /// # Errors
    ///
    /// When the program fails.
    pub fn count(&self, case: &Case, subject: &Subject) -> Result<Allocations, Error> {
        let mut program = Command::new(&self.0);
        let output = succeed(program.args([&case.to_string(), subject.name()]))?;
        let line = String::from_utf8(output.stdout)?;
        read(&line).ok_or_else(|| format!("not a count of allocations: {line}").into())
    }
}

fn read(line: &str) -> Option<Allocations> {
    let (count, bytes) = line.trim_end().split_once('\t')?;
    Some(Allocations {
        count: count.parse().ok()?,
        bytes: bytes.parse().ok()?,
    })
}

/// Allocations of one side on all threads.
///
/// # Errors
///
/// When there is no valgrind, or the program fails under it.
pub fn on_all_threads(case: &Case, subject: &Subject, side: Side) -> Result<Allocations, Error> {
    let totals = |samples: usize| -> Result<Totals, Error> {
        let mut memcheck = Command::new("valgrind");
        memcheck.args(["--leak-check=no", "--undef-value-errors=no"]);
        let (case, samples) = (case.to_string(), samples.to_string());
        let arguments = [RUN, &case, subject.name(), side.as_str(), &samples];
        let output = again_under(&mut memcheck, &arguments)?;
        let said = String::from_utf8_lossy(&output.stderr);
        Ok(read_usage(&said).ok_or("memcheck wrote no usage")?)
    };
    let (shorter, longer) = (totals(SAMPLES)?, totals(2 * SAMPLES)?);
    let more = (
        longer.0.saturating_sub(shorter.0),
        longer.1.saturating_sub(shorter.1),
    );
    Ok(per_unit_of(case, more))
}

/// memcheck's `total heap usage: 1,234 allocs, 1,230 frees, 56,789 bytes allocated`.
fn read_usage(said: &str) -> Option<Totals> {
    let (_, usage) = said.split_once("total heap usage: ")?;
    let number = |part: &str| part.trim().replace(',', "").parse().ok();
    let (count, rest) = usage.split_once(" allocs, ")?;
    let (_, rest) = rest.split_once(" frees, ")?;
    let (bytes, _) = rest.split_once(" bytes")?;
    Some((number(count)?, number(bytes)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_counting_program_writes_is_read_back() {
        let allocations = Allocations {
            count: 3.0625,
            bytes: 512.0,
        };
        let mut line = Vec::new();
        write(allocations, &mut line).unwrap();
        assert_eq!(read(&String::from_utf8(line).unwrap()), Some(allocations));
        assert_eq!(read("warning: something else"), None);
    }

    #[test]
    fn the_usage_is_found_among_what_memcheck_says() {
        let said = "==7== HEAP SUMMARY:\n==7==     in use at exit: 1,024 bytes in 1 blocks\n\
                    ==7==   total heap usage: 1,234 allocs, 1,230 frees, 56,789 bytes allocated\n";
        assert_eq!(read_usage(said), Some((1234, 56_789)));
        assert_eq!(read_usage("==7== nothing"), None);
    }
}
