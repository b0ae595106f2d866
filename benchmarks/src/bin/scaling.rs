//! Measures how the cost of tracing grows, and prints tables.
#![expect(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a command-line program speaks on its standard streams"
)]

use std::env;
use std::process::ExitCode;

use benchmarks::{Error, load, machine, results, run, scaling};

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
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("scaling: {error}");
            ExitCode::FAILURE
        }
    }
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
    println!("\n{}\n\n{report}", machine::describe().join("\n"));
    if write {
        results::write(TITLE, &[], &format!("{INTRODUCTION}\n\n{report}"))?;
        eprintln!("written: benchmarks/RESULTS.md, {TITLE}");
    }
    Ok(())
}
