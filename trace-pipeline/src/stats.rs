//! The ledger: what became of every span.

use std::ops::Sub;
use std::time::Duration;

/// What a [`Pipeline`](crate::Pipeline) has done with the spans it was given, since it was built.
///
/// At any moment nothing is missing, also while other threads end spans:
///
/// ```
/// # use trace_pipeline::PipelineStats;
/// # fn check(stats: &PipelineStats) {
/// assert_eq!(
///     stats.submitted + stats.recovered,
///     stats.exported + stats.not_sampled + stats.dropped.total() + stats.spooled + stats.in_flight
/// );
/// # }
/// # check(&PipelineStats::default());
/// ```
///
/// In flight is what was handed over and is not settled. At rest that is what the queue holds, and the exporter:
/// [`queued`](Self::queued) and [`exporting`](Self::exporting), which are counted apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PipelineStats {
    /// Spans that began to record. Those that have not ended yet are not in [`submitted`](Self::submitted).
    pub started: u64,
    /// Spans that were not even recorded, because a sampler did not want them, or because a budget or a tail had no time for them. They are in no other number. Of
    /// what [`Span::child`](tracing_core_ctx::Span::child) would have started below them nobody knows.
    pub not_recorded: u64,
    /// Spans that ended and were handed over.
    pub submitted: u64,
    /// Spans that the exporter delivered.
    pub exported: u64,
    /// Spans that recorded for this process alone: their sampled flag was off.
    pub not_sampled: u64,
    /// Spans that were lost, by reason.
    pub dropped: Dropped,
    /// Spans in memory, on their way.
    pub in_flight: u64,
    /// Bytes of memory that the spans in flight hold, roughly.
    pub in_flight_bytes: u64,
    /// Spans in the queue, or waiting in the [tail](crate::sampling::Tail) for the end of their local trace.
    pub queued: u64,
    /// Spans in the hands of the exporter.
    pub exporting: u64,
    /// Spans in the spool on disk, which outlive this process.
    pub spooled: u64,
    /// Spans that an earlier process left in the spool.
    pub recovered: u64,
    /// Bytes of the files of the spool.
    pub spool_bytes: u64,
    /// Errors of the disk that the spool is on.
    pub spool_errors: u64,
    /// Segments of the spool with an end that could not be read, such as a process leaves that is killed while it
    /// writes.
    pub spool_cut: u64,
    /// Batches that the exporter is done with.
    pub exports: u64,
    /// Of these, the ones of which something was lost or put off.
    pub export_errors: u64,
    /// Requests that the exporter repeated.
    pub retries: u64,
    /// Time that these batches took, waiting for the back end included; exports at the same time add up.
    pub export_time: Duration,
}

impl PipelineStats {
    /// Spans that record and have not ended yet.
    #[must_use]
    pub const fn open(&self) -> u64 {
        self.started.saturating_sub(self.submitted)
    }

    /// Whether every span is accounted for: always.
    #[must_use]
    pub const fn is_balanced(&self) -> bool {
        self.submitted + self.recovered == self.settled() + self.in_flight
    }

    pub(crate) const fn settled(&self) -> u64 {
        self.exported + self.not_sampled + self.dropped.total() + self.spooled
    }
}

/// Spans that were lost, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dropped {
    /// They ended after the pipeline was shut down.
    pub after_shutdown: u64,
    /// The back end could not be reached or refused the batch.
    pub export_failed: u64,
    /// The exporter panicked over the batch.
    pub exporter_panicked: u64,
    /// There is no exporter: `OTEL_TRACES_EXPORTER=none`.
    pub no_exporter: u64,
    /// The queue held its maximum of bytes.
    pub queue_bytes: u64,
    /// The queue held its maximum of spans.
    pub queue_full: u64,
    /// The back end took the batch but not these spans of it.
    pub rejected: u64,
    /// They were still waiting when the time for the shutdown was over.
    pub shutdown: u64,
    /// They were in a part of the spool that can not be read any more.
    pub spool_damaged: u64,
    /// They were in the spool for too long.
    pub spool_expired: u64,
    /// The spool held its maximum of bytes.
    pub spool_full: u64,
    /// The back end did not answer in time.
    pub timed_out: u64,
    /// The batch was larger than a request may be.
    pub too_large: u64,
}

impl Dropped {
    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.after_shutdown
            + self.export_failed
            + self.exporter_panicked
            + self.no_exporter
            + self.queue_bytes
            + self.queue_full
            + self.rejected
            + self.shutdown
            + self.spool_damaged
            + self.spool_expired
            + self.spool_full
            + self.timed_out
            + self.too_large
    }

    /// The reasons by name, with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        [
            ("after_shutdown", self.after_shutdown),
            ("export_failed", self.export_failed),
            ("exporter_panicked", self.exporter_panicked),
            ("no_exporter", self.no_exporter),
            ("queue_bytes", self.queue_bytes),
            ("queue_full", self.queue_full),
            ("rejected", self.rejected),
            ("shutdown", self.shutdown),
            ("spool_damaged", self.spool_damaged),
            ("spool_expired", self.spool_expired),
            ("spool_full", self.spool_full),
            ("timed_out", self.timed_out),
            ("too_large", self.too_large),
        ]
        .into_iter()
    }
}

/// What was lost between two moments.
impl Sub for Dropped {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            after_shutdown: self.after_shutdown.saturating_sub(earlier.after_shutdown),
            export_failed: self.export_failed.saturating_sub(earlier.export_failed),
            exporter_panicked: self
                .exporter_panicked
                .saturating_sub(earlier.exporter_panicked),
            no_exporter: self.no_exporter.saturating_sub(earlier.no_exporter),
            queue_bytes: self.queue_bytes.saturating_sub(earlier.queue_bytes),
            queue_full: self.queue_full.saturating_sub(earlier.queue_full),
            rejected: self.rejected.saturating_sub(earlier.rejected),
            shutdown: self.shutdown.saturating_sub(earlier.shutdown),
            spool_damaged: self.spool_damaged.saturating_sub(earlier.spool_damaged),
            spool_expired: self.spool_expired.saturating_sub(earlier.spool_expired),
            spool_full: self.spool_full.saturating_sub(earlier.spool_full),
            timed_out: self.timed_out.saturating_sub(earlier.timed_out),
            too_large: self.too_large.saturating_sub(earlier.too_large),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_the_sum_of_the_named_reasons() {
        let dropped = Dropped {
            after_shutdown: 1,
            export_failed: 2,
            exporter_panicked: 4,
            no_exporter: 8,
            queue_bytes: 16,
            queue_full: 32,
            rejected: 64,
            shutdown: 128,
            spool_damaged: 256,
            spool_expired: 512,
            spool_full: 1024,
            timed_out: 2048,
            too_large: 4096,
        };
        assert_eq!(dropped.total(), 8191);
        assert_eq!(dropped.iter().map(|(_, count)| count).sum::<u64>(), 8191);
        assert_eq!((dropped - dropped).total(), 0);
        assert_eq!(dropped - Dropped::default(), dropped);
    }
}
