//! Tells the operator when something can not be sent and when that is over, not each time.

use std::fmt;

use tracing_core_ctx::diagnostics::Level;

use crate::exporter::ExportError;
use crate::quiet::Quiet;
use crate::report::Say;

/// Looks at each round, on its thread.
#[derive(Debug)]
pub(super) struct Report {
    what: &'static str,
    quiet: Quiet,
    /// It was told that rounds fail, and not yet that they do no longer.
    failing: bool,
    /// As much as was told to be lost.
    told: u64,
}

impl Report {
    pub(super) fn new(what: &'static str) -> Self {
        Self {
            what,
            quiet: Quiet::default(),
            failing: false,
            told: 0,
        }
    }

    /// How a round went, and how much was lost until now.
    pub(super) fn round(&mut self, error: Option<&ExportError>, lost: u64, say: &mut Say<'_>) {
        let what = self.what;
        if let Some(error) = error {
            let told = self.tell(format_args!("{what} could not be sent: {error}"), lost, say);
            self.failing |= told && !matches!(error, ExportError::Rejected { .. });
            return;
        }
        if std::mem::take(&mut self.failing) {
            say(Level::Info, format_args!("{what} are sent again"));
        }
        if lost > self.told {
            self.tell(
                format_args!("{what} come faster than they can be sent"),
                lost,
                say,
            );
        }
    }

    /// Tells what was not told yet.
    pub(super) fn finished(&mut self, lost: u64, say: &mut Say<'_>) {
        if lost > self.told {
            self.quiet.end();
            let what = self.what;
            self.tell(format_args!("{what} are shut down"), lost, say);
        }
    }

    fn tell(&mut self, text: fmt::Arguments<'_>, lost: u64, say: &mut Say<'_>) -> bool {
        if !self.quiet.may_tell() {
            return false;
        }
        match lost - self.told.min(lost) {
            0 => say(Level::Warn, text),
            more => say(Level::Warn, format_args!("{text}; lost: {more}")),
        }
        self.told = lost;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_told_within_a_minute_is_told_at_the_end() {
        let (mut report, mut lines) = (Report::new("logs"), Vec::new());
        let mut say = |_: Level, line: fmt::Arguments<'_>| lines.push(line.to_string());
        let error = ExportError::failed("no route");
        report.round(None, 0, &mut say);
        report.round(Some(&error), 5, &mut say);
        report.round(Some(&error), 10, &mut say);
        report.round(None, 10, &mut say);
        report.round(None, 12, &mut say);
        report.finished(12, &mut say);
        report.finished(12, &mut say);
        assert_eq!(
            lines,
            [
                "logs could not be sent: no route; lost: 5",
                "logs are sent again",
                "logs are shut down; lost: 7",
            ]
        );
    }

    #[test]
    fn a_full_queue_is_told_although_rounds_succeed() {
        let (mut report, mut lines) = (Report::new("logs"), Vec::new());
        let mut say = |_: Level, line: fmt::Arguments<'_>| lines.push(line.to_string());
        report.round(None, 3, &mut say);
        assert_eq!(lines, ["logs come faster than they can be sent; lost: 3"]);
    }
}
