use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use rdkafka::consumer::StreamConsumer;

use super::lag::Lag;
use super::source::Source;
use crate::QueueTracer;

/// A [`StreamConsumer`] or [`BaseConsumer`](rdkafka::consumer::BaseConsumer) whose messages are traced. Cheap to clone.
///
/// Everything else of the consumer is there by [`Deref`]: `subscribe`, `assign`, `seek`, .. What it hands over by itself is not traced. Its
/// context stays your own; see [`TracedConsumerContext`](super::TracedConsumerContext) for one that sees rebalances.
#[must_use = "the consumer stops when it is dropped"]
pub struct TracedConsumer<X = StreamConsumer> {
    inner: Arc<X>,
    pub(super) source: Source,
}

impl<X> TracedConsumer<X> {
    /// Traces what this hands over from now on.
    pub fn new(consumer: X, queue: QueueTracer) -> Self {
        Self::shared(Arc::new(consumer), queue)
    }

    /// The same with a consumer that others have too.
    pub fn shared(consumer: Arc<X>, queue: QueueTracer) -> Self {
        Self {
            inner: consumer,
            source: Source::new(queue),
        }
    }

    /// The name of the consumer's group, for the spans: the consumer does not tell. Default: none.
    pub fn group(mut self, group: &str) -> Self {
        self.source.set_group(group);
        self
    }

    /// How far partitions have come, for the attribute `ctx.message.lag`. Default: not known.
    pub fn lag(mut self, lag: Lag) -> Self {
        self.source.set_lag(lag);
        self
    }

    /// The consumer itself. What it hands over is not traced.
    #[must_use]
    pub const fn inner(&self) -> &Arc<X> {
        &self.inner
    }
}

impl<X> Deref for TracedConsumer<X> {
    type Target = X;

    fn deref(&self) -> &X {
        &self.inner
    }
}

impl<X> Clone for TracedConsumer<X> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            source: self.source.clone(),
        }
    }
}

impl<X> fmt::Debug for TracedConsumer<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TracedConsumer")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}
