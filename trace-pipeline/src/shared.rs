//! What the sinks, the pipeline's handle and its thread have in common.

mod ending;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Waker;
use std::thread::Thread;
use std::time::Instant;

use tracing_core_ctx::SpanRecord;

use crate::budget::{Throttle, Usage};
use crate::control::Control;
use crate::counters::{Counter, Counters};
use crate::cutoff::Cutoff;
use crate::queue::{Bounds, Full, Queue};
use crate::self_metrics::Component;
use crate::stats::PipelineStats;
use crate::tail::Inlet;

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) queue: Queue,
    pub(crate) counters: Counters,
    pub(crate) control: Control,
    /// When a shutdown wants everything to be over.
    pub(crate) cutoff: Cutoff,
    phase: AtomicU8,
    worker: OnceLock<Worker>,
    mode: Mode,
    pub(crate) usage: Usage,
    /// What the budget says, if there is one.
    pub(crate) throttle: Option<Arc<Throttle>>,
    pub(crate) component: Component,
    pub(crate) started: Instant,
    /// The process with the threads.
    process: u32,
    /// Who decides about spans before they come into the queue, if anyone does.
    pub(crate) tail: Option<Inlet>,
    /// Rules that learn from how local roots end.
    pub(crate) learner: Option<Arc<dyn Learner>>,
    /// Says that a signal ends the process at once.
    ends_at_signal: OnceLock<Arc<AtomicBool>>,
}

/// Wants to hear how local roots end.
pub(crate) trait Learner: fmt::Debug + Send + Sync {
    /// `pressure` is how full the pipeline is, 0 to 1. Called on the thread that ends the span.
    fn ended(&self, root: &SpanRecord, pressure: f64);
}

/// How the pipeline's thread is woken.
#[derive(Debug)]
struct Worker {
    thread: Thread,
    /// What else to wake: the thread may wait for more than for us.
    waker: Option<Waker>,
}

/// What becomes of finished spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Nothing records: `OTEL_SDK_DISABLED`.
    Disabled,
    /// They are thrown away: `OTEL_TRACES_EXPORTER=none`.
    Discard,
    /// They go to an exporter.
    Export,
}

// The life of a pipeline, in this order.
const RUNNING: u8 = 0;
/// Takes no spans any more; the thread sends what it has.
const CLOSING: u8 = 1;
/// The thread does not look at the queue any more.
const CLOSED: u8 = 2;

impl Shared {
    pub(crate) fn new(mode: Mode, bounds: Bounds) -> Self {
        Self {
            queue: Queue::new(bounds),
            counters: Counters::default(),
            control: Control::default(),
            cutoff: Cutoff::new(),
            phase: AtomicU8::new(RUNNING),
            worker: OnceLock::new(),
            mode,
            usage: Usage::default(),
            throttle: None,
            component: Component::new("none", None),
            started: Instant::now(),
            process: std::process::id(),
            tail: None,
            learner: None,
            ends_at_signal: OnceLock::new(),
        }
    }

    /// The same with a tail before the queue, and with rules that learn.
    pub(crate) fn with_sampling(
        mut self,
        tail: Option<Inlet>,
        learner: Option<Arc<dyn Learner>>,
    ) -> Self {
        if tail.is_some() {
            // Only its thread puts spans into the queue.
            self.queue = Queue::of_one_thread(*self.queue.bounds());
        }
        self.tail = tail;
        self.learner = learner;
        self
    }

    /// The same with what the budget says.
    pub(crate) fn with_throttle(mut self, throttle: Option<Arc<Throttle>>) -> Self {
        self.throttle = throttle;
        self
    }

    /// The same with a name for its exporter.
    pub(crate) fn with_component(mut self, component: Component) -> Self {
        self.component = component;
        self
    }

    /// Names the thread to wake. Before this nobody else has a sink.
    pub(crate) fn set_worker(&self, thread: Thread, waker: Option<Waker>) {
        // There is one thread, so this is the first and only time.
        let _ = self.worker.set(Worker { thread, waker });
    }

    pub(crate) fn is_enabled(&self) -> bool {
        self.mode != Mode::Disabled && self.phase.load(Ordering::Relaxed) == RUNNING
    }

    /// Takes a finished span over, or counts why not. Never blocks.
    pub(crate) fn submit(&self, span: SpanRecord) {
        let counters = &self.counters.requests;
        counters.submitted();
        if self.phase.load(Ordering::Relaxed) != RUNNING {
            counters.after_shutdown.add(1);
            return;
        }
        if let Some(learner) = &self.learner
            && span.local_root() == span.span_context().span_id()
        {
            learner.ended(&span, self.pressure());
        }
        if let Some(tail) = &self.tail {
            return tail.submit(span, counters);
        }
        if !span.span_context().is_sampled() {
            counters.not_sampled.add(1);
            return;
        }
        if self.mode != Mode::Export {
            counters.no_exporter.add(1);
            return;
        }
        self.push(span);
    }

    /// How full the queue is, or the tail, or the spool: 0 to 1.
    #[expect(clippy::cast_precision_loss, reason = "a part of the whole")]
    fn pressure(&self) -> f64 {
        let bounds = self.queue.bounds();
        let spans = self.queue.len() as f64 / bounds.spans as f64;
        let bytes = self.queue.bytes() as f64 / bounds.bytes.max(1) as f64;
        let waiting = self.tail.as_ref().map_or(0.0, Inlet::pressure);
        let spool = self.counters.exports.spool_pressure();
        spans.max(bytes).max(waiting).max(spool).min(1.0)
    }

    pub(crate) fn push(&self, span: SpanRecord) {
        let counters = &self.counters.requests;
        let pushed = self.queue.push(span);
        match pushed.outcome {
            Ok(()) => {}
            Err(Full::Bytes) => counters.queue_bytes.add(1),
            Err(Full::Spans) => counters.queue_full.add(1),
        }
        self.pushed(pushed.batch_is_full);
    }

    /// The same for many at once, which weigh so much together.
    pub(crate) fn push_all(&self, spans: impl ExactSizeIterator<Item = SpanRecord>, weight: usize) {
        let full = &self.counters.requests.queue_full;
        let batch_is_full = self.queue.push_all(spans, weight, |_refused| full.add(1));
        self.pushed(batch_is_full);
    }

    fn pushed(&self, batch_is_full: bool) {
        if batch_is_full {
            self.wake();
        }
        // Either the thread, which closes first and then looks into the queue for the last time, sees this span,
        // or it is closed now: both sides are sequentially consistent, the push by the queue's own operations.
        if self.phase.load(Ordering::SeqCst) == CLOSED {
            self.discard(&self.counters.requests.after_shutdown);
        }
    }

    pub(crate) fn wake(&self) {
        if let Some(worker) = self.worker.get() {
            worker.thread.unpark();
            if let Some(waker) = &worker.waker {
                waker.wake_by_ref();
            }
        }
    }

    pub(crate) fn has_worker(&self) -> bool {
        self.worker.get().is_some()
    }

    /// Whether the caller is one of the pipeline's own threads, which must not wait for themselves.
    pub(crate) fn is_own_thread(&self) -> bool {
        let caller = std::thread::current().id();
        let is_worker = |worker: &Worker| worker.thread.id() == caller;
        self.worker.get().is_some_and(is_worker)
            || self.tail.as_ref().is_some_and(|tail| tail.runs_on(caller))
    }

    /// No more spans; the thread is to be done by `cutoff`.
    pub(crate) fn begin_shutdown(&self, cutoff: Instant) {
        self.phase.fetch_max(CLOSING, Ordering::SeqCst);
        self.cutoff.set(cutoff);
        if !self.has_worker() {
            self.close(&self.counters.exports.shutdown);
            self.control.has_stopped();
            return;
        }
        match &self.tail {
            // It has the last spans, and tells the thread when they are in the queue.
            Some(tail) if !tail.has_stopped() => {
                tail.control.ask_for_shutdown();
                tail.wake();
                // It may have stopped meanwhile without having heard.
                if tail.has_stopped() {
                    self.stop_worker();
                }
            }
            _ => self.stop_worker(),
        }
    }

    /// No spans come into the queue any more.
    pub(crate) fn stop_worker(&self) {
        self.control.ask_for_shutdown();
        self.wake();
    }

    /// Nobody sends any more: counts what is still in the queue as lost for `reason`.
    pub(crate) fn close(&self, reason: &Counter) {
        self.phase.store(CLOSED, Ordering::SeqCst);
        self.discard(reason);
    }

    fn discard(&self, reason: &Counter) {
        self.queue.discard(|spans| reason.add(spans));
    }

    pub(crate) fn stats(&self) -> PipelineStats {
        let tail = self.tail.as_ref();
        let not_kept = || tail.map_or(0, |tail| tail.stats().dropped_spans);
        let (spans, bytes) = tail.map_or((0, 0), Inlet::in_flight);
        let mut stats = self
            .counters
            .stats(self.queue.len(), self.queue.bytes(), not_kept);
        stats.queued += spans;
        stats.in_flight_bytes += bytes;
        stats
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_spans::spans;

    #[test]
    fn a_spool_that_fills_is_pressure_though_the_queue_is_empty() {
        let shared = Shared::new(Mode::Export, Bounds::default());
        assert!(shared.pressure() < 1e-9);
        let exports = &shared.counters.exports;
        exports.spool_room.store(1 << 20, Ordering::Relaxed);
        exports.spool_bytes.store(3 << 18, Ordering::Relaxed);
        assert!((shared.pressure() - 0.75).abs() < 1e-9);
    }

    #[test]
    fn a_flush_says_that_there_is_no_thread_any_more_that_nobody_stopped() {
        let shared = Shared::new(Mode::Export, Bounds::default());
        let thread = std::thread::spawn(|| {});
        shared.set_worker(thread.thread().clone(), None);
        // As it ends by a panic.
        shared.control.has_stopped();
        let timeout = std::time::Duration::from_secs(60);
        assert!(shared.flush(timeout).is_err());
        assert!(shared.shutdown(timeout).is_ok());
    }

    #[test]
    fn a_span_that_is_pushed_while_the_pipeline_closes_is_not_forgotten() {
        let shared = Shared::new(Mode::Export, Bounds::default());
        for (number, span) in spans(3).into_iter().enumerate() {
            shared.counters.requests.submitted();
            if number == 1 {
                // The thread has looked at the queue for the last time, after these two were let in.
                shared.close(&shared.counters.exports.shutdown);
            }
            shared.push(span);
        }
        let stats = shared.stats();
        assert_eq!(
            (stats.dropped.shutdown, stats.dropped.after_shutdown),
            (1, 2)
        );
        assert_eq!((stats.in_flight, stats.in_flight_bytes), (0, 0));
        assert!(stats.is_balanced(), "{stats:?}");
    }
}
