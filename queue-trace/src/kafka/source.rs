use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use rdkafka::Message;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

use super::batch;
use super::error::error_type;
use super::lag::Lag;
use super::message::TracedMessage;
use super::topics::{Place, Step, Topics};
use crate::observe::Failure;
use crate::prepared::{At, Prepared};
use crate::{Operation, QueueTracer};

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
    topics: Topics,
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
        let known = Arc::make_mut(&mut self.0);
        known.group = Some(group.into());
        // What is prepared names the group.
        known.shared = Arc::default();
    }

    pub(super) fn set_lag(&mut self, lag: Lag) {
        Arc::make_mut(&mut self.0).lag = Some(lag);
    }

    pub(super) fn group(&self) -> Option<&str> {
        self.group.as_deref()
    }

    pub(super) fn lag_behind(&self, message: &impl Message) -> Option<i64> {
        let lag = self.lag.as_ref()?;
        lag.behind(message.topic(), message.partition(), message.offset())
    }

    /// The span of handing a message over. It does not cover the wait: that would begin before the message was sent.
    #[inline]
    pub(super) fn polled(&self, message: &TracedMessage<'_>) {
        if self.queue.is_observed() {
            message.tell_arrival();
        }
        if self.queue.settings.receive_spans {
            message.record_receive();
        }
    }

    /// The same of a batch.
    pub(super) fn polled_batch(&self, messages: &[TracedMessage<'_>]) {
        if self.queue.is_observed() {
            messages.iter().for_each(TracedMessage::tell_arrival);
        }
        if self.queue.settings.receive_spans {
            let (mut active, _) = batch::start(self, Step::Poll, messages);
            active.end_with(|_| {});
        }
    }

    /// A step at a place.
    #[inline]
    pub(super) fn at<'a>(
        &'a self,
        step: Step,
        place: impl Place<'a>,
        partition: Option<&'a str>,
    ) -> At<'a, impl Fn() -> Option<&'a Prepared>, impl Fn() -> Operation<'a>> {
        let spans = (&self.queue, self.group());
        self.shared.topics.at(spans, step, place, partition)
    }

    /// Where the topic is among those that are known.
    pub(super) fn position(&self, topic: &str) -> Option<usize> {
        self.shared.topics.position(&self.queue, topic)
    }

    /// Which list of topics is its own: a position in one says nothing of another.
    #[inline]
    pub(super) fn topics(&self) -> *const () {
        Arc::as_ptr(&self.shared).cast()
    }

    /// A poll that failed: told of once for each kind of trouble, until a message comes. That a partition has no more messages is no failure.
    pub(super) fn poll_failed(&self, error: &KafkaError) {
        if matches!(error, KafkaError::PartitionEOF(_)) {
            return self.is_well();
        }
        let trouble = kind_of(error);
        let before = self.shared.trouble.swap(trouble, Ordering::Relaxed);
        if before != trouble {
            let operation = Step::Poll.operation((&self.queue, self.group()), "");
            let failure = Failure {
                error_type: &error_type(error),
                error,
            };
            self.queue.pulled(&operation, [], Some(failure));
        }
    }

    /// A message has come, or could: whatever the trouble was, it is over.
    #[inline]
    pub(super) fn is_well(&self) {
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
