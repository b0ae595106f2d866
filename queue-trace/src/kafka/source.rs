use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, OnceLock};

use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

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
    shared: Arc<Shared>,
}

/// What changes as messages come.
#[derive(Debug, Default)]
struct Shared {
    /// The topic of the first message. Most consumers read one, and rdkafka looks through its name each time it is asked.
    topic: OnceLock<Box<str>>,
    /// With which kind of error polls have failed since the last message; 0 if none has.
    trouble: AtomicI32,
}

impl Source {
    pub(super) fn new(queue: QueueTracer) -> Self {
        Self(Arc::new(Known {
            queue,
            group: None,
            lag: None,
            shared: Arc::default(),
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

    /// A message has come: whatever the trouble was, it is over. Says whether the message is of the topic that [`topic`](Self::topic) names.
    pub(super) fn has_come(&self, topic: &str) -> bool {
        self.is_well();
        **self.shared.topic.get_or_init(|| topic.into()) == *topic
    }

    /// The topic of the first message that came.
    pub(super) fn topic(&self) -> Option<&str> {
        self.shared.topic.get().map(|topic| &**topic)
    }

    /// The span of a poll that failed: one for each kind of trouble, until a message comes. That a partition has no more messages is no failure.
    pub(super) fn poll_failed(&self, error: &KafkaError) {
        if matches!(error, KafkaError::PartitionEOF(_)) {
            return self.is_well();
        }
        let trouble = kind_of(error);
        let before = self.shared.trouble.swap(trouble, Ordering::Relaxed);
        if self.queue.settings.receive_spans && before != trouble {
            batch::start(self, OperationType::Receive, "poll", &[], None)
                .end_with(|span| span.fail(&error_type(error), ""));
        }
    }

    fn is_well(&self) {
        if self.shared.trouble.load(Ordering::Relaxed) != 0 {
            self.shared.trouble.store(0, Ordering::Relaxed);
        }
    }
}

/// While brokers are away, librdkafka reports one error after the other, in several words for the same.
fn kind_of(error: &KafkaError) -> i32 {
    use RDKafkaErrorCode::{
        AllBrokersDown, BrokerTransportFailure, OperationTimedOut, RequestTimedOut, Resolve,
    };
    match error.rdkafka_error_code() {
        Some(
            AllBrokersDown | BrokerTransportFailure | OperationTimedOut | RequestTimedOut | Resolve,
        ) => BrokerTransportFailure as i32,
        Some(code) => code as i32,
        None => RDKafkaErrorCode::Unknown as i32,
    }
}

impl std::ops::Deref for Source {
    type Target = Known;

    fn deref(&self) -> &Known {
        &self.0
    }
}
