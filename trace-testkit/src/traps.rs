//! Tables of traps: what other instrumentations get wrong, each row with the tests that show that this one does not.
//!
//! ```text
//! //! | trap | test |
//! //! |---|---|
//! //! | the span ends with the head | `streams::a_stream_is_part_of_the_call`, `suite::the_span_ends_with_the_body` |
//! ```

use std::path::{Path, PathBuf};

/// Where the tests are that a table of traps names.
///
/// ```no_run
/// use trace_testkit::traps::TrapTable;
///
/// /// A table that nobody checks is a wish.
/// #[test]
/// fn every_trap_has_its_test() {
///     let traps = TrapTable::of_crate(env!("CARGO_MANIFEST_DIR"))
///         .place("core", "../tracing-core-ctx/src")
///         .check(include_str!("traps.rs"));
///     assert!(traps >= 20, "{traps}");
/// }
/// # fn main() {}
/// ```
#[derive(Debug)]
#[must_use = "`check` checks the table"]
pub struct TrapTable {
    root: PathBuf,
    ours: Vec<Source>,
    places: Vec<(&'static str, Vec<Source>)>,
}

#[derive(Debug)]
struct Source {
    path: PathBuf,
    text: String,
}

impl TrapTable {
    /// In the modules of the crate in this folder, under `src` and `tests`.
    ///
    /// # Panics
    ///
    /// If they cannot be read.
    pub fn of_crate(folder: impl AsRef<Path>) -> Self {
        let root = folder.as_ref().to_owned();
        let folders = ["src", "tests"].map(|name| root.join(name));
        let folders = folders.iter().filter(|folder| folder.is_dir());
        Self {
            ours: folders.flat_map(|folder| sources(folder)).collect(),
            places: Vec::new(),
            root,
        }
    }

    /// In this folder too, relative to that of the crate, under a name in place of those of modules.
    ///
    /// # Panics
    ///
    /// If it cannot be read.
    pub fn place(mut self, name: &'static str, folder: &str) -> Self {
        let sources = sources(&self.root.join(folder));
        self.places.push((name, sources));
        self
    }

    /// Checks that each test which a table names is there: a function that is a test, or one that is listed, by its name alone in a line, to be
    /// run in several ways. Says how many rows the table has.
    ///
    /// # Panics
    ///
    /// If a row names a test that is not there, or none.
    #[must_use]
    pub fn check(&self, table: &str) -> usize {
        let rows = table
            .lines()
            .filter_map(|line| line.strip_prefix("//! | "))
            .filter(|row| *row != "trap | test |");
        let mut count = 0;
        for row in rows {
            let (_, tests) = row
                .trim_end_matches(" |")
                .rsplit_once(" | ")
                .unwrap_or_else(|| panic!("no tests: {row}"));
            for test in tests.split(", ") {
                let (place, name) = test
                    .trim_matches('`')
                    .rsplit_once("::")
                    .unwrap_or_else(|| panic!("not a module and a test: {test}"));
                assert!(self.has(place, name), "there is no test {place}::{name}");
            }
            count += 1;
        }
        count
    }

    fn has(&self, place: &str, name: &str) -> bool {
        let named = self.places.iter().find(|(known, _)| *known == place);
        let sources: Vec<&Source> = match named {
            Some((_, sources)) => sources.iter().collect(),
            None => {
                let ours = self.ours.iter();
                ours.filter(|source| source.is_of(&self.root, place))
                    .collect()
            }
        };
        let mut lists = sources.iter().copied().chain(&self.ours);
        sources.iter().any(|source| source.tests(name))
            || sources
                .iter()
                .any(|source| source.functions(name).next().is_some())
                && lists.any(|source| source.lists(name))
    }
}

impl Source {
    /// Whether it is a module of this path, or lies below one.
    fn is_of(&self, root: &Path, module: &str) -> bool {
        let path = self.path.with_extension("");
        let parts: Vec<_> = path.strip_prefix(root).unwrap_or(&path).iter().collect();
        let wanted: Vec<&str> = module.split("::").collect();
        parts
            .windows(wanted.len())
            .any(|parts| parts.iter().zip(&wanted).all(|(part, name)| part == name))
    }

    /// Where functions of this name are.
    fn functions(&self, name: &str) -> impl Iterator<Item = usize> {
        let function = format!("fn {name}");
        let places = self.text.match_indices(&function).map(|(at, _)| at);
        let is_end = |at: &usize| self.text[at + function.len()..].starts_with(['(', '<']);
        places.filter(is_end).collect::<Vec<_>>().into_iter()
    }

    /// Whether such a function has the attribute of a test.
    fn tests(&self, name: &str) -> bool {
        let is_attribute = |line: &str| {
            let line = line.trim_start();
            line.starts_with("#[test]") || line.starts_with("#[tokio::test")
        };
        self.functions(name)
            .any(|at| self.text[..at].lines().rev().take(2).any(is_attribute))
    }

    fn lists(&self, name: &str) -> bool {
        self.text.lines().any(|line| line.trim() == name)
    }
}

/// The files of Rust in a folder and below.
fn sources(folder: &Path) -> Vec<Source> {
    let entries =
        std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.flatten().map(|entry| entry.path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => sources(&path),
            false if path.extension().is_some_and(|extension| extension == "rs") => {
                let text = std::fs::read_to_string(&path)
                    .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                vec![Source { path, text }]
            }
            false => Vec::new(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of a crate whose only module is this one.
    fn check(tests: &str) -> usize {
        let table = TrapTable::of_crate(env!("CARGO_MANIFEST_DIR"))
            .place("core", "../tracing-core-ctx/src/span");
        table.check(&format!(
            "//! | trap | test |\n//! |---|---|\n//! | it | {tests} |\n"
        ))
    }

    #[test]
    fn tests_and_what_is_listed_to_be_run_are_found() {
        let here = "`traps::tests_and_what_is_listed_to_be_run_are_found`";
        let core = "`core::ok_is_final_and_unset_changes_nothing`";
        let suite = "`src::http::server::the_protocol_version_is_a_bare_number`";
        assert_eq!(check(&format!("{here}, {core}, {suite}")), 1);
    }

    #[test]
    #[should_panic(expected = "there is no test traps::it_is_not_there")]
    fn a_test_that_is_not_there_fails_the_table() {
        check("`traps::it_is_not_there`");
    }

    #[test]
    #[should_panic(expected = "there is no test traps::sources")]
    fn a_function_that_nobody_runs_is_no_test() {
        check("`traps::sources`");
    }

    #[test]
    #[should_panic(expected = "there is no test render::a_function_that_nobody_runs_is_no_test")]
    fn a_test_of_another_module_does_not_count() {
        check("`render::a_function_that_nobody_runs_is_no_test`");
    }
}
