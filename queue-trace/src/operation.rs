use std::cell::OnceCell;

use tracing_core_ctx::Timestamp;
use tracing_core_ctx::attribute::ValueRef;
use tracing_core_ctx::sampler::AttributeSource;
use tracing_core_ctx::semconv::{self, messaging_operation_type};
use tracing_core_ctx::span::SpanWriter;

use crate::message::Describe;
use crate::{Destination, Message, QueueTracer};

/// What is done with messages, in the words of the conventions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the conventions fixed the five")]
pub enum OperationType {
    /// Makes one message, to be sent later. Span kind: producer.
    Create,
    /// Handles messages. Span kind: consumer.
    Process,
    /// Pulls messages. Span kind: client.
    Receive,
    /// Hands messages to the broker. Span kind: producer if its context travels with them, else client.
    Send,
    /// Acknowledges or rejects messages. Span kind: client.
    Settle,
}

impl OperationType {
    /// The value of `messaging.operation.type`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => messaging_operation_type::CREATE,
            Self::Process => messaging_operation_type::PROCESS,
            Self::Receive => messaging_operation_type::RECEIVE,
            Self::Send => messaging_operation_type::SEND,
            Self::Settle => messaging_operation_type::SETTLE,
        }
    }
}

/// One operation on a message or a batch: what is known before its span starts.
///
/// ```
/// use queue_trace::{Destination, Message, Operation};
///
/// let mut operation = Operation::process("kafka", "process", Destination::named("orders"));
/// operation.consumer_group = Some("billing");
/// operation.message.offset = Some(42);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Operation<'a> {
    /// The messaging system: one of [`messaging_system_name`](semconv::messaging_system_name).
    pub system: &'a str,
    /// What kind of operation it is.
    pub operation_type: OperationType,
    /// What the client library calls it: `poll`, `ack`, `publish`. It begins the name of the span.
    pub name: &'a str,
    /// Where to, or where from.
    pub destination: Destination<'a>,
    /// The group of the consumer (Kafka).
    pub consumer_group: Option<&'a str>,
    /// The client that sends or receives, if it is not that of the [`QueueTracer`].
    pub client_id: Option<&'a str>,
    /// How many messages, for operations on batches, also when there are 0 or 1.
    pub batch: Option<usize>,
    /// The moment at which it started, where that is over when more is known. Default: when the span is started.
    pub start: Option<Timestamp>,
    /// The message, unless it is a batch.
    pub message: Message<'a>,
    /// The name of the span, once a sampler has asked for it.
    span_name: OnceCell<String>,
}

impl<'a> Operation<'a> {
    /// An operation of which nothing else is known.
    #[must_use]
    pub fn new(
        operation_type: OperationType,
        system: &'a str,
        name: &'a str,
        destination: Destination<'a>,
    ) -> Self {
        Self {
            system,
            operation_type,
            name,
            destination,
            consumer_group: None,
            client_id: None,
            batch: None,
            start: None,
            message: Message::default(),
            span_name: OnceCell::new(),
        }
    }

    /// [`OperationType::Create`].
    #[must_use]
    pub fn create(system: &'a str, name: &'a str, destination: Destination<'a>) -> Self {
        Self::new(OperationType::Create, system, name, destination)
    }

    /// [`OperationType::Send`].
    #[must_use]
    pub fn send(system: &'a str, name: &'a str, destination: Destination<'a>) -> Self {
        Self::new(OperationType::Send, system, name, destination)
    }

    /// [`OperationType::Receive`].
    #[must_use]
    pub fn receive(system: &'a str, name: &'a str, destination: Destination<'a>) -> Self {
        Self::new(OperationType::Receive, system, name, destination)
    }

    /// [`OperationType::Process`].
    #[must_use]
    pub fn process(system: &'a str, name: &'a str, destination: Destination<'a>) -> Self {
        Self::new(OperationType::Process, system, name, destination)
    }

    /// [`OperationType::Settle`].
    #[must_use]
    pub fn settle(system: &'a str, name: &'a str, destination: Destination<'a>) -> Self {
        Self::new(OperationType::Settle, system, name, destination)
    }

    /// Writes the name and all that is known, on a span that says nothing yet.
    pub(crate) fn describe(&self, span: &mut SpanWriter<'_>) {
        match self.destination.in_span_name() {
            Some(destination) => span.update_name_of(&[self.name, " ", destination]),
            None => span.update_name(self.name),
        }
        self.describe_place(span);
        let batch = self.batch.and_then(|count| i64::try_from(count).ok());
        span.put_opt(semconv::MESSAGING_BATCH_MESSAGE_COUNT, batch);
        self.message.describe(span);
    }

    /// Writes what is the same each time.
    pub(crate) fn describe_place(&self, to: &mut impl Describe) {
        to.put(semconv::MESSAGING_SYSTEM_NAME, self.system);
        to.put(semconv::MESSAGING_OPERATION_NAME, self.name);
        let operation_type = self.operation_type.as_str();
        to.put(semconv::MESSAGING_OPERATION_TYPE, operation_type);
        let destination = &self.destination;
        let name = Some(destination.name).filter(|name| !name.is_empty());
        to.put_opt(semconv::MESSAGING_DESTINATION_NAME, name);
        to.put_opt(
            semconv::MESSAGING_DESTINATION_TEMPLATE,
            destination.template,
        );
        if destination.is_temporary {
            to.put(semconv::MESSAGING_DESTINATION_TEMPORARY, true);
        }
        if destination.is_anonymous {
            to.put(semconv::MESSAGING_DESTINATION_ANONYMOUS, true);
        }
        to.put_opt(semconv::MESSAGING_CONSUMER_GROUP_NAME, self.consumer_group);
    }

    /// Writes who does it, and with which broker.
    pub(crate) fn describe_client(&self, queue: &QueueTracer, to: &mut impl Describe) {
        queue.describe_server(to);
        // To make a message takes no broker.
        if self.operation_type != OperationType::Create {
            queue.describe_client(self.client_id, to);
        }
    }
}

/// What samplers must see, by the conventions.
impl AttributeSource for Operation<'_> {
    fn name(&self) -> &str {
        self.span_name
            .get_or_init(|| match self.destination.in_span_name() {
                Some(destination) => [self.name, " ", destination].concat(),
                None => self.name.to_owned(),
            })
    }

    fn get(&self, key: &str) -> Option<ValueRef<'_>> {
        let text = match key {
            "messaging.system.name" => Some(self.system),
            "messaging.operation.name" => Some(self.name),
            "messaging.operation.type" => Some(self.operation_type.as_str()),
            "messaging.destination.name" => {
                Some(self.destination.name).filter(|name| !name.is_empty())
            }
            "messaging.destination.template" => self.destination.template,
            "messaging.destination.partition.id" => self.message.partition,
            "messaging.consumer.group.name" => self.consumer_group,
            "messaging.destination.anonymous" if self.destination.is_anonymous => {
                return Some(ValueRef::Bool(true));
            }
            "messaging.destination.temporary" if self.destination.is_temporary => {
                return Some(ValueRef::Bool(true));
            }
            _ => None,
        };
        text.map(ValueRef::Str)
    }
}

/// What is done with messages, as far as it is known before the span of it starts: samplers see it, and the span says it.
pub(crate) trait Begin: AttributeSource {
    /// When it started, if that is over.
    fn start(&self) -> Option<Timestamp> {
        None
    }

    /// Whether it is done with several messages, however many they are.
    fn is_batch(&self) -> bool {
        false
    }

    /// Writes the name and all that is known, on a span that says nothing yet.
    fn describe(&self, queue: &QueueTracer, span: &mut SpanWriter<'_>);
}

impl Begin for Operation<'_> {
    fn start(&self) -> Option<Timestamp> {
        self.start
    }

    fn is_batch(&self) -> bool {
        self.batch.is_some()
    }

    fn describe(&self, queue: &QueueTracer, span: &mut SpanWriter<'_>) {
        self.describe(span);
        self.describe_client(queue, span);
    }
}
