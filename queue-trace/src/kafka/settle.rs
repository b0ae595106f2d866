use std::borrow::Cow;

use rdkafka::consumer::{CommitMode, Consumer, ConsumerContext};
use rdkafka::error::KafkaResult;
use rdkafka::message::{BorrowedMessage, Message as KafkaMessage, OwnedMessage};
use rdkafka::{Offset, TopicPartitionList};
use tracing_core_ctx::span::SpanWriter;
use tracing_core_ctx::{Context, Span, SpanKind, semconv};

use super::consumer::TracedConsumer;
use super::digits::Digits;
use super::error::error_type;
use super::message::Traced;
use super::source::Source;
use super::together::Together;
use super::topics::{Place, Step};
use crate::observe::Watch;
use crate::operation::Begin;
use crate::under_way::UnderWay;

/// A message that a consumer can be told to be done with: rdkafka's own, and the traced ones.
///
/// The commit of a traced message is a child of its process span, also when that has ended; inside the work, and of others, of the active span.
pub trait Settled {
    /// Partition and offset.
    fn place(&self) -> (i32, i64);

    /// The topic.
    fn topic_name(&self) -> &str;

    /// The message in the memory of its consumer, unless it was detached.
    fn borrowed(&self) -> Option<&BorrowedMessage<'_>> {
        None
    }

    /// The context in which it was processed last, if that was recorded.
    fn processed(&self) -> Option<Cow<'_, Context>> {
        None
    }

    /// Whether it was processed and not recorded: then neither is what settles it. Default: no.
    fn is_unrecorded(&self) -> bool {
        false
    }

    /// Where its topic is among those of the consumer that handed it over, and which list that is: of others it says nothing.
    #[doc(hidden)]
    fn known_topic(&self) -> Option<(usize, *const ())> {
        None
    }
}

impl Settled for BorrowedMessage<'_> {
    fn place(&self) -> (i32, i64) {
        (self.partition(), self.offset())
    }

    fn topic_name(&self) -> &str {
        self.topic()
    }

    fn borrowed(&self) -> Option<&BorrowedMessage<'_>> {
        Some(self)
    }
}

impl Settled for OwnedMessage {
    fn place(&self) -> (i32, i64) {
        (self.partition(), self.offset())
    }

    fn topic_name(&self) -> &str {
        self.topic()
    }
}

impl<M: Settled + KafkaMessage> Settled for Traced<M> {
    fn place(&self) -> (i32, i64) {
        (self.partition(), self.offset())
    }

    fn topic_name(&self) -> &str {
        self.topic()
    }

    fn borrowed(&self) -> Option<&BorrowedMessage<'_>> {
        (**self).borrowed()
    }

    fn processed(&self) -> Option<Cow<'_, Context>> {
        self.processed.recorded()
    }

    fn is_unrecorded(&self) -> bool {
        self.processed.is_unrecorded()
    }

    fn known_topic(&self) -> Option<(usize, *const ())> {
        Some((self.topic_position()?, self.source.topics()))
    }
}

/// Where one message lies, which is asked when somebody wants to know.
struct One<'a, S>(&'a S, &'a Source);

impl<S> Clone for One<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for One<'_, S> {}

impl<'a, S: Settled> Place<'a> for One<'a, S> {
    fn topic(self) -> &'a str {
        self.0.topic_name()
    }

    fn known(self) -> Option<usize> {
        let (position, topics) = self.0.known_topic()?;
        (topics == self.1.topics()).then_some(position)
    }
}

/// # Settling
///
/// Each is the call of the consumer in a span, `commit {topic}` or `store {topic}`, which is a child of the process span of the message if that has ended, and else
/// of the active span. Where there is neither, it has a span only if it fails: a trace of the commit alone tells nobody anything. Commits that librdkafka makes by itself (`enable.auto.commit`, when partitions are
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
        self.settle_one(Step::Commit, message, || {
            if let Some(message) = message.borrowed() {
                return self.inner().commit_message(message, mode);
            }
            let (topic, (partition, offset)) = (message.topic_name(), message.place());
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
        self.settle_list(Step::Commit, offsets, || self.inner().commit(offsets, mode))
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
        self.settle_together(Step::Commit, Together::default(), || {
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
        let place = Together {
            topic,
            partition: Some(partition),
            offset: Some(offset),
        };
        self.settle_together(Step::Store, place, || {
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
        self.settle_one(Step::Store, message, || {
            if let Some(message) = message.borrowed() {
                return self.inner().store_offset_from_message(message);
            }
            let (topic, (partition, offset)) = (message.topic_name(), message.place());
            self.inner().store_offset(topic, partition, offset)
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
        self.settle_list(Step::Store, offsets, || self.inner().store_offsets(offsets))
    }

    fn settle_list(
        &self,
        step: Step,
        offsets: &TopicPartitionList,
        settle: impl FnOnce() -> KafkaResult<()>,
    ) -> KafkaResult<()> {
        if !self.source.queue.is_wanted() {
            return settle();
        }
        let elements = offsets.elements();
        self.settle_together(step, Together::of(&elements), settle)
    }

    fn settle_together(
        &self,
        step: Step,
        place: Together<'_>,
        settle: impl FnOnce() -> KafkaResult<()>,
    ) -> KafkaResult<()> {
        let digits = place.partition();
        let partition = digits.as_ref().and_then(Digits::as_str);
        let operation = self.source.at(step, place.topic, partition);
        self.settle(&operation, Below::Current, place.offset, settle)
    }

    #[inline]
    fn settle_one<S: Settled>(
        &self,
        step: Step,
        message: &S,
        settle: impl FnOnce() -> KafkaResult<()>,
    ) -> KafkaResult<()> {
        let (partition, offset) = message.place();
        let digits = Digits::of(partition);
        let partition = digits.as_ref().and_then(Digits::as_str);
        let place = One(message, &self.source);
        let operation = self.source.at(step, place, partition);
        let processed = message.processed();
        let below = match &processed {
            Some(context) => Below::Processed(context),
            None if message.is_unrecorded() => Below::Unrecorded,
            None => Below::Current,
        };
        self.settle(&operation, below, Some(offset), settle)
    }

    #[inline]
    fn settle(
        &self,
        operation: &impl Begin,
        below: Below<'_>,
        offset: Option<i64>,
        settle: impl FnOnce() -> KafkaResult<()>,
    ) -> KafkaResult<()> {
        let queue = &self.source.queue;
        let current;
        let parent = match below {
            Below::Unrecorded => None,
            // Whoever is active when the work has ended has no part in it.
            Below::Processed(context) if !context.span_ref().is_recording() => Some(context),
            Below::Processed(_) | Below::Current => {
                current = Context::current();
                let is_alone = current.span_context().is_none();
                match below {
                    Below::Processed(context) if is_alone => Some(context),
                    Below::Current if is_alone => None,
                    _ => Some(&current),
                }
            }
        };
        let describe = |span: &mut SpanWriter<'_>| {
            if let Some(offset) = offset.filter(|offset| *offset >= 0) {
                span.set_new(semconv::KAFKA_OFFSET, offset);
            }
        };
        let span = parent.map_or_else(Span::none, |parent| {
            queue.start_settle_leaf(operation, parent, describe)
        });
        let is_outside = parent.is_none() && matches!(below, Below::Current);
        let tracer = queue.tracer();
        let start = (is_outside && tracer.is_enabled()).then(|| tracer.now());
        let watch = queue.watch(SpanKind::Client, operation, &span);
        let mut settling = UnderWay::new(span, watch);
        // Nobody is in it: of what is the user's own, the client calls nothing before it is polled again.
        let settled = settle();
        match &settled {
            Ok(()) => settling.done(|_| {}),
            Err(error) => {
                settling.fail(|| error_type(error), error);
                if let Some(start) = start {
                    let span = queue.settle_leaf_from(operation, start, describe);
                    UnderWay::new(span, Watch::default()).fail(|| error_type(error), error);
                }
            }
        }
        settled
    }
}

/// Where a message is settled.
#[derive(Clone, Copy)]
enum Below<'a> {
    /// Where the one is who settles it.
    Current,
    /// Where it was processed.
    Processed(&'a Context),
    /// Where it was processed, which is not recorded.
    Unrecorded,
}
