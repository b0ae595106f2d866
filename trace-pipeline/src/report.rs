//! Tells the operator when spans begin to be lost and when that is over, not for each of them.

use std::fmt;
use std::time::{Duration, Instant};

use tracing_core_ctx::diagnostics::{self, Level};

use crate::exporter::ExportError;
use crate::stats::{Counters, Dropped};

/// Between two reports of one trouble.
const QUIET: Duration = Duration::from_secs(60);

/// Looks at the counters after each batch, on the pipeline's thread.
#[derive(Debug, Default)]
pub(crate) struct Reporter {
    last: Option<Instant>,
    failing: bool,
    told: Dropped,
}

impl Reporter {
    pub(crate) fn exported(
        &mut self,
        outcome: &Result<Result<(), ExportError>, ()>,
        counters: &Counters,
    ) {
        let dropped = counters.dropped();
        match outcome {
            Ok(Ok(())) => {
                if std::mem::take(&mut self.failing) {
                    self.last = None;
                    diagnostics::report(Level::Info, format_args!("spans are delivered again"));
                }
                if dropped.total() > self.told.total() {
                    self.tell(&"spans end faster than they can be delivered", dropped);
                }
            }
            Ok(Err(error)) => {
                self.failing = !matches!(error, ExportError::Rejected { .. });
                self.tell(error, dropped);
            }
            Err(()) => {
                self.failing = true;
                self.tell(&"the exporter panicked", dropped);
            }
        }
    }

    /// Tells what was not told yet.
    pub(crate) fn finished(&mut self, counters: &Counters) {
        let dropped = counters.dropped();
        if dropped.total() > self.told.total() {
            self.last = None;
            self.tell(&"the pipeline is shut down", dropped);
        }
    }

    fn tell(&mut self, reason: &dyn fmt::Display, dropped: Dropped) {
        if self.last.is_some_and(|last| last.elapsed() < QUIET) {
            return;
        }
        self.last = Some(Instant::now());
        let lost = dropped - self.told;
        self.told = dropped;
        diagnostics::report(
            Level::Warn,
            format_args!("{reason}; spans lost: {}", Reasons(lost)),
        );
    }
}

/// The reasons that have a count.
pub(crate) struct Reasons(pub(crate) Dropped);

impl fmt::Display for Reasons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (reason, count) in self.0.iter().filter(|(_, count)| *count > 0) {
            write!(f, "{separator}{count} {reason}")?;
            separator = ", ";
        }
        if separator.is_empty() {
            f.write_str("none")?;
        }
        Ok(())
    }
}
