//! The pipeline's thread: waits for a batch, hands it to the exporter, counts what became of it.

use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use tracing_core_ctx::{Context, Resource, SpanRecord, diagnostics};

use crate::control::Wish;
use crate::exporter::{Batch, ExportError, Exporter};
use crate::report::Reporter;
use crate::shared::Shared;

pub(crate) struct Worker {
    pub(crate) shared: Arc<Shared>,
    pub(crate) exporter: Box<dyn Exporter>,
    pub(crate) resource: Arc<Resource>,
    pub(crate) schedule_delay: Duration,
    pub(crate) export_timeout: Duration,
}

impl Worker {
    /// Starts the thread.
    pub(crate) fn spawn(self) -> io::Result<()> {
        let shared = Arc::clone(&self.shared);
        // What is longer than 15 bytes is cut by the operating system.
        let thread = thread::Builder::new()
            .name("trace-pipeline".into())
            .spawn(move || self.run())?;
        shared.set_worker(thread.thread().clone());
        Ok(())
    }

    fn run(self) {
        let stopped = Stopped(Arc::clone(&self.shared));
        // Whatever the exporter calls on this thread is not traced itself.
        let _suppressed = Context::new().suppressed().attach();
        let mut exports = Exports {
            batch: Vec::with_capacity(self.shared.queue.bounds().batch_spans),
            reporter: Reporter::default(),
            worker: self,
        };
        exports.serve();
        exports
            .reporter
            .finished(&exports.worker.shared.counters, &mut diagnostics::report);
        let exporter = AssertUnwindSafe(|| exports.worker.exporter.shutdown());
        let _ = panic::catch_unwind(exporter);
        // The exporter goes before the end is told: who waited for it may end the process.
        drop(exports);
        drop(stopped);
    }
}

/// Says that the thread is gone, however it went, and leaves no span uncounted.
struct Stopped(Arc<Shared>);

impl Drop for Stopped {
    fn drop(&mut self) {
        let counters = &self.0.counters;
        self.0.close(&counters.requests.after_shutdown);
        let lost = counters.exports.exporting.swap(0, Ordering::Relaxed);
        counters
            .exports
            .exporter_panicked
            .add(usize::try_from(lost).unwrap_or(usize::MAX));
        self.0.control.has_stopped();
    }
}

struct Exports {
    worker: Worker,
    batch: Vec<SpanRecord>,
    reporter: Reporter,
}

impl Exports {
    fn serve(&mut self) {
        let shared = Arc::clone(&self.worker.shared);
        let mut last = Instant::now();
        loop {
            match shared.control.wish() {
                Wish::Shutdown => return self.export_all(usize::MAX),
                Wish::Flush(ticket) => {
                    self.export_all(shared.queue.len());
                    shared.control.has_flushed(ticket);
                    last = Instant::now();
                    continue;
                }
                Wish::Nothing => {}
            }
            let waited = last.elapsed();
            if shared.queue.has_batch() || waited >= self.worker.schedule_delay {
                self.export_some(usize::MAX);
                last = Instant::now();
            } else {
                thread::park_timeout(self.worker.schedule_delay - waited);
            }
        }
    }

    /// Sends the oldest `spans` of the queue, or all if there are fewer.
    fn export_all(&mut self, spans: usize) {
        let mut left = spans;
        while left > 0 {
            match self.export_some(left) {
                0 => return,
                sent => left -= sent,
            }
        }
    }

    /// Sends one batch of at most `most` spans, and says how many it was.
    fn export_some(&mut self, most: usize) -> usize {
        let shared = Arc::clone(&self.worker.shared);
        let counters = &shared.counters.exports;
        let bounds = shared.queue.bounds();
        let mut bytes = 0;
        while self.batch.len() < most.min(bounds.batch_spans) && bytes < bounds.batch_bytes {
            let Some(span) = shared.queue.pop(|| {
                counters.exporting.fetch_add(1, Ordering::Relaxed);
            }) else {
                break;
            };
            bytes += span.weight();
            self.batch.push(span);
        }
        let spans = self.batch.len();
        if spans > 0 {
            if shared.cutoff.has_passed() {
                counters.shutdown.add(spans);
            } else {
                self.export();
            }
            counters
                .exporting
                .fetch_sub(spans as u64, Ordering::Relaxed);
            self.batch.clear();
            shared.queue.release(bytes);
        }
        spans
    }

    /// Hands the batch to the exporter and counts what it says.
    fn export(&mut self) {
        let shared = Arc::clone(&self.worker.shared);
        let counters = &shared.counters.exports;
        let batch = Batch::new(
            &self.worker.resource,
            &self.batch,
            self.worker.export_timeout,
        )
        .with_cutoff(&shared.cutoff)
        .with_retries(&counters.retries);
        let exporter = &mut self.worker.exporter;
        let start = Instant::now();
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| exporter.export(&batch)));
        counters.took(start.elapsed());
        counters.exports.add(1);
        match &outcome {
            Ok(Ok(())) => counters.exported.add(batch.len()),
            Ok(Err(error)) => {
                let lost = error.lost(batch.len());
                counters.exported.add(batch.len() - lost);
                match error {
                    ExportError::Failed { .. } => counters.export_failed.add(lost),
                    ExportError::Rejected { .. } => counters.rejected.add(lost),
                    ExportError::TimedOut { .. } => counters.timed_out.add(lost),
                    ExportError::TooLarge { .. } => counters.too_large.add(lost),
                }
            }
            Err(_panic) => counters.exporter_panicked.add(batch.len()),
        }
        let outcome = outcome.map_err(|_panic| ());
        self.reporter
            .exported(&outcome, &shared.counters, &mut diagnostics::report);
    }
}
