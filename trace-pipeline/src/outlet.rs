//! Where the pipeline's thread puts batches, and hears later what became of them.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::task::Waker;
use std::thread;
use std::time::{Duration, Instant};

use crate::counters::Done;
use crate::exporter::{Batch, Exporter};
use crate::shared::Shared;

/// Hears what became of spans.
pub(crate) type Settle<'a> = dyn FnMut(Done) + 'a;

/// Takes batches, one or several at a time. All calls come from the pipeline's thread.
pub(crate) trait Outlet: Send {
    /// What to wake beside the thread, if it may sleep in [`wait`](Self::wait) in another way than parked.
    fn waker(&self) -> Option<Waker> {
        None
    }

    /// How long spans wait for others in the queue, where the user would have it be `schedule_delay`.
    fn delay(&mut self, schedule_delay: Duration) -> Duration {
        schedule_delay
    }

    /// Whether a batch begins to leave as soon as it comes.
    fn has_room(&self) -> bool {
        true
    }

    /// Whether a batch is safe here although there is no time left to send it.
    fn is_lasting(&self) -> bool {
        false
    }

    /// Takes a batch. What becomes of it is told now or in [`wait`](Self::wait).
    fn export(&mut self, shared: &Arc<Shared>, batch: &Batch<'_>, settle: &mut Settle<'_>);

    /// Sleeps until the thread is woken, something was delivered, or `until`. May end sooner.
    fn wait(&mut self, shared: &Arc<Shared>, until: Instant, settle: &mut Settle<'_>);

    /// Somebody waits for all that was taken so far: nothing is held back for company.
    fn hurry(&mut self) {}

    /// Whether [`wait`](Self::wait) has more to tell of what was taken before the last [`hurry`](Self::hurry).
    fn is_busy(&self, _shared: &Shared) -> bool {
        false
    }

    /// No batch comes any more.
    fn shutdown(&mut self, shared: &Arc<Shared>, settle: &mut Settle<'_>);
}

/// An exporter, which gets one batch after the other and keeps the thread as long as it takes.
pub(crate) struct Inline {
    exporter: Box<dyn Exporter>,
}

impl Inline {
    pub(crate) fn new(exporter: Box<dyn Exporter>) -> Self {
        Self { exporter }
    }
}

impl Outlet for Inline {
    fn export(&mut self, _shared: &Arc<Shared>, batch: &Batch<'_>, settle: &mut Settle<'_>) {
        let exporter = &mut self.exporter;
        let start = Instant::now();
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| exporter.export(batch)));
        settle(Done::Exported {
            spans: batch.len(),
            outcome: outcome.map_err(|_panic| ()),
            took: start.elapsed(),
            #[cfg(feature = "otlp")]
            spooled: false,
        });
    }

    fn wait(&mut self, _shared: &Arc<Shared>, until: Instant, _settle: &mut Settle<'_>) {
        let left = until.saturating_duration_since(Instant::now());
        if !left.is_zero() {
            thread::park_timeout(left);
        }
    }

    fn shutdown(&mut self, _shared: &Arc<Shared>, _settle: &mut Settle<'_>) {
        self.exporter.shutdown();
    }
}
