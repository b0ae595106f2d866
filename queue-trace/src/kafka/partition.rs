use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use rdkafka::consumer::ConsumerContext;
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::consumer::stream_consumer::StreamPartitionQueue;
use rdkafka::error::KafkaResult;
use rdkafka::util::{AsyncRuntime, Timeout};

use super::base::poll_batch;
use super::batch::TracedBatch;
use super::batches::TracedBatches;
use super::message::TracedMessage;
use super::source::Source;
use super::stream::TracedStream;

/// The messages of one partition, split off from its consumer. Made by `split_partition_queue` of a [`TracedConsumer`](super::TracedConsumer).
///
/// Everything else of the queue is there by [`Deref`].
#[must_use = "messages of the partition come here and nowhere else"]
pub struct TracedPartitionQueue<Q> {
    inner: Q,
    source: Source,
}

impl<Q> TracedPartitionQueue<Q> {
    pub(super) const fn new(inner: Q, source: Source) -> Self {
        Self { inner, source }
    }
}

impl<C, R> TracedPartitionQueue<StreamPartitionQueue<C, R>>
where
    C: ConsumerContext + 'static,
    R: AsyncRuntime,
{
    /// [`StreamPartitionQueue::recv`]. May be dropped without losing a message.
    ///
    /// # Errors
    ///
    /// Those of the consumer.
    pub async fn recv(&self) -> KafkaResult<TracedMessage<'_>> {
        self.stream().recv().await
    }

    /// [`StreamPartitionQueue::stream`].
    pub fn stream(&self) -> TracedStream<'_, C> {
        TracedStream::new(self.inner.stream(), &self.source)
    }

    /// One batch after the other; see [`TracedConsumer::batches`](super::TracedConsumer::batches).
    pub fn batches(&self, most: usize, wait: Duration) -> TracedBatches<'_, C, R> {
        TracedBatches::new(self.inner.stream(), &self.source, most, wait)
    }
}

impl<C: ConsumerContext> TracedPartitionQueue<PartitionQueue<C>> {
    /// [`PartitionQueue::poll`].
    ///
    /// # Errors
    ///
    /// Those of the consumer.
    pub fn poll<T: Into<Timeout>>(&self, timeout: T) -> Option<KafkaResult<TracedMessage<'_>>> {
        let next = self.inner.poll(timeout)?;
        Some(TracedMessage::handed_over(next, &self.source))
    }

    /// Blocks for a batch; see [`TracedConsumer::poll_batch`](super::TracedConsumer::poll_batch).
    ///
    /// # Errors
    ///
    /// Those of the consumer.
    pub fn poll_batch(&self, most: usize, wait: Duration) -> KafkaResult<TracedBatch<'_>> {
        poll_batch(&self.source, most, wait, |wait| self.inner.poll(wait))
    }
}

impl<Q> Deref for TracedPartitionQueue<Q> {
    type Target = Q;

    fn deref(&self) -> &Q {
        &self.inner
    }
}

impl<Q> DerefMut for TracedPartitionQueue<Q> {
    fn deref_mut(&mut self) -> &mut Q {
        &mut self.inner
    }
}

impl<Q> fmt::Debug for TracedPartitionQueue<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TracedPartitionQueue")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}
