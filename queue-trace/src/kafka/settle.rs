use rdkafka::consumer::{CommitMode, Consumer, ConsumerContext};
use rdkafka::error::KafkaResult;
use rdkafka::message::{BorrowedMessage, Message as KafkaMessage, OwnedMessage};
use rdkafka::{Offset, TopicPartitionList};
use tracing_core_ctx::Context;
use tracing_core_ctx::semconv::messaging_system_name::KAFKA;

use super::consumer::TracedConsumer;
use super::digits::Digits;
use super::error::error_type;
use super::message::Traced;
use crate::{Destination, Message, Operation};

/// A message that a consumer can be told to be done with: rdkafka's own, and the traced ones.
///
/// The commit of a traced message is a child of its process span, also when that has ended; of others, of the active span.
pub trait Settled {
    /// Topic, partition and offset.
    fn place(&self) -> (&str, i32, i64);

    /// The message in the memory of its consumer, unless it was detached.
    fn borrowed(&self) -> Option<&BorrowedMessage<'_>> {
        None
    }

    /// The context in which it was first processed.
    fn processed(&self) -> Option<&Context> {
        None
    }
}

impl Settled for BorrowedMessage<'_> {
    fn place(&self) -> (&str, i32, i64) {
        (self.topic(), self.partition(), self.offset())
    }

    fn borrowed(&self) -> Option<&BorrowedMessage<'_>> {
        Some(self)
    }
}

impl Settled for OwnedMessage {
    fn place(&self) -> (&str, i32, i64) {
        (self.topic(), self.partition(), self.offset())
    }
}

impl<M: Settled + KafkaMessage> Settled for Traced<M> {
    fn place(&self) -> (&str, i32, i64) {
        (self.topic_name(), self.partition(), self.offset())
    }

    fn borrowed(&self) -> Option<&BorrowedMessage<'_>> {
        (**self).borrowed()
    }

    fn processed(&self) -> Option<&Context> {
        self.processed.get()
    }
}

/// Where messages lie, as far as they lie together.
#[derive(Clone, Copy, Default)]
struct Place<'a> {
    topic: &'a str,
    partition: Option<i32>,
    offset: Option<i64>,
}

impl<'a> Place<'a> {
    const fn of((topic, partition, offset): (&'a str, i32, i64)) -> Self {
        Self {
            topic,
            partition: Some(partition),
            offset: Some(offset),
        }
    }
}

/// # Settling
///
/// Each is the call of the consumer in a span, `commit {topic}` or `store {topic}`, which is a child of the active span; of a traced message that
/// was processed, of its process span. Commits that librdkafka makes by itself (`enable.auto.commit`, when partitions are
/// revoked, when the consumer is closed) have no span.
impl<X> TracedConsumer<X> {
    /// `commit_message` of the consumer. Messages that were detached can be committed too.
    ///
    /// # Errors
    ///
    /// Those of the consumer.
    pub fn commit_message<C>(&self, message: &impl Settled, mode: CommitMode) -> KafkaResult<()>
    where
        X: Consumer<C>,
        C: ConsumerContext,
    {
        let at = message.place();
        let ((topic, partition, offset), place) = (at, Place::of(at));
        self.settle("commit", place, message.processed(), || {
            if let Some(message) = message.borrowed() {
                return self.inner().commit_message(message, mode);
            }
            // A commit names the message that is next.
            let next = Offset::Offset(offset.saturating_add(1));
            let mut list = TopicPartitionList::with_capacity(1);
            list.add_partition_offset(topic, partition, next)?;
            self.inner().commit(&list, mode)
        })
    }

    /// `commit` of the consumer.
    ///
    /// # Errors
    ///
    /// Those of the consumer.
    pub fn commit<C>(&self, offsets: &TopicPartitionList, mode: CommitMode) -> KafkaResult<()>
    where
        X: Consumer<C>,
        C: ConsumerContext,
    {
        self.settle_list("commit", offsets, || self.inner().commit(offsets, mode))
    }

    /// `commit_consumer_state` of the consumer.
    ///
    /// # Errors
    ///
    /// Those of the consumer.
    pub fn commit_consumer_state<C>(&self, mode: CommitMode) -> KafkaResult<()>
    where
        X: Consumer<C>,
        C: ConsumerContext,
    {
        self.settle("commit", Place::default(), None, || {
            self.inner().commit_consumer_state(mode)
        })
    }

    /// `store_offset` of the consumer.
    ///
    /// # Errors
    ///
    /// Those of the consumer.
    pub fn store_offset<C>(&self, topic: &str, partition: i32, offset: i64) -> KafkaResult<()>
    where
        X: Consumer<C>,
        C: ConsumerContext,
    {
        let place = Place::of((topic, partition, offset));
        self.settle("store", place, None, || {
            self.inner().store_offset(topic, partition, offset)
        })
    }

    /// `store_offset_from_message` of the consumer. Offsets of messages that were detached can be stored too.
    ///
    /// # Errors
    ///
    /// Those of the consumer.
    pub fn store_offset_from_message<C>(&self, message: &impl Settled) -> KafkaResult<()>
    where
        X: Consumer<C>,
        C: ConsumerContext,
    {
        let at = message.place();
        let ((topic, partition, offset), place) = (at, Place::of(at));
        self.settle("store", place, message.processed(), || {
            match message.borrowed() {
                Some(message) => self.inner().store_offset_from_message(message),
                None => self.inner().store_offset(topic, partition, offset),
            }
        })
    }

    /// `store_offsets` of the consumer.
    ///
    /// # Errors
    ///
    /// Those of the consumer.
    pub fn store_offsets<C>(&self, offsets: &TopicPartitionList) -> KafkaResult<()>
    where
        X: Consumer<C>,
        C: ConsumerContext,
    {
        self.settle_list("store", offsets, || self.inner().store_offsets(offsets))
    }

    fn settle_list(
        &self,
        name: &str,
        offsets: &TopicPartitionList,
        settle: impl FnOnce() -> KafkaResult<()>,
    ) -> KafkaResult<()> {
        if !self.source.queue.tracer().is_enabled() {
            return settle();
        }
        let elements = offsets.elements();
        let place = match elements.as_slice() {
            [only] => Place {
                topic: only.topic(),
                partition: Some(only.partition()),
                // A list names the message that is next.
                offset: None,
            },
            [first, rest @ ..] if rest.iter().all(|each| each.topic() == first.topic()) => Place {
                topic: first.topic(),
                ..Place::default()
            },
            _ => Place::default(),
        };
        self.settle(name, place, None, settle)
    }

    fn settle(
        &self,
        name: &str,
        place: Place<'_>,
        processed: Option<&Context>,
        settle: impl FnOnce() -> KafkaResult<()>,
    ) -> KafkaResult<()> {
        let digits = place.partition.and_then(Digits::of);
        let mut operation = Operation::settle(KAFKA, name, Destination::named(place.topic));
        operation.consumer_group = self.source.group();
        operation.message = Message {
            partition: digits.as_ref().and_then(Digits::as_str),
            offset: place.offset.filter(|offset| *offset >= 0),
            ..Message::default()
        };
        let mut context = Context::current();
        if context.span_context().is_none()
            && let Some(processed) = processed
        {
            context = processed.clone();
        }
        let mut active = self.source.queue.start_settle(&operation, context);
        // What it calls, such as the user's callbacks, runs below it.
        let settled = {
            let _entered = active.enter();
            settle()
        };
        active.end_with(|span| {
            if let Err(error) = &settled {
                span.fail(&error_type(error), "");
            }
        });
        settled
    }
}
