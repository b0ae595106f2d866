//! The bounded room between the threads that end spans and the thread that sends them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::{fmt, iter};

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
///
/// Many threads put spans in, one by one; one thread takes them out, many at once. What is counted is counted once for all of them: each such
/// number is passed from processor to processor.
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
        let queued = self.queued.fetch_add(1, Ordering::AcqRel);
        let batch_is_full = self.completes_a_batch((queued, 1), (bytes, weight));
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

    /// Takes `spans` in, for which there is [room](Self::has_room), and says whether they complete a batch. Gives back what there was none for.
    pub(crate) fn push_all(
        &self,
        spans: impl ExactSizeIterator<Item = SpanRecord>,
        weight: usize,
        mut refused: impl FnMut(SpanRecord),
    ) -> bool {
        let count = spans.len();
        let bytes = self.bytes.fetch_add(weight, Ordering::Relaxed);
        let queued = self.queued.fetch_add(count, Ordering::AcqRel);
        for span in spans {
            if let Err(span) = self.spans.push(span) {
                self.queued.fetch_sub(1, Ordering::AcqRel);
                self.release(span.weight());
                refused(span);
            }
        }
        self.completes_a_batch((queued, count), (bytes, weight))
    }

    /// Exactly one push sees each threshold crossed, also when that push then finds the queue full.
    const fn completes_a_batch(
        &self,
        (queued, count): (usize, usize),
        (bytes, weight): (usize, usize),
    ) -> bool {
        let (spans, most) = (self.bounds.batch_spans, self.bounds.batch_bytes);
        queued < spans && queued + count >= spans || bytes < most && bytes + weight >= most
    }

    /// Whether so many spans more, of this weight, fit into it. One always does when there is none.
    pub(crate) fn has_room(&self, spans: usize, weight: usize) -> bool {
        let queued = self.len();
        let fits = self.bytes() + weight <= self.bounds.bytes;
        queued + spans <= self.bounds.spans && (fits || queued == 0 && spans == 1)
    }

    /// Takes the oldest spans out, at most so many, and none any more when they weigh `most_bytes`; their bytes stay counted until they are
    /// [released](Self::release). Says how many bytes these are.
    ///
    /// `count` runs before the spans stop counting as queued, so that whoever adds up the numbers never misses them.
    pub(crate) fn pop_into(
        &self,
        spans: &mut Vec<SpanRecord>,
        (most, most_bytes): (usize, usize),
        count: impl FnOnce(usize),
    ) -> usize {
        let before = spans.len();
        let weigh = |spans: &[SpanRecord]| spans.iter().map(SpanRecord::weight).sum::<usize>();
        let mut bytes = 0;
        // Where all that there is weighs less, they are weighed together, behind the last one: the first look at a span is one at memory of another
        // processor, and several such are under way at a time where nothing stands between them.
        let handful = if self.bytes() <= most_bytes { most } else { 1 };
        while spans.len() - before < most && bytes < most_bytes {
            let from = spans.len();
            let next = handful.min(most - (from - before));
            spans.extend(iter::from_fn(|| self.spans.pop()).take(next));
            bytes += weigh(&spans[from..]);
            if spans.len() - from < next {
                break;
            }
        }
        let popped = spans.len() - before;
        if popped > 0 {
            count(popped);
            self.queued.fetch_sub(popped, Ordering::AcqRel);
        }
        bytes
    }

    /// Drops all spans; `count` runs as in [`pop_into`](Self::pop_into).
    pub(crate) fn discard(&self, count: impl Fn(usize)) {
        while let Some(span) = self.spans.pop() {
            count(1);
            self.queued.fetch_sub(1, Ordering::AcqRel);
            self.release(span.weight());
        }
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
