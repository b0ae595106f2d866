//! Measures how the cost of tracing grows, and prints tables.
#![expect(
    clippy::print_stderr,
    reason = "a command-line program speaks on its standard streams"
)]

use std::process::ExitCode;

use benchmarks::program::{self, Table};
use benchmarks::scaling;

const USAGE: &str = "\
How the cost of tracing grows: with threads, with the spans of a trace, with spans that are open at once.

Usage: cargo xtask bench scaling [OPTIONS]

Options:
  --write  Writes the tables to benchmarks/RESULTS.md too
  --run WORK [ARG..]
           Does one work and prints its figures, for a profiler
  --help   Prints this text
";

const INTRODUCTION: &str = "Spans of ours alone.";

fn main() -> ExitCode {
    let table = Table {
        usage: USAGE,
        title: "Scaling",
        introduction: INTRODUCTION,
        work: scaling::run,
        report: || scaling::report(&mut |part| eprintln!("{part} ..")),
    };
    program::main("scaling", |arguments| table.dispatch(arguments))
}
