use std::fmt;
use std::ops::Deref;

use rdkafka::error::KafkaResult;
use rdkafka::message::{BorrowedMessage, Message as KafkaMessage, OwnedMessage, Timestamp};
use tracing_core_ctx::span::SpanWriter;
use tracing_core_ctx::{SpanContext, SpanKind, Timestamp as Moment};

use super::digits::Digits;
use super::process::{Processed, Processing};
use super::source::Source;
use super::topics::{Place, Step};
use crate::carrier::LastOf;
#[cfg(feature = "tower")]
use crate::observe::Watch;
use crate::{Incoming, Message, Origin};

/// A message together with where it came from.
///
/// It is the message, by [`Deref`]: `payload()`, `key()`, `consumer.commit_message(&message, ..)`.
pub struct Traced<M> {
    message: M,
    origin: Origin,
    /// When it was handed over, unless its context says that it will hardly be recorded.
    received: Option<Moment>,
    /// Where its topic is among those of the source, if that was looked up.
    topic: Option<usize>,
    pub(super) source: Source,
    /// Where it was processed last, so that it can be settled there.
    pub(super) processed: Processed,
    /// Of a service that processes it.
    #[cfg(feature = "tower")]
    pub(crate) watch: Watch,
}

/// A message in the memory of its consumer.
pub type TracedMessage<'a> = Traced<BorrowedMessage<'a>>;

/// A message with memory of its own, which may go to another thread and stay there.
pub type TracedOwnedMessage = Traced<OwnedMessage>;

impl<'a> TracedMessage<'a> {
    pub(super) fn new(message: BorrowedMessage<'a>, source: &Source) -> Self {
        let origin = match message.headers() {
            Some(headers) => {
                let headers = LastOf(headers);
                let queue = &source.queue;
                queue.extract_by(&headers, || Incoming::new(message.topic(), &headers))
            }
            None => Origin::unknown(),
        };
        let is_likely = origin.cause().is_none_or(SpanContext::is_sampled);
        let tracer = source.queue.tracer();
        let received = (is_likely && tracer.is_enabled()).then(|| tracer.now());
        source.is_well();
        Self {
            // rdkafka looks through the name each time it is asked.
            topic: received.and_then(|_| source.position(message.topic())),
            received,
            origin,
            message,
            source: source.clone(),
            processed: Processed::default(),
            #[cfg(feature = "tower")]
            watch: Watch::default(),
        }
    }

    /// Tells who observes that it has come.
    #[cold]
    pub(super) fn tell_arrival(&self) {
        let digits = Digits::of(self.message.partition());
        let partition = digits.as_ref().and_then(Digits::as_str);
        let operation = self.source.at(Step::Poll, self, partition);
        let queue = &self.source.queue;
        let times = self.times(queue.tracer().now());
        queue.tell_arrival(&operation, times.queue_time, times.lag);
    }

    /// What a consumer has handed over, in a receive span.
    pub(super) fn handed_over(
        next: KafkaResult<BorrowedMessage<'a>>,
        source: &Source,
    ) -> KafkaResult<Self> {
        match next {
            Ok(message) => {
                let message = Self::new(message, source);
                source.polled(&message);
                Ok(message)
            }
            Err(error) => {
                source.poll_failed(&error);
                Err(error)
            }
        }
    }

    /// The span of handing it over, which takes no time.
    pub(super) fn record_receive(&self) {
        let digits = Digits::of(self.message.partition());
        let partition = digits.as_ref().and_then(Digits::as_str);
        let operation = self.source.at(Step::Poll, self, partition);
        let operation = operation.begun(self.received);
        let queue = &self.source.queue;
        queue.record_pull(&operation, &self.origin, |span| self.describe(span));
    }

    /// A copy that does not hold the consumer's memory, with the same origin.
    #[must_use]
    pub fn detach(&self) -> TracedOwnedMessage {
        Traced {
            message: self.message.detach(),
            origin: self.origin.clone(),
            received: self.received,
            topic: self.topic,
            source: self.source.clone(),
            processed: self.processed.clone(),
            #[cfg(feature = "tower")]
            watch: Watch::default(),
        }
    }
}

impl<M: KafkaMessage> Traced<M> {
    /// Where the message came from.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The message itself.
    #[must_use]
    pub fn into_inner(self) -> M {
        self.message
    }

    /// Runs `work` in a process span, which is current in it and ends with it. If `work` is dropped before, the span ends with
    /// `ctx.outcome` = `cancelled`.
    ///
    /// An error that `work` returns is for it to record: `SpanRef::current().record_failure(&error)`; or see [`try_process`](Self::try_process).
    pub async fn process<'m, F: Future>(&'m self, work: impl FnOnce(&'m Self) -> F) -> F::Output {
        self.start_process().run(|| work(self)).await
    }

    /// The same with work that may fail: if it does, processing has failed with the type of the error (boxed ones are `_OTHER`), for the span, unless the work
    /// has said more, and for who [observes](crate::QueueTracer::observe).
    ///
    /// ```
    /// use queue_trace::kafka::TracedMessage;
    /// use rdkafka::Message as _;
    ///
    /// # async fn charge(_: Option<&[u8]>) -> std::io::Result<()> { Ok(()) }
    /// async fn handle(message: TracedMessage<'_>) -> std::io::Result<()> {
    ///     message.try_process(|message| charge(message.payload())).await
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of the work.
    pub async fn try_process<'m, F, T, E>(
        &'m self,
        work: impl FnOnce(&'m Self) -> F,
    ) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        self.start_process().try_run(|| work(self)).await
    }

    /// Starts a process span that ends when it is told to, or dropped.
    pub fn start_process(&self) -> Processing {
        let digits = Digits::of(self.message.partition());
        let partition = digits.as_ref().and_then(Digits::as_str);
        let operation = self.source.at(Step::Process, self, partition);
        let queue = &self.source.queue;
        let active = queue.start_process_with(&operation, &self.origin, |span| {
            self.describe(span);
        });
        self.processed.set(&active);
        let watch = queue.watch(SpanKind::Consumer, &operation, active.span());
        Processing::new(active, watch)
    }

    /// Writes what is known of the message, but for its partition, on a span that starts.
    #[inline]
    pub(super) fn describe(&self, span: &mut SpanWriter<'_>) {
        let times = self.times(span.start());
        let message = Message {
            partition: None,
            lag: times.lag,
            queue_time: times.queue_time,
            ..self.known(None)
        };
        message.describe(span);
    }

    /// Where its topic is among those of its consumer, if that was looked up.
    pub(super) const fn topic_position(&self) -> Option<usize> {
        self.topic
    }

    /// How long it took, and how many are behind it, for a span that starts now.
    #[inline]
    pub(super) fn times(&self, now: Moment) -> Message<'_> {
        let message = &self.message;
        Message {
            lag: self.source.lag_behind(message),
            queue_time: queue_time(self.received.unwrap_or(now), message.timestamp()),
            ..Message::default()
        }
    }

    /// What is known of the message. Keys and sizes only if they are asked for.
    #[inline]
    pub(super) fn known<'m>(&'m self, digits: Option<&'m Digits>) -> Message<'m> {
        let settings = &self.source.queue.settings;
        let message = &self.message;
        Message {
            partition: digits.and_then(Digits::as_str),
            offset: Some(message.offset()).filter(|offset| *offset >= 0),
            key: message.key().filter(|_| settings.keys),
            is_tombstone: message.payload().is_none(),
            body_size: message
                .payload()
                .filter(|_| settings.body_sizes)
                .map(<[u8]>::len),
            ..Message::default()
        }
    }
}

impl<'a, M: KafkaMessage> Place<'a> for &'a Traced<M> {
    fn topic(self) -> &'a str {
        self.message.topic()
    }

    #[inline]
    fn known(self) -> Option<usize> {
        self.topic
    }
}

/// Milliseconds since the producer made the message; none if it is yet to come.
fn queue_time(received: Moment, made: Timestamp) -> Option<i64> {
    let Timestamp::CreateTime(made) = made else {
        return None;
    };
    let received = i64::try_from(received.as_unix_nanos() / 1_000_000).ok()?;
    let time = received.checked_sub(made)?;
    (made >= 0 && time >= 0).then_some(time)
}

impl<M> Deref for Traced<M> {
    type Target = M;

    fn deref(&self) -> &M {
        &self.message
    }
}

impl<M: fmt::Debug> fmt::Debug for Traced<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traced")
            .field("message", &self.message)
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use tracing_core_ctx::Tracer;

    use super::*;

    #[test]
    fn time_in_queue_needs_a_producer_that_said_when() {
        let now = Tracer::noop().now();
        assert!(queue_time(now, Timestamp::CreateTime(0)).is_some_and(|time| time > 0));
        for unknown in [
            Timestamp::NotAvailable,
            Timestamp::CreateTime(-1),
            Timestamp::CreateTime(i64::MAX),
            Timestamp::CreateTime(i64::MIN),
            Timestamp::LogAppendTime(1234),
        ] {
            assert_eq!(queue_time(now, unknown), None, "{unknown:?}");
        }
    }
}
