//! Spans that exemplars may point to, once it is known that they are kept.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tracing_core_ctx::{SpanContext, SpanId, Timestamp};

use super::histogram::{Exemplar, Histogram};
use super::table::Entry;

/// How many wait at most; the oldest make room.
const MOST: usize = 4096;

/// Where somebody tells which spans are kept, they wait here until that is told of them. Where nobody does, the sampled flag is taken for it.
#[derive(Debug, Default)]
pub(super) struct Exemplars {
    told: AtomicBool,
    /// A tail may keep what the head has not sampled.
    of_tail: AtomicBool,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    by_span: HashMap<SpanId, (Exemplar, Arc<Entry<Histogram>>)>,
    order: VecDeque<SpanId>,
}

impl Exemplars {
    /// From now on somebody tells.
    pub(super) fn wait_for_word(&self) {
        self.told.store(true, Ordering::Relaxed);
    }

    /// And what is not sampled can be kept as well.
    pub(super) fn wait_for_tail(&self) {
        self.of_tail.store(true, Ordering::Relaxed);
    }

    /// A span whose duration is in `histogram`.
    pub(super) fn offer(
        &self,
        span: &SpanContext,
        seconds: f64,
        time: Timestamp,
        histogram: Arc<Entry<Histogram>>,
    ) {
        let exemplar = Exemplar {
            seconds,
            time,
            trace_id: span.trace_id(),
            span_id: span.span_id(),
        };
        if !self.told.load(Ordering::Relaxed) {
            if span.is_sampled() {
                histogram.value.exemplify(exemplar);
            }
            return;
        }
        if !span.is_sampled() && !self.of_tail.load(Ordering::Relaxed) {
            return;
        }
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.order.len() >= MOST
            && let Some(oldest) = waiting.order.pop_front()
        {
            waiting.by_span.remove(&oldest);
        }
        waiting.order.push_back(exemplar.span_id);
        waiting
            .by_span
            .insert(exemplar.span_id, (exemplar, histogram));
    }

    /// This span is on its way to a back end.
    pub(super) fn kept(&self, span: &SpanContext) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let known = waiting.by_span.remove(&span.span_id());
        drop(waiting);
        if let Some((exemplar, histogram)) = known
            && exemplar.trace_id == span.trace_id()
        {
            histogram.value.exemplify(exemplar);
        }
    }
}
