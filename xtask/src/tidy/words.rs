//! Words that only make sense on one machine.

use super::Finding;
use crate::workspace::TextFile;

/// What must not be in a file of the repository, and what to write in its place.
///
/// Each word is put together from two halves, so that this file does not break its own rule.
const FORBIDDEN: &[(&str, &str)] = &[
    (concat!("/ro", "ot/"), OWN_PATH),
    (concat!("/wo", "rk/"), OWN_PATH),
    (concat!("/tmp/ba", "sh"), OWN_PATH),
    (concat!("../sha", "red"), SELF_CONTAINED),
    (concat!("shared/des", "ign"), SELF_CONTAINED),
    (concat!("shared/refe", "rence"), SELF_CONTAINED),
    (concat!("deb.deb", "ian.org"), NO_HOST),
    (concat!("files.python", "hosted.org"), NO_HOST),
    (concat!("index.cra", "tes.io"), NO_HOST),
    (concat!("proxy.gol", "ang.org"), NO_HOST),
    (concat!("py", "pi.org"), NO_HOST),
    (concat!("registry.np", "mjs.org"), NO_HOST),
    (concat!("static.cra", "tes.io"), NO_HOST),
];

const OWN_PATH: &str = "name the file from the root of the repository, or use a temporary folder";
const SELF_CONTAINED: &str = "say it here, or cite the public source";
const NO_HOST: &str = "name the package, and let its client find the registry";

/// No text file has a word of [`FORBIDDEN`].
pub(super) fn check(files: &[TextFile]) -> Vec<Finding> {
    files.iter().flat_map(check_file).collect()
}

fn check_file(file: &TextFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in (1..).zip(file.text.lines()) {
        for (word, remedy) in FORBIDDEN {
            if line.contains(word) {
                findings.push(Finding::new(
                    format!("{}:{number}", file.path),
                    format!("`{word}` says nothing to others"),
                    *remedy,
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::lines;

    #[test]
    fn each_forbidden_word_is_found_with_its_line() {
        for (word, remedy) in FORBIDDEN {
            let findings = check(&[TextFile::new("docs/a.md", &format!("# A\n\nsee {word}x\n"))]);
            assert_eq!(
                lines(&findings),
                [format!("docs/a.md:3: `{word}` says nothing to others")]
            );
            assert_eq!(findings[0].remedy, *remedy);
        }
    }

    #[test]
    fn this_file_keeps_its_own_rule() {
        let file = TextFile::new("xtask/src/tidy/words.rs", include_str!("words.rs"));
        assert!(lines(&check(&[file])).is_empty());
    }

    #[test]
    fn the_lock_file_and_ordinary_paths_are_fine() {
        let text = "source = \"registry+https://github.com/rust-lang/crates.io-index\"\n\
                    https://docs.rs/framework/latest\n/users/{id}\n";
        assert!(lines(&check(&[TextFile::new("Cargo.lock", text)])).is_empty());
    }
}
