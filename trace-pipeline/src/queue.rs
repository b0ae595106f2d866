//! The bounded room between the threads that end spans and the thread that sends them.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tracing_core_ctx::SpanRecord;

use self::store::Store;

mod store;

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
        let (spans, bytes) = (self.spans.clamp(1, MOST.0), self.bytes.min(MOST.1));
        Self {
            spans,
            bytes,
            batch_spans: self.batch_spans.clamp(1, spans),
            // Long before everything is dropped.
            batch_bytes: self.batch_bytes.min(bytes / 2).max(1),
        }
    }
}

/// Finished spans on their way. Nothing here allocates, and who shares a queue with other threads is never blocked by them.
///
/// Many threads put spans in, one by one, or one thread does, by handfuls; one thread takes them out, many at once. What is counted is counted once for all of them: each such
/// number is passed from processor to processor.
pub(crate) struct Queue {
    spans: Store,
    held: Held,
    bounds: Bounds,
    /// Somebody waits for room: what there is is a batch, however little it is.
    is_too_full: AtomicBool,
}

/// How many spans are in the queue or just being pushed, and the bytes of these and of those that were taken out: two numbers in one word, so that
/// a push changes both at once.
#[derive(Default)]
struct Held(AtomicU64);

/// Bits of the bytes; above them stand the spans.
const BYTES: u32 = 40;

/// Spans and bytes that a queue is made for at most: an eighth of what can be counted, since many threads may be adding at once.
const MOST: (usize, usize) = (
    1 << (64 - BYTES - 3),
    usize::MAX >> usize::BITS.saturating_sub(BYTES - 3),
);

impl Held {
    const fn word(spans: usize, bytes: usize) -> u64 {
        (spans as u64) << BYTES | bytes as u64
    }

    /// What a word says.
    const fn read(word: u64) -> (usize, usize) {
        (
            (word >> BYTES) as usize,
            (word & ((1 << BYTES) - 1)) as usize,
        )
    }

    fn get(&self) -> (usize, usize) {
        Self::read(self.0.load(Ordering::Acquire))
    }

    /// Says what there was before.
    fn add(&self, spans: usize, bytes: usize) -> (usize, usize) {
        Self::read(self.0.fetch_add(Self::word(spans, bytes), Ordering::AcqRel))
    }

    fn sub(&self, spans: usize, bytes: usize) {
        self.0.fetch_sub(Self::word(spans, bytes), Ordering::AcqRel);
    }
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
        Self::with(Store::shared(bounds.spans), bounds)
    }

    /// Into which one thread alone puts spans, and one that may wait for the other which takes them out.
    pub(crate) fn of_one_thread(bounds: Bounds) -> Self {
        Self::with(Store::handed(bounds.spans), bounds)
    }

    fn with(spans: Store, bounds: Bounds) -> Self {
        Self {
            spans,
            held: Held::default(),
            bounds,
            is_too_full: AtomicBool::new(false),
        }
    }

    pub(crate) fn push(&self, span: SpanRecord) -> Pushed {
        let weight = span.weight();
        // Counted before it is pushed, so that it can not be taken out, and counted, before it is counted in.
        let before = self.held.add(1, weight);
        let outcome = if before.1 + weight > self.bounds.bytes {
            Err((span, Full::Bytes))
        } else {
            let pushed = self.spans.push(self.bounds.spans, span);
            pushed.map_err(|span| (span, Full::Spans))
        };
        Pushed {
            outcome: outcome.map_err(|(_refused, full)| {
                self.held.sub(1, weight);
                full
            }),
            batch_is_full: self.completes_a_batch(before, (1, weight)),
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
        let before = self.held.add(count, weight);
        self.spans.push_all(self.bounds.spans, spans, |span| {
            self.held.sub(1, span.weight());
            refused(span);
        });
        self.completes_a_batch(before, (count, weight))
    }

    /// Exactly one push sees each threshold crossed, also when that push then finds the queue full.
    const fn completes_a_batch(
        &self,
        (queued, bytes): (usize, usize),
        (count, weight): (usize, usize),
    ) -> bool {
        let (spans, most) = (self.bounds.batch_spans, self.bounds.batch_bytes);
        queued < spans && queued + count >= spans || bytes < most && bytes + weight >= most
    }

    /// Whether so many spans more, of this weight, fit into it. One always does when there is none.
    pub(crate) fn has_room(&self, spans: usize, weight: usize) -> bool {
        let (queued, bytes) = self.held.get();
        let fits = bytes + weight <= self.bounds.bytes;
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
            self.spans.pop_into(spans, next);
            bytes += weigh(&spans[from..]);
            if spans.len() - from < next {
                break;
            }
        }
        let popped = spans.len() - before;
        if popped > 0 {
            count(popped);
            self.held.sub(popped, 0);
            self.is_too_full.store(false, Ordering::Relaxed);
        }
        bytes
    }

    /// Drops all spans; `count` runs as in [`pop_into`](Self::pop_into).
    pub(crate) fn discard(&self, count: impl Fn(usize)) {
        while let Some(span) = self.spans.pop() {
            count(1);
            self.held.sub(1, span.weight());
        }
    }

    pub(crate) fn release(&self, bytes: usize) {
        self.held.sub(0, bytes);
    }

    pub(crate) fn len(&self) -> usize {
        self.held.get().0
    }

    pub(crate) fn bytes(&self) -> usize {
        self.held.get().1
    }

    pub(crate) const fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// Whether a batch is waiting, when the exporter holds none.
    pub(crate) fn has_batch(&self) -> bool {
        let (queued, bytes) = self.held.get();
        queued >= self.bounds.batch_spans
            || bytes >= self.bounds.batch_bytes
            || queued > 0 && self.is_too_full.load(Ordering::Acquire)
    }

    /// Makes a batch of what there is, for who has more than there is [room](Self::has_room) for and waits for it. A single span may be so heavy that the
    /// few others are neither many nor heavy.
    pub(crate) fn ask_for_room(&self) {
        self.is_too_full.store(true, Ordering::Release);
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
