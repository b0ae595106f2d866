//! What the programs have in common.
#![expect(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a command-line program speaks on its standard streams"
)]

use std::env;
use std::process::ExitCode;

use crate::{Error, machine, results};

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
