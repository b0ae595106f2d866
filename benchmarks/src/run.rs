//! The work of one side of a subject, by itself: for what counts from outside, and for profilers.

use std::hint::black_box;
use std::process::{Command, Output, Stdio};
use std::{env, fs};

use crate::work::{measured, run_sample};
use crate::{Case, Delivery, Error, Subject, Work};

/// Which half of a subject.
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

    /// The side that is written so.
    #[must_use]
    pub fn find(text: &str) -> Option<Self> {
        [Self::Bare, Self::Traced]
            .into_iter()
            .find(|side| side.as_str() == text)
    }
}

/// The argument with which this program does the work of one side and nothing else.
pub const RUN: &str = "--run";

/// Pools are full and one-time work is done after so many samples: a thousand spans.
pub(crate) const WARM_UP: usize = 1;

/// Does the work of so many samples, after those of the warm-up, and says how much memory the process had at most, in KiB.
///
/// # Errors
///
/// When spans are missing.
pub fn run(
    case: &Case,
    subject: &Subject,
    side: Side,
    samples: usize,
) -> Result<Option<u64>, Error> {
    let do_samples = |work: &mut dyn Work, delivery: Option<&dyn Delivery>| {
        for _ in 0..WARM_UP {
            run_sample(work, delivery, case.size, |work| work.run());
        }
        counted(&mut || {
            for _ in 0..samples {
                run_sample(work, delivery, case.size, measured);
            }
        });
    };
    match side {
        Side::Bare => do_samples(&mut *subject.bare(), None),
        Side::Traced => {
            let mut traced = subject.traced()?;
            do_samples(&mut *traced.work, Some(&*traced.delivery));
            case.check_delivery(&traced, WARM_UP + samples)?;
        }
    }
    Ok(peak_memory())
}

/// All samples after the warm-up with all that belongs to them, as a function that [`instructions`](crate::instructions) can name.
#[inline(never)]
fn counted(samples: &mut dyn FnMut()) {
    samples();
    // As in `measured`.
    black_box(samples);
}

/// The most memory that the process has had, in KiB, where the system says so.
fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// This program with other arguments.
pub(crate) fn again(arguments: &[&str]) -> Result<Output, Error> {
    succeed(Command::new(env::current_exe()?).args(arguments))
}

/// The same under `tool`, a command that takes a program and its arguments.
pub(crate) fn again_under(tool: &mut Command, arguments: &[&str]) -> Result<Output, Error> {
    succeed(tool.arg(env::current_exe()?).args(arguments))
}

/// Keeps variables from a program that would change a pipeline or an SDK.
pub(crate) fn without_settings(command: &mut Command) -> &mut Command {
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("OTEL_") {
            command.env_remove(name);
        }
    }
    command
}

/// What a program printed that has to succeed.
pub(crate) fn succeed(command: &mut Command) -> Result<Output, Error> {
    let output = without_settings(command).stdin(Stdio::null()).output()?;
    if output.status.success() {
        Ok(output)
    } else {
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("{command:?}: {}\n{said}", output.status).into())
    }
}
