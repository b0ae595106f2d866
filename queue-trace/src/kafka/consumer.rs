use std::fmt;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{
    CommitMode, Consumer as _, ConsumerContext, DefaultConsumerContext, MessageStream,
    StreamConsumer,
};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::util::{AsyncRuntime, DefaultRuntime};
use tracing_core_ctx::semconv::messaging_system_name::KAFKA;

use super::batch::{self, TracedBatch};
use super::digits::Digits;
use super::error::error_type;
use super::message::{Source, TracedMessage};
use crate::{Destination, Message, Operation, OperationType, QueueTracer};

/// A [`StreamConsumer`] whose messages are traced.
///
/// Everything else of the consumer is there by [`Deref`]: `subscribe`, `assign`, `seek`, .. What it hands over by itself is not traced.
#[must_use = "the consumer stops when it is dropped"]
pub struct TracedConsumer<C = DefaultConsumerContext, R = DefaultRuntime>
where
    C: ConsumerContext + 'static,
{
    inner: StreamConsumer<C, R>,
    source: Source,
}

impl<C, R> TracedConsumer<C, R>
where
    C: ConsumerContext + 'static,
    R: AsyncRuntime,
{
    /// Traces what this hands over from now on.
    pub const fn new(consumer: StreamConsumer<C, R>, queue: QueueTracer) -> Self {
        Self {
            inner: consumer,
            source: Source { queue, group: None },
        }
    }

    /// The name of the consumer's group, for the spans: the consumer does not tell. Default: none.
    pub fn group(mut self, group: &str) -> Self {
        self.source.group = Some(group.into());
        self
    }

    /// The consumer itself. What it hands over is not traced.
    pub const fn inner(&self) -> &StreamConsumer<C, R> {
        &self.inner
    }

    /// [`StreamConsumer::recv`]. May be dropped without losing a message.
    ///
    /// # Errors
    ///
    /// Those of the consumer.
    pub async fn recv(&self) -> KafkaResult<TracedMessage<'_>> {
        let mut stream = self.stream();
        match std::future::poll_fn(|cx| Pin::new(&mut stream).poll_next(cx)).await {
            Some(next) => next,
            // The consumer's streams have no end.
            None => Err(KafkaError::NoMessageReceived),
        }
    }

    /// [`StreamConsumer::stream`].
    pub fn stream(&self) -> TracedStream<'_, C> {
        TracedStream {
            inner: self.inner.stream(),
            source: &self.source,
        }
    }

    /// Waits for up to `most` messages, and for no longer than `wait` after the first is asked for. It may be empty.
    ///
    /// An error ends the batch; if there is no message before it, it is the answer.
    ///
    /// If this is dropped before it is done, the messages it has are lost to this consumer until it seeks back or starts again, as far as their
    /// offsets are not stored.
    ///
    /// # Errors
    ///
    /// Those of the consumer.
    pub async fn recv_batch(&self, most: usize, wait: Duration) -> KafkaResult<TracedBatch<'_>> {
        let mut stream = self.inner.stream();
        let mut delay = std::pin::pin!(R::delay_for(wait));
        let mut messages = Vec::new();
        let error = std::future::poll_fn(|cx| {
            while messages.len() < most {
                match Pin::new(&mut stream).poll_next(cx) {
                    Poll::Ready(Some(Ok(message))) => {
                        messages.push(TracedMessage::new(message, &self.source));
                    }
                    Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(error)),
                    Poll::Ready(None) => return Poll::Ready(None),
                    Poll::Pending => return delay.as_mut().poll(cx).map(|()| None),
                }
            }
            Poll::Ready(None)
        })
        .await;
        if let Some(error) = error.clone().filter(|_| messages.is_empty()) {
            poll_failed(&self.source, &error);
            return Err(error);
        }
        if !messages.is_empty() {
            poll_span(&self.source, &messages, Some(messages.len()));
        }
        Ok(TracedBatch::new(messages, error, self.source.clone()))
    }

    /// `commit_message` of the consumer, in a span.
    ///
    /// # Errors
    ///
    /// Those of the consumer.
    pub fn commit_message(
        &self,
        message: &BorrowedMessage<'_>,
        mode: CommitMode,
    ) -> KafkaResult<()> {
        self.settle("commit", Some(message), || {
            self.inner.commit_message(message, mode)
        })
    }

    /// `commit` of the consumer, in a span.
    ///
    /// # Errors
    ///
    /// Those of the consumer.
    pub fn commit(&self, offsets: &TopicPartitionList, mode: CommitMode) -> KafkaResult<()> {
        self.settle("commit", None, || self.inner.commit(offsets, mode))
    }

    /// `commit_consumer_state` of the consumer, in a span.
    ///
    /// # Errors
    ///
    /// Those of the consumer.
    pub fn commit_consumer_state(&self, mode: CommitMode) -> KafkaResult<()> {
        self.settle("commit", None, || self.inner.commit_consumer_state(mode))
    }

    /// `store_offset_from_message` of the consumer, in a span.
    ///
    /// # Errors
    ///
    /// Those of the consumer.
    pub fn store_offset_from_message(&self, message: &BorrowedMessage<'_>) -> KafkaResult<()> {
        self.settle("store", Some(message), || {
            self.inner.store_offset_from_message(message)
        })
    }

    fn settle(
        &self,
        name: &str,
        message: Option<&BorrowedMessage<'_>>,
        settle: impl FnOnce() -> KafkaResult<()>,
    ) -> KafkaResult<()> {
        let topic = message.map_or("", |message| message.topic());
        let digits = message.and_then(|message| Digits::of(message.partition()));
        let mut operation = Operation::settle(KAFKA, name, Destination::named(topic));
        operation.consumer_group = self.source.group.as_deref();
        operation.message = Message {
            partition: digits.as_ref().and_then(Digits::as_str),
            offset: message.map(|message| message.offset()),
            ..Message::default()
        };
        let context = tracing_core_ctx::Context::current();
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

/// The messages of a [`TracedConsumer`] as a stream without end.
#[must_use = "streams do nothing unless polled"]
pub struct TracedStream<'a, C: ConsumerContext> {
    inner: MessageStream<'a, C>,
    source: &'a Source,
}

impl<'a, C: ConsumerContext> Stream for TracedStream<'a, C> {
    type Item = KafkaResult<TracedMessage<'a>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = std::task::ready!(Pin::new(&mut self.inner).poll_next(cx));
        Poll::Ready(next.map(|next| match next {
            Ok(message) => {
                let messages = [TracedMessage::new(message, self.source)];
                poll_span(self.source, &messages, None);
                let [message] = messages;
                Ok(message)
            }
            Err(error) => {
                poll_failed(self.source, &error);
                Err(error)
            }
        }))
    }
}

/// The span of handing messages over. It does not cover the wait: that would begin before the messages were sent.
fn poll_span(source: &Source, messages: &[TracedMessage<'_>], batch: Option<usize>) {
    if source.queue.settings.receive_spans {
        batch::start(source, OperationType::Receive, "poll", messages, batch).end_with(|_| {});
    }
}

/// The span of a poll that failed. That a partition has no more messages is no failure.
fn poll_failed(source: &Source, error: &KafkaError) {
    if source.queue.settings.receive_spans && !matches!(error, KafkaError::PartitionEOF(_)) {
        batch::start(source, OperationType::Receive, "poll", &[], None)
            .end_with(|span| span.fail(&error_type(error), ""));
    }
}

impl<C, R> Deref for TracedConsumer<C, R>
where
    C: ConsumerContext + 'static,
{
    type Target = StreamConsumer<C, R>;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}

impl<C, R> fmt::Debug for TracedConsumer<C, R>
where
    C: ConsumerContext + 'static,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TracedConsumer")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

impl<C: ConsumerContext> fmt::Debug for TracedStream<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TracedStream")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}
