//! `cargo xtask test`: everything a test run needs, on a machine with nothing prepared.

use std::env;
use std::process::Command;

use crate::report::Report;
use crate::services::Environment;
use crate::workspace::Workspace;
use crate::{Result, process};

use self::counts::Counts;

mod counts;
mod features;
mod smoke;

/// Runs every part, says how each went, and ends with the counts that the runners printed.
pub(crate) fn run() -> Result {
    let workspace = Workspace::load()?;
    let mut report = Report::default();
    let mut ran = Vec::new();

    report.part("services", || {
        let ran_on = Environment::load().describe();
        println!("{ran_on}");
        Ok(ran_on)
    });
    report.part("tests", || run_tests(&mut ran));
    report.part("doctests", || run_doctests(&mut ran));
    report.part("features", || features::run(&workspace));
    report.part("programs", smoke::run);
    let outcome = report.finish("test");

    println!();
    for summary in ran.iter().flat_map(|run| &run.summaries) {
        if Counts::from_summary(summary).is_some_and(|counts| !counts.is_empty()) {
            println!("{summary}");
        }
    }
    // The last line speaks for all runners together.
    println!(
        "tests: {}",
        ran.iter().map(|run| run.counts).sum::<Counts>()
    );
    outcome
}

/// What one runner printed about itself.
struct Ran {
    summaries: Vec<String>,
    counts: Counts,
}

fn run_tests(ran: &mut Vec<Ran>) -> Result<String> {
    if process::is_installed(process::cargo().arg("nextest")) {
        let mut command = process::cargo();
        command.args(["nextest", "run", "--config-file", "xtask/nextest.toml"]);
        run_runner(&mut command, ran)
    } else {
        println!("cargo-nextest is not installed; plain `cargo test` does the same, only slower");
        run_runner(process::cargo().args(["test", "--all-targets"]), ran)
    }
}

fn run_doctests(ran: &mut Vec<Ran>) -> Result<String> {
    run_runner(process::cargo().args(["test", "--doc"]), ran)
}

fn run_runner(command: &mut Command, ran: &mut Vec<Ran>) -> Result<String> {
    command.args(["--workspace", "--all-features", "--no-fail-fast"]);
    prepare_environment(command);
    let finished = process::run_and_keep(command)?;
    let summaries: Vec<String> = finished
        .lines
        .into_iter()
        .filter(|line| Counts::from_summary(line).is_some())
        .collect();
    let counts: Counts = summaries
        .iter()
        .filter_map(|line| Counts::from_summary(line))
        .sum();
    ran.push(Ran { summaries, counts });
    if !finished.status.success() {
        let command = process::line(command);
        return Err(format!("{counts} (`{command}`, {})", finished.status).into());
    }
    if counts.is_empty() {
        return Err(format!("`{}` ran no test", process::line(command)).into());
    }
    Ok(counts.to_string())
}

/// Keeps what a person has set for their own services and tools from changing what the tests see.
fn prepare_environment(command: &mut Command) {
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("OTEL_") {
            command.env_remove(name);
        }
    }
    // A person may ask insta to write new snapshots; CI only compares.
    if env::var_os("CI").is_some() || env::var_os("INSTA_UPDATE").is_none() {
        command.env("INSTA_UPDATE", "no");
    }
    command.env("INSTA_FORCE_PASS", "0");
    Environment::load().apply(command);
}
