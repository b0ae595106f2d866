//! The tasks of this repository, as `cargo xtask <TASK>`.
//!
//! What a person runs by hand and what CI runs is the same code, so that a green run here is a green run there.
#![expect(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a command-line program speaks on its standard streams"
)]

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::{env, io};

mod bench;
mod ci;
mod process;
mod report;
mod services;
mod test;
mod tidy;
mod toml;
mod workspace;

/// The outcome of a task; an error is one message for the person at the terminal.
pub(crate) type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const USAGE: &str = "\
The tasks of this repository.

Usage: cargo xtask <TASK>

Tasks:
  test          Runs every test: units, integration tests, doctests, each crate and
                feature built alone, the example programs
  tidy          Checks the house rules: arrows between crates, file sizes, manifests,
                dependencies, words, documents
  ci [STEP..]   Runs what CI runs and prints the time of each step; without names all
                of them, in this order: fmt clippy docs tidy test
  services [stop]
                Finds or starts real brokers, RabbitMQ and one that speaks Kafka, which
                `test` then also runs its suites on; installs them if need be. Prints
                their variables for a shell to evaluate
  bench [NAME] [ARG..]
                Measures what tracing costs, beside the peers: a server under load
                (`end-to-end`; needs wrk), delivery (`delivery`), messages (`queues`), many
                spans (`scaling`); without a name one request too, and all of them. Any
                other text chooses subjects of one request that hold it (needs valgrind).
                Builds in release mode, which takes minutes
  help          Prints this text
";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match enter_workspace()
        .map_err(Into::into)
        .and_then(|()| run(&arguments))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result {
    let Some((task, rest)) = arguments.split_first() else {
        return Err(format!("no task was named\n\n{USAGE}").into());
    };
    match (task.as_str(), rest) {
        ("bench", rest) => bench::run(rest),
        ("ci", steps) => ci::run(steps),
        ("help" | "--help" | "-h", _) => {
            print!("{USAGE}");
            Ok(())
        }
        ("services", rest) => services::run(rest),
        ("test", []) => test::run(),
        ("tidy", []) => tidy::run(),
        ("test" | "tidy", [extra, ..]) => {
            Err(format!("`{task}` takes no argument, but got `{extra}`\n\n{USAGE}").into())
        }
        (unknown, _) => Err(format!("there is no task `{unknown}`\n\n{USAGE}").into()),
    }
}

/// Every task works from the root of the repository, wherever it was called from.
fn enter_workspace() -> io::Result<()> {
    env::set_current_dir(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")))
}
