//! A context gets another current span.

use std::mem;

use triomphe::Arc;

use super::{Context, node};
use crate::span::SpanRef;
use crate::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

impl Context {
    /// The same with a span of another service as the current one.
    #[must_use]
    pub fn with_remote_span(mut self, span_context: SpanContext) -> Self {
        self.set_remote_span(span_context);
        self
    }

    #[inline]
    pub(crate) fn set_remote_span(&mut self, span_context: SpanContext) {
        self.change(|node| node.span = SpanRef::passing(span_context));
    }

    /// The same with `span` as the current one; with none, if `span` has no identity.
    ///
    /// A span of this process has decided about sampling: of what the caller wished, only [`SamplingHint::Debug`](super::SamplingHint::Debug) stays.
    #[must_use]
    pub fn with_span(mut self, span: &SpanRef) -> Self {
        self.set_span(span.clone());
        self
    }

    fn set_span(&mut self, span: SpanRef) {
        // A span that is not ours only passes through, and its caller's wish with it.
        let is_ours = span.span_context().is_some_and(|span| !span.is_remote());
        self.change(|node| {
            node.span = span;
            if is_ours {
                node.forget_hint();
            }
        });
    }

    /// Another one with a span of this process that has just started, and all the rest of this one.
    #[inline]
    pub(crate) fn with_local_span(&self, span: SpanRef) -> Self {
        let mut node = node::empty();
        if let Some(own) = Arc::get_mut(&mut node) {
            own.span = span;
            if let Some(above) = &self.node {
                own.extras.clone_from(&above.extras);
                own.hint = above.hint;
                own.suppressed = above.suppressed;
                own.telemetry = above.telemetry;
                own.forget_hint();
            }
        }
        Self { node: Some(node) }
    }

    /// Puts a span of this process in the place of the current one, which `start` is given.
    #[inline]
    pub(crate) fn replace_span(&mut self, start: impl FnOnce(SpanRef) -> SpanRef) {
        self.change(|node| {
            node.span = start(mem::take(&mut node.span));
            node.forget_hint();
        });
    }

    /// Takes a span of this process, which is not recorded, as the current one: below the current one, whose `tracestate` it takes over
    /// unless it has its own.
    #[inline]
    pub(crate) fn set_unrecorded(
        &mut self,
        (trace_id, span_id): (TraceId, SpanId),
        flags: TraceFlags,
        trace_state: Option<TraceState>,
    ) {
        self.change(|node| {
            node.forget_hint();
            // Mostly it takes the place of its caller's.
            if let Some(caller) = node.span.passing_mut() {
                caller.become_local(span_id, flags, trace_state);
            } else {
                let above = node.span.span_context();
                let trace_state = trace_state
                    .or_else(|| above.map(|above| above.trace_state().clone()))
                    .unwrap_or_default();
                let span_context = SpanContext::with_all(trace_id, span_id, flags, trace_state);
                node.span = SpanRef::passing(span_context);
            }
        });
    }

    /// The same with no span and no wish for sampling: what starts below is a new trace.
    #[must_use]
    pub fn without_span(mut self) -> Self {
        if self.node.is_some() {
            self.change(|node| {
                node.span = SpanRef::NONE;
                node.hint = None;
            });
        }
        self
    }
}
