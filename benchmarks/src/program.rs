//! What the programs have in common.
#![expect(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a command-line program speaks on its standard streams"
)]

use std::env;
use std::process::ExitCode;

use crate::{Error, load, machine, results, run};

/// Does what the arguments say, and tells the operator if that is not possible.
pub fn main(name: &str, dispatch: impl FnOnce(&[&str]) -> Result<(), Error>) -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A program of one table: what it is called, and how it comes about.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "each program names all of it")]
pub struct Table {
    /// What the operator is told.
    pub usage: &'static str,
    /// The title of its section.
    pub title: &'static str,
    /// What stands above it.
    pub introduction: &'static str,
    /// Does one work, in a process of its own.
    pub work: fn(&[&str]) -> Result<String, Error>,
    /// Measures all.
    pub report: fn() -> Result<String, Error>,
}

impl Table {
    /// Does what the arguments say.
    ///
    /// # Errors
    ///
    /// When they say nothing that it knows, and when it cannot be done.
    pub fn dispatch(&self, arguments: &[&str]) -> Result<(), Error> {
        match arguments {
            [load::RECEIVE] => load::receive(),
            [run::RUN, work @ ..] => {
                println!("{}", (self.work)(work)?);
                Ok(())
            }
            ["--help" | "-h"] => {
                print!("{}", self.usage);
                Ok(())
            }
            ["--write"] => self.measure(true),
            [] => self.measure(false),
            _ => Err(self.usage.into()),
        }
    }

    fn measure(&self, is_written: bool) -> Result<(), Error> {
        let report = (self.report)()?;
        print(&[], &report);
        if is_written {
            write(
                self.title,
                &[],
                &format!("{}\n\n{report}", self.introduction),
            )?;
        }
        Ok(())
    }
}

/// Prints a report below what it was measured on.
pub fn print(versions: &[String], report: &str) {
    let lines = machine::describe().into_iter().chain(versions.to_vec());
    let lines: String = lines.map(|line| format!("{line}\n")).collect();
    println!("\n{lines}\n{report}");
}

/// Puts a text into the file of results as the section under this title.
///
/// # Errors
///
/// When the file cannot be read or written.
pub fn write(title: &str, versions: &[String], text: &str) -> Result<(), Error> {
    results::write(title, versions, text)?;
    eprintln!("written: benchmarks/RESULTS.md, {title}");
    Ok(())
}
