//! Measures what the delivery of a span costs, and prints a table.

use std::env;
use std::process::ExitCode;

use benchmarks::delivered;
use benchmarks::program::{self, Table};

const USAGE: &str = "\
What the delivery of a span costs: from its start to OTLP bytes on one core, through a tail decision, beside the SDK's batch processor.

Usage: cargo xtask bench delivery [OPTIONS]

Options:
  --write  Writes the table to benchmarks/RESULTS.md too
  --help   Prints this text
";

const INTRODUCTION: &str = "Traces of a server span with eight attributes and four children with four, to a receiver in another process; \
                            nothing is dropped.";

fn main() -> ExitCode {
    let table = Table {
        usage: USAGE,
        title: "Delivery",
        introduction: INTRODUCTION,
        work: delivered::run,
        report: || delivered::report(&env::current_exe()?),
    };
    program::main("delivery", |arguments| table.dispatch(arguments))
}
