use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{Thread, ThreadId};
use std::time::Instant;

use tracing_core_ctx::SpanRecord;

use super::counts::Counts;
use super::gate::Gate;
use crate::control::Control;
use crate::counters::{Counter, RequestCounters};
use crate::queue::{Bounds, Full, Queue};
use crate::sampling::Tail;

/// Where request threads leave spans for the tail's thread. Nothing here blocks or allocates.
#[derive(Debug)]
pub(crate) struct Inlet {
    pub(super) queue: Queue,
    pub(super) counts: Arc<Counts>,
    pub(crate) control: Control,
    is_closed: AtomicBool,
    thread: OnceLock<Thread>,
    /// What spans hold at most while they wait.
    bytes: usize,
    /// Rules that are to be followed from now on.
    rules: Mutex<Option<Arc<Tail>>>,
    pub(crate) gate: Arc<Gate>,
}

impl Inlet {
    /// `queue` is what the pipeline's queue takes.
    pub(crate) fn new(tail: &Tail, queue: Bounds) -> Self {
        let spans = queue.spans.max(2048).saturating_mul(4);
        let bounds = Bounds {
            spans,
            bytes: tail.bytes / 8,
            batch_spans: spans / 8,
            batch_bytes: tail.bytes / 32,
        };
        Self {
            queue: Queue::new(bounds.sound()),
            counts: Arc::default(),
            control: Control::default(),
            is_closed: AtomicBool::new(false),
            thread: OnceLock::new(),
            bytes: tail.bytes.max(1),
            rules: Mutex::new(None),
            gate: Arc::new(Gate::new(tail.thins())),
        }
    }

    pub(crate) fn submit(&self, span: SpanRecord, counters: &RequestCounters) {
        let pushed = self.queue.push(span);
        match pushed.outcome {
            Ok(()) => {}
            Err(Full::Bytes) => counters.queue_bytes.add(1),
            Err(Full::Spans) => counters.queue_full.add(1),
        }
        if pushed.batch_is_full {
            self.wake();
        }
        // As for the queue behind it: either the thread, which closes first and looks for the last time then, sees it, or this does.
        if self.is_closed.load(Ordering::SeqCst) {
            self.discard(&counters.after_shutdown);
        }
    }

    pub(super) fn discard(&self, reason: &Counter) {
        self.queue.discard(|spans| reason.add(spans));
    }

    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::SeqCst);
    }

    pub(super) fn set_thread(&self, thread: Thread) {
        let _ = self.thread.set(thread);
    }

    pub(crate) fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    pub(crate) fn runs_on(&self, thread: ThreadId) -> bool {
        self.thread.get().is_some_and(|known| known.id() == thread)
    }

    /// Whether the thread is gone.
    pub(crate) fn has_stopped(&self) -> bool {
        self.control.wait_for_stop(Instant::now())
    }

    /// Hands over rules for all that is decided from now on.
    #[cfg(feature = "rules-file")]
    pub(crate) fn set_rules(&self, tail: Arc<Tail>) {
        self.gate.set_thins(tail.thins());
        *self.rules.lock().unwrap_or_else(PoisonError::into_inner) = Some(tail);
    }

    pub(super) fn take_rules(&self) -> Option<Arc<Tail>> {
        self.rules
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// Spans here and with the tail, and their bytes.
    pub(crate) fn in_flight(&self) -> (u64, u64) {
        let stats = self.counts.stats();
        (
            self.queue.len() as u64 + stats.waiting_spans,
            self.queue.bytes() as u64 + stats.waiting_bytes,
        )
    }

    /// How full it is, 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "a part of the whole")]
    pub(crate) fn pressure(&self) -> f64 {
        self.counts.waiting_bytes() as f64 / self.bytes as f64
    }

    /// Whether spans come faster than they are taken out.
    pub(super) fn is_half_full(&self) -> bool {
        let bounds = self.queue.bounds();
        self.queue.len() > bounds.spans / 2 || self.queue.bytes() > bounds.bytes / 2
    }

    pub(crate) fn stats(&self) -> super::TailStats {
        let mut stats = self.counts.stats();
        stats.overloaded += self.gate.refused();
        stats
    }
}
