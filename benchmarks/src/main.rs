//! Measures what one traced request costs, beside the peers, and prints tables.
#![expect(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a command-line program speaks on its standard streams"
)]

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::process::ExitCode;

use benchmarks::allocations::{self, Allocations, Program};
use benchmarks::instructions::{self, Instructions};
use benchmarks::report::{self, Row};
use benchmarks::run::{self, Side};
use benchmarks::weight::Crates;
use benchmarks::{Case, Error, Subject, cases, machine, program, time};

const USAGE: &str = "\
What one traced request costs, beside the peers.

Usage: cargo xtask bench [OPTIONS] [FILTER]

Measures every subject whose case and name, as `server/root: tower-otel`, hold FILTER.

Options:
  --write  Writes the tables of everything to benchmarks/RESULTS.md too
  --list   Prints the names of the cases and their subjects
  --run CASE SUBJECT bare|traced SAMPLES
           Does the work of one side, for a profiler, and prints the most memory it had in KiB
  --time CASE SUBJECT
           Prints the times of one subject, sample by sample
  --help   Prints this text
";

const TITLE: &str = "One request";

fn main() -> ExitCode {
    program::main("benchmarks", dispatch)
}

fn dispatch(arguments: &[&str]) -> Result<(), Error> {
    match arguments {
        [run::RUN, case, subject, side, samples] => {
            let (case, subject) = (find_case(case)?, subject);
            let side = Side::find(side).ok_or("a side is `bare` or `traced`")?;
            let peak = run::run(&case, find(&case, subject)?, side, samples.parse()?)?;
            peak.iter().for_each(|peak| println!("{peak}"));
            Ok(())
        }
        [time::TIME, case, subject] => {
            let case = find_case(case)?;
            let pairs = time::samples(&case, find(&case, subject)?)?;
            pairs.iter().for_each(|pair| println!("{pair}"));
            Ok(())
        }
        ["--help" | "-h"] => {
            print!("{USAGE}");
            Ok(())
        }
        ["--list"] => {
            for case in cases() {
                for subject in case.subjects() {
                    println!("{case}: {}", subject.name());
                }
            }
            Ok(())
        }
        ["--write"] => measure("", true),
        [] => measure("", false),
        [filter] if !filter.starts_with('-') => measure(filter, false),
        _ => Err(USAGE.into()),
    }
}

fn find_case(id: &str) -> Result<Case, Error> {
    Case::find(id).ok_or_else(|| format!("there is no case `{id}`").into())
}

fn find<'a>(case: &'a Case, subject: &str) -> Result<&'a Subject, Error> {
    let found = case.subject(subject);
    found.ok_or_else(|| format!("{case} has no subject `{subject}`").into())
}

fn measure(filter: &str, write: bool) -> Result<(), Error> {
    let holds =
        |case: &Case, subject: &Subject| format!("{case}: {}", subject.name()).contains(filter);
    if !cases()
        .iter()
        .any(|case| case.subjects().iter().any(|subject| holds(case, subject)))
    {
        return Err(
            format!("no case and subject hold `{filter}`; `--list` has their names").into(),
        );
    }
    if instructions::valgrind().is_none() {
        eprintln!(
            "no valgrind, so no instructions, and allocations of one thread alone: install it with `apt-get install valgrind`, \
             `dnf install valgrind` or what your system has"
        );
    }
    let tools = Tools {
        has_valgrind: instructions::valgrind().is_some(),
        program: Program::build()?,
        crates: Crates::load()?,
    };
    println!("{}\n", machine::describe().join("\n"));
    let mut text = String::new();
    let mut weights = Vec::new();
    for case in cases() {
        let chosen = |subject: &&Subject| holds(&case, subject);
        let mut bare = BTreeMap::new();
        let mut rows = Vec::new();
        for subject in case.subjects().iter().filter(chosen) {
            eprint!("{case}: {} .. ", subject.name());
            io::stderr().flush()?;
            rows.push(tools.measure(&case, subject, &mut bare)?);
            if case.records()
                && !weights
                    .iter()
                    .any(|known: &(&str, _)| known.0 == subject.name())
            {
                weights.push((subject.name(), tools.crates.weigh(&case, subject)?));
            }
            eprintln!("done");
        }
        if !rows.is_empty() {
            let (group, name) = (case.group(), case.name());
            show(
                &mut text,
                format!("### {group}: {name}\n\n{}\n", report::table(rows)),
            );
        }
    }
    show(
        &mut text,
        format!("### Weights\n\n{}", report::weights(&weights)),
    );
    if write {
        program::write(TITLE, &[], &text)?;
    }
    Ok(())
}

/// Prints a part of the results as soon as it is there, and keeps it.
fn show(text: &mut String, part: String) {
    print!("{part}");
    *text += &part;
}

/// What counts from outside.
struct Tools {
    has_valgrind: bool,
    program: Program,
    crates: Crates,
}

/// What a case costs without tracing, which many subjects share.
type Bare = BTreeMap<&'static str, (Instructions, Allocations)>;

impl Tools {
    fn measure(&self, case: &Case, subject: &Subject, bare: &mut Bare) -> Result<Row, Error> {
        let mut row = Row {
            subject: subject.name(),
            bare: None,
            instructions: None,
            allocations: Some(self.program.count(case, subject)?),
            all_allocations: None,
            time: Some(time::over_bare(case, subject)?),
        };
        if !self.has_valgrind {
            return Ok(row);
        }
        let count = |side: Side| -> Result<(Instructions, Allocations), Error> {
            Ok((
                instructions::count(case, subject, side)?,
                allocations::on_all_threads(case, subject, side)?,
            ))
        };
        let bare = match bare.get(subject.bare_name()) {
            Some(known) => *known,
            None => *bare
                .entry(subject.bare_name())
                .or_insert(count(Side::Bare)?),
        };
        let traced = count(Side::Traced)?;
        row.bare = Some(bare.0.on_thread);
        row.instructions = Some(Instructions {
            on_thread: traced.0.on_thread - bare.0.on_thread,
            on_all: traced.0.on_all - bare.0.on_all,
        });
        row.all_allocations = Some(traced.1 - bare.1);
        Ok(row)
    }
}
