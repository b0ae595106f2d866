//! The small programs, run as a person runs them.

#![expect(
    clippy::print_stderr,
    reason = "a test that cannot run without a service says so"
)]

mod bridge;
// It is ended by a signal.
#[cfg(unix)]
mod chain;
mod emit;
#[cfg(unix)]
mod greeter;
mod prometheus;
mod queue_peer;
mod way_back;

use std::env;
use std::error::Error;
use std::process::Command;

type TestResult = Result<(), Box<dyn Error>>;

/// A program with an environment that says nothing about telemetry.
fn program(path: &str) -> Command {
    let mut command = Command::new(path);
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("OTEL_") {
            command.env_remove(name);
        }
    }
    command
}
