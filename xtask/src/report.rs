//! Parts of a task, each timed, all listed at the end with their outcome.

use std::time::{Duration, Instant};

use crate::Result;

/// The parts that ran so far.
#[derive(Debug, Default)]
pub(crate) struct Report {
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    name: String,
    took: Duration,
    outcome: std::result::Result<String, String>,
}

impl Report {
    /// Runs one part under a heading; what it returns is the note beside its name.
    ///
    /// A part that fails does not keep the next from running: one run tells everything that is wrong.
    pub(crate) fn part(&mut self, name: &str, run: impl FnOnce() -> Result<String>) {
        println!("\n==> {name}");
        let started = Instant::now();
        let outcome = run().map_err(|error| error.to_string());
        if let Err(error) = &outcome {
            eprintln!("{error}");
        }
        self.parts.push(Part {
            name: name.to_owned(),
            took: started.elapsed(),
            outcome,
        });
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.parts.iter().any(|part| part.outcome.is_err())
    }

    /// Prints a line for each part; an error when one has failed.
    pub(crate) fn finish(&self, task: &str) -> Result {
        println!("\n==> {task}: result");
        for part in &self.parts {
            println!("{}", part.line());
        }
        let failed: Vec<&str> = self
            .parts
            .iter()
            .filter(|part| part.outcome.is_err())
            .map(|part| part.name.as_str())
            .collect();
        if failed.is_empty() {
            Ok(())
        } else {
            Err(format!("{task} failed in: {}", failed.join(", ")).into())
        }
    }
}

impl Part {
    fn line(&self) -> String {
        let (verdict, note) = match &self.outcome {
            Ok(note) => ("ok", note.as_str()),
            Err(error) => ("FAIL", error.lines().next().unwrap_or_default()),
        };
        let seconds = self.took.as_secs_f64();
        format!("{verdict:<4} {:<9} {seconds:>7.1} s  {note}", self.name)
            .trim_end()
            .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_part_lets_the_next_run_and_fails_the_task() {
        let mut report = Report::default();
        report.part("first", || Err("broken".into()));
        let mut ran = false;
        report.part("second", || {
            ran = true;
            Ok("fine".to_owned())
        });
        assert!(ran);
        assert!(report.has_failed());
        assert_eq!(
            report.finish("task").unwrap_err().to_string(),
            "task failed in: first"
        );
        assert!(report.parts[0].line().starts_with("FAIL first"));
        assert!(report.parts[0].line().ends_with("broken"));
        assert!(report.parts[1].line().starts_with("ok   second"));
    }

    #[test]
    fn parts_that_all_hold_are_no_error() {
        let mut report = Report::default();
        report.part("only", || Ok(String::new()));
        assert!(!report.has_failed());
        assert!(report.finish("task").is_ok());
    }
}
