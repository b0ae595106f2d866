//! The counters behind [`PipelineStats`].

mod tally;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::thread;
use std::time::Duration;

use crate::exporter::ExportError;
use crate::metrics::Histogram;
use crate::report::Outcome;
use crate::stats::{Dropped, PipelineStats};
use tally::Tallies;

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// Whoever sees it sees all that this thread has counted before.
    pub(crate) fn add(&self, count: usize) {
        self.0.fetch_add(count as u64, Ordering::Release);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

/// A number that also falls.
#[derive(Debug, Default)]
pub(crate) struct Gauge(AtomicU64);

impl Gauge {
    pub(crate) fn add(&self, count: usize) {
        self.0.fetch_add(count as u64, Ordering::Release);
    }

    pub(crate) fn sub(&self, count: usize) {
        self.0.fetch_sub(count as u64, Ordering::Release);
    }

    pub(crate) fn take(&self) -> usize {
        usize::try_from(self.0.swap(0, Ordering::AcqRel)).unwrap_or(usize::MAX)
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

/// What request threads write and what the pipeline's thread writes lie on different cache lines.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) requests: RequestCounters,
    pub(crate) exports: ExportCounters,
}

/// Written by threads that start and end spans.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct RequestCounters {
    /// What each span adds to, and no thread shares.
    tallies: Arc<Tallies>,
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
    /// Odd while the pipeline's thread changes several numbers that belong together.
    version: AtomicU64,
    /// Spans in the hands of the exporter.
    pub(crate) exporting: Gauge,
    /// Bytes of the requests that are being sent.
    pub(crate) exporting_bytes: Gauge,
    spooled: Gauge,
    recovered: Counter,
    exported: Counter,
    pub(crate) export_failed: Counter,
    pub(crate) exporter_panicked: Counter,
    rejected: Counter,
    pub(crate) shutdown: Counter,
    spool_damaged: Counter,
    spool_expired: Counter,
    spool_full: Counter,
    timed_out: Counter,
    too_large: Counter,
    exports: Counter,
    export_errors: Counter,
    pub(crate) retries: Counter,
    /// Bytes of the files of the spool.
    pub(crate) spool_bytes: AtomicU64,
    /// How many they may be; 0 as long as there is no spool.
    pub(crate) spool_room: AtomicU64,
    pub(crate) spool_errors: Counter,
    pub(crate) spool_cut: Counter,
    pub(crate) durations: Histogram,
}

impl RequestCounters {
    /// A span records.
    pub(crate) fn started(&self) {
        self.tallies.add_started();
    }

    /// A span does not record, since a sampler says so.
    pub(crate) fn not_recorded(&self) {
        self.tallies.add_not_recorded();
    }

    /// A span was handed over. Whoever sees what becomes of it sees this too.
    pub(crate) fn submitted(&self) {
        self.tallies.add_submitted();
    }
}

/// What became of spans in the hands of the exporter.
#[derive(Debug)]
pub(crate) enum Done {
    /// A batch is settled.
    Exported {
        spans: usize,
        outcome: Outcome,
        took: Duration,
        /// It lay in the spool.
        #[cfg(feature = "otlp")]
        spooled: bool,
    },
    /// Spans lie in the spool, and not in memory any more.
    #[cfg(feature = "otlp")]
    Spooled { spans: usize },
    /// Spans were found in the spool that this process did not write.
    #[cfg(feature = "otlp")]
    Recovered { spans: usize },
    /// A batch of the spool could not be delivered; it stays there.
    #[cfg(feature = "otlp")]
    PutOff { error: ExportError, took: Duration },
    /// Spans in the spool are lost.
    #[cfg(feature = "otlp")]
    SpoolLost { spans: usize, why: SpoolLoss },
}

/// Why spans in the spool were lost.
#[cfg(feature = "otlp")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SpoolLoss {
    Damaged,
    Expired,
    Full,
}

impl ExportCounters {
    /// How full the spool is, 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "a part of the whole")]
    pub(crate) fn spool_pressure(&self) -> f64 {
        let room = self.spool_room.load(Ordering::Relaxed);
        self.spool_bytes.load(Ordering::Relaxed) as f64 / room.max(1) as f64
    }

    /// Counts. Called by the pipeline's thread alone.
    pub(crate) fn settle(&self, done: &Done) {
        self.version.fetch_add(1, Ordering::AcqRel);
        match done {
            Done::Exported {
                spans,
                outcome,
                took,
                #[cfg(feature = "otlp")]
                spooled,
            } => {
                #[cfg(feature = "otlp")]
                let from = if *spooled {
                    &self.spooled
                } else {
                    &self.exporting
                };
                #[cfg(not(feature = "otlp"))]
                let from = &self.exporting;
                from.sub(*spans);
                self.count(*spans, outcome);
                self.took(*took);
            }
            #[cfg(feature = "otlp")]
            Done::Spooled { spans } => {
                self.exporting.sub(*spans);
                self.spooled.add(*spans);
            }
            #[cfg(feature = "otlp")]
            Done::Recovered { spans } => {
                self.recovered.add(*spans);
                self.spooled.add(*spans);
            }
            #[cfg(feature = "otlp")]
            Done::PutOff { took, .. } => {
                self.export_errors.add(1);
                self.took(*took);
            }
            #[cfg(feature = "otlp")]
            Done::SpoolLost { spans, why } => {
                self.spooled.sub(*spans);
                let reason = match why {
                    SpoolLoss::Damaged => &self.spool_damaged,
                    SpoolLoss::Expired => &self.spool_expired,
                    SpoolLoss::Full => &self.spool_full,
                };
                reason.add(*spans);
            }
        }
        self.version.fetch_add(1, Ordering::AcqRel);
    }

    fn count(&self, spans: usize, outcome: &Outcome) {
        if !matches!(outcome, Ok(Ok(()))) {
            self.export_errors.add(1);
        }
        match outcome {
            Ok(Ok(())) => self.exported.add(spans),
            Ok(Err(error)) => {
                let lost = error.lost(spans);
                self.exported.add(spans - lost);
                match error {
                    ExportError::Failed { .. } => self.export_failed.add(lost),
                    ExportError::Rejected { .. } => self.rejected.add(lost),
                    ExportError::TimedOut { .. } => self.timed_out.add(lost),
                    ExportError::TooLarge { .. } => self.too_large.add(lost),
                }
            }
            Err(()) => self.exporter_panicked.add(spans),
        }
    }

    fn took(&self, spent: Duration) {
        self.exports.add(1);
        self.durations.record(spent.as_secs_f64());
    }

    /// Reads numbers that belong together.
    fn consistent<T>(&self, read: impl Fn() -> T) -> T {
        // The writer needs a few instructions, unless it is taken from its core: then it has to get one. Nobody waits forever.
        const QUICK: usize = 100;
        const TRIES: usize = 1000;
        const PAUSE: Duration = Duration::from_micros(100);
        for tried in 0..TRIES {
            let before = self.version.load(Ordering::Acquire);
            let value = read();
            fence(Ordering::Acquire);
            if before.is_multiple_of(2) && before == self.version.load(Ordering::Acquire) {
                return value;
            }
            if tried < QUICK {
                thread::yield_now();
            } else {
                thread::park_timeout(PAUSE);
            }
        }
        read()
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
            spool_damaged: self.exports.spool_damaged.get(),
            spool_expired: self.exports.spool_expired.get(),
            spool_full: self.exports.spool_full.get(),
            timed_out: self.exports.timed_out.get(),
            too_large: self.exports.too_large.get(),
        }
    }

    /// The numbers as they are now; what the queue holds is the queue's to say, and how many spans the tail did not keep is the tail's.
    pub(crate) fn stats(
        &self,
        queued: usize,
        bytes: usize,
        not_kept: impl Fn() -> u64,
    ) -> PipelineStats {
        let exports = &self.exports;
        let mut stats = exports.consistent(|| PipelineStats {
            exported: exports.exported.get(),
            not_sampled: self.requests.not_sampled.get() + not_kept(),
            dropped: self.dropped(),
            queued: queued as u64,
            exporting: exports.exporting.get(),
            in_flight_bytes: bytes as u64 + exports.exporting_bytes.get(),
            spooled: exports.spooled.get(),
            recovered: exports.recovered.get(),
            exports: exports.exports.get(),
            export_errors: exports.export_errors.get(),
            retries: exports.retries.get(),
            spool_bytes: exports.spool_bytes.load(Ordering::Relaxed),
            spool_errors: exports.spool_errors.get(),
            spool_cut: exports.spool_cut.get(),
            export_time: Duration::try_from_secs_f64(exports.durations.snapshot().sum)
                .unwrap_or_default(),
            ..PipelineStats::default()
        });
        // After what became of them: a span that is settled above is handed over here, whatever happens meanwhile.
        (stats.submitted, stats.started) = self.requests.tallies.sums();
        stats.not_recorded = self.requests.tallies.not_recorded();
        stats.in_flight = (stats.submitted + stats.recovered).saturating_sub(stats.settled());
        stats
    }
}

#[cfg(test)]
mod tests;
