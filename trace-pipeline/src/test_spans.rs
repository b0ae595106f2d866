//! Finished spans for tests.

use std::sync::{Arc, Mutex};

use tracing_core_ctx::tracer::TracerBuilder;
use tracing_core_ctx::{SpanRecord, SpanSink, Tracer};

#[derive(Debug, Default)]
struct Kept(Mutex<Vec<SpanRecord>>);

impl SpanSink for Kept {
    fn submit(&self, span: SpanRecord) {
        self.0.lock().unwrap().push(span);
    }
}

/// The spans that `record` ends.
pub(crate) fn recorded(record: impl FnOnce(&Tracer)) -> Vec<SpanRecord> {
    recorded_with(|builder| builder, record)
}

/// The same with a tracer that `change` says more about.
pub(crate) fn recorded_with(
    change: impl FnOnce(TracerBuilder) -> TracerBuilder,
    record: impl FnOnce(&Tracer),
) -> Vec<SpanRecord> {
    let kept = Arc::new(Kept::default());
    record(&change(Tracer::builder()).sink(Arc::clone(&kept)).build());
    std::mem::take(&mut *kept.0.lock().unwrap())
}

/// As many spans as `count`, named by their number.
pub(crate) fn spans(count: usize) -> Vec<SpanRecord> {
    recorded(|tracer| {
        for number in 0..count {
            tracer.span(&format!("span {number}")).start().end();
        }
    })
}
