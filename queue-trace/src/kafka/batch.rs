use std::ops::Deref;

use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::Message as _;
use tracing_core_ctx::attribute::Attributes;
use tracing_core_ctx::{ActiveSpan, Timestamp, semconv};

use super::digits::Digits;
use super::message::{Traced, TracedMessage};
use super::process::Processing;
use super::source::Source;
use super::topics::{Place, Step};
use crate::Origin;
use crate::observe::Watch;
use crate::start::Linked;

/// Messages that are processed together. Made by [`recv_batch`](super::TracedConsumer::recv_batch).
#[derive(Debug)]
pub struct TracedBatch<'a> {
    messages: Vec<TracedMessage<'a>>,
    error: Option<KafkaError>,
    source: Source,
}

impl<'a> TracedBatch<'a> {
    /// What a consumer has handed over, in a receive span if it is anything. An error that ended it is a failed poll of its own.
    pub(super) fn handed_over(
        messages: Vec<TracedMessage<'a>>,
        error: Option<KafkaError>,
        source: &Source,
    ) -> KafkaResult<Self> {
        if !messages.is_empty() {
            source.polled_batch(&messages);
        }
        if let Some(error) = &error {
            source.poll_failed(error);
        }
        match error {
            Some(error) if messages.is_empty() => Err(error),
            error => Ok(Self {
                messages,
                error,
                source: source.clone(),
            }),
        }
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

    /// The same with work that may fail; see [`Traced::try_process`].
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

    /// Starts one process span, linked to each message, that ends when it is told to, or dropped.
    pub fn start_process(&self) -> Processing {
        let (active, watch) = start(&self.source, Step::Process, &self.messages);
        for message in &self.messages {
            message.processed.set(&active);
        }
        Processing::new(active, watch)
    }
}

/// Starts a span over so many `messages` at once, and says who is to be told when they are processed.
pub(super) fn start(
    source: &Source,
    step: Step,
    messages: &[TracedMessage<'_>],
) -> (ActiveSpan, Watch) {
    let topic = common(messages, |message| Place::topic(message));
    let partition = common(messages, |message| message.partition());
    let digits = partition.filter(|_| topic.is_some()).and_then(Digits::of);
    let mut operation = step.operation((&source.queue, source.group()), topic.unwrap_or_default());
    operation.batch = Some(messages.len());
    operation.message.partition = digits.as_ref().and_then(Digits::as_str);
    let (queue, kind) = (&source.queue, step.kind());
    let names_topics = topic.is_none();
    let messages = messages.iter().map(|message| OfBatch {
        message,
        names_topics,
    });
    let active = queue.start_linked(&operation, kind, messages, |_| {});
    let watch = match step {
        Step::Process => queue.watch(kind, &operation, active.span()),
        _ => Watch::default(),
    };
    (active, watch)
}

/// A message and whether its topic is for its link to say, since the others of the batch have others.
struct OfBatch<'m, 'a> {
    message: &'m TracedMessage<'a>,
    names_topics: bool,
}

impl Linked for OfBatch<'_, '_> {
    fn origin(&self) -> &Origin {
        Traced::origin(self.message)
    }

    fn attributes(&self, now: Timestamp) -> Attributes {
        let message = self.message;
        let digits = Digits::of(message.partition());
        let mut attributes = message.known(digits.as_ref()).attributes();
        message.times(now).describe(&mut attributes);
        if self.names_topics {
            attributes.set(semconv::MESSAGING_DESTINATION_NAME, message.topic());
        }
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
