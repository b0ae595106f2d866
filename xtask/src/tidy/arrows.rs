//! Which of our crates may depend on which: one direction, no circle.

use super::Finding;
use crate::workspace::Member;

/// The map in `ARCHITECTURE.md`, as data.
const ARROWS: &[(&str, Arrows)] = &[
    ("benchmarks", Arrows::All),
    ("examples", Arrows::All),
    (
        "grpc-trace",
        Arrows::To(&["tower-trace", "tracing-core-ctx"]),
    ),
    ("queue-trace", Arrows::To(&["tracing-core-ctx"])),
    ("tower-trace", Arrows::To(&["tracing-core-ctx"])),
    (
        "trace-bridge",
        Arrows::To(&["trace-pipeline", "tracing-core-ctx"]),
    ),
    ("trace-collector", Arrows::To(&["tracing-core-ctx"])),
    ("trace-pipeline", Arrows::To(&["tracing-core-ctx"])),
    ("trace-testkit", Arrows::To(&["tracing-core-ctx"])),
    ("tracing-core-ctx", Arrows::To(&[])),
    ("xtask", Arrows::To(&[])),
];

/// Tests of every crate may use it, also those of the crates that it stands on: cargo allows that circle, and only
/// that one.
const TESTKIT: &str = "trace-testkit";

enum Arrows {
    /// A program at the edge: it shows everything together.
    All,
    To(&'static [&'static str]),
}

/// Every dependency between our crates is in [`ARROWS`].
pub(super) fn check(members: &[Member]) -> Vec<Finding> {
    members.iter().flat_map(check_member).collect()
}

fn check_member(member: &Member) -> Vec<Finding> {
    let file = format!("{}/Cargo.toml", member.folder);
    let Some((_, arrows)) = ARROWS.iter().find(|(name, _)| *name == member.name) else {
        return vec![Finding::new(
            file,
            format!("`{}` has no place in the map of crates", member.name),
            "decide what it may depend on, and write it into ARCHITECTURE.md and xtask/src/tidy/arrows.rs",
        )];
    };
    let Arrows::To(allowed) = arrows else {
        return Vec::new();
    };
    member
        .dependencies
        .iter()
        .filter(|dependency| dependency.is_ours)
        .filter(|dependency| !allowed.contains(&dependency.name.as_str()))
        .filter(|dependency| !(dependency.is_dev && dependency.name == TESTKIT))
        .map(|dependency| {
            let remedy = if dependency.name == TESTKIT {
                "it is for tests: move it to [dev-dependencies]"
            } else {
                "turn the arrow around, or move what is needed to a crate that both may use"
            };
            Finding::new(
                &file,
                format!("`{}` must not depend on `{}`", member.name, dependency.name),
                remedy,
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::lines;

    #[test]
    fn arrows_of_the_map_are_allowed() {
        let members = [
            Member::library("tracing-core-ctx").needs_ours_in_tests("trace-testkit"),
            Member::library("tower-trace")
                .needs_ours("tracing-core-ctx")
                .needs_ours_in_tests("trace-testkit"),
            Member::library("trace-testkit").needs_ours("tracing-core-ctx"),
            Member::program("examples")
                .needs_ours("tower-trace")
                .needs_ours("trace-testkit"),
        ];
        assert!(lines(&check(&members)).is_empty());
    }

    #[test]
    fn an_arrow_against_the_map_is_found() {
        let members = [
            Member::library("tracing-core-ctx").needs_ours("tower-trace"),
            Member::library("trace-pipeline").needs_ours_in_tests("tower-trace"),
        ];
        assert_eq!(
            lines(&check(&members)),
            [
                "tracing-core-ctx/Cargo.toml: `tracing-core-ctx` must not depend on `tower-trace`",
                "trace-pipeline/Cargo.toml: `trace-pipeline` must not depend on `tower-trace`",
            ]
        );
    }

    #[test]
    fn the_testkit_is_no_normal_dependency_of_a_library() {
        let findings = check(&[Member::library("tower-trace").needs_ours("trace-testkit")]);
        assert_eq!(
            lines(&findings),
            ["tower-trace/Cargo.toml: `tower-trace` must not depend on `trace-testkit`"]
        );
        assert!(findings[0].remedy.contains("[dev-dependencies]"));
    }

    #[test]
    fn a_crate_outside_the_map_is_found() {
        let findings = check(&[Member::library("trace-extras")]);
        assert_eq!(
            lines(&findings),
            ["trace-extras/Cargo.toml: `trace-extras` has no place in the map of crates"]
        );
    }
}
