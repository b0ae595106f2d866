use std::ops::Deref;

use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::Message as _;
use tracing_core_ctx::attribute::Attributes;
use tracing_core_ctx::semconv::messaging_system_name::KAFKA;
use tracing_core_ctx::{ActiveSpan, SpanKind, Timestamp};

use super::digits::Digits;
use super::message::{Traced, TracedMessage};
use super::process::Processing;
use super::source::Source;
use crate::start::Linked;
use crate::{Destination, Message, Operation, OperationType, Origin};

/// Messages that are processed together. Made by [`recv_batch`](super::TracedConsumer::recv_batch).
#[derive(Debug)]
pub struct TracedBatch<'a> {
    messages: Vec<TracedMessage<'a>>,
    error: Option<KafkaError>,
    source: Source,
}

impl<'a> TracedBatch<'a> {
    /// What a consumer has handed over, in a receive span if it is anything.
    pub(super) fn handed_over(
        messages: Vec<TracedMessage<'a>>,
        error: Option<KafkaError>,
        source: &Source,
    ) -> KafkaResult<Self> {
        match error {
            Some(error) if messages.is_empty() => {
                source.poll_failed(&error);
                return Err(error);
            }
            _ if messages.is_empty() => {}
            _ => source.polled(&messages, Some(messages.len())),
        }
        Ok(Self {
            messages,
            error,
            source: source.clone(),
        })
    }

    /// What ended the batch before it was full, if it was an error.
    #[must_use]
    pub const fn error(&self) -> Option<&KafkaError> {
        self.error.as_ref()
    }

    /// The messages themselves, to process each in a span of its own.
    #[must_use]
    pub fn into_messages(self) -> Vec<TracedMessage<'a>> {
        self.messages
    }

    /// Runs `work` in one process span that is linked to each message.
    ///
    /// If `work` is dropped before its end, the span ends with `ctx.outcome` = `cancelled`.
    pub async fn process<'m, F: Future>(&'m self, work: impl FnOnce(&'m Self) -> F) -> F::Output {
        self.start_process().run(|| work(self)).await
    }

    /// Starts one process span, linked to each message, that ends when it is told to, or dropped.
    pub fn start_process(&self) -> Processing {
        let (messages, source) = (&self.messages, &self.source);
        let count = Some(messages.len());
        let active = start(source, OperationType::Process, "process", messages, count);
        for message in messages {
            message.processed.get_or_init(|| active.context().clone());
        }
        Processing::new(active)
    }
}

/// Starts a span over `messages`: a batch, if there is a count.
pub(super) fn start(
    source: &Source,
    operation_type: OperationType,
    name: &str,
    messages: &[TracedMessage<'_>],
    batch: Option<usize>,
) -> ActiveSpan {
    let topic = common(messages, |message| message.topic_name());
    let partition = common(messages, |message| message.partition());
    let digits = partition.and_then(Digits::of);
    let destination = Destination::named(topic.unwrap_or_default());
    let mut operation = Operation::new(operation_type, KAFKA, name, destination);
    operation.consumer_group = source.group();
    operation.batch = batch;
    operation.message = match (batch, messages) {
        (None, [message]) => message.known(digits.as_ref()),
        _ => Message {
            partition: digits
                .as_ref()
                .and_then(Digits::as_str)
                .filter(|_| topic.is_some()),
            ..Message::default()
        },
    };
    let kind = match operation_type {
        OperationType::Receive => SpanKind::Client,
        _ => SpanKind::Consumer,
    };
    source
        .queue
        .start_linked(&operation, kind, messages.iter(), |span| {
            if let (None, [message]) = (batch, messages) {
                let times = message.times(span.start());
                times.describe(span);
            }
        })
}

impl Linked for &TracedMessage<'_> {
    fn origin(&self) -> &Origin {
        Traced::origin(self)
    }

    fn attributes(&self, now: Timestamp) -> Attributes {
        let digits = Digits::of(self.partition());
        let mut attributes = self.known(digits.as_ref()).attributes();
        self.times(now).describe(&mut attributes);
        attributes
    }
}

/// What all have, if they have the same.
fn common<'m, T: PartialEq>(
    messages: &'m [TracedMessage<'_>],
    of: impl Fn(&'m TracedMessage<'_>) -> T,
) -> Option<T> {
    let mut all = messages.iter().map(of);
    let first = all.next()?;
    all.all(|each| each == first).then_some(first)
}

impl<'a> Deref for TracedBatch<'a> {
    type Target = [TracedMessage<'a>];

    fn deref(&self) -> &Self::Target {
        &self.messages
    }
}
