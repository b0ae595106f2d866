use super::{Event, Link, Status};
use crate::attribute::Attributes;
use crate::{InstrumentationScope, SpanContext, SpanId, Timestamp};

/// What role a span plays in its exchange.
///
/// The numbers are those of OTLP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "OpenTelemetry fixed the five kinds"
)]
pub enum SpanKind {
    /// Work inside a process.
    #[default]
    Internal = 1,
    /// Answers a request.
    Server = 2,
    /// Sends a request and waits for the answer.
    Client = 3,
    /// Sends a message and does not wait for its processing.
    Producer = 4,
    /// Processes a message.
    Consumer = 5,
}

/// A span as it is handed to a [`SpanSink`](crate::SpanSink): everything that was recorded.
#[derive(Clone, Debug)]
pub struct SpanRecord {
    pub(crate) span_context: SpanContext,
    pub(crate) parent: Option<SpanId>,
    pub(crate) parent_is_remote: bool,
    pub(crate) kind: SpanKind,
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
    pub(crate) status: Status,
    pub(crate) attributes: Attributes,
    pub(crate) events: Vec<Event>,
    pub(crate) links: Vec<Link>,
    pub(crate) dropped_events: u32,
    pub(crate) dropped_links: u32,
    pub(crate) scope: &'static InstrumentationScope,
}

/// Room for what an HTTP span records, so that it grows nothing while it runs.
const ATTRIBUTES: usize = 16;
const TEXT: usize = 192;

impl SpanRecord {
    /// `attributes` are those that were given before the start.
    pub(crate) fn new(
        span_context: SpanContext,
        scope: &'static InstrumentationScope,
        start: Timestamp,
        mut attributes: Attributes,
    ) -> Self {
        attributes.reserve(ATTRIBUTES, TEXT);
        Self {
            span_context,
            parent: None,
            parent_is_remote: false,
            kind: SpanKind::Internal,
            start,
            end: start,
            status: Status::Unset,
            attributes,
            events: Vec::new(),
            links: Vec::new(),
            dropped_events: 0,
            dropped_links: 0,
            scope,
        }
    }

    /// Identity, flags and `tracestate`.
    #[must_use]
    pub const fn span_context(&self) -> &SpanContext {
        &self.span_context
    }

    /// The parent, unless this is the root of its trace.
    #[must_use]
    pub const fn parent(&self) -> Option<SpanId> {
        self.parent
    }

    /// Whether the parent is a span of another process.
    #[must_use]
    pub const fn parent_is_remote(&self) -> bool {
        self.parent_is_remote
    }

    /// Whether no span of this process is above it.
    #[must_use]
    pub const fn is_local_root(&self) -> bool {
        self.parent.is_none() || self.parent_is_remote
    }

    /// Its role.
    #[must_use]
    pub const fn kind(&self) -> SpanKind {
        self.kind
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.attributes.name()
    }

    /// When it started.
    #[must_use]
    pub const fn start(&self) -> Timestamp {
        self.start
    }

    /// When it ended; never before it started.
    #[must_use]
    pub const fn end(&self) -> Timestamp {
        self.end
    }

    /// How it ended.
    #[must_use]
    pub const fn status(&self) -> &Status {
        &self.status
    }

    /// What is known about it.
    #[must_use]
    pub const fn attributes(&self) -> &Attributes {
        &self.attributes
    }

    /// What happened in it, in the order of recording.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// What it is related to beside its parent.
    #[must_use]
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// Events dropped because of a limit.
    #[must_use]
    pub const fn dropped_events(&self) -> u32 {
        self.dropped_events
    }

    /// Links dropped because of a limit.
    #[must_use]
    pub const fn dropped_links(&self) -> u32 {
        self.dropped_links
    }

    /// Who recorded it.
    #[must_use]
    pub const fn scope(&self) -> &'static InstrumentationScope {
        self.scope
    }

    /// Bytes of memory held, roughly: what a byte bound of a queue counts.
    #[must_use]
    pub fn weight(&self) -> usize {
        let events: usize = self
            .events
            .iter()
            .map(|event| size_of::<Event>() + event.name.len() + event.attributes.weight())
            .sum();
        let links: usize = self
            .links
            .iter()
            .map(|link| size_of::<Link>() + link.attributes.weight())
            .sum();
        size_of::<Self>() + self.attributes.weight() + events + links
    }
}
