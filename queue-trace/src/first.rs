//! Where a message was first sent from, of one that is sent on: a retry or a dead letter.

#[cfg(any(feature = "amqp", feature = "kafka"))]
use tracing_core_ctx::{Context, SpanContext, propagation::TraceContext};

#[cfg(any(feature = "amqp", feature = "kafka"))]
use crate::carrier::text;

/// The header in which a message that is sent on keeps that, as a `traceparent`.
pub(crate) const FIRST: &str = "ctx-first-traceparent";

/// What [`FIRST`] says.
#[cfg(any(feature = "amqp", feature = "kafka"))]
pub(crate) fn first(value: &[u8]) -> Option<SpanContext> {
    let span = TraceContext::parse_traceparent(text(value)?)?;
    Context::new()
        .with_remote_span(span)
        .span_context()
        .cloned()
}
