//! Tells the operator when spans begin to be lost and when that is over, not for each of them.

use std::fmt;

use tracing_core_ctx::diagnostics::Level;

use crate::budget::Throttle;
use crate::counters::{Counters, Done};
use crate::exporter::ExportError;
use crate::quiet::Quiet;
use crate::stats::Dropped;

/// What became of a batch; the last is a panic.
pub(crate) type Outcome = Result<Result<(), ExportError>, ()>;

/// Looks at the counters after each batch, on the pipeline's thread.
#[derive(Debug, Default)]
pub(crate) struct Reporter {
    quiet: Quiet,
    /// It was told that exports fail, and not yet that they do no longer.
    failing: bool,
    told: Dropped,
    throttled: bool,
}

/// Hears what there is to tell.
pub(crate) type Say<'a> = dyn FnMut(Level, fmt::Arguments<'_>) + 'a;

impl Reporter {
    pub(crate) fn settled(&mut self, done: &Done, counters: &Counters, say: &mut Say<'_>) {
        match done {
            Done::Exported { outcome, .. } => self.exported(outcome, counters, say),
            #[cfg(feature = "otlp")]
            Done::PutOff { error, .. } => {
                let error = format!("{error}; spans wait in the spool");
                self.failing |= self.tell(&error, counters.dropped(), say);
            }
            #[cfg(feature = "otlp")]
            Done::SpoolLost { .. } => {
                self.tell(&"spans in the spool are lost", counters.dropped(), say);
            }
            #[cfg(feature = "otlp")]
            Done::Spooled { .. } | Done::Recovered { .. } => {}
        }
    }

    pub(crate) fn exported(&mut self, outcome: &Outcome, counters: &Counters, say: &mut Say<'_>) {
        let dropped = counters.dropped();
        match outcome {
            Ok(Ok(())) => {
                if std::mem::take(&mut self.failing) {
                    say(Level::Info, format_args!("spans are delivered again"));
                }
                self.refused(&"spans end faster than they can be delivered", dropped, say);
            }
            Ok(Err(error)) => {
                let told = self.tell(error, dropped, say);
                self.failing |= told && !matches!(error, ExportError::Rejected { .. });
            }
            Err(()) => self.failing |= self.tell(&"the exporter panicked", dropped, say),
        }
    }

    /// There was nothing to send for a while.
    pub(crate) fn idle(&mut self, counters: &Counters, say: &mut Say<'_>) {
        self.refused(&"spans find no room", counters.dropped(), say);
    }

    fn refused(&mut self, reason: &dyn fmt::Display, dropped: Dropped, say: &mut Say<'_>) {
        let refused = |dropped: Dropped| dropped.queue_full + dropped.queue_bytes;
        if refused(dropped) > refused(self.told) {
            self.tell(reason, dropped, say);
        }
    }

    /// Tells that less is kept because of the budget, and when that is over.
    pub(crate) fn throttled(&mut self, before: u64, throttle: &Throttle, say: &mut Say<'_>) {
        let now = throttle.threshold();
        if now > 0 && before == 0 && !self.throttled {
            self.throttled = true;
            let used = 100.0 * throttle.cpu();
            let text = "tracing would exceed its budget: fewer traces are kept";
            say(
                Level::Warn,
                format_args!("{text} (its threads use {used:.1} % of a core)"),
            );
        } else if now == 0 && self.throttled {
            self.throttled = false;
            say(
                Level::Info,
                format_args!("tracing is within its budget again"),
            );
        }
    }

    /// Tells what was not told yet.
    pub(crate) fn finished(&mut self, counters: &Counters, say: &mut Say<'_>) {
        let dropped = counters.dropped();
        if dropped.total() > self.told.total() {
            self.quiet.end();
            self.tell(&"the pipeline is shut down", dropped, say);
        }
    }

    fn tell(&mut self, reason: &dyn fmt::Display, dropped: Dropped, say: &mut Say<'_>) -> bool {
        if !self.quiet.may_tell() {
            return false;
        }
        let lost = dropped - self.told;
        self.told = dropped;
        say(
            Level::Warn,
            format_args!("{reason}; spans lost: {}", Reasons(lost)),
        );
        true
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

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Told {
        reporter: Reporter,
        counters: Counters,
        lines: Vec<(Level, String)>,
    }

    impl Told {
        fn exported(&mut self, outcome: Outcome) {
            let lines = &mut self.lines;
            let mut say = |level, line: fmt::Arguments<'_>| lines.push((level, line.to_string()));
            self.reporter.exported(&outcome, &self.counters, &mut say);
        }

        fn take(&mut self) -> Vec<(Level, String)> {
            std::mem::take(&mut self.lines)
        }
    }

    fn warning(text: &str) -> Vec<(Level, String)> {
        vec![(Level::Warn, text.to_owned())]
    }

    #[test]
    fn the_first_failure_is_told_and_the_next_ones_are_not() {
        let mut told = Told::default();
        for _ in 0..3 {
            told.counters.exports.export_failed.add(5);
            told.exported(Ok(Err(ExportError::failed("no route"))));
        }
        assert_eq!(
            told.take(),
            warning("no route; spans lost: 5 export_failed")
        );

        // When it is over, that is told, and the rest at the end.
        told.exported(Ok(Ok(())));
        told.exported(Ok(Ok(())));
        assert_eq!(
            told.take(),
            [(Level::Info, "spans are delivered again".to_owned())]
        );
        let lines = &mut told.lines;
        let mut say = |level, line: fmt::Arguments<'_>| lines.push((level, line.to_string()));
        told.reporter.finished(&told.counters, &mut say);
        told.reporter.finished(&told.counters, &mut say);
        assert_eq!(
            told.take(),
            warning("the pipeline is shut down; spans lost: 10 export_failed")
        );
    }

    #[test]
    fn a_full_queue_is_told_although_exports_succeed() {
        let mut told = Told::default();
        told.exported(Ok(Ok(())));
        assert_eq!(told.take(), []);
        told.counters.requests.queue_full.add(7);
        told.counters.requests.queue_bytes.add(1);
        told.exported(Ok(Ok(())));
        let text =
            "spans end faster than they can be delivered; spans lost: 1 queue_bytes, 7 queue_full";
        assert_eq!(told.take(), warning(text));
    }

    #[test]
    fn a_panic_is_told() {
        let mut told = Told::default();
        told.counters.exports.exporter_panicked.add(2);
        told.exported(Err(()));
        assert_eq!(
            told.take(),
            warning("the exporter panicked; spans lost: 2 exporter_panicked")
        );
    }
}
