//! Instructions, counted by callgrind: the figure that repeats from run to run.
//!
//! The program runs itself once more for each side, under valgrind. On the thread of the request, collection is on only inside of the
//! function that does a batch's work. On all threads it begins with the samples after the warm-up: building the requests and flushing are
//! in it, and the former is in bare too.
//!
//! glibc keeps seven freed pieces of each size on their thread by default, so most of what a batch frees goes further, and is put together
//! again on one side or the other by chance: some hundred instructions. Under callgrind every child keeps more than a batch. Where another
//! thread frees what this one allocates, what comes back, and when, is chance as well: then nobody keeps anything.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, process};

use crate::run::{RUN, Side, again_under};
use crate::{Case, Error, Subject};

const SAMPLES: usize = 2;

/// Freed pieces of each size that a thread keeps: more than a batch has.
pub(crate) const KEPT: usize = 1000;

/// The one function whose instructions count, those it calls included; stars for what the compiler puts around the name.
const MEASURED: &str = "*benchmarks::work::measured*";

/// The function with which counting on all threads begins.
const COUNTED: &str = "*benchmarks::run::counted*";

/// The version of valgrind, if there is one.
#[must_use]
pub fn valgrind() -> Option<String> {
    let output = Command::new("valgrind").arg("--version").output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// For each unit of a case's work.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a pair of numbers")]
pub struct Instructions {
    /// On the thread of the request.
    pub on_thread: f64,
    /// On all threads.
    pub on_all: f64,
}

/// Counts the instructions of one side.
///
/// # Errors
///
/// When there is no valgrind, or the program fails under it.
pub fn count(case: &Case, subject: &Subject, side: Side) -> Result<Instructions, Error> {
    let on_thread = format!("--toggle-collect={MEASURED}");
    let on_all = format!("--zero-before={COUNTED}");
    let units = SAMPLES * case.size.sample();
    Ok(Instructions {
        on_thread: per_unit(total(case, subject, side, &on_thread)?, units),
        on_all: per_unit(total(case, subject, side, &on_all)?, units),
    })
}

#[expect(clippy::cast_precision_loss, reason = "the total of a short run")]
pub(crate) fn per_unit(total: u64, units: usize) -> f64 {
    total as f64 / units as f64
}

fn total(case: &Case, subject: &Subject, side: Side, option: &str) -> Result<u64, Error> {
    let kept = match case.size.gives_away {
        true => 0,
        false => KEPT,
    };
    let (case, samples) = (case.to_string(), SAMPLES.to_string());
    total_of(
        kept,
        option,
        &[RUN, &case, subject.name(), side.as_str(), &samples],
    )
}

/// What callgrind counts with `option` in this program with other arguments, whose threads keep so many freed pieces of each size.
pub(crate) fn total_of(kept: usize, option: &str, arguments: &[&str]) -> Result<u64, Error> {
    let profile = Profile::new();
    let mut tool = callgrind(&profile.0, kept);
    again_under(tool.arg(option), arguments)?;
    let profile = fs::read_to_string(&profile.0)?;
    Ok(read_total(&profile).ok_or("callgrind wrote no total")?)
}

/// Callgrind, which writes to `profile`; its other options and the program follow.
pub(crate) fn callgrind(profile: &Path, kept: usize) -> Command {
    let mut command = Command::new("valgrind");
    command
        .args(["--quiet", "--tool=callgrind"])
        .arg(format!("--callgrind-out-file={}", profile.display()))
        .env(
            "GLIBC_TUNABLES",
            format!("glibc.malloc.tcache_count={kept}"),
        );
    command
}

/// The line that sums up a profile, `totals: 1234`.
pub(crate) fn read_total(profile: &str) -> Option<u64> {
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
            read_total("events: Ir\n\nfn=(1) main\n\ntotals: 1652\n"),
            Some(1652)
        );
        assert_eq!(read_total("events: Ir\nsummary: 0\n\ntotals: 0\n"), None);
        assert_eq!(read_total(""), None);
    }
}
