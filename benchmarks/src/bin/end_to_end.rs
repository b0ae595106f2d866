//! Measures a server under load, without tracing and with it, and prints a table.
#![expect(
    clippy::print_stdout,
    reason = "a command-line program speaks on its standard streams"
)]

use std::process::ExitCode;

use benchmarks::load::{self, Middleware, Plan};
use benchmarks::{Error, program};

const USAGE: &str = "\
What tracing costs a server under load.

Usage: cargo xtask bench end-to-end [OPTIONS] [FILTER]

Measures every middleware whose name holds FILTER. Needs wrk, and installs it where it may; with valgrind it counts instructions too.

Options:
  --rounds N   How many times each is measured (9)
  --seconds N  How long each time (3)
  --write      Writes the table to benchmarks/RESULTS.md too, in place of what is there
  --help       Prints this text
";

const TITLE: &str = "End to end";

fn main() -> ExitCode {
    program::main("end to end", dispatch)
}

fn dispatch(arguments: &[&str]) -> Result<(), Error> {
    match arguments {
        [load::RECEIVE] => load::receive(),
        [load::SERVE, middleware, receiver] => {
            let middleware = Middleware::find(middleware)
                .ok_or_else(|| format!("there is no middleware `{middleware}`"))?;
            load::serve(middleware, receiver)
        }
        ["--help" | "-h"] => {
            print!("{USAGE}");
            Ok(())
        }
        _ => measure(arguments),
    }
}

fn measure(arguments: &[&str]) -> Result<(), Error> {
    let mut plan = Plan::default();
    let mut write = false;
    let mut filter = "";
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(USAGE);
        match *argument {
            "--rounds" => plan.rounds = value()?.parse()?,
            "--seconds" => plan.seconds = value()?.parse()?,
            "--write" => write = true,
            text if !text.starts_with('-') => filter = text,
            _ => return Err(USAGE.into()),
        }
    }
    let measured = load::run(plan, filter)?;
    let versions = load::versions(&measured)?;
    let table = load::table(&measured);
    program::print(&versions, &table);
    if write {
        let introduction = format!(
            "An axum server on one thread, asked by `wrk -t1 -c16` on the same machine, every request sampled; spans go out by OTLP over HTTP. \
             {} rounds of {} s, each right after a bare server; medians (least..most).",
            plan.rounds, plan.seconds
        );
        program::write(TITLE, &versions, &format!("{introduction}\n\n{table}"))?;
    }
    Ok(())
}
