use std::sync::Arc;

use rdkafka::error::KafkaError;

use super::batch;
use super::error::error_type;
use super::lag::Lag;
use super::message::TracedMessage;
use crate::{OperationType, QueueTracer};

/// What a consumer knows of itself. One count to clone, as every message does.
#[derive(Clone, Debug)]
pub(super) struct Source(Arc<Known>);

#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) queue: QueueTracer,
    group: Option<Box<str>>,
    lag: Option<Lag>,
}

impl Source {
    pub(super) fn new(queue: QueueTracer) -> Self {
        Self(Arc::new(Known {
            queue,
            group: None,
            lag: None,
        }))
    }

    pub(super) fn set_group(&mut self, group: &str) {
        Arc::make_mut(&mut self.0).group = Some(group.into());
    }

    pub(super) fn set_lag(&mut self, lag: Lag) {
        Arc::make_mut(&mut self.0).lag = Some(lag);
    }

    pub(super) fn group(&self) -> Option<&str> {
        self.group.as_deref()
    }

    pub(super) fn lag_behind(&self, topic: &str, partition: i32, offset: i64) -> Option<i64> {
        self.lag.as_ref()?.behind(topic, partition, offset)
    }

    /// The span of handing messages over. It does not cover the wait: that would begin before the messages were sent.
    pub(super) fn polled(&self, messages: &[TracedMessage<'_>], batch: Option<usize>) {
        if self.queue.settings.receive_spans {
            batch::start(self, OperationType::Receive, "poll", messages, batch).end_with(|_| {});
        }
    }

    /// The span of a poll that failed. That a partition has no more messages is no failure.
    pub(super) fn poll_failed(&self, error: &KafkaError) {
        if self.queue.settings.receive_spans && !matches!(error, KafkaError::PartitionEOF(_)) {
            batch::start(self, OperationType::Receive, "poll", &[], None)
                .end_with(|span| span.fail(&error_type(error), ""));
        }
    }
}

impl std::ops::Deref for Source {
    type Target = Known;

    fn deref(&self) -> &Known {
        &self.0
    }
}
