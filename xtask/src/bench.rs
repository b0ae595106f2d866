//! `cargo xtask bench`: what tracing costs.

use crate::{Result, process};

/// The programs, by what a person calls them. The first is called by no name, and compares one request.
const PROGRAMS: [(&str, &str); 5] = [
    ("", "benchmarks"),
    ("delivery", "delivery"),
    ("end-to-end", "end_to_end"),
    ("queues", "queues"),
    ("scaling", "scaling"),
];

/// Runs the benchmark programs in release mode with `arguments`: the one that is named first, or all. What a program needs and the machine
/// does not have (valgrind, wrk), it says how to get.
pub(crate) fn run(arguments: &[String]) -> Result {
    programs(arguments)
        .into_iter()
        .try_for_each(|(program, arguments)| run_one(program, arguments))
}

fn programs(arguments: &[String]) -> Vec<(&'static str, &[String])> {
    if let Some((name, rest)) = arguments.split_first()
        && let Some((_, program)) = PROGRAMS.iter().find(|program| program.0 == name)
    {
        return vec![(program, rest)];
    }
    let is_whole = arguments.iter().all(|argument| argument == "--write");
    let wanted = if is_whole {
        &PROGRAMS[..]
    } else {
        &PROGRAMS[..1]
    };
    wanted
        .iter()
        .map(|(_, program)| (*program, arguments))
        .collect()
}

fn run_one(program: &str, arguments: &[String]) -> Result {
    process::run(
        process::cargo()
            .args(["run", "--release", "--package", "benchmarks"])
            .args(["--bin", program, "--"])
            .args(arguments),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(line: &str) -> Vec<String> {
        let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        programs(&arguments)
            .into_iter()
            .map(|(program, arguments)| format!("{program} {}", arguments.join(" ")))
            .collect()
    }

    #[test]
    fn without_a_name_or_a_filter_all_programs_run() {
        assert_eq!(
            runs(""),
            [
                "benchmarks ",
                "delivery ",
                "end_to_end ",
                "queues ",
                "scaling "
            ]
        );
        assert_eq!(runs("--write").len(), 5);
        assert_eq!(runs("unsampled"), ["benchmarks unsampled"]);
    }

    #[test]
    fn a_program_that_is_named_gets_what_follows() {
        assert_eq!(
            runs("end-to-end --rounds 3 tower"),
            ["end_to_end --rounds 3 tower"]
        );
        assert_eq!(runs("scaling --write"), ["scaling --write"]);
    }
}
