//! The documents at the top of the repository.

use super::{Finding, find};
use crate::workspace::{Member, TextFile};

/// Files that every reader looks for.
const NEEDED: &[&str] = &[
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
];

/// The two commands that a newcomer needs.
const COMMANDS: &[&str] = &["cargo demo", "cargo xtask test"];

/// The documents are there, name both commands and have every crate on the map.
pub(super) fn check(members: &[Member], files: &[TextFile]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = NEEDED
        .iter()
        .filter(|path| find(files, path).is_none_or(|file| file.text.trim().is_empty()))
        .map(|path| Finding::new(*path, "it is missing or empty", "write it"))
        .collect();
    if let Some(readme) = find(files, "README.md") {
        findings.extend(
            COMMANDS
                .iter()
                .filter(|command| !readme.text.contains(*command))
                .map(|command| {
                    Finding::new(
                        &readme.path,
                        format!("it does not name `{command}`"),
                        "show both commands near the top",
                    )
                }),
        );
    }
    if let Some(map) = find(files, "ARCHITECTURE.md") {
        findings.extend(
            members
                .iter()
                .filter(|member| !names_folder(&map.text, &member.folder))
                .map(|member| {
                    Finding::new(
                        &map.path,
                        format!("`{}` is not on the map", member.folder),
                        "say in a line, with the folder in backticks, what it is for",
                    )
                }),
        );
    }
    findings
}

/// A folder is named in backticks, with or without a slash: `examples` is also an ordinary word.
fn names_folder(text: &str, folder: &str) -> bool {
    text.contains(&format!("`{folder}`")) || text.contains(&format!("`{folder}/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::lines;

    fn documents(map: &str, readme: &str) -> Vec<TextFile> {
        vec![
            TextFile::new("ARCHITECTURE.md", map),
            TextFile::new("CHANGELOG.md", "## Unreleased\n"),
            TextFile::new("LICENSE-APACHE", "Apache License\n"),
            TextFile::new("LICENSE-MIT", "MIT License\n"),
            TextFile::new("README.md", readme),
        ]
    }

    const COMMANDS_NAMED: &str = "Run `cargo demo`, then `cargo xtask test`.\n";

    #[test]
    fn complete_documents_are_fine() {
        let members = [Member::library("tower-trace"), Member::program("examples")];
        let files = documents("`tower-trace` and `examples/`\n", COMMANDS_NAMED);
        assert!(lines(&check(&members, &files)).is_empty());
    }

    #[test]
    fn a_missing_or_empty_document_is_found() {
        let mut files = documents("map\n", COMMANDS_NAMED);
        files[1].text.clear();
        files.remove(2);
        assert_eq!(
            lines(&check(&[], &files)),
            [
                "CHANGELOG.md: it is missing or empty",
                "LICENSE-APACHE: it is missing or empty",
            ]
        );
    }

    #[test]
    fn a_readme_without_a_command_is_found() {
        let files = documents("map\n", "Run `cargo demo`.\n");
        assert_eq!(
            lines(&check(&[], &files)),
            ["README.md: it does not name `cargo xtask test`"]
        );
    }

    #[test]
    fn a_crate_off_the_map_is_found() {
        let files = documents("Some examples of use.\n", COMMANDS_NAMED);
        assert_eq!(
            lines(&check(&[Member::program("examples")], &files)),
            ["ARCHITECTURE.md: `examples` is not on the map"]
        );
    }
}
