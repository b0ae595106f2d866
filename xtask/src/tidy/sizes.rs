//! How much a source file may hold.

use super::Finding;
use crate::workspace::TextFile;

/// Lines of code, comments included, tests not.
const CEILING: usize = 400;

/// No source file is over the ceiling, and none is called `mod.rs`.
pub(super) fn check(files: &[TextFile]) -> Vec<Finding> {
    files
        .iter()
        .filter(|file| file.path.ends_with(".rs"))
        .filter_map(|file| check_name(file).or_else(|| check_size(file)))
        .collect()
}

fn check_name(file: &TextFile) -> Option<Finding> {
    let folder = file.path.strip_suffix("/mod.rs")?;
    Some(Finding::new(
        &file.path,
        "modules are not called `mod.rs` here",
        format!("move it to {folder}.rs"),
    ))
}

fn check_size(file: &TextFile) -> Option<Finding> {
    let lines = lines_before_tests(&file.text);
    (lines > CEILING && !is_test(&file.path)).then(|| {
        Finding::new(
            &file.path,
            format!("{lines} lines before its tests; {CEILING} are the ceiling"),
            format!(
                "split it along its ideas into files of {}/",
                file.path.trim_end_matches(".rs")
            ),
        )
    })
}

/// Tests may be as long as they must: files of a `tests` folder, and the tests of a module in a file of their own.
fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.split('/').any(|part| part == "tests")
}

/// Counts up to `#[cfg(test)] mod tests {`, which closes a file; other attributes may stand in between.
fn lines_before_tests(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines
        .iter()
        .enumerate()
        .find(|(index, line)| {
            line.starts_with("#[cfg(test)]")
                && lines[*index..]
                    .iter()
                    .map(|line| line.trim_start_matches("#[cfg(test)]").trim())
                    .find(|line| !line.is_empty() && !line.starts_with("#["))
                    .is_some_and(|line| line.starts_with("mod tests {"))
        })
        .map_or(lines.len(), |(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::lines;

    fn file(path: &str, code: usize, rest: &str) -> TextFile {
        TextFile::new(path, &("// code\n".repeat(code) + rest))
    }

    #[test]
    fn a_file_over_the_ceiling_is_found() {
        assert!(lines(&check(&[file("a/src/lib.rs", 400, "")])).is_empty());
        let findings = check(&[file("a/src/layer.rs", 401, "")]);
        assert_eq!(
            lines(&findings),
            ["a/src/layer.rs: 401 lines before its tests; 400 are the ceiling"]
        );
        assert!(findings[0].remedy.contains("a/src/layer/"));
    }

    #[test]
    fn tests_at_the_end_do_not_count() {
        let tests = "#[cfg(test)]\nmod tests {\n".to_owned() + &"// test\n".repeat(500);
        assert!(lines(&check(&[file("a/src/lib.rs", 400, &tests)])).is_empty());
        let excepted = tests.replace("mod", "#[expect(lint, reason = \"..\")]\nmod");
        assert!(lines(&check(&[file("a/src/lib.rs", 400, &excepted)])).is_empty());
    }

    #[test]
    fn other_code_for_tests_counts() {
        let helper = "#[cfg(test)]\nimpl Made {}\n";
        assert_eq!(check(&[file("a/src/lib.rs", 400, helper)]).len(), 1);
        let elsewhere = "#[cfg(test)]\nmod tests;\n";
        assert_eq!(check(&[file("a/src/lib.rs", 400, elsewhere)]).len(), 1);
    }

    #[test]
    fn files_of_tests_are_free() {
        let files = [
            file("a/src/layer/tests.rs", 900, ""),
            file("a/tests/it/main.rs", 900, ""),
            file("a/README.md", 900, ""),
        ];
        assert!(lines(&check(&files)).is_empty());
    }

    #[test]
    fn a_mod_rs_is_found() {
        let findings = check(&[file("a/tests/it/mod.rs", 1, "")]);
        assert_eq!(
            lines(&findings),
            ["a/tests/it/mod.rs: modules are not called `mod.rs` here"]
        );
        assert_eq!(findings[0].remedy, "move it to a/tests/it.rs");
    }
}
