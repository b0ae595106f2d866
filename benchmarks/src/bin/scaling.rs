//! Measures how the cost of tracing grows, and prints tables.
#![expect(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a command-line program speaks on its standard streams"
)]

use std::process::ExitCode;

use benchmarks::{Error, load, program, run, scaling};

const USAGE: &str = "\
How the cost of tracing grows: with threads, with the spans of a trace, with spans that are open at once.

Usage: cargo xtask bench scaling [OPTIONS]

Options:
  --write  Writes the tables to benchmarks/RESULTS.md too
  --run WORK [ARG..]
           Does one work and prints its figures, for a profiler
  --help   Prints this text
";

const TITLE: &str = "Scaling";

const INTRODUCTION: &str = "Spans of ours alone.";

fn main() -> ExitCode {
    program::main("scaling", dispatch)
}

fn dispatch(arguments: &[&str]) -> Result<(), Error> {
    match arguments {
        [load::RECEIVE] => load::receive(),
        [run::RUN, work @ ..] => {
            println!("{}", scaling::run(work)?);
            Ok(())
        }
        ["--help" | "-h"] => {
            print!("{USAGE}");
            Ok(())
        }
        ["--write"] => measure(true),
        [] => measure(false),
        _ => Err(USAGE.into()),
    }
}

fn measure(write: bool) -> Result<(), Error> {
    let report = scaling::report(&mut |part| eprintln!("{part} .."))?;
    program::print(&[], &report);
    if write {
        program::write(TITLE, &[], &format!("{INTRODUCTION}\n\n{report}"))?;
    }
    Ok(())
}
