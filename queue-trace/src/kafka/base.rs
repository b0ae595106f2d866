use std::fmt;
use std::time::{Duration, Instant};

use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::consumer::{BaseConsumer, ConsumerContext};
use rdkafka::error::KafkaResult;
use rdkafka::message::BorrowedMessage;
use rdkafka::util::Timeout;

use super::batch::TracedBatch;
use super::batches::LOOK;
use super::consumer::TracedConsumer;
use super::message::TracedMessage;
use super::partition::TracedPartitionQueue;
use super::source::Source;

/// # Messages of a [`BaseConsumer`]
impl<C: ConsumerContext> TracedConsumer<BaseConsumer<C>> {
    /// [`BaseConsumer::poll`].
    ///
    /// # Errors
    ///
    /// Those of the consumer; among them [`PartitionEOF`](rdkafka::error::KafkaError::PartitionEOF), if it is asked for by `enable.partition.eof`.
    pub fn poll<T: Into<Timeout>>(&self, timeout: T) -> Option<KafkaResult<TracedMessage<'_>>> {
        let next = self.inner().poll(timeout)?;
        Some(TracedMessage::handed_over(next, &self.source))
    }

    /// [`BaseConsumer::iter`].
    pub fn iter(&self) -> TracedIter<'_, C> {
        TracedIter(self)
    }

    /// Blocks for up to `most` messages, and for no longer than `wait`. It may be empty. While messages keep coming, the clock is looked at after every 64.
    ///
    /// An error ends the batch; if there is no message before it, it is the answer.
    ///
    /// # Errors
    ///
    /// Those of the consumer.
    pub fn poll_batch(&self, most: usize, wait: Duration) -> KafkaResult<TracedBatch<'_>> {
        poll_batch(&self.source, most, wait, |wait| self.inner().poll(wait))
    }

    /// [`BaseConsumer::split_partition_queue`]: the messages of one partition, without those of the others. The consumer itself must still be
    /// polled.
    #[must_use]
    pub fn split_partition_queue(
        &self,
        topic: &str,
        partition: i32,
    ) -> Option<TracedPartitionQueue<PartitionQueue<C>>> {
        let queue = self.inner().split_partition_queue(topic, partition)?;
        Some(TracedPartitionQueue::new(queue, self.source.clone()))
    }
}

pub(super) fn poll_batch<'a>(
    source: &Source,
    most: usize,
    wait: Duration,
    poll: impl Fn(Duration) -> Option<KafkaResult<BorrowedMessage<'a>>>,
) -> KafkaResult<TracedBatch<'a>> {
    let start = Instant::now();
    let mut messages = Vec::new();
    let mut error = None;
    while messages.len() < most {
        let left = wait.saturating_sub(start.elapsed());
        match poll(left) {
            Some(Ok(message)) => {
                messages.push(TracedMessage::new(message, source));
                // While there is always one more, no poll ever waits.
                if messages.len() % LOOK == 0 && start.elapsed() >= wait {
                    break;
                }
            }
            Some(Err(ended)) => {
                error = Some(ended);
                break;
            }
            // An event that is no message ends a poll too.
            None if start.elapsed() < wait => {}
            None => break,
        }
    }
    TracedBatch::handed_over(messages, error, source)
}

/// The messages of a [`TracedConsumer`] one by one, without end. Blocks until there is one.
#[must_use = "iterators do nothing unless asked"]
pub struct TracedIter<'a, C: ConsumerContext>(&'a TracedConsumer<BaseConsumer<C>>);

impl<'a, C: ConsumerContext> Iterator for TracedIter<'a, C> {
    type Item = KafkaResult<TracedMessage<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(next) = self.0.poll(None) {
                return Some(next);
            }
        }
    }
}

impl<'a, C: ConsumerContext> IntoIterator for &'a TracedConsumer<BaseConsumer<C>> {
    type Item = KafkaResult<TracedMessage<'a>>;
    type IntoIter = TracedIter<'a, C>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<C: ConsumerContext> fmt::Debug for TracedIter<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TracedIter").field(self.0).finish()
    }
}
