//! Measures what the delivery of a span costs, and prints a table.

use std::env;
use std::process::ExitCode;

use benchmarks::delivered;
use benchmarks::program::{self, Table};

const USAGE: &str = "\
What the delivery of a span costs: from its start to OTLP bytes on one core, through a tail decision, beside the SDK's batch processor.
Once the bytes are sent to a receiver, once they are dropped.

Usage: cargo xtask bench delivery [OPTIONS]

Options:
  --write  Writes the table to benchmarks/RESULTS.md too
  --help   Prints this text
";

const INTRODUCTION: &str = "Traces of a server span with eight attributes and four children with four; nothing is dropped. `sent`: \
                            by HTTP to a receiver in another process. `sent nowhere`: each exporter makes the bytes of its requests, which are counted and dropped.";

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
