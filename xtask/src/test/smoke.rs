//! The programs of `examples`, run as a person runs them.

use std::time::{Duration, Instant};

use super::prepare_environment;
use crate::{Result, process};

/// One program that ends by itself.
struct Smoke {
    /// What a person types after `cargo`.
    arguments: &'static [&'static str],
    /// What its output must contain to be worth anything.
    expected: &'static [&'static str],
}

const SMOKES: &[Smoke] = &[Smoke {
    arguments: &["demo", "--requests", "8"],
    // A span of the first service, and one of a message that waited for its consumer.
    expected: &["gateway", " ms in queue"],
}];

/// Longer than any of them needs on a slow machine, the start included.
const LIMIT: Duration = Duration::from_secs(120);

/// Builds the programs, then runs each of [`SMOKES`] within [`LIMIT`].
pub(crate) fn run() -> Result<String> {
    process::run(process::cargo().args(["build", "--quiet", "--package", "examples", "--bins"]))?;
    let mut failed = Vec::new();
    for smoke in SMOKES {
        let started = Instant::now();
        match run_one(smoke) {
            Ok(lines) => {
                let seconds = started.elapsed().as_secs_f64();
                println!("{smoke}: {lines} lines in {seconds:.1} s");
            }
            Err(error) => {
                eprintln!("{error}");
                failed.push(smoke.to_string());
            }
        }
    }
    if failed.is_empty() {
        Ok(format!("{} ran", SMOKES.len()))
    } else {
        Err(failed.join("; ").into())
    }
}

/// Runs one program and returns how many lines it wrote.
fn run_one(smoke: &Smoke) -> Result<usize> {
    let mut command = process::cargo();
    prepare_environment(command.args(smoke.arguments));
    let finished = process::run_within(&mut command, LIMIT)?;
    let said = || finished.lines.join("\n");
    if !finished.status.success() {
        return Err(format!("{smoke} failed ({})\n{}", finished.status, said()).into());
    }
    for expected in smoke.expected {
        if !finished.lines.iter().any(|line| line.contains(expected)) {
            return Err(format!("{smoke} never said `{expected}`\n{}", said()).into());
        }
    }
    Ok(finished.lines.len())
}

impl std::fmt::Display for Smoke {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "cargo {}", self.arguments.join(" "))
    }
}
