//! The ledger: what became of every span.

use std::ops::Sub;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What a [`Pipeline`](crate::Pipeline) has done with the spans it was given, since it was built.
///
/// When the pipeline is at rest, nothing is missing:
///
/// ```
/// # use trace_pipeline::PipelineStats;
/// # fn check(stats: &PipelineStats) {
/// assert_eq!(
///     stats.submitted,
///     stats.exported + stats.not_sampled + stats.dropped.total() + stats.in_flight
/// );
/// # }
/// # check(&PipelineStats::default());
/// ```
///
/// While other threads end spans, the single numbers are read one after the other and may differ by what happens
/// meanwhile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PipelineStats {
    /// Spans that began to record. Those that have not ended yet are not in [`submitted`](Self::submitted).
    pub started: u64,
    /// Spans that ended and were handed over.
    pub submitted: u64,
    /// Spans that the exporter delivered.
    pub exported: u64,
    /// Spans that recorded for this process alone: their sampled flag was off.
    pub not_sampled: u64,
    /// Spans that were lost, by reason.
    pub dropped: Dropped,
    /// Spans in the queue or in the hands of the exporter.
    pub in_flight: u64,
    /// Bytes of memory that the spans in flight hold, roughly.
    pub in_flight_bytes: u64,
    /// Batches handed to the exporter.
    pub exports: u64,
    /// Requests that the exporter repeated.
    pub retries: u64,
    /// Time spent in the exporter, waiting for the back end included.
    pub export_time: Duration,
}

impl PipelineStats {
    /// Spans that record and have not ended yet.
    #[must_use]
    pub const fn open(&self) -> u64 {
        self.started.saturating_sub(self.submitted)
    }

    /// Whether every span is accounted for. True whenever the pipeline is at rest.
    #[must_use]
    pub const fn is_balanced(&self) -> bool {
        self.submitted == self.exported + self.not_sampled + self.dropped.total() + self.in_flight
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
            timed_out: self.timed_out.saturating_sub(earlier.timed_out),
            too_large: self.too_large.saturating_sub(earlier.too_large),
        }
    }
}

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: usize) {
        self.0.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The counters behind [`PipelineStats`]. What request threads write and what the pipeline's thread writes lie on
/// different cache lines.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) requests: RequestCounters,
    pub(crate) exports: ExportCounters,
}

/// Written by threads that start and end spans.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct RequestCounters {
    pub(crate) started: Counter,
    pub(crate) submitted: Counter,
    pub(crate) not_sampled: Counter,
    pub(crate) after_shutdown: Counter,
    pub(crate) no_exporter: Counter,
    pub(crate) queue_bytes: Counter,
    pub(crate) queue_full: Counter,
}

/// Written by the pipeline's thread.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct ExportCounters {
    /// Spans in the hands of the exporter: the one number that also falls.
    pub(crate) exporting: AtomicU64,
    pub(crate) exported: Counter,
    pub(crate) export_failed: Counter,
    pub(crate) exporter_panicked: Counter,
    pub(crate) rejected: Counter,
    pub(crate) shutdown: Counter,
    pub(crate) timed_out: Counter,
    pub(crate) too_large: Counter,
    pub(crate) exports: Counter,
    pub(crate) retries: Counter,
    pub(crate) export_micros: AtomicU64,
}

impl ExportCounters {
    pub(crate) fn exporting(&self) -> u64 {
        self.exporting.load(Ordering::Relaxed)
    }

    pub(crate) fn took(&self, spent: Duration) {
        let micros = u64::try_from(spent.as_micros()).unwrap_or(u64::MAX);
        self.export_micros.fetch_add(micros, Ordering::Relaxed);
    }
}

impl Counters {
    pub(crate) fn dropped(&self) -> Dropped {
        Dropped {
            after_shutdown: self.requests.after_shutdown.get(),
            export_failed: self.exports.export_failed.get(),
            exporter_panicked: self.exports.exporter_panicked.get(),
            no_exporter: self.requests.no_exporter.get(),
            queue_bytes: self.requests.queue_bytes.get(),
            queue_full: self.requests.queue_full.get(),
            rejected: self.exports.rejected.get(),
            shutdown: self.exports.shutdown.get(),
            timed_out: self.exports.timed_out.get(),
            too_large: self.exports.too_large.get(),
        }
    }

    /// The numbers as they are now; what the queue holds is the queue's to say.
    pub(crate) fn stats(&self, queued: usize, bytes: usize) -> PipelineStats {
        PipelineStats {
            started: self.requests.started.get(),
            submitted: self.requests.submitted.get(),
            exported: self.exports.exported.get(),
            not_sampled: self.requests.not_sampled.get(),
            dropped: self.dropped(),
            in_flight: queued as u64 + self.exports.exporting(),
            in_flight_bytes: bytes as u64,
            exports: self.exports.exports.get(),
            retries: self.exports.retries.get(),
            export_time: Duration::from_micros(self.exports.export_micros.load(Ordering::Relaxed)),
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
            timed_out: 256,
            too_large: 512,
        };
        assert_eq!(dropped.total(), 1023);
        assert_eq!(dropped.iter().map(|(_, count)| count).sum::<u64>(), 1023);
        assert_eq!((dropped - dropped).total(), 0);
        assert_eq!(dropped - Dropped::default(), dropped);
    }
}
