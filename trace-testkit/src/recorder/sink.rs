use std::fmt;
use std::sync::Arc;

use tracing_core_ctx::{SpanRecord, SpanSink};

use super::Shared;
use crate::RecordedSpan;

/// Hands the spans of one service to the recorder.
pub(super) struct RecorderSink {
    shared: Arc<Shared>,
    service: Arc<str>,
}

impl RecorderSink {
    pub(super) fn new(shared: Arc<Shared>, service: &str) -> Self {
        Self {
            shared,
            service: service.into(),
        }
    }
}

impl SpanSink for RecorderSink {
    fn started(&self) {
        self.shared.lock().started += 1;
    }

    fn submit(&self, span: SpanRecord) {
        {
            let mut state = self.shared.lock();
            if state.ids.insert(span.span_context().span_id()) {
                state.ended += 1;
                state
                    .spans
                    .push(RecordedSpan::new(Arc::clone(&self.service), span));
            } else {
                // A panic here would hit whoever ended the span, maybe in a drop. The test hears of it when it takes its spans.
                state.ended_twice.push(span.name().to_owned());
            }
        }
        self.shared.arrived.notify_all();
        self.shared.arrived_async.notify_waiters();
    }
}

impl fmt::Debug for RecorderSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecorderSink")
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}
