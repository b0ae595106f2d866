//! A file that is looked at again and again.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tracing_core_ctx::diagnostics::{self, Level};

use super::RulesFile;
use crate::sampling::CurrentRules;
use crate::sampling::current::follow;
use crate::shared::Shared;

/// Looks at the file, on a thread that ends with the pipeline.
pub(crate) struct Watch {
    pub(crate) path: PathBuf,
    /// What was read last, good or bad: the same is not told twice.
    pub(crate) text: Option<String>,
    pub(crate) rules: Arc<CurrentRules>,
    pub(crate) every: Duration,
}

impl Watch {
    pub(crate) fn spawn(mut self, shared: &Arc<Shared>) -> io::Result<()> {
        follow(shared, self.every, move |shared| self.look(&shared))
    }

    /// Reads the file, and follows it if it says something new. What is wrong with it is reported, and the last good one stays.
    pub(crate) fn look(&mut self, shared: &Shared) {
        let path = self.path.display();
        let text = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) => {
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
            return;
        }
        match RulesFile::parse(&text) {
            Ok(file) => {
                self.rules.set(file.rules);
                let has_tail = file.tail.is_some();
                match (&shared.tail, file.tail) {
                    (Some(inlet), tail) => inlet.set_rules(Arc::new(tail.unwrap_or_default())),
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
