//! Instructions, counted by callgrind: the figure that repeats from run to run.
//!
//! The program runs itself once more for each side of each case, under valgrind, with collection on only inside of the function that does a
//! batch's work.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::{env, fs, process};

use crate::{BATCH, Case, Collected, Error, run_batches, warm_up};

/// Pools are full and one-time work is done after so many batches.
const WARM_UP: usize = 4;
const BATCHES: usize = 16;

/// The one function whose instructions count, those it calls included; stars for what the compiler puts around the name.
const MEASURED: &str = "*benchmarks::subject::measured*";

/// The version of valgrind, if there is one.
#[must_use]
pub fn valgrind() -> Option<String> {
    let output = Command::new("valgrind").arg("--version").output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Which half of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "with tracing or without: there is no third"
)]
pub enum Side {
    /// Without tracing.
    Bare,
    /// With tracing.
    Traced,
}

impl Side {
    /// As it is written on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Traced => "traced",
        }
    }
}

/// The arguments with which this program does the work of one side and nothing else: what valgrind runs.
pub const RUN: &str = "--run";

/// Does the work that is counted from outside.
///
/// # Errors
///
/// When spans are missing.
pub fn run(case: &Case, side: Side) -> Result<(), Error> {
    let mut subject = match side {
        Side::Bare => case.bare(),
        Side::Traced => case.traced(Arc::new(Collected::new())),
    };
    warm_up(&mut *subject, WARM_UP);
    run_batches(&mut *subject, BATCHES, |measured| measured());
    match side {
        Side::Bare => Ok(()),
        Side::Traced => case.check_delivery(&*subject, WARM_UP + BATCHES),
    }
}

/// Instructions for each request.
///
/// # Errors
///
/// When there is no valgrind, or the program fails under it.
pub fn count(case: &Case, side: Side) -> Result<f64, Error> {
    let profile = Profile::new();
    let output = Command::new("valgrind")
        .args(["--quiet", "--tool=callgrind"])
        .arg(format!("--toggle-collect={MEASURED}"))
        .arg(format!("--callgrind-out-file={}", profile.0.display()))
        .arg(env::current_exe()?)
        .args([RUN, &case.to_string(), side.as_str()])
        .stdin(Stdio::null())
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let total = total(&fs::read_to_string(&profile.0)?).ok_or("callgrind wrote no total")?;
    #[expect(clippy::cast_precision_loss, reason = "the total of a short run")]
    Ok(total as f64 / (BATCHES * BATCH) as f64)
}

/// The line that sums up a profile, `totals: 1234`.
fn total(profile: &str) -> Option<u64> {
    let line = profile
        .lines()
        .find_map(|line| line.strip_prefix("totals:"))?;
    line.trim().parse().ok().filter(|total| *total > 0)
}

/// Where callgrind writes; gone afterwards.
struct Profile(PathBuf);

impl Profile {
    fn new() -> Self {
        Self(env::temp_dir().join(format!("callgrind.out.{}", process::id())))
    }
}

impl Drop for Profile {
    fn drop(&mut self) {
        // It may never have been written.
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_in_which_nothing_was_collected_has_no_total() {
        assert_eq!(
            total("events: Ir\n\nfn=(1) main\n\ntotals: 1652\n"),
            Some(1652)
        );
        assert_eq!(total("events: Ir\nsummary: 0\n\ntotals: 0\n"), None);
        assert_eq!(total(""), None);
    }
}
