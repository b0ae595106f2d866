//! Head sampling: whether a span is recorded, decided before anything of it is built.
//!
//! ```
//! use tracing_core_ctx::sampler::{ParentBased, Probability};
//!
//! // A tenth of the traces that start here; of the others, what their caller decided.
//! let sampler = ParentBased::new(Probability::new(0.1));
//! ```

mod always;
mod parent_based;
mod probability;
pub mod threshold;

use std::borrow::Cow;
use std::fmt;

pub use always::{AlwaysOff, AlwaysOn};
pub use parent_based::ParentBased;
pub use probability::Probability;

use crate::attribute::{Attributes, ValueRef};
use crate::context::SamplingHint;
use crate::span::{Link, SpanKind};
use crate::{SpanContext, TraceId, TraceState};

/// Decides whether a span is recorded and sampled.
///
/// - **When**: once for each span that is about to start, on the thread that starts it; not when the tracer has no sink, nor in a
///   suppressed context.
/// - **Sees**: what is known before the span exists, borrowed. What is current on the thread is not to be seen meanwhile.
/// - **If it panics or is slow**: whoever starts the span panics or waits.
pub trait Sampler: fmt::Debug + Send + Sync {
    /// Decides from what is known before the span exists.
    fn sample(&self, input: &SamplingInput<'_>) -> Sampling;

    /// Describes the sampler and its settings, such as `AlwaysOnSampler`.
    fn description(&self) -> Cow<'static, str>;
}

/// What is known when a span is about to start. All of it is borrowed.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct SamplingInput<'a> {
    /// The parent, unless this is a root.
    pub parent: Option<&'a SpanContext>,
    /// Whether the parent is a span of this process that records, sampled or not.
    pub parent_is_recording: bool,
    /// What the caller wished beside the sampled flag.
    pub hint: Option<SamplingHint>,
    /// The parent's trace, or the new one.
    pub trace_id: TraceId,
    /// The name, if it was given; see [`name`](Self::name).
    pub(crate) name: &'a str,
    /// The role.
    pub kind: SpanKind,
    /// The attributes known at the start.
    pub attributes: &'a dyn AttributeSource,
    /// The links known at the start.
    pub links: &'a [Link],
}

impl<'a> SamplingInput<'a> {
    /// A root span of kind internal with nothing known about it, for trying out a sampler.
    #[must_use]
    pub const fn new(trace_id: TraceId, name: &'a str) -> Self {
        Self {
            parent: None,
            parent_is_recording: false,
            hint: None,
            trace_id,
            name,
            kind: SpanKind::Internal,
            attributes: &(),
            links: &[],
        }
    }

    /// The same with a parent, whose trace id is taken over.
    #[must_use]
    pub const fn with_parent(mut self, parent: &'a SpanContext) -> Self {
        self.parent = Some(parent);
        self.trace_id = parent.trace_id();
        self
    }

    /// The name so far. An instrumentation may put it together only when it is asked here.
    #[must_use]
    pub fn name(&self) -> &'a str {
        match self.name {
            "" => self.attributes.name(),
            name => name,
        }
    }

    /// The `tracestate` of the parent.
    #[must_use]
    pub fn trace_state(&self) -> &'a TraceState {
        const EMPTY: &TraceState = &TraceState::EMPTY;
        self.parent.map_or(EMPTY, SpanContext::trace_state)
    }
}

impl fmt::Debug for SamplingInput<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SamplingInput")
            .field("parent", &self.parent)
            .field("hint", &self.hint)
            .field("trace_id", &self.trace_id)
            .field("name", &self.name())
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// Attributes that can be asked for before a span is built.
pub trait AttributeSource {
    /// The name that the span will have, for a span that is started without one. Default: none.
    fn name(&self) -> &str {
        ""
    }

    /// The value of `key`, if it is known already.
    fn get(&self, key: &str) -> Option<ValueRef<'_>>;
}

impl AttributeSource for Attributes {
    fn get(&self, key: &str) -> Option<ValueRef<'_>> {
        Self::get(self, key)
    }
}

/// Knows nothing.
impl AttributeSource for () {
    fn get(&self, _key: &str) -> Option<ValueRef<'_>> {
        None
    }
}

/// What a [`Sampler`] decided.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Sampling {
    /// Whether to record, and whether to set the sampled flag.
    pub decision: Decision,
    /// The `tracestate` of the span; `None` takes the parent's.
    pub trace_state: Option<TraceState>,
    /// Attributes to add to the span.
    pub attributes: Attributes,
    /// Whether a span that is dropped is of no interest to who decides at the end of spans either.
    pub is_final: bool,
    /// Whether every trace like this one is kept, though no threshold says so: who keeps only a part of them later knows the part. A sampler that
    /// asks another one by chance sets it to false.
    pub is_certain: bool,
}

impl Sampling {
    /// The decision alone.
    #[must_use]
    pub const fn new(decision: Decision) -> Self {
        Self {
            decision,
            trace_state: None,
            attributes: Attributes::new(),
            is_final: false,
            is_certain: false,
        }
    }

    /// The same, where whoever decides later has no say: what is dropped is not even recorded for them.
    #[must_use]
    pub const fn finally(mut self) -> Self {
        self.is_final = true;
        self
    }

    /// The same with another `tracestate`.
    #[must_use]
    pub fn with_trace_state(mut self, trace_state: TraceState) -> Self {
        self.trace_state = Some(trace_state);
        self
    }
}

/// The three outcomes of the OpenTelemetry specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_enums,
    reason = "OpenTelemetry fixed the three outcomes"
)]
pub enum Decision {
    /// Nothing is recorded; the context still travels.
    Drop,
    /// Recorded for this process alone: the sampled flag is off.
    RecordOnly,
    /// Recorded, and the sampled flag is on.
    RecordAndSample,
}

#[cfg(test)]
mod tests;
