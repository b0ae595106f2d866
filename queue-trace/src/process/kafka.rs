use rdkafka::message::Message;
use tracing_core_ctx::ActiveSpan;

use super::{Measured, ProcessMessage};
use crate::QueueTracer;
use crate::kafka::Traced;

/// By the settings of its consumer.
impl<M: Message> ProcessMessage for Traced<M> {
    fn begin(&mut self, _: &QueueTracer) -> ActiveSpan {
        let (active, watch) = self.start_process().into_parts();
        self.watch = watch;
        active
    }

    fn measured(&mut self) -> Measured {
        Measured::by(std::mem::take(&mut self.watch))
    }
}
