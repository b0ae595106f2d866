//! A file that is looked at again and again.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tracing_core_ctx::diagnostics::{self, Level};

use super::RulesFile;
use crate::sampling::current::follow;
use crate::sampling::{CurrentRules, Tail};
use crate::shared::Shared;

/// Looks at the file, on a thread that ends with the pipeline.
pub(crate) struct Watch {
    pub(crate) path: PathBuf,
    /// What was followed or refused last: the same is not told twice.
    pub(crate) text: Option<String>,
    /// What was read last, if that was something else: it may have been half written.
    pub(crate) seen: Option<String>,
    /// The tail that is followed.
    pub(crate) tail: Option<Tail>,
    pub(crate) rules: Arc<CurrentRules>,
    pub(crate) every: Duration,
}

impl Watch {
    pub(crate) fn spawn(mut self, shared: &Arc<Shared>) -> io::Result<()> {
        follow(shared, self.every, move |shared| self.look(&shared))
    }

    /// Reads the file, and follows it if it says something new, and has said so the last time too. What is wrong with it is reported, and the last good one
    /// stays.
    pub(crate) fn look(&mut self, shared: &Shared) {
        let path = self.path.display();
        let text = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) => {
                self.seen = None;
                // Not told again before it was readable in between.
                if self.text.take().is_some() {
                    diagnostics::report(
                        Level::Error,
                        format_args!("{path}: {error}; the last sampling rules stay"),
                    );
                }
                return;
            }
        };
        if self.text.as_ref() == Some(&text) {
            self.seen = None;
            return;
        }
        if self.seen.as_ref() != Some(&text) {
            self.seen = Some(text);
            return;
        }
        self.seen = None;
        match RulesFile::parse(&text) {
            Ok(file) => {
                self.rules.set(file.rules);
                let has_tail = file.tail.is_some();
                match (&shared.tail, file.tail) {
                    (Some(_), tail) if tail == self.tail => {}
                    (Some(inlet), tail) => {
                        self.tail.clone_from(&tail);
                        inlet.set_rules(Arc::new(tail.unwrap_or_default()));
                    }
                    (None, None) => {}
                    (None, Some(_)) => diagnostics::report(
                        Level::Warn,
                        format_args!("{path}: `tail` is new and counts from the next start on"),
                    ),
                }
                let tail = if has_tail { " and tail" } else { "" };
                diagnostics::report(
                    Level::Info,
                    format_args!("{path}: new sampling rules{tail}"),
                );
            }
            Err(error) => diagnostics::report(
                Level::Error,
                format_args!("{path}: {error}; the last sampling rules stay"),
            ),
        }
        self.text = Some(text);
    }
}

#[cfg(test)]
mod tests {
    use tracing_core_ctx::Sampler as _;

    use super::*;
    use crate::queue::Bounds;
    use crate::shared::Mode;

    const ONE: &str = "otherwise = 0.0\n[[rule]]\nname = \"a\"\nkeep = 1\n";
    const TWO: &str = "[[rule]]\nname = \"b\"\nkeep = 1\n";

    /// A file that says one thing after the other; gives how many rules are followed after each look.
    fn followed(name: &str, texts: &[&str]) -> Vec<String> {
        let name = format!("trace-pipeline-{}-{name}.toml", std::process::id());
        let path = std::env::temp_dir().join(name);
        let mut watch = Watch {
            path: path.clone(),
            text: Some(ONE.to_owned()),
            seen: None,
            tail: None,
            rules: Arc::new(CurrentRules::new(RulesFile::parse(ONE).unwrap().rules)),
            every: Duration::ZERO,
        };
        let shared = Shared::new(Mode::Export, Bounds::default());
        let looks = texts.iter().map(|text| {
            std::fs::write(&path, text).unwrap();
            watch.look(&shared);
            watch.rules.description().into_owned()
        });
        let followed = looks.collect();
        let _ = std::fs::remove_file(path);
        followed
    }

    #[test]
    fn a_text_is_followed_when_two_looks_in_a_row_have_read_it() {
        let whole = [ONE, TWO].concat();
        assert_eq!(
            followed("half", &[ONE, &whole[..20], &whole[..40], &whole, &whole]),
            ["Rules{1}", "Rules{1}", "Rules{1}", "Rules{1}", "Rules{2}"]
        );
    }

    #[test]
    fn a_file_that_is_empty_for_a_while_changes_nothing() {
        let texts = [ONE, "", "", "", "# nothing yet\n", "# nothing yet\n", ONE];
        assert_eq!(followed("empty", &texts), ["Rules{1}"; 7]);
    }
}
