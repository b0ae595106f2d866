use std::sync::Arc;

use tracing_core_ctx::{SpanRecord, SpanSink};

use crate::shared::Shared;

/// Where a [`Pipeline`](crate::Pipeline) takes finished spans: for a [`Tracer`](tracing_core_ctx::Tracer) that you
/// build yourself. Cheap to clone.
///
/// A span that ends is moved into the queue, which is a few atomic operations, no lock and no allocation; every
/// 512th wakes the pipeline's thread. When the queue is full the span is dropped and counted.
#[derive(Clone, Debug)]
pub struct PipelineSink {
    shared: Arc<Shared>,
}

impl PipelineSink {
    pub(crate) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

impl SpanSink for PipelineSink {
    fn is_enabled(&self) -> bool {
        self.shared.is_enabled()
    }

    fn started(&self) {
        self.shared.counters.requests.started();
    }

    fn not_recorded(&self) {
        self.shared.counters.requests.not_recorded();
    }

    fn submit(&self, span: SpanRecord) {
        self.shared.submit(span);
    }
}
