use std::fmt;

use super::recording::Recording;
use super::{Event, Link, Status};
use crate::attribute::{AttributeKey, AttributeValue, Attributes, KeptText};
use crate::{InstrumentationScope, SpanContext, SpanId, Timestamp, TraceState};

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
///
/// As large as a pointer. Its memory is used again by a later span when it is dropped.
pub struct SpanRecord {
    /// Gone only while this is being dropped.
    recording: Option<Box<Recording>>,
}

impl SpanRecord {
    /// Of a span that has ended.
    #[inline]
    pub(super) fn new(mut recording: Box<Recording>) -> Self {
        recording.weigh();
        Self {
            recording: Some(recording),
        }
    }

    #[inline]
    fn get(&self) -> &Recording {
        static NONE: Recording = Recording::EMPTY;
        self.recording.as_deref().unwrap_or(&NONE)
    }

    /// Identity, flags and `tracestate`.
    #[must_use]
    pub fn span_context(&self) -> &SpanContext {
        &self.get().span_context
    }

    /// The parent, unless this is the root of its trace.
    #[must_use]
    pub fn parent(&self) -> Option<SpanId> {
        self.get().parent
    }

    /// Whether the parent is a span of another process.
    #[must_use]
    pub fn parent_is_remote(&self) -> bool {
        self.get().parent_is_remote
    }

    /// Whether no span of this process is above it.
    #[must_use]
    pub fn is_local_root(&self) -> bool {
        let recording = self.get();
        recording.parent.is_none() || recording.parent_is_remote
    }

    /// The local trace that it belongs to: the uppermost recorded span of this process above it, or its own id where there is none.
    ///
    /// Spans with the same trace id and local root are what one request has recorded in this process. The root itself ends after them,
    /// but for those that outlive it.
    #[must_use]
    pub fn local_root(&self) -> SpanId {
        self.get().local_root
    }

    /// Its role.
    #[must_use]
    pub fn kind(&self) -> SpanKind {
        self.get().kind
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.get().attributes.name()
    }

    /// Its name where it is kept, for who copies many.
    #[must_use]
    pub fn kept_name(&self) -> KeptText<'_> {
        self.get().attributes.kept_name()
    }

    /// When it started.
    #[must_use]
    pub fn start(&self) -> Timestamp {
        self.get().start
    }

    /// When it ended; never before it started.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        self.get().end
    }

    /// Says that it is sampled after all, and with which `tracestate`: for who decides after the end. What has travelled on with the
    /// context stays as it was.
    pub fn set_sampled(&mut self, trace_state: TraceState) {
        if let Some(recording) = &mut self.recording {
            recording.span_context.become_sampled(trace_state);
        }
    }

    /// Adds what is found out after the end, in place of any other value of the same key. Without limits.
    pub fn set<K: AttributeKey>(&mut self, key: K, value: impl AttributeValue<K::Type>) {
        if let Some(recording) = &mut self.recording {
            recording.attributes.set(key, value);
            recording.weigh();
        }
    }

    /// How it ended.
    #[must_use]
    pub fn status(&self) -> &Status {
        &self.get().status
    }

    /// Whether its [status](Self::status) is an error: for who asks it of many.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.get().has_failed()
    }

    /// What is known about it.
    #[must_use]
    pub fn attributes(&self) -> &Attributes {
        &self.get().attributes
    }

    /// What happened in it, in the order of recording.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.get().events
    }

    /// What it is related to beside its parent.
    #[must_use]
    pub fn links(&self) -> &[Link] {
        &self.get().links
    }

    /// Events dropped because of a limit.
    #[must_use]
    pub fn dropped_events(&self) -> u32 {
        self.get().dropped_events
    }

    /// Links dropped because of a limit.
    #[must_use]
    pub fn dropped_links(&self) -> u32 {
        self.get().dropped_links
    }

    /// Who recorded it.
    #[must_use]
    pub fn scope(&self) -> &'static InstrumentationScope {
        self.get().scope
    }

    /// Bytes of memory held, roughly: what a byte bound of a queue counts.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.get().weight()
    }
}

impl Clone for SpanRecord {
    fn clone(&self) -> Self {
        Self {
            recording: self.recording.clone(),
        }
    }
}

impl Drop for SpanRecord {
    fn drop(&mut self) {
        if let Some(recording) = self.recording.take() {
            recording.give_back();
        }
    }
}

impl fmt::Debug for SpanRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpanRecord")
            .field("name", &self.name())
            .field("span_context", self.span_context())
            .field("parent", &self.parent())
            .field("kind", &self.kind())
            .field("start", &self.start())
            .field("end", &self.end())
            .field("status", self.status())
            .field("attributes", self.attributes())
            .field("events", &self.events())
            .field("links", &self.links())
            .finish_non_exhaustive()
    }
}
