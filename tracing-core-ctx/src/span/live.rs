use std::fmt;
use std::sync::{Mutex, PoisonError};

use super::{SpanRecord, SpanWriter};
use crate::{Timestamp, Tracer};

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
    pub(super) fn end(&self, end: Option<Timestamp>, finish: impl FnOnce(&mut SpanWriter<'_>)) {
        let taken = self.record.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut record) = taken else {
            return;
        };
        finish(&mut SpanWriter::new(&mut record, &self.tracer));
        let end = end.unwrap_or_else(|| self.tracer.now());
        record.end = end.max(record.start);
        self.tracer.submit(record);
    }
}

impl fmt::Debug for LiveSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveSpan").finish_non_exhaustive()
    }
}
