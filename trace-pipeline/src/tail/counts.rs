use std::sync::atomic::{AtomicU64, Ordering};

use crate::counters::Counter;

/// What a tail has done: written by its thread, read by everyone.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Counts {
    /// Spans that wait here; it also falls.
    waiting: AtomicU64,
    waiting_bytes: AtomicU64,
    /// Spans.
    pub(super) sampled_out: Counter,
    /// Spans.
    pub(super) late: Counter,
    /// Local traces, or parts of them.
    pub(super) kept: Counter,
    pub(super) unwanted: Counter,
    pub(super) limited: Counter,
    pub(super) overloaded: Counter,
    pub(super) cut: Counter,
}

/// What a [tail](crate::sampling::Tail) has decided since the pipeline was built. A local trace that is decided in parts counts once
/// for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TailStats {
    /// Local traces that were kept.
    pub kept: u64,
    /// Local traces that no rule wanted.
    pub unwanted: u64,
    /// Local traces that were dropped because of the limit. The weights of the others stand for them.
    pub limited: u64,
    /// Local traces that were dropped for lack of room or of [budget](crate::Budget), or not even recorded for lack of time. The weights of the others stand for
    /// them.
    pub overloaded: u64,
    /// Local traces that were decided before their root had ended.
    pub cut: u64,
    /// Spans that ended after the decision and followed it.
    pub late_spans: u64,
    /// Spans that were dropped, for any of these reasons. They are among
    /// [`PipelineStats::not_sampled`](crate::PipelineStats::not_sampled).
    pub dropped_spans: u64,
    /// Spans that wait for a decision, or to be sent.
    pub waiting_spans: u64,
    /// The bytes that they hold, roughly.
    pub waiting_bytes: u64,
}

impl Counts {
    /// Spans have come.
    pub(super) fn came(&self, spans: usize) {
        self.waiting.fetch_add(spans as u64, Ordering::Relaxed);
    }

    /// Spans have gone on, and are counted elsewhere.
    pub(super) fn went(&self, spans: usize) {
        self.waiting.fetch_sub(spans as u64, Ordering::Relaxed);
    }

    pub(super) fn dropped(&self, spans: usize) {
        self.sampled_out.add(spans);
        self.waiting.fetch_sub(spans as u64, Ordering::Relaxed);
    }

    /// Nobody has what waited; says how many spans that were.
    pub(super) fn forget_waiting(&self) -> u64 {
        self.waiting_bytes.store(0, Ordering::Relaxed);
        self.waiting.swap(0, Ordering::Relaxed)
    }

    pub(super) fn waiting_bytes(&self) -> u64 {
        self.waiting_bytes.load(Ordering::Relaxed)
    }

    pub(super) fn set_waiting_bytes(&self, bytes: usize) {
        self.waiting_bytes.store(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn stats(&self) -> TailStats {
        TailStats {
            kept: self.kept.get(),
            unwanted: self.unwanted.get(),
            limited: self.limited.get(),
            overloaded: self.overloaded.get(),
            cut: self.cut.get(),
            late_spans: self.late.get(),
            dropped_spans: self.sampled_out.get(),
            waiting_spans: self.waiting.load(Ordering::Relaxed),
            waiting_bytes: self.waiting_bytes.load(Ordering::Relaxed),
        }
    }
}
