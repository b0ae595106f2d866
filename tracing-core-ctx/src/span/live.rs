use std::fmt;
use std::sync::{Mutex, PoisonError};

use super::{SpanRecord, SpanWriter};
use crate::{Timestamp, Tracer, semconv};

/// A span that records: shared by its owner and by every context that has it as its current span.
///
/// The record is gone once the span has ended. The lock is held for single writes, never while foreign code runs.
pub(crate) struct LiveSpan {
    tracer: Tracer,
    record: Mutex<Option<Box<SpanRecord>>>,
}

impl LiveSpan {
    pub(super) const fn new(tracer: Tracer, record: Box<SpanRecord>) -> Self {
        Self {
            tracer,
            record: Mutex::new(Some(record)),
        }
    }

    pub(crate) const fn tracer(&self) -> &Tracer {
        &self.tracer
    }

    /// Lets `write` at the record. After the end it is not called; the attempt is counted.
    pub(super) fn write(&self, write: impl FnOnce(&mut SpanWriter<'_>)) {
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        match record.as_deref_mut() {
            Some(record) => write(&mut SpanWriter::new(record, &self.tracer)),
            None => self.tracer.count_late_write(),
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        let record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        record.is_none()
    }

    /// Takes the record out, lets `finish` add what is only known at the end, and hands it over. The second call does nothing.
    ///
    /// If `finish` panics, the record is handed over all the same, as that of an operation that panicked.
    pub(super) fn end(&self, end: Option<Timestamp>, finish: impl FnOnce(&mut SpanWriter<'_>)) {
        let taken = self
            .record
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(record) = taken else {
            return;
        };
        let mut handover = Handover {
            tracer: &self.tracer,
            // Before `finish`, whose time is not that of the operation.
            end: end.unwrap_or_else(|| self.tracer.now()),
            record: Some(record),
            finished: false,
        };
        if let Some(record) = handover.record.as_deref_mut() {
            finish(&mut SpanWriter::new(record, &self.tracer));
        }
        handover.finished = true;
    }
}

impl fmt::Debug for LiveSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveSpan").finish_non_exhaustive()
    }
}

/// Hands a record to the sink when it is dropped, so that unwinding does it too.
struct Handover<'a> {
    tracer: &'a Tracer,
    end: Timestamp,
    record: Option<Box<SpanRecord>>,
    finished: bool,
}

impl Drop for Handover<'_> {
    fn drop(&mut self) {
        let Some(mut record) = self.record.take() else {
            return;
        };
        if !self.finished {
            SpanWriter::new(&mut record, self.tracer).fail(semconv::error_type::PANIC, "");
        }
        record.end = self.end.max(record.start);
        self.tracer.submit(record);
    }
}
