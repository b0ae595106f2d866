//! Measures what one traced request costs, and prints a table.
#![expect(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a command-line program speaks on its standard streams"
)]

use std::io::Write as _;
use std::process::ExitCode;
use std::{env, fs, io};

use benchmarks::instructions::{self, Side};
use benchmarks::machine::RESULTS;
use benchmarks::report::{Row, Table};
use benchmarks::{Case, Error, allocations, cases, machine, markdown, wall};

const USAGE: &str = "\
What one traced request costs.

Usage: cargo run --release -p benchmarks -- [OPTIONS] [FILTER]

Measures every case whose name holds FILTER: `server`, `unsampled`, ..

Options:
  --write  Writes the table to benchmarks/RESULTS.md too
  --list   Prints the names of the cases
  --run CASE bare|traced
           Does the work of one side and prints nothing, for a profiler
  --help   Prints this text
";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("benchmarks: {error}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[&str]) -> Result<(), Error> {
    match arguments {
        [instructions::RUN, case, side] => run(case, side),
        ["--help" | "-h"] => {
            print!("{USAGE}");
            Ok(())
        }
        ["--list"] => {
            cases().for_each(|case| println!("{case}"));
            Ok(())
        }
        ["--write"] => measure("", true),
        [] => measure("", false),
        [filter] if !filter.starts_with('-') => measure(filter, false),
        _ => Err(USAGE.into()),
    }
}

fn run(case: &str, side: &str) -> Result<(), Error> {
    let case = Case::find(case).ok_or_else(|| format!("there is no case `{case}`"))?;
    let side = match side {
        "bare" => Side::Bare,
        "traced" => Side::Traced,
        _ => return Err(format!("`{side}` is neither `bare` nor `traced`").into()),
    };
    instructions::run(case, side)
}

fn measure(filter: &str, write: bool) -> Result<(), Error> {
    let has_valgrind = instructions::valgrind().is_some();
    if !has_valgrind {
        eprintln!(
            "no valgrind, so no instructions: install it with `apt-get install valgrind`, `dnf install valgrind` or what \
             your system has"
        );
    }
    let allocations = allocations::of_all_cases()?;
    let mut table = Table::default();
    for case in cases().filter(|case| case.to_string().contains(filter)) {
        eprint!("{case} .. ");
        io::stderr().flush()?;
        let instructions = match has_valgrind {
            true => Some((
                instructions::count(case, Side::Bare)?,
                instructions::count(case, Side::Traced)?,
            )),
            false => None,
        };
        let id = case.to_string();
        let known = allocations.iter().find(|known| known.0 == id);
        table.push(&Row {
            case,
            instructions,
            allocations: known.map(|known| known.1),
            wall: Some(wall::over_bare(case)?),
        });
        eprintln!("done");
    }
    let machine = machine::describe();
    println!("\n{}\n\n{table}", machine.join("\n"));
    if write {
        // The sections behind are written by other programs.
        let before = fs::read_to_string(RESULTS).unwrap_or_default();
        let text = format!(
            "{}\n{}",
            results(&machine, &table),
            markdown::sections(&before)
        );
        fs::write(RESULTS, text.trim_end().to_owned() + "\n")?;
        eprintln!("written: benchmarks/RESULTS.md");
    }
    Ok(())
}

fn results(machine: &[String], table: &Table) -> String {
    let machine: String = machine.iter().map(|line| format!("- {line}\n")).collect();
    format!(
        "# What one traced request costs\n\n\
         Written by `cargo xtask bench --write`. What the columns mean is in the [README](README.md).\n\n\
         {machine}\n{table}"
    )
}
