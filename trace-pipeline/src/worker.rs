//! The pipeline's thread: waits for a batch, hands it to the outlet, counts what became of it.

use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tracing_core_ctx::{Context, Resource, SpanRecord, diagnostics};

use crate::budget::{LOOK, Watchdog};
use crate::control::Wish;
use crate::counters::Done;
use crate::cutoff;
use crate::exporter::Batch;
use crate::metrics::ExchangeMetrics;
use crate::outlet::Outlet;
use crate::report::Reporter;
use crate::shared::Shared;

pub(crate) struct Worker {
    pub(crate) shared: Arc<Shared>,
    pub(crate) outlet: Box<dyn Outlet>,
    pub(crate) resource: Arc<Resource>,
    pub(crate) schedule_delay: Duration,
    pub(crate) export_timeout: Duration,
    /// Whose exemplars wait for word of what is kept, where no tail gives it.
    pub(crate) metrics: Option<ExchangeMetrics>,
    pub(crate) watchdog: Option<Watchdog>,
}

impl Worker {
    /// Starts the thread.
    pub(crate) fn spawn(self) -> io::Result<()> {
        let shared = Arc::clone(&self.shared);
        let waker = self.outlet.waker();
        // What is longer than 15 bytes is cut by the operating system.
        let thread = thread::Builder::new()
            .name("trace-pipeline".into())
            .spawn(move || self.run())?;
        shared.set_worker(thread.thread().clone(), waker);
        Ok(())
    }

    fn run(self) {
        let stopped = Stopped(Arc::clone(&self.shared));
        // Whatever the exporter calls on this thread is not traced itself.
        let _suppressed = Context::new().suppressed().attach();
        let mut exports = Exports {
            batch: Vec::with_capacity(self.shared.queue.bounds().batch_spans),
            reporter: Reporter::default(),
            delay: self.schedule_delay,
            last: Instant::now(),
            worker: self,
        };
        exports.serve();
        let end = AssertUnwindSafe(|| exports.end());
        let _ = panic::catch_unwind(end);
        // The outlet goes before the end is told: who waited for it may end the process.
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
        let lost = counters.exports.exporting.take();
        counters.exports.exporter_panicked.add(lost);
        self.0.control.has_stopped();
    }
}

struct Exports {
    worker: Worker,
    batch: Vec<SpanRecord>,
    reporter: Reporter,
    /// How long a span waits at most for others.
    delay: Duration,
    /// When the last batch began to leave.
    last: Instant,
}

impl Exports {
    fn serve(&mut self) {
        let shared = Arc::clone(&self.worker.shared);
        self.delay = self.worker.outlet.delay(self.worker.schedule_delay);
        self.last = Instant::now();
        loop {
            match shared.control.wish() {
                Wish::Shutdown => {
                    self.export_all(usize::MAX);
                    return self.drain();
                }
                Wish::Flush(ticket) => {
                    self.export_all(shared.queue.len());
                    self.drain();
                    shared.control.has_flushed(ticket);
                }
                Wish::Nothing => self.turn(),
            }
        }
    }

    /// Sends a batch if one is due, and otherwise waits for something to do.
    fn turn(&mut self) {
        self.watch();
        let waited = self.last.elapsed();
        let due = self.worker.shared.queue.has_batch() || waited >= self.delay;
        if due && self.worker.outlet.has_room() {
            if self.export_some(usize::MAX) == 0 {
                let counters = &self.worker.shared.counters;
                self.reporter.idle(counters, &mut diagnostics::report);
            }
            self.last = Instant::now();
            // What has been delivered meanwhile makes room, and its memory is free.
            self.wait(self.last);
        } else if due {
            self.wait(cutoff::after(Duration::MAX));
        } else {
            self.wait(cutoff::after(self.delay - waited));
        }
    }

    fn end(&mut self) {
        let shared = &self.worker.shared;
        let reporter = &mut self.reporter;
        reporter.finished(&shared.counters, &mut diagnostics::report);
        self.worker
            .outlet
            .shutdown(shared, &mut |done| settle(shared, reporter, &done));
    }

    /// Sends the oldest `spans` of the queue, or all if there are fewer.
    fn export_all(&mut self, spans: usize) {
        let mut left = spans;
        while left > 0 {
            while !self.worker.outlet.has_room() {
                self.wait(cutoff::after(Duration::MAX));
            }
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
        let most = (most.min(bounds.batch_spans), bounds.batch_bytes);
        let count = |spans| counters.exporting.add(spans);
        let bytes = shared.queue.pop_into(&mut self.batch, most, count);
        let spans = self.batch.len();
        if spans > 0 {
            if shared.cutoff.has_passed() && !self.worker.outlet.is_lasting() {
                counters.shutdown.add(spans);
                counters.exporting.sub(spans);
            } else {
                self.export();
            }
            self.batch.clear();
            shared.queue.release(bytes);
        }
        spans
    }

    /// Hands the batch to the outlet.
    fn export(&mut self) {
        if let Some(metrics) = &self.worker.metrics {
            self.batch.iter().for_each(|span| metrics.kept(span));
        }
        let shared = &self.worker.shared;
        let batch = Batch::new(
            &self.worker.resource,
            &self.batch,
            self.worker.export_timeout,
        )
        .with_cutoff(&shared.cutoff)
        .with_retries(&shared.counters.exports.retries);
        let reporter = &mut self.reporter;
        self.worker
            .outlet
            .export(shared, &batch, &mut |done| settle(shared, reporter, &done));
    }

    /// Compares what all this costs with the budget.
    fn watch(&mut self) {
        let shared = &self.worker.shared;
        shared.usage.note_worker();
        let (Some(watchdog), Some(throttle)) = (&mut self.worker.watchdog, &shared.throttle) else {
            return;
        };
        let now = shared.started.elapsed();
        if !watchdog.is_due(now) {
            return;
        }
        let bytes = shared.stats().in_flight_bytes;
        let before = throttle.threshold();
        throttle.set_rate(watchdog.look(now, shared.usage.cpu(), bytes));
        throttle.set_cpu(watchdog.cpu());
        self.reporter
            .throttled(before, throttle, &mut diagnostics::report);
    }

    /// Sleeps until somebody wakes the thread, something was delivered, or `until`.
    fn wait(&mut self, until: Instant) {
        let shared = &self.worker.shared;
        let reporter = &mut self.reporter;
        let next_look = match self.worker.watchdog {
            Some(_) => cutoff::after(LOOK),
            None => until,
        };
        self.worker
            .outlet
            .wait(shared, until.min(next_look), &mut |done| {
                settle(shared, reporter, &done);
            });
    }

    /// Waits until what is on its way has arrived. Others go on ending spans meanwhile, which are sent as ever.
    fn drain(&mut self) {
        self.last = Instant::now();
        self.worker.outlet.hurry();
        while self.worker.outlet.is_busy(&self.worker.shared) {
            self.turn();
        }
    }
}

/// Counts what became of a batch, and tells the operator what they should know.
fn settle(shared: &Shared, reporter: &mut Reporter, done: &Done) {
    shared.counters.exports.settle(done);
    reporter.settled(done, &shared.counters, &mut diagnostics::report);
}
