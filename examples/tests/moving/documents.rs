//! The differences that documents show are those between the programs here.

use std::fs;
use std::path::Path;

use crate::{BoxError, TestResult};

/// Where a line of a difference has to be found.
const BEFORE: [&str; 3] = ["axum_before.rs", "otel_before.rs", "tonic_before.rs"];
const AFTER: [&str; 3] = ["axum_after.rs", "otel_after.rs", "tonic_after.rs"];

/// The sources without any space: lines of documents are broken at other places.
fn sources(names: [&str; 3]) -> Result<String, BoxError> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/moving");
    let mut all = String::new();
    for name in names {
        all.push_str(&without_space(&fs::read_to_string(folder.join(name))?));
    }
    Ok(all)
}

fn without_space(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    // Where a list is broken, it ends with a comma.
    text.replace(",)", ")")
}

/// The lines of all differences in a document, with their signs.
fn differences(document: &str) -> Vec<(char, String)> {
    let mut lines = Vec::new();
    let mut inside = false;
    for line in document.lines() {
        match line.trim() {
            "```diff" => inside = true,
            "```" => inside = false,
            "" | ".." => {}
            _ if inside => {
                let sign = line.chars().next().unwrap_or(' ');
                let code = line.get(1..).unwrap_or_default();
                // What stands behind is for the reader.
                let code = code.split(" // ").next().unwrap_or_default();
                lines.push((sign, without_space(code)));
            }
            _ => {}
        }
    }
    lines
}

#[test]
fn every_line_of_a_difference_in_the_documents_is_in_a_program_that_runs() -> TestResult {
    let (before, after) = (sources(BEFORE)?, sources(AFTER)?);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../trace-bridge");
    for (document, least) in [("MOVING.md", 30), ("README.md", 5)] {
        let text = fs::read_to_string(folder.join(document))?;
        let lines = differences(&text);
        assert!(lines.len() >= least, "{document}: {lines:?}");
        for (sign, code) in lines {
            let (in_before, in_after) = (before.contains(&code), after.contains(&code));
            let found = match sign {
                '-' => in_before,
                '+' => in_after,
                _ => in_before && in_after,
            };
            assert!(
                found,
                "{document}: `{sign}{code}` before: {in_before}, after: {in_after}"
            );
        }
    }
    Ok(())
}
