//! `cargo xtask tidy`: the house rules that no other tool checks.

use std::fmt;

use crate::Result;
use crate::workspace::{self, TextFile, Workspace};

mod arrows;
mod dependencies;
mod documents;
mod licences;
mod manifests;
mod sizes;
mod words;

/// A rule that is broken: where, how, and what to do about it.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) file: String,
    pub(crate) problem: String,
    pub(crate) remedy: String,
}

/// A rule looks at everything and reports what breaks it.
type Rule = fn(&Workspace, &[TextFile]) -> Vec<Finding>;

const RULES: &[(&str, Rule)] = &[
    ("arrows between crates", |workspace, _| {
        arrows::check(&workspace.members)
    }),
    ("the core stays small", |workspace, _| {
        dependencies::check_core(&workspace.members)
    }),
    ("no foreign tracing types", |workspace, _| {
        dependencies::check_foreign(&workspace.members)
    }),
    ("one version in the API", |workspace, _| {
        dependencies::check_versions(&workspace.externals)
    }),
    ("licences", |workspace, files| {
        licences::check(&workspace.externals, files)
    }),
    ("manifests", |workspace, files| {
        manifests::check(&workspace.members, files)
    }),
    ("file sizes", |_, files| sizes::check(files)),
    ("words", |_, files| words::check(files)),
    ("documents", |workspace, files| {
        documents::check(&workspace.members, files)
    }),
];

/// Applies every rule and prints what breaks it.
pub(crate) fn run() -> Result {
    let workspace = Workspace::load()?;
    let files = workspace::text_files()?;
    let mut broken = 0;
    for (name, rule) in RULES {
        let findings = rule(&workspace, &files);
        println!(
            "{} {name}",
            if findings.is_empty() { "ok  " } else { "FAIL" }
        );
        for finding in &findings {
            println!("{finding}");
        }
        broken += findings.len();
    }
    if broken == 0 {
        Ok(())
    } else {
        Err(format!("tidy: {broken} to put right").into())
    }
}

impl Finding {
    pub(crate) fn new(
        file: impl Into<String>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            file: file.into(),
            problem: problem.into(),
            remedy: remedy.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            problem,
            remedy,
        } = self;
        write!(f, "     {file}: {problem}\n       remedy: {remedy}")
    }
}

/// The file at `path`, when the repository has it.
fn find<'a>(files: &'a [TextFile], path: &str) -> Option<&'a TextFile> {
    files.iter().find(|file| file.path == path)
}

/// The findings as a person reads them, for the tests of the rules.
#[cfg(test)]
fn lines(findings: &[Finding]) -> Vec<String> {
    findings
        .iter()
        .map(|finding| format!("{}: {}", finding.file, finding.problem))
        .collect()
}
