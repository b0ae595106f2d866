//! The closing lines of the test runners, read back into numbers.

use std::fmt;
use std::iter::Sum;

/// How many tests passed, failed and were left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl Counts {
    /// Reads the closing line of nextest (`Summary [0.1s] 3 tests run: 2 passed, ...`) or of libtest
    /// (`test result: ok. 2 passed; ...`). Any other line is `None`.
    pub(crate) fn from_summary(line: &str) -> Option<Self> {
        let line = without_colours(line);
        let line = line.trim();
        if let Some(rest) = line.strip_prefix("test result: ") {
            let (_, counts) = rest.split_once(". ")?;
            return Some(Self::from_list(counts.split(';')));
        }
        let (_, rest) = line.strip_prefix("Summary [")?.split_once(']')?;
        let (_, counts) = rest.split_once(" run: ")?;
        // Remarks like "(1 slow)" count tests that are in the list already.
        let counts: String = counts
            .split('(')
            .enumerate()
            .map(|(index, part)| match (index, part.split_once(')')) {
                (0, _) | (_, None) => part,
                (_, Some((_, after))) => after,
            })
            .collect();
        Some(Self::from_list(counts.split(',')))
    }

    /// Whether no test ran to an end.
    pub(crate) fn is_empty(self) -> bool {
        self.passed + self.failed == 0
    }

    fn from_list<'a>(list: impl Iterator<Item = &'a str>) -> Self {
        let mut counts = Self::default();
        for entry in list {
            let Some((number, what)) = entry.trim().split_once(' ') else {
                continue;
            };
            let Ok(number) = number.parse::<usize>() else {
                continue;
            };
            match what.trim() {
                "passed" => counts.passed += number,
                "ignored" | "skipped" => counts.skipped += number,
                "failed" | "timed out" | "exec failed" => counts.failed += number,
                _ => {}
            }
        }
        counts
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            passed,
            failed,
            skipped,
        } = self;
        write!(f, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}

impl Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), |sum, next| Self {
            passed: sum.passed + next.passed,
            failed: sum.failed + next.failed,
            skipped: sum.skipped + next.skipped,
        })
    }
}

/// The runners colour their lines when `CARGO_TERM_COLOR` says so: escape, `[`, and everything up to a letter.
fn without_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' {
            characters.find(char::is_ascii_alphabetic);
        } else {
            plain.push(character);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(passed: usize, failed: usize, skipped: usize) -> Option<Counts> {
        Some(Counts {
            passed,
            failed,
            skipped,
        })
    }

    #[test]
    fn summaries_of_nextest_are_read() {
        for (line, expected) in [
            (
                "     Summary [   0.006s] 12 tests run: 12 passed, 0 skipped",
                counts(12, 0, 0),
            ),
            (
                "     Summary [  61.0s] 9/12 tests run: 5 passed (1 slow, 1 flaky), 2 failed, 1 timed out, 1 exec failed, 3 skipped",
                counts(5, 4, 3),
            ),
            (
                "\u{1b}[32;1m     Summary\u{1b}[0m [   0.1s] \u{1b}[1m1\u{1b}[0m test run: \u{1b}[1m1\u{1b}[0m \u{1b}[32;1mpassed\u{1b}[0m, 0 skipped",
                counts(1, 0, 0),
            ),
        ] {
            assert_eq!(Counts::from_summary(line), expected, "{line}");
        }
    }

    #[test]
    fn summaries_of_libtest_are_read() {
        for (line, expected) in [
            (
                "test result: ok. 5 passed; 0 failed; 2 ignored; 0 measured; 7 filtered out; finished in 0.01s",
                counts(5, 0, 2),
            ),
            (
                "test result: FAILED. 4 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out",
                counts(4, 1, 0),
            ),
        ] {
            assert_eq!(Counts::from_summary(line), expected, "{line}");
        }
    }

    #[test]
    fn other_lines_are_no_summary() {
        for line in [
            "",
            "test result",
            "running 5 tests",
            "        PASS [   0.1s] it passed, 1 failed",
            "Summary of the trace: 3 passed",
        ] {
            assert_eq!(Counts::from_summary(line), None, "{line}");
        }
    }

    #[test]
    fn runs_add_up_and_print_as_one_plain_line() {
        let sum: Counts = [counts(1, 2, 3), counts(10, 20, 30)]
            .into_iter()
            .flatten()
            .sum();
        assert_eq!(sum.to_string(), "11 passed, 22 failed, 33 skipped");
        assert!(!sum.is_empty());
        assert!(Counts::default().is_empty());
    }
}
