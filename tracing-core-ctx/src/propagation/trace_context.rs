use super::{Extract, Extraction, Inject, Only, Propagator};
use crate::trace_state::{InvalidTraceState, Reader, trim_ows};
use crate::{Context, SpanContext, SpanId, SpanRef, TraceFlags, TraceId, TraceState, hex};

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";

/// `traceparent` and `tracestate`: [W3C Trace Context Level 2](https://www.w3.org/TR/trace-context-2/), read strictly.
///
/// ```abnf
/// value   = version "-" trace-id "-" parent-id "-" trace-flags    ; version 00: exactly 55 characters
/// version = 2HEXDIGLC      ; not ff        trace-id    = 32HEXDIGLC ; not all zero
/// parent-id = 16HEXDIGLC   ; not all zero  trace-flags = 2HEXDIGLC
/// ```
///
/// `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`. A higher version may have more behind a `-` and is written back as 00; two
/// `traceparent` headers are none; a `tracestate` without a valid `traceparent` is dropped.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct TraceContext;

impl Propagator for TraceContext {
    fn extract(&self, extraction: &mut Extraction<'_>, carrier: &dyn Extract) {
        if !extraction.has_span() {
            let state = || carrier.get_one(TRACESTATE);
            read(carrier.get_one(TRACEPARENT), state, extraction, carrier);
        }
    }

    fn inject(&self, context: &Context, carrier: &mut dyn Inject) {
        self.inject_span(context.span_ref(), context, carrier);
    }

    fn inject_span(&self, span: &SpanRef, _: &Context, carrier: &mut dyn Inject) {
        let Some(span) = span.span_context() else {
            return;
        };
        let mut text = [0; 55];
        format(span, &mut text);
        carrier.set_w3c(&text, span.trace_state().as_bytes());
    }

    fn fields(&self) -> Vec<&'static str> {
        vec![TRACEPARENT, TRACESTATE]
    }
}

impl TraceContext {
    /// The value of `traceparent` for a span, always of version 00.
    ///
    /// ```
    /// use tracing_core_ctx::{SpanContext, TraceFlags, propagation::TraceContext};
    ///
    /// let cx = SpanContext::new(
    ///     "4bf92f3577b34da6a3ce929d0e0e4736".parse()?,
    ///     "00f067aa0ba902b7".parse()?,
    ///     TraceFlags::SAMPLED,
    /// );
    /// let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    /// assert_eq!(TraceContext::traceparent(&cx), text);
    /// assert_eq!(TraceContext::parse_traceparent(text.as_bytes()), Some(cx));
    /// # Ok::<(), tracing_core_ctx::id::InvalidId>(())
    /// ```
    #[must_use]
    pub fn traceparent(span: &SpanContext) -> String {
        let mut text = [0; 55];
        format(span, &mut text);
        std::str::from_utf8(&text).unwrap_or_default().to_owned()
    }

    /// Reads one value of `traceparent`; `None` when it is malformed.
    #[must_use]
    pub fn parse_traceparent(value: &[u8]) -> Option<SpanContext> {
        let (trace_id, span_id, flags) = parse(value)?;
        Some(SpanContext::new(trace_id, span_id, flags))
    }
}

/// Takes over what was found under the two names.
pub(super) fn read<'a>(
    parent: Only<'a>,
    state: impl FnOnce() -> Only<'a>,
    extraction: &mut Extraction<'_>,
    carrier: &dyn Extract,
) {
    if parent == Only::None || extraction.has_span() {
        return;
    }
    let Some(parent) = parent.value().and_then(parse) else {
        extraction.report_malformed();
        return;
    };
    let state = match state() {
        Only::None => Ok(TraceState::EMPTY),
        Only::One(header) => TraceState::from_header(header),
        Only::Many => read_all(carrier),
    };
    let state = state.unwrap_or_else(|_| {
        extraction.report_malformed();
        TraceState::EMPTY
    });
    let (trace_id, span_id, flags) = parent;
    let span_context = SpanContext::new(trace_id, span_id, flags)
        .with_remote(true)
        .with_trace_state(state);
    extraction.put_span(span_context);
}

/// The lists of several headers as one.
#[cold]
fn read_all(carrier: &dyn Extract) -> Result<TraceState, InvalidTraceState> {
    let mut reader = Reader::new();
    let mut result = Ok(());
    carrier.get_all(TRACESTATE, &mut |header| {
        if result.is_ok() {
            result = reader.read(header);
        }
    });
    result.map(|()| reader.finish())
}

#[inline]
fn parse(value: &[u8]) -> Option<(TraceId, SpanId, TraceFlags)> {
    let value = match value.len() {
        55 => value,
        _ => trim_ows(value),
    };
    let (fixed, rest) = value.split_first_chunk::<55>()?;
    let well_formed = match hex::decode_byte([fixed[0], fixed[1]])? {
        0x00 => rest.is_empty(),
        0xff => false,
        _ => rest.first().is_none_or(|&byte| byte == b'-'),
    };
    if !well_formed || fixed[2] != b'-' || fixed[35] != b'-' || fixed[52] != b'-' {
        return None;
    }
    // Both ids at once.
    let mut digits = [[0; 2]; 24];
    let (trace_digits, span_digits) = digits.as_flattened_mut().split_at_mut(32);
    trace_digits.copy_from_slice(&fixed[3..35]);
    span_digits.copy_from_slice(&fixed[36..52]);
    let ids = hex::decode(&digits)?;
    let (trace_id, span_id) = ids.split_first_chunk::<16>()?;
    Some((
        TraceId::from_bytes(*trace_id)?,
        SpanId::from_bytes(span_id.try_into().ok()?)?,
        TraceFlags::from_bits(hex::decode_byte([fixed[53], fixed[54]])?),
    ))
}

fn format(span: &SpanContext, text: &mut [u8; 55]) {
    let mut ids = [0; 24];
    ids[..16].copy_from_slice(&span.trace_id().to_bytes());
    ids[16..].copy_from_slice(&span.span_id().to_bytes());
    let digits = hex::encode(ids);
    let (trace_digits, span_digits) = digits.as_flattened().split_at(32);
    text[..3].copy_from_slice(b"00-");
    text[3..35].copy_from_slice(trace_digits);
    text[35] = b'-';
    text[36..52].copy_from_slice(span_digits);
    text[52] = b'-';
    text[53..].copy_from_slice(hex::encode([span.flags().bits()]).as_flattened());
}

#[cfg(test)]
mod tests;
