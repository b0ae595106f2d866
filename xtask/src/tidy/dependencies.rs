//! What our crates may take from others.

use std::collections::BTreeSet;

use super::Finding;
use crate::workspace::{External, Member};

const CORE: &str = "tracing-core-ctx";

/// Every user of any of our crates builds these.
const CORE_CEILING: usize = 6;

/// Families of crates whose types stay out of our public API, and who may use them: those whose purpose it is to know these types or to be
/// compared with them, and programs, which have no API. All others stay out of their version matrix; in tests such crates are
/// welcome.
const FOREIGN: &[(&str, &[&str])] = &[
    ("opentelemetry", &["benchmarks", "examples", "trace-bridge"]),
    ("tracing", &["benchmarks", "examples", "trace-bridge"]),
];

/// External crates whose types users meet in our signatures: a second version of one of them in the graph makes two
/// types of one name.
const IN_PUBLIC_API: &[&str] = &[
    "axum",
    "bytes",
    "futures-core",
    "http",
    "http-body",
    "hyper",
    "reqwest",
    "tonic",
    "tower-layer",
    "tower-service",
];

/// The core needs nothing of ours and next to nothing of others.
pub(super) fn check_core(members: &[Member]) -> Vec<Finding> {
    let Some(core) = members.iter().find(|member| member.name == CORE) else {
        return Vec::new();
    };
    let external: Vec<&str> = core
        .dependencies
        .iter()
        .filter(|dependency| !dependency.is_dev && !dependency.is_ours)
        .map(|dependency| dependency.name.as_str())
        .collect();
    if external.len() <= CORE_CEILING {
        return Vec::new();
    }
    vec![Finding::new(
        format!("{}/Cargo.toml", core.folder),
        format!(
            "{} external crates ({}); {CORE_CEILING} are the ceiling",
            external.len(),
            external.join(", ")
        ),
        "do without one, or take it through another that is there and exports it",
    )]
}

/// No crate depends on those of [`FOREIGN`], except where that is its purpose.
pub(super) fn check_foreign(members: &[Member]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in members {
        for dependency in &member.dependencies {
            let is_foreign = FOREIGN.iter().any(|(family, allowed)| {
                is_of(&dependency.name, family) && !allowed.contains(&member.name.as_str())
            });
            if is_foreign && !dependency.is_dev && !dependency.is_ours {
                findings.push(Finding::new(
                    format!("{}/Cargo.toml", member.folder),
                    format!("`{}` is a normal dependency", dependency.name),
                    "use it in tests only ([dev-dependencies]), or do the work in trace-bridge",
                ));
            }
        }
    }
    findings
}

/// Whether a crate is the one of this name or one that is named after it.
fn is_of(name: &str, family: &str) -> bool {
    name.strip_prefix(family)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
}

/// Each crate of [`IN_PUBLIC_API`] is in the graph once.
pub(super) fn check_versions(externals: &[External]) -> Vec<Finding> {
    IN_PUBLIC_API
        .iter()
        .filter_map(|name| {
            let versions: BTreeSet<&str> = externals
                .iter()
                .filter(|external| external.name == *name)
                .map(|external| external.version.as_str())
                .collect();
            (versions.len() > 1).then(|| {
                let versions: Vec<&str> = versions.into_iter().collect();
                Finding::new(
                    "Cargo.lock",
                    format!("`{name}` is there in versions {}", versions.join(" and ")),
                    format!("`cargo tree --workspace --all-features -i {name}@VERSION` tells who asks for the other"),
                )
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::lines;

    #[test]
    fn the_seventh_external_crate_of_the_core_is_found() {
        let core = Member::library(CORE)
            .needs_external("futures-core")
            .needs_external("pin-project-lite")
            .needs_external("quanta")
            .needs_external("rand_core")
            .needs_external("spin")
            .needs_external("triomphe")
            .needs_external_in_tests("proptest");
        assert!(lines(&check_core(std::slice::from_ref(&core))).is_empty());
        assert_eq!(
            lines(&check_core(&[core.needs_external("http")])),
            [
                "tracing-core-ctx/Cargo.toml: 7 external crates (futures-core, pin-project-lite, quanta, rand_core, spin, triomphe, http); 6 are the ceiling"
            ]
        );
    }

    #[test]
    fn opentelemetry_is_found_outside_tests_and_the_bridge() {
        let members = [
            Member::library("trace-bridge").needs_external("opentelemetry"),
            Member::library("trace-pipeline").needs_external_in_tests("opentelemetry-proto"),
            Member::library("tower-trace").needs_external("opentelemetry_sdk"),
        ];
        assert_eq!(
            lines(&check_foreign(&members)),
            ["tower-trace/Cargo.toml: `opentelemetry_sdk` is a normal dependency"]
        );
    }

    #[test]
    fn tracing_is_found_outside_tests_programs_and_the_bridge() {
        let members = [
            Member::library("trace-bridge").needs_external("tracing-subscriber"),
            Member::program("examples").needs_external("tracing"),
            // Ours, whatever its name looks like.
            Member::library("trace-pipeline").needs_ours("tracing-core-ctx"),
            Member::library("queue-trace").needs_external_in_tests("tracing"),
            Member::library("trace-testkit").needs_external("tracing-core"),
            Member::library("tower-trace")
                .needs_external("tracing")
                .needs_external("tracingly"),
        ];
        assert_eq!(
            lines(&check_foreign(&members)),
            [
                "trace-testkit/Cargo.toml: `tracing-core` is a normal dependency",
                "tower-trace/Cargo.toml: `tracing` is a normal dependency",
            ]
        );
    }

    #[test]
    fn two_versions_of_a_public_dependency_are_found() {
        let externals = [
            External::new("http", "0.2.12", "MIT"),
            External::new("http", "1.5.0", "MIT"),
            External::new("bytes", "1.12.1", "MIT"),
            External::new("syn", "2.0.119", "MIT"),
            External::new("syn", "3.0.9", "MIT"),
        ];
        assert_eq!(
            lines(&check_versions(&externals)),
            ["Cargo.lock: `http` is there in versions 0.2.12 and 1.5.0"]
        );
        assert!(lines(&check_versions(&externals[1..])).is_empty());
    }
}
