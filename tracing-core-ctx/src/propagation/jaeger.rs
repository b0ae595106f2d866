use super::baggage::{MAX_BYTES, MAX_MEMBERS, is_token};
use super::foreign::{first, opaque, span_id, trace_id};
use super::line::Line;
use super::{Extract, Extraction, Inject, Propagator, percent, scratch};
use crate::baggage::Entry;
use crate::context::SamplingHint;
use crate::trace_state::trim_ows;
use crate::{Context, SpanContext, TraceFlags, hex};

const TRACE: &str = "uber-trace-id";
const BAGGAGE_PREFIX: &str = "uberctx-";
const ALL_BAGGAGE: &str = "uberctx-*";
const DEBUG_ID: &str = "jaeger-debug-id";

const SAMPLED: u128 = 0x01;
const DEBUG: u128 = 0x02;

/// `uber-trace-id` and `uberctx-*`: [the format of Jaeger's own clients](https://www.jaegertracing.io/sdk-migration/#propagation-format).
///
/// ```abnf
/// uber-trace-id = 1*32HEXDIG ":" 1*16HEXDIG ":" parent ":" flags   ; trace and span, neither zero
/// parent        = *16HEXDIG                                        ; ignored when read, written as 0
/// flags         = 1*2HEXDIG                                        ; 1 sampled, 2 debug, 8 firehose
/// ```
///
/// `4bf92f3577b34da6a3ce929d0e0e4736:00f067aa0ba902b7:0:1`. The value may be percent-encoded as a whole. Short ids are padded with
/// zeros, hex of either case is read. The debug flag counts only beside the sampled flag, as its description demands, and becomes
/// [`SamplingHint::Debug`].
///
/// **Baggage** is one header for each entry, `uberctx-NAME`, with a percent-encoded value in which a bare `+` is a space, as
/// some clients write it. The limits are those of [W3C Baggage](super::BaggagePropagator); an entry that is there already is left alone.
/// Metadata does not travel, and names lose their case. Carriers cannot be asked what they hold, so headers of entries that are gone are not
/// removed by writing; [`reads`](Propagator::reads) names them as `uberctx-*`.
///
/// **`jaeger-debug-id`**, without ids, asks for a trace whatever samplers say: it gives [`SamplingHint::Debug`] and the context value
/// [`JaegerDebugId`].
///
/// ```
/// use std::collections::HashMap;
/// use tracing_core_ctx::Context;
/// use tracing_core_ctx::propagation::{Extraction, Jaeger, Propagator};
///
/// let headers = HashMap::from([
///     ("uber-trace-id".to_owned(), "a3ce929d0e0e4736:f067aa0ba902b7:0:1".to_owned()),
///     ("uberctx-user".to_owned(), "Am%C3%A9lie".to_owned()),
/// ]);
/// let mut extraction = Extraction::new(Context::new());
/// Jaeger::default().extract(&mut extraction, &headers);
/// assert_eq!(extraction.context().baggage().get("user"), Some("Amélie"));
///
/// let mut sent = HashMap::new();
/// Jaeger::default().inject(&extraction.into_context(), &mut sent);
/// assert_eq!(sent["uber-trace-id"], "0000000000000000a3ce929d0e0e4736:00f067aa0ba902b7:0:1");
/// assert_eq!(sent["uberctx-user"], "Am%C3%A9lie");
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Jaeger;

/// The value of `jaeger-debug-id`, to be found again among the tags of the trace: 1 to 128 visible ASCII characters.
///
/// ```
/// use std::collections::HashMap;
/// use tracing_core_ctx::Context;
/// use tracing_core_ctx::propagation::{Extraction, Jaeger, JaegerDebugId, Propagator};
///
/// let headers = HashMap::from([("jaeger-debug-id".to_owned(), "ticket-4711".to_owned())]);
/// let mut extraction = Extraction::new(Context::new());
/// Jaeger::default().extract(&mut extraction, &headers);
/// let id = extraction.context().value::<JaegerDebugId>();
/// assert_eq!(id.map(JaegerDebugId::as_str), Some("ticket-4711"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JaegerDebugId(Box<str>);

impl JaegerDebugId {
    /// The text as it came.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Propagator for Jaeger {
    fn extract(&self, extraction: &mut Extraction<'_>, carrier: &dyn Extract) {
        if !extraction.has_span() {
            extract_span(extraction, carrier);
        }
        extract_baggage(extraction, carrier);
    }

    fn inject(&self, context: &Context, carrier: &mut dyn Inject) {
        if let Some(span) = context.span_context() {
            let flags = match (span.is_sampled(), context.sampling_hint()) {
                (false, _) => b"0",
                (true, Some(SamplingHint::Debug)) => b"3",
                (true, _) => b"1",
            };
            let line = Line::<53>::new().push(&span.trace_id().to_hex()).push(b":");
            let line = line.push(&span.span_id().to_hex()).push(b":0:").push(flags);
            carrier.set(TRACE, line.as_str());
        }
        inject_baggage(context, carrier);
    }

    fn fields(&self) -> Vec<&'static str> {
        vec![TRACE]
    }

    fn reads(&self) -> Vec<&'static str> {
        vec![TRACE, DEBUG_ID, ALL_BAGGAGE]
    }
}

fn extract_span(extraction: &mut Extraction<'_>, carrier: &dyn Extract) {
    if let Some(value) = first(carrier, TRACE) {
        let Some((span, debug)) = parse(trim_ows(value)) else {
            extraction.report_malformed();
            return;
        };
        extraction.set_span(span);
        if debug {
            extraction.update(|cx| cx.with_sampling_hint(SamplingHint::Debug));
        }
    } else if let Some(value) = first(carrier, DEBUG_ID) {
        let Some(id) = opaque(value) else {
            extraction.report_malformed();
            return;
        };
        let id = JaegerDebugId(id.into());
        extraction.update(|cx| cx.with_sampling_hint(SamplingHint::Debug).with_value(id));
    }
}

fn parse(value: &[u8]) -> Option<(SpanContext, bool)> {
    // As long as a value can be: 32 and 16 digits of ids, 16 of the parent, 2 of flags and three colons.
    let mut buffer = [0; 69];
    let mut length = 0;
    for byte in percent::bytes(value) {
        *buffer.get_mut(length)? = byte;
        length += 1;
    }
    let mut pieces = buffer[..length].split(|&byte| byte == b':');
    let trace_id = trace_id(pieces.next()?)?;
    let span_id = span_id(pieces.next()?)?;
    let parent = pieces.next()?;
    let flags = pieces.next().filter(|flags| flags.len() <= 2)?;
    let flags = hex::decode_either(flags)?;
    let parent_is_fine = parent.len() <= 16 && parent.iter().all(u8::is_ascii_hexdigit);
    if !parent_is_fine || pieces.next().is_some() {
        return None;
    }
    let sampled = flags & SAMPLED != 0;
    let span = SpanContext::new(trace_id, span_id, TraceFlags::NONE.with_sampled(sampled));
    Some((span, sampled && flags & DEBUG != 0))
}

fn extract_baggage(extraction: &mut Extraction<'_>, carrier: &dyn Extract) {
    let mut entries = Vec::new();
    let mut bytes = 0;
    let mut full = false;
    carrier.names(BAGGAGE_PREFIX, &mut |name| {
        let Some(key) = name.get(BAGGAGE_PREFIX.len()..) else {
            return;
        };
        full = full || entries.len() == MAX_MEMBERS;
        if full || !is_token(key.as_bytes()) {
            extraction.report_malformed();
            return;
        }
        let Some(value) = first(carrier, name) else {
            return;
        };
        // Counted as if it came in a `baggage` header.
        bytes += key.len() + value.len() + 2;
        if bytes > MAX_BYTES {
            full = true;
            extraction.report_malformed();
            return;
        }
        entries.push(Entry::new(key, percent::decode_form(trim_ows(value)), ""));
    });
    extraction.add_baggage(entries);
}

fn inject_baggage(context: &Context, carrier: &mut dyn Inject) {
    let mut left = MAX_BYTES;
    let mut members = 0;
    for entry in context.baggage() {
        if members == MAX_MEMBERS {
            return;
        }
        let least = entry.name().len() + entry.value().len() + 2;
        if least > left || !is_token(entry.name().as_bytes()) {
            continue;
        }
        scratch::with(|text| {
            text.push_str(BAGGAGE_PREFIX);
            text.push_str(entry.name());
            text.make_ascii_lowercase();
            let end = text.len();
            percent::encode(entry.value(), is_unreserved, text);
            let length = text.len() - BAGGAGE_PREFIX.len() + 2;
            if length <= left {
                left -= length;
                members += 1;
                let (name, value) = text.split_at(end);
                carrier.set(name, value);
            }
        });
    }
}

/// Whether nobody encodes `byte` (RFC 3986, section 2.3).
const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

#[cfg(test)]
mod tests;
