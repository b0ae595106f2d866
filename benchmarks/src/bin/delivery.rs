//! Measures what the delivery of a span costs, and prints a table.
#![expect(
    clippy::print_stdout,
    reason = "a command-line program speaks on its standard streams"
)]

use std::env;
use std::process::ExitCode;

use benchmarks::{Error, delivered, load, program, run};

const USAGE: &str = "\
What the delivery of a span costs: from its start to OTLP bytes on one core, through a tail decision, beside the SDK's batch processor.

Usage: cargo xtask bench delivery [OPTIONS]

Options:
  --write  Writes the table to benchmarks/RESULTS.md too
  --help   Prints this text
";

const TITLE: &str = "Delivery";

const INTRODUCTION: &str = "Traces of a server span with eight attributes and four children with four, to a receiver in another process; \
                            nothing is dropped.";

fn main() -> ExitCode {
    program::main("delivery", dispatch)
}

fn dispatch(arguments: &[&str]) -> Result<(), Error> {
    match arguments {
        [load::RECEIVE] => load::receive(),
        [run::RUN, work @ ..] => {
            println!("{}", delivered::run(work)?);
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
    let table = delivered::report(&env::current_exe()?)?;
    program::print(&[], &table);
    if write {
        program::write(TITLE, &[], &format!("{INTRODUCTION}\n\n{table}"))?;
    }
    Ok(())
}
