//! The bounded room between the threads that end spans and the thread that sends them.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use crossbeam_queue::ArrayQueue;
use tracing_core_ctx::SpanRecord;

/// How much the queue takes, and how much makes a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// Spans in the queue.
    pub(crate) spans: usize,
    /// Bytes in the queue and in the hands of the exporter.
    pub(crate) bytes: usize,
    /// Spans of a batch.
    pub(crate) batch_spans: usize,
    /// Bytes at which a batch is complete.
    pub(crate) batch_bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            spans: 2048,
            bytes: 32 << 20,
            batch_spans: 512,
            // Many servers of gRPC take no message over 4 MiB, and the weight of a span is an estimate.
            batch_bytes: 2 << 20,
        }
    }
}

impl Bounds {
    /// The same, made to fit each other: room for a batch in the queue, and a batch of at least one.
    pub(crate) fn sound(self) -> Self {
        let spans = self.spans.max(1);
        Self {
            spans,
            batch_spans: self.batch_spans.clamp(1, spans),
            // Long before everything is dropped.
            batch_bytes: self.batch_bytes.min(self.bytes / 2).max(1),
            ..self
        }
    }
}

/// Finished spans on their way. Nothing here blocks or allocates.
pub(crate) struct Queue {
    spans: ArrayQueue<SpanRecord>,
    /// Spans in the queue, and those that are just being pushed.
    queued: AtomicUsize,
    bytes: AtomicUsize,
    bounds: Bounds,
}

/// Why a span was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    Bytes,
    Spans,
}

/// What a push did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Pushed {
    pub(crate) outcome: Result<(), Full>,
    /// A batch has just become full: the exporting thread should wake.
    pub(crate) batch_is_full: bool,
}

impl Queue {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self {
            spans: ArrayQueue::new(bounds.spans),
            queued: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            bounds,
        }
    }

    pub(crate) fn push(&self, span: SpanRecord) -> Pushed {
        let weight = span.weight();
        let bytes = self.bytes.fetch_add(weight, Ordering::Relaxed);
        if bytes + weight > self.bounds.bytes {
            self.release(weight);
            return Pushed {
                outcome: Err(Full::Bytes),
                batch_is_full: false,
            };
        }
        // Counted before it is pushed, so that it can not be taken out, and counted, before it is counted in.
        // Exactly one push sees each threshold crossed, also when that push then finds the queue full.
        let queued = self.queued.fetch_add(1, Ordering::AcqRel);
        let batch_bytes =
            bytes < self.bounds.batch_bytes && bytes + weight >= self.bounds.batch_bytes;
        let batch_is_full = queued + 1 == self.bounds.batch_spans || batch_bytes;
        let outcome = self.spans.push(span).map_err(|refused| {
            self.queued.fetch_sub(1, Ordering::AcqRel);
            self.release(refused.weight());
            Full::Spans
        });
        Pushed {
            outcome,
            batch_is_full,
        }
    }

    /// Takes the oldest span out; its bytes stay counted until they are [released](Self::release).
    ///
    /// `count` runs before the span stops counting as queued, so that whoever adds up the numbers never misses it.
    pub(crate) fn pop(&self, count: impl FnOnce()) -> Option<SpanRecord> {
        let span = self.spans.pop()?;
        count();
        self.queued.fetch_sub(1, Ordering::AcqRel);
        Some(span)
    }

    pub(crate) fn release(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub(crate) fn len(&self) -> usize {
        self.queued.load(Ordering::Acquire)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(crate) const fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// Whether a batch is waiting, when the exporter holds none.
    pub(crate) fn has_batch(&self) -> bool {
        self.len() >= self.bounds.batch_spans || self.bytes() >= self.bounds.batch_bytes
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("len", &self.len())
            .field("bytes", &self.bytes())
            .field("bounds", &self.bounds)
            .finish()
    }
}

#[cfg(test)]
mod tests;
