use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use rdkafka::consumer::{ConsumerContext, MessageStream, StreamConsumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::util::AsyncRuntime;

use super::batch::TracedBatch;
use super::batches::TracedBatches;
use super::consumer::TracedConsumer;
use super::message::TracedMessage;
use super::partition::TracedPartitionQueue;
use super::source::Source;

/// # Messages of a [`StreamConsumer`]
impl<C, R> TracedConsumer<StreamConsumer<C, R>>
where
    C: ConsumerContext + 'static,
    R: AsyncRuntime,
{
    /// [`StreamConsumer::recv`]. May be dropped without losing a message.
    ///
    /// # Errors
    ///
    /// Those of the consumer; among them [`PartitionEOF`](KafkaError::PartitionEOF), if it is asked for by `enable.partition.eof`.
    pub async fn recv(&self) -> KafkaResult<TracedMessage<'_>> {
        self.stream().recv().await
    }

    /// [`StreamConsumer::stream`].
    pub fn stream(&self) -> TracedStream<'_, C> {
        TracedStream::new(self.inner().stream(), &self.source)
    }

    /// Waits for up to `most` messages, and for no longer than `wait`. It may be empty. While messages keep coming, the clock is looked at after every 64.
    ///
    /// An error ends the batch; if there is no message before it, it is the answer.
    ///
    /// If this is dropped before it is done, the messages it has are lost to this consumer until it seeks back or starts again, as far as their
    /// offsets are not stored. [`batches`](Self::batches) keeps them.
    ///
    /// # Errors
    ///
    /// Those of the consumer.
    pub async fn recv_batch(&self, most: usize, wait: Duration) -> KafkaResult<TracedBatch<'_>> {
        self.batches(most, wait).recv().await
    }

    /// One batch after the other, of up to `most` messages, each waited for no longer than `wait`.
    pub fn batches(&self, most: usize, wait: Duration) -> TracedBatches<'_, C, R> {
        TracedBatches::new(self.inner().stream(), &self.source, most, wait)
    }

    /// [`StreamConsumer::split_partition_queue`]: the messages of one partition, without those of the others. The consumer itself must still be
    /// polled.
    #[must_use]
    pub fn split_partition_queue(
        &self,
        topic: &str,
        partition: i32,
    ) -> Option<TracedPartitionQueue<rdkafka::consumer::stream_consumer::StreamPartitionQueue<C, R>>>
    {
        let queue = self.inner().split_partition_queue(topic, partition)?;
        Some(TracedPartitionQueue::new(queue, self.source.clone()))
    }
}

/// The messages of a [`TracedConsumer`] or of one partition as a stream without end.
#[must_use = "streams do nothing unless polled"]
pub struct TracedStream<'a, C: ConsumerContext> {
    inner: MessageStream<'a, C>,
    source: &'a Source,
}

impl<'a, C: ConsumerContext> TracedStream<'a, C> {
    pub(super) const fn new(inner: MessageStream<'a, C>, source: &'a Source) -> Self {
        Self { inner, source }
    }

    /// The next message. May be dropped without losing one.
    ///
    /// # Errors
    ///
    /// Those of the consumer.
    pub async fn recv(&mut self) -> KafkaResult<TracedMessage<'a>> {
        let next = std::future::poll_fn(|cx| Pin::new(&mut self.inner).poll_next(cx)).await;
        // The consumer's streams have no end.
        let next = next.unwrap_or(Err(KafkaError::NoMessageReceived));
        TracedMessage::handed_over(next, self.source)
    }
}

impl<'a, C: ConsumerContext> Stream for TracedStream<'a, C> {
    type Item = KafkaResult<TracedMessage<'a>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = ready!(Pin::new(&mut self.inner).poll_next(cx));
        Poll::Ready(next.map(|next| TracedMessage::handed_over(next, self.source)))
    }
}

impl<C: ConsumerContext> fmt::Debug for TracedStream<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TracedStream")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}
