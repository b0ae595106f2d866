use std::fmt;
use std::sync::Mutex;

use triomphe::Arc;

use super::recording::Recording;
use super::{SpanRecord, SpanWriter};
use crate::lock::Lock;
use crate::pool::{Pool, Shelf, Spare};
use crate::{SpanContext, SpanId, Timestamp, Tracer, semconv};

/// A span that records: shared by its owner and by every context that has it as its current span.
///
/// The recording is gone once the span has ended. The lock is held for single writes, never while foreign code runs.
pub(crate) struct LiveSpan {
    tracer: Tracer,
    span_context: SpanContext,
    local_root: SpanId,
    recording: Lock<Option<Box<Recording>>>,
}

/// Counts who shares a [`LiveSpan`], as [`Arc`] does; the last one keeps the memory for a later span.
#[derive(Clone)]
pub(crate) struct LiveRef {
    /// Gone only while this is being dropped.
    shared: Option<Arc<Slot>>,
}

/// A live span, or the memory for one.
type Slot = Option<LiveSpan>;

thread_local! {
    static SHELF: Shelf<Arc<Slot>> = const { Shelf::new() };
}
static SPARE: Spare<Arc<Slot>> = Mutex::new(Vec::new());
static POOL: Pool<Arc<Slot>> = Pool {
    shelf: &SHELF,
    spare: &SPARE,
};

impl LiveRef {
    #[inline]
    pub(super) fn new(
        tracer: Tracer,
        span_context: SpanContext,
        local_root: SpanId,
        recording: Box<Recording>,
    ) -> Self {
        let live = Some(LiveSpan {
            tracer,
            span_context,
            local_root,
            recording: Lock::new(Some(recording)),
        });
        let mut shared = POOL.take_or(Arc::default);
        match Arc::get_mut(&mut shared) {
            Some(slot) => *slot = live,
            // Not so: nobody else has what lies in the pool.
            None => shared = Arc::new(live),
        }
        Self {
            shared: Some(shared),
        }
    }

    /// The span; `None` only while this is being dropped.
    #[inline]
    pub(crate) fn get(&self) -> Option<&LiveSpan> {
        self.shared.as_deref()?.as_ref()
    }

    /// The same, if nobody else has it.
    #[inline]
    pub(super) fn get_mut(&mut self) -> Option<&mut LiveSpan> {
        Arc::get_mut(self.shared.as_mut()?)?.as_mut()
    }
}

impl Drop for LiveRef {
    #[inline]
    fn drop(&mut self) {
        if let Some(shared) = self.shared.take() {
            release(shared);
        }
    }
}

#[inline(never)]
fn release(mut shared: Arc<Slot>) {
    // Two that let go at once may both find the other still there: then the allocator gets it.
    if let Some(slot) = Arc::get_mut(&mut shared) {
        if let Some(live) = slot.take() {
            live.tracer.give_back();
        }
        POOL.give(shared);
    }
}

impl LiveSpan {
    pub(crate) const fn tracer(&self) -> &Tracer {
        &self.tracer
    }

    pub(crate) const fn span_context(&self) -> &SpanContext {
        &self.span_context
    }

    pub(super) const fn local_root(&self) -> SpanId {
        self.local_root
    }

    /// Lets `write` at the recording. After the end it is not called; the attempt is counted.
    #[inline]
    pub(super) fn write(&self, write: impl FnOnce(&mut SpanWriter<'_>)) {
        let mut recording = self.recording.lock();
        match recording.as_deref_mut() {
            Some(recording) => write(&mut SpanWriter::new(recording, &self.tracer)),
            None => self.tracer.count_late_write(),
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.recording.lock().is_none()
    }

    /// Takes the recording out, by which the span has ended; once.
    #[inline]
    pub(super) fn take(&self) -> Option<Box<Recording>> {
        self.recording.lock().take()
    }

    /// The same where nobody else has the span: there is no lock to take.
    #[inline]
    pub(super) fn take_alone(&mut self) -> Option<Box<Recording>> {
        self.recording.get_mut().take()
    }

    /// Lets `finish` add to the recording that was taken out what is only known at the end, and hands it over.
    ///
    /// If `finish` panics, the span is handed over all the same, as that of an operation that panicked.
    #[inline]
    pub(super) fn end(
        &self,
        recording: Box<Recording>,
        end: Option<Timestamp>,
        finish: impl FnOnce(&mut SpanWriter<'_>),
    ) {
        let mut handover = Handover {
            tracer: &self.tracer,
            // Before `finish`, whose time is not that of the operation.
            end: end.unwrap_or_else(|| self.tracer.now()),
            recording: Some(recording),
            finished: false,
        };
        if let Some(recording) = handover.recording.as_deref_mut() {
            finish(&mut SpanWriter::new(recording, &self.tracer));
        }
        handover.finished = true;
    }
}

impl fmt::Debug for LiveSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveSpan").finish_non_exhaustive()
    }
}

/// Hands a span to the sink when it is dropped, so that unwinding does it too.
struct Handover<'a> {
    tracer: &'a Tracer,
    end: Timestamp,
    recording: Option<Box<Recording>>,
    finished: bool,
}

impl Drop for Handover<'_> {
    #[inline]
    fn drop(&mut self) {
        let Some(mut recording) = self.recording.take() else {
            return;
        };
        if !self.finished {
            SpanWriter::new(&mut recording, self.tracer).fail(semconv::error_type::PANIC, "");
        }
        recording.end = self.end.max(recording.start);
        self.tracer.submit(SpanRecord::new(recording));
    }
}
