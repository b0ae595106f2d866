//! Measures how many messages go through a queue, without tracing and with it, and prints a table.
#![expect(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a command-line program speaks on its standard streams"
)]

use std::process::ExitCode;

use benchmarks::throughput::{self, Plan};
use benchmarks::{Error, program};

const USAGE: &str = "\
How many messages go through a queue, without tracing and with it.

Usage: cargo xtask bench queues [OPTIONS]

Options:
  --rounds N    How many times each is measured (11)
  --messages N  How many messages each time (20000)
  --write       Writes the table to benchmarks/RESULTS.md too, in place of what is there
  --help        Prints this text

The brokers are within this process; for AMQP, AMQP_URL names another one.
";

const TITLE: &str = "Queues";

fn main() -> ExitCode {
    program::main("queues", dispatch)
}

fn dispatch(arguments: &[&str]) -> Result<(), Error> {
    let mut plan = Plan::default();
    let mut write = false;
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(USAGE);
        match *argument {
            "--rounds" => plan.rounds = value()?.parse()?,
            "--messages" => plan.messages = value()?.parse()?,
            "--write" => write = true,
            "--help" | "-h" => {
                print!("{USAGE}");
                return Ok(());
            }
            _ => return Err(USAGE.into()),
        }
    }
    let table = throughput::report(plan, &mut |round| eprintln!("{round} .."))?;
    program::print(&[], &table);
    if write {
        let introduction = format!(
            "Messages of 1 KiB through brokers in this process, or one that the table names: sent, received, handled and settled. {} rounds of {} messages, each right after one \
             without tracing; medians (least..most).",
            plan.rounds, plan.messages
        );
        program::write(TITLE, &[], &format!("{introduction}\n\n{table}"))?;
    }
    Ok(())
}
