//! What other instrumentations of message queues get wrong and what their users complain about, each a test: a table for each client.
//!
//! The names are modules of these tests and of the crate.

use std::path::{Path, PathBuf};

mod amqp;
mod kafka;

/// Checks that each test of a table is there: a table that nobody checks is a wish. The answer is how many rows it has.
fn check(table: &str) -> usize {
    let sources = sources(Path::new(env!("CARGO_MANIFEST_DIR")));
    let rows = table
        .lines()
        .filter_map(|line| line.strip_prefix("//! | "))
        .filter(|row| *row != "trap | test |");
    let mut traps = 0;
    for row in rows {
        let (_, tests) = row.trim_end_matches(" |").rsplit_once(" | ").unwrap();
        for test in tests.split(", ") {
            let (place, name) = test.trim_matches('`').rsplit_once("::").unwrap();
            let is_there = sources
                .iter()
                .filter(|(path, _)| path.with_extension("").ends_with(place.replace("::", "/")))
                .any(|(_, text)| tests_that(text, name) || is_fact(text, name));
            assert!(is_there, "there is no test {place}::{name}");
        }
        traps += 1;
    }
    traps
}

/// Whether there is a function of this name with the attribute of a test.
fn tests_that(text: &str, name: &str) -> bool {
    let is_attribute = |line: &str| {
        let line = line.trim_start();
        line.starts_with("#[test]") || line.starts_with("#[tokio::test")
    };
    text.match_indices(&format!("fn {name}("))
        .any(|(at, _)| text[..at].lines().rev().take(2).any(is_attribute))
}

/// Whether there is a function of this name that is listed to be run on several brokers.
fn is_fact(text: &str, name: &str) -> bool {
    let listed = [include_str!("amqp.rs"), include_str!("kafka.rs")];
    let mut lines = listed.iter().flat_map(|list| list.lines());
    text.contains(&format!("async fn {name}(")) && lines.any(|line| line.trim() == name)
}

fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => sources(&path),
            false if path.extension().is_some_and(|extension| extension == "rs") => {
                let text = std::fs::read_to_string(&path).unwrap();
                vec![(path, text)]
            }
            false => Vec::new(),
        })
        .collect()
}
