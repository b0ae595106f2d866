//! What of a span travels to other services.

use std::fmt;

use crate::{SpanId, TraceFlags, TraceId, TraceState};

/// The identity of a span: always valid, immutable, cheap to clone.
///
/// ```
/// use tracing_core_ctx::{SpanContext, TraceFlags};
///
/// let cx = SpanContext::new(
///     "4bf92f3577b34da6a3ce929d0e0e4736".parse()?,
///     "00f067aa0ba902b7".parse()?,
///     TraceFlags::SAMPLED,
/// );
/// assert!(cx.is_sampled());
/// assert!(!cx.is_remote());
/// # Ok::<(), tracing_core_ctx::id::InvalidId>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct SpanContext {
    trace_id: TraceId,
    span_id: SpanId,
    trace_state: TraceState,
    flags: TraceFlags,
    remote: bool,
}

impl SpanContext {
    /// The context of a span of this process, without `tracestate`.
    #[must_use]
    pub const fn new(trace_id: TraceId, span_id: SpanId, flags: TraceFlags) -> Self {
        Self {
            trace_id,
            span_id,
            trace_state: TraceState::EMPTY,
            flags,
            remote: false,
        }
    }

    /// The context of a span of this process.
    #[inline]
    pub(crate) const fn with_all(
        trace_id: TraceId,
        span_id: SpanId,
        flags: TraceFlags,
        trace_state: TraceState,
    ) -> Self {
        Self {
            trace_id,
            span_id,
            trace_state,
            flags,
            remote: false,
        }
    }

    /// Becomes the context of a span of this process, below what it was; a `tracestate` takes the place of the parent's.
    #[inline]
    pub(crate) fn become_local(
        &mut self,
        span_id: SpanId,
        flags: TraceFlags,
        trace_state: Option<TraceState>,
    ) {
        self.span_id = span_id;
        self.flags = flags;
        self.remote = false;
        if let Some(trace_state) = trace_state {
            self.trace_state = trace_state;
        }
    }

    /// Is sampled after all, with this `tracestate`.
    #[inline]
    pub(crate) fn become_sampled(&mut self, trace_state: TraceState) {
        self.flags = self.flags.with_sampled(true);
        self.trace_state = trace_state;
    }

    /// Its `tracestate`.
    #[inline]
    pub(crate) fn into_trace_state(self) -> TraceState {
        self.trace_state
    }

    /// The same with another `tracestate`.
    #[must_use]
    pub fn with_trace_state(mut self, trace_state: TraceState) -> Self {
        self.trace_state = trace_state;
        self
    }

    /// The same with the sampled flag on or off.
    #[must_use]
    pub const fn with_sampled(mut self, sampled: bool) -> Self {
        self.flags = self.flags.with_sampled(sampled);
        self
    }

    /// The same, marked as received from elsewhere or not.
    #[must_use]
    pub const fn with_remote(mut self, remote: bool) -> Self {
        self.remote = remote;
        self
    }

    /// The trace.
    #[must_use]
    pub const fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    /// The span.
    #[must_use]
    pub const fn span_id(&self) -> SpanId {
        self.span_id
    }

    /// Sampled and random.
    #[must_use]
    pub const fn flags(&self) -> TraceFlags {
        self.flags
    }

    /// What other tracing systems added.
    #[must_use]
    pub const fn trace_state(&self) -> &TraceState {
        &self.trace_state
    }

    /// Whether the sampled flag is on.
    #[must_use]
    pub const fn is_sampled(&self) -> bool {
        self.flags.is_sampled()
    }

    /// Whether it was received from another process.
    #[must_use]
    pub const fn is_remote(&self) -> bool {
        self.remote
    }
}

impl fmt::Debug for SpanContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "SpanContext({}-{}-{:02x}",
            self.trace_id,
            self.span_id,
            self.flags.bits()
        )?;
        if !self.trace_state.is_empty() {
            write!(f, " {}", self.trace_state)?;
        }
        f.write_str(if self.remote { " remote)" } else { ")" })
    }
}
