//! `cargo xtask ci`: the steps of CI, in the order in which they fail fastest.

use std::process::Command;

use crate::report::Report;
use crate::{Result, process, test, tidy};

/// One step: the name by which it is called, and what it runs.
type Step = (&'static str, fn() -> Result);

const STEPS: &[Step] = &[
    ("fmt", format),
    ("clippy", clippy),
    ("docs", docs),
    ("tidy", tidy::run),
    ("test", test::run),
];

/// Runs the steps that are named in `wanted`, or all, and prints the time that each took.
pub(crate) fn run(wanted: &[String]) -> Result {
    if let Some(unknown) = wanted
        .iter()
        .find(|name| STEPS.iter().all(|step| step.0 != *name))
    {
        let known: Vec<&str> = STEPS.iter().map(|step| step.0).collect();
        return Err(format!("no step `{unknown}`; there are: {}", known.join(", ")).into());
    }
    let mut report = Report::default();
    for (name, step) in STEPS {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            report.part(name, || step().map(|()| String::new()));
            // Later steps build on earlier ones: what does not compile under clippy has no docs and no tests.
            if report.has_failed() {
                break;
            }
        }
    }
    report.finish("ci")
}

fn format() -> Result {
    process::run(process::cargo().args(["fmt", "--all", "--check"]))
}

fn clippy() -> Result {
    process::run(on_whole_workspace(process::cargo().arg("clippy")).args([
        "--all-targets",
        "--",
        "--deny",
        "warnings",
    ]))
}

fn docs() -> Result {
    process::run(
        on_whole_workspace(process::cargo().arg("doc"))
            .arg("--no-deps")
            .env("RUSTDOCFLAGS", "--deny warnings"),
    )
}

/// Every step selects the same packages and features, so that the dependencies are checked once and built once.
fn on_whole_workspace(command: &mut Command) -> &mut Command {
    command.args(["--workspace", "--all-features"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_step_is_refused_before_anything_runs() {
        let error = run(&["lint".to_owned()]).unwrap_err().to_string();
        assert_eq!(
            error,
            "no step `lint`; there are: fmt, clippy, docs, tidy, test"
        );
    }
}
