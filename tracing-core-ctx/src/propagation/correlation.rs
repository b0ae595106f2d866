use super::foreign::{first, opaque, span_id, trace_id};
use super::line::Line;
use super::{Extract, Extraction, Inject, Propagator};
use crate::context::SamplingHint;
use crate::trace_state::trim_ows;
use crate::{Context, SpanContext, SpanId, TraceFlags, TraceId};

const TRACE_ID: &str = "x-trace-id";
const SPAN_ID: &str = "x-span-id";
const PARENT_SPAN_ID: &str = "x-parent-span-id";

/// `X-Trace-ID`, `X-Span-ID` and `X-Parent-Span-ID`: plain correlation headers, as many estates had them before there was a standard.
///
/// ```abnf
/// X-Trace-ID       = 32HEXDIG / 16HEXDIG / uuid / 1*128VCHAR   ; the last one is no trace id
/// X-Span-ID        = 16HEXDIG                                  ; the caller's span
/// X-Parent-Span-ID = 16HEXDIG                                  ; counts when there is no X-Span-ID
/// ```
///
/// `X-Trace-ID: 123e4567-e89b-12d3-a456-426614174000`, `X-Span-ID: 00f067aa0ba902b7`.
///
/// This is a last resort: place it behind the standard formats of a [`Composite`](super::Composite), and do not place it at the
/// edge to the public. The caller's span is taken from it only if nothing else gave one, and only if both ids are there and readable.
/// Neither the sampled nor the random flag is set, and the sampling decision is ours ([`SamplingHint::Defer`]).
///
/// Whatever `X-Trace-ID` said is kept as the context value [`CorrelationId`], unless it is nothing but the id of the trace that is
/// continued: a text that cannot be a trace id, an id that came without a span, another spelling. It is not derived from, only
/// passed on.
///
/// Sent are `X-Trace-ID`, with the [`CorrelationId`] if there is one and the trace id otherwise, and `X-Span-ID`, the current span. The
/// parent of the current span is of no use to the one who is called: a stale `X-Parent-Span-ID` is removed.
///
/// ```
/// use std::collections::HashMap;
/// use tracing_core_ctx::Context;
/// use tracing_core_ctx::propagation::{Correlation, CorrelationId, Extraction, Propagator};
///
/// let headers = HashMap::from([("x-trace-id".to_owned(), "order-4711".to_owned())]);
/// let mut extraction = Extraction::new(Context::new());
/// Correlation::default().extract(&mut extraction, &headers);
/// let cx = extraction.into_context();
/// assert!(cx.span_context().is_none());
/// assert_eq!(cx.value().map(CorrelationId::as_str), Some("order-4711"));
///
/// let mut sent = HashMap::new();
/// Correlation::default().inject(&cx, &mut sent);
/// assert_eq!(sent, headers);
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Correlation;

/// What `X-Trace-ID` said, when it is not simply the trace id: 1 to 128 visible ASCII characters.
///
/// Found in a context with [`Context::value`]. See [`Correlation`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorrelationId(Box<str>);

impl CorrelationId {
    /// The text as it came.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The trace id that it spells, if it spells one: 32 hex digits, 16 of them, or a UUID.
    #[must_use]
    pub fn trace_id(&self) -> Option<TraceId> {
        spelled(self.0.as_bytes())
    }
}

impl Propagator for Correlation {
    fn extract(&self, extraction: &mut Extraction<'_>, carrier: &dyn Extract) {
        let Some(value) = first(carrier, TRACE_ID) else {
            return;
        };
        let Some(text) = opaque(value) else {
            extraction.report_malformed();
            return;
        };
        if !extraction.has_span()
            && let Some(trace_id) = spelled(text.as_bytes())
        {
            match caller(carrier) {
                Caller::Malformed => extraction.report_malformed(),
                Caller::Span(span_id) => {
                    extraction.update(|cx| cx.with_sampling_hint(SamplingHint::Defer));
                    extraction.set_span(SpanContext::new(trace_id, span_id, TraceFlags::NONE));
                }
                Caller::Unknown => {}
            }
        }
        let trace_id = extraction.span_context().map(SpanContext::trace_id);
        let says_more = trace_id.is_none_or(|id| id.to_hex() != text.as_bytes());
        if says_more {
            let id = CorrelationId(text.into());
            extraction.update(|cx| cx.with_value(id));
        }
    }

    fn inject(&self, context: &Context, carrier: &mut dyn Inject) {
        let span = context.span_context();
        if let Some(id) = context.value::<CorrelationId>() {
            carrier.set(TRACE_ID, id.as_str());
        } else if let Some(span) = span {
            carrier.set(
                TRACE_ID,
                Line::<32>::new().push(&span.trace_id().to_hex()).as_str(),
            );
        }
        if let Some(span) = span {
            carrier.set(
                SPAN_ID,
                Line::<16>::new().push(&span.span_id().to_hex()).as_str(),
            );
            carrier.remove(PARENT_SPAN_ID);
        }
    }

    fn fields(&self) -> Vec<&'static str> {
        vec![TRACE_ID, SPAN_ID]
    }

    fn reads(&self) -> Vec<&'static str> {
        vec![TRACE_ID, SPAN_ID, PARENT_SPAN_ID]
    }
}

enum Caller {
    Malformed,
    Span(SpanId),
    Unknown,
}

fn caller(carrier: &dyn Extract) -> Caller {
    let value = first(carrier, SPAN_ID).or_else(|| first(carrier, PARENT_SPAN_ID));
    let Some(value) = value.map(trim_ows) else {
        return Caller::Unknown;
    };
    match span_id(value).filter(|_| value.len() == 16) {
        Some(id) => Caller::Span(id),
        None => Caller::Malformed,
    }
}

fn spelled(text: &[u8]) -> Option<TraceId> {
    match text.len() {
        16 | 32 => trace_id(text),
        36 => {
            let dashes = [8, 13, 18, 23].map(|index| text[index]);
            let mut digits = text.iter().filter(|byte| **byte != b'-');
            let digits = [(); 32].map(|()| digits.next().copied().unwrap_or_default());
            trace_id(&digits).filter(|_| dashes == [b'-'; 4])
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
