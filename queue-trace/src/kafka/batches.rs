use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_core::Stream;
use rdkafka::consumer::{ConsumerContext, MessageStream};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::util::{AsyncRuntime, DefaultRuntime};

use super::batch::TracedBatch;
use super::message::TracedMessage;
use super::source::Source;

/// One batch after the other. Made by [`batches`](super::TracedConsumer::batches).
///
/// The wait for a batch starts when it is first asked for. A batch that is not full yet stays here when the asking stops, so a `select!` loses
/// nothing.
#[must_use = "batches are made when they are asked for"]
pub struct TracedBatches<'a, C: ConsumerContext, R: AsyncRuntime = DefaultRuntime> {
    inner: MessageStream<'a, C>,
    source: &'a Source,
    most: usize,
    wait: Duration,
    delay: Option<Pin<Box<R::Delay>>>,
    messages: Vec<TracedMessage<'a>>,
    /// When the batch was first asked for.
    start: Option<Instant>,
}

/// After so many messages without a pause the clock is looked at, and others get their turn.
pub(super) const LOOK: usize = 64;

impl<'a, C: ConsumerContext, R: AsyncRuntime> TracedBatches<'a, C, R> {
    pub(super) const fn new(
        inner: MessageStream<'a, C>,
        source: &'a Source,
        most: usize,
        wait: Duration,
    ) -> Self {
        Self {
            inner,
            source,
            most,
            wait,
            delay: None,
            messages: Vec::new(),
            start: None,
        }
    }

    /// The next batch; it may be empty. An error ends the batch; if there is no message before it, it is the answer.
    ///
    /// May be dropped without losing a message.
    ///
    /// # Errors
    ///
    /// Those of the consumer.
    pub async fn recv(&mut self) -> KafkaResult<TracedBatch<'a>> {
        let error = std::future::poll_fn(|cx| self.poll_full(cx)).await;
        self.delay = None;
        self.start = None;
        let messages = std::mem::take(&mut self.messages);
        TracedBatch::handed_over(messages, error, self.source)
    }

    /// Ready when the batch is over, with what ended it if that was an error.
    fn poll_full(&mut self, cx: &mut Context<'_>) -> Poll<Option<KafkaError>> {
        let start = *self.start.get_or_insert_with(Instant::now);
        let mut taken = 0;
        while self.messages.len() < self.most {
            if taken == LOOK {
                if start.elapsed() >= self.wait {
                    return Poll::Ready(None);
                }
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            match Pin::new(&mut self.inner).poll_next(cx) {
                Poll::Ready(Some(Ok(message))) => {
                    self.messages.push(TracedMessage::new(message, self.source));
                    taken += 1;
                }
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(error)),
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => {
                    let wait = self.wait.saturating_sub(start.elapsed());
                    // A timer may be late.
                    if wait.is_zero() && !self.messages.is_empty() {
                        return Poll::Ready(None);
                    }
                    let delay = self
                        .delay
                        .get_or_insert_with(|| Box::pin(R::delay_for(wait)));
                    return delay.as_mut().poll(cx).map(|()| None);
                }
            }
        }
        Poll::Ready(None)
    }
}

impl<C: ConsumerContext, R: AsyncRuntime> fmt::Debug for TracedBatches<'_, C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TracedBatches")
            .field("source", &self.source)
            .field("waiting", &self.messages.len())
            .finish_non_exhaustive()
    }
}
